"""N-MNIST: digits that an event camera saw, 34 x 34 places of two polarities.

A folder as it is distributed: Train and Test, in each a folder for every digit with one .bin file
per recording, of five bytes an event: column, row, and, highest bit first, the polarity and 23 bits
of the time in microseconds. Or ``nmnist_small.npz``, the first recordings of both splits: arrays t,
x, y, p of all events, one behind another, ``offsets`` of the recordings, ``label``, ``is_test``.

A recording becomes counts of 9 bins of 35 ms, three for each of the camera's three movements; what
comes later is in the last. Inputs are (polarity, row, column), off events first; counts above 255
are clipped.

Source: G. Orchard et al., "Converting Static Image Datasets to Spiking Neuromorphic Datasets Using
Saccades", Frontiers in Neuroscience 2015.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ...model.errors import InputError
from .. import show
from . import archive

__all__ = ["bins", "holds", "load"]

SIDE, DIGITS = 34, 10
BIN, BINS = 35_000, 9  # microseconds
FOLDERS = {"train": "Train", "test": "Test"}
SMALL = "nmnist_small.npz"
ARRAYS = ("t", "x", "y", "p", "offsets", "label", "is_test")


def load(name: str, split: str, places: list[Path]) -> tuple[np.ndarray, np.ndarray, str]:
    """Load one split from the first place that holds it.

    Returns
    -------
    x uint8 (samples, 9, 2312), y int64 (samples,), and `name`
    """
    wanted = f"{FOLDERS[split]} or {SMALL}"
    if not places:
        raise InputError(f"Data set {name} must be given a folder that holds {wanted}")
    folder = next((folder for folder in places if holds(name, split, folder)), None)
    if folder is None:
        raise InputError(f"Data folder {places[-1]} must hold {wanted}")
    if (folder / FOLDERS[split]).is_dir():
        x, y = _folder(folder / FOLDERS[split], split)
    else:
        x, y = _small(folder / SMALL, split == "test")
    return x.reshape(len(x), BINS, -1), y, name


def holds(name: str, split: str, folder: Path) -> bool:
    """Whether recordings of this split lie in a folder."""
    return (folder / FOLDERS.get(split, "") / "0").is_dir() or (folder / SMALL).is_file()


def bins(whose: str, t: np.ndarray, x: np.ndarray, y: np.ndarray, p: np.ndarray) -> np.ndarray:
    """Count the events of one recording.

    Parameters
    ----------
    whose : str, for a refusal
    t, x, y, p : int (events,)
        Microseconds from the start, column, row, polarity 0 or 1.

    Returns
    -------
    uint8 (9, 2, 34, 34)
    """
    for what, values, most in (("columns", x, SIDE), ("rows", y, SIDE), ("polarities", p, 2)):
        wrong = values[(values < 0) | (values >= most)]
        if len(wrong):
            raise InputError(f"{whose}: {what} must be in 0..{most - 1}, not {wrong[0]}")
    if len(t) and t.min() < 0:
        raise InputError(f"{whose}: times must be at least 0, not {t.min()}")
    at = np.minimum(t.astype(np.int64) // BIN, BINS - 1)
    place = ((at * 2 + p) * SIDE + y) * SIDE + x
    counts = np.bincount(place, minlength=BINS * 2 * SIDE * SIDE)
    return np.minimum(counts, 255).astype(np.uint8).reshape(BINS, 2, SIDE, SIDE)


def _folder(folder: Path, split: str) -> tuple[np.ndarray, np.ndarray]:
    files = [
        (digit, path)
        for digit in range(DIGITS)
        for path in sorted((folder / str(digit)).glob("*.bin"))
    ]
    if not files:
        raise InputError(f"Data folder {folder} must hold recordings, such as 0/00002.bin")
    x = np.empty((len(files), BINS, 2, SIDE, SIDE), np.uint8)
    with show.progress(f"events of nmnist {split}", len(files)) as advance:
        for row, (_, path) in zip(x, files, strict=True):
            row[:] = bins(str(path), *_events(path))
            advance(1)
    return x, np.array([digit for digit, _ in files], np.int64)


def _events(path: Path) -> Iterator[np.ndarray]:
    """Read a recording: times, columns, rows, polarities."""
    content = archive.content(path)
    if not content or len(content) % 5:
        raise InputError(f"{path} must be events of 5 bytes, not {len(content)} bytes")
    x, y, *rest = np.frombuffer(content, np.uint8).reshape(-1, 5).T.astype(np.int64)
    yield (rest[0] & 127) << 16 | rest[1] << 8 | rest[2]
    yield from (x, y, rest[0] >> 7)


def _small(path: Path, test: bool) -> tuple[np.ndarray, np.ndarray]:
    found = archive.read(path, ARRAYS)
    t, x, y, p = (found[name] for name in ARRAYS[:4])
    offsets, label, is_test = (found[name] for name in ARRAYS[4:])
    count = len(label) if label.ndim == 1 else -1
    if (
        any(a.ndim != 1 or a.dtype.kind not in "iu" or len(a) != len(t) for a in (t, x, y, p))
        or label.dtype.kind not in "iu"
        or is_test.shape != (count,)
        or is_test.dtype.kind != "b"
        or offsets.shape != (count + 1,)
        or offsets.dtype.kind not in "iu"
        or (np.diff(offsets.astype(np.int64)) < 0).any()
        or offsets[0] != 0
        or offsets[-1] != len(t)
    ):
        raise InputError(
            f"{path} must hold t, x, y, p of equally many events, offsets that rise from 0 to as"
            " many, and a label and is_test for each recording"
        )
    chosen = np.flatnonzero(is_test == test)
    if not len(chosen):
        raise InputError(f"{path} must hold recordings of the {'test' if test else 'train'} split")
    wrong = label[(label < 0) | (label >= DIGITS)]
    if len(wrong):
        raise InputError(f"{path}: labels must be in 0..{DIGITS - 1}, not {wrong[0]}")
    made = [
        bins(
            f"{path}: Recording {n}",
            *(a[offsets[n] : offsets[n + 1]].astype(np.int64) for a in (t, x, y, p)),
        )
        for n in chosen
    ]
    return np.stack(made), label[chosen].astype(np.int64)
