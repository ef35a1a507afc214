"""Google Speech Commands v2 as events: 35 words, WAV files of up to a second, 140 bands of 10 ms.

The folder is that of the archive as it is distributed: one folder of WAV files per word, and the
lists validation_list.txt and testing_list.txt; what neither names is the training split. Labels are
the numbers of the words in the order of the alphabet. Background noise is left out. Events are made
once and kept in the cache folder, by the hash of the files' names and bytes.

Source: P. Warden, "Speech Commands: A Dataset for Limited-Vocabulary Speech Recognition",
arXiv 1804.03209.
"""

import hashlib
import io
import wave
from pathlib import Path

import numpy as np

from ...model.errors import InputError
from .. import show
from . import archive
from .speech import VERSION, events

__all__ = ["WORDS", "holds", "load"]

WORDS: tuple[str, ...] = tuple(
    (
        "backward bed bird cat dog down eight five follow forward four go happy house learn left"
        " marvin nine no off on one right seven sheila six stop three tree two up visual wow yes"
        " zero"
    ).split()
)
LISTS = {"valid": "validation_list.txt", "test": "testing_list.txt"}
RATE = 16_000  # Hz
BANDS, BIN, BINS = 140, 0.010, 100


def load(name: str, split: str, places: list[Path]) -> tuple[np.ndarray, np.ndarray, str]:
    """Load one split from the first place that holds the lists.

    Returns
    -------
    x uint8 (samples, 100, 140), y int64 (samples,), and `name`: these files have no known bytes
    """
    wanted = " and ".join(LISTS.values())
    if not places:
        raise InputError(f"Data set {name} must be given a folder that holds {wanted}")
    folder = next((folder for folder in places if holds(name, split, folder)), None)
    if folder is None:
        raise InputError(f"Data folder {places[-1]} must hold {wanted}")
    files = _files(folder, split)
    if not files:
        raise InputError(f"Data folder {folder} must hold recordings of the {split} split")
    sum_ = hashlib.sha256(f"{VERSION} {BANDS} {BIN} {BINS}".encode())
    for file in files:
        content = archive.content(folder / file)
        sum_.update(f"\n{file} {len(content)}\n".encode() + content)
    made = archive.cached(name, sum_.hexdigest(), ("x", "y"), lambda: _events(folder, split, files))
    return made["x"], made["y"], name


def holds(name: str, split: str, folder: Path) -> bool:
    """Whether both lists lie in a folder."""
    return all((folder / file).is_file() for file in LISTS.values())


def _files(folder: Path, split: str) -> list[str]:
    """List the files of a split, as WORD/FILE.wav, sorted."""
    listed = {which: _listed(folder / file) for which, file in LISTS.items()}
    if split in listed:
        return sorted(listed[split])
    found = {f"{word}/{path.name}" for word in WORDS for path in (folder / word).glob("*.wav")}
    return sorted(found.difference(*listed.values()))


def _listed(path: Path) -> set[str]:
    try:
        lines = path.read_text().split()
    except (OSError, UnicodeDecodeError):
        raise InputError(f"{path} must be a readable list of WORD/FILE.wav") from None
    for line in lines:
        word, _, file = line.partition("/")
        if word not in WORDS or "/" in file or not file.endswith(".wav"):
            raise InputError(
                f"{path} must list WORD/FILE.wav of the {len(WORDS)} words, not {line!r}"
            )
    return set(lines)


def _events(folder: Path, split: str, files: list[str]) -> archive.Arrays:
    x = np.zeros((len(files), BINS, BANDS), np.uint8)
    with show.progress(f"events of gsc {split}", len(files)) as advance:
        for row, file in zip(x, files, strict=True):
            made = events(_pcm(folder / file), RATE, BANDS, BIN, BINS)
            row[: len(made)] = made
            advance(1)
    return {"x": x, "y": np.array([WORDS.index(file.partition("/")[0]) for file in files])}


def _pcm(path: Path) -> np.ndarray:
    """Read a recording, int16 (samples,)."""
    try:
        with wave.open(io.BytesIO(archive.content(path))) as file:
            channels, width, rate, wanted = file.getparams()[:4]
            content = file.readframes(wanted)
    except (wave.Error, EOFError, RuntimeError):  # the last one: a chunk longer than the file
        raise InputError(f"{path} must be a WAV file of plain samples") from None
    if (rate, width, channels) != (RATE, 2, 1):
        heard = "mono" if channels == 1 else f"{channels} channels"
        raise InputError(
            f"{path} must be of {RATE} Hz, 16 bits, mono,"
            f" not of {rate} Hz, {8 * width} bits, {heard}"
        )
    if len(content) != 2 * wanted:
        raise InputError(
            f"{path} must hold {wanted} samples, as its header says, not {len(content) // 2}"
        )
    return np.frombuffer(content, "<i2")
