"""Spiking Heidelberg Digits and Spiking Speech Commands: HDF5 files of events to counts.

A file NAME_SPLIT.h5, plain, .gz or .zip, holds ``spikes/times`` (seconds, float16) and
``spikes/units`` (0..699), lists of variable length, one per recording, and ``labels``. Times become
float64 before anything is computed; 5 channels are summed to one of 140 inputs, and time becomes
frames of 10 ms, in one of two ways that publications use without always saying which:

    grid      frame = floor((t - first) / 10 ms), of ceil((last - first) / 10 ms) frames; the last
              one also takes what falls on its end
    squeezed  each frame begins at the first event after the frame before, and holds all events up
              to 10 ms later; silence takes no frames

Counts above 255 are clipped. Recordings are padded with zeros to the longest of their split.

Source: B. Cramer et al., "The Heidelberg Spiking Data Sets for the Systematic Evaluation of Spiking
Neural Networks", IEEE TNNLS 2022. Both framings are SpikingJelly's: squeezed that of 2023-04-01 to
2024-03-30, grid the one since; see its issues 361 and 507.
"""

import gzip
import shutil
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from ...model.errors import InputError
from ...model.extras import need
from . import archive

__all__ = ["CLASSES", "FRAMINGS", "frames", "holds", "load"]

CLASSES = {"shd": 20, "ssc": 35}
FRAMINGS = ("grid", "squeezed")
CHANNELS, GROUP = 700, 5
FRAME = 10.0  # ms
LONGEST = 10  # seconds that a recording may last, far above those there are
AT_ONCE = 1000  # recordings


def load(
    name: str, split: str, places: list[Path], framing: str = "grid"
) -> tuple[np.ndarray, np.ndarray]:
    """Load one split from the first place that holds its file.

    Returns
    -------
    x uint8 (samples, frames, 140), y int64 (samples,)
    """
    stem = f"{name}_{split}.h5"
    if not places:
        raise InputError(f"Data set {name} must be given a folder that holds {stem}")
    path = next((found for folder in places if (found := _find(folder, stem))), None)
    if path is None:
        raise InputError(f"Data folder {places[-1]} must hold {stem}, plain, .gz or .zip")
    with _opened(path, stem) as file:
        times, units, y = _datasets(path, file, CLASSES[name])
        made = []
        for i in range(0, len(y), AT_ONCE):
            part = slice(i, i + AT_ONCE)
            for j, (t, u) in enumerate(zip(times[part], units[part], strict=True), i):
                made.append(frames(*_checked(f"{path}: Recording {j}", t, u), framing))
    return archive.padded(made), y


def holds(name: str, split: str, folder: Path) -> bool:
    """Whether the file of this split lies in a folder."""
    return _find(folder, f"{name}_{split}.h5") is not None


def frames(times: np.ndarray, units: np.ndarray, framing: str = "grid") -> np.ndarray:
    """Count the events of one recording.

    Parameters
    ----------
    times : float (events,), seconds, in any order
    units : int (events,), 0..699
    framing : "grid" or "squeezed"

    Returns
    -------
    uint8 (frames, 140); no event, no frame
    """
    inputs = CHANNELS // GROUP
    if not len(times):
        return np.zeros((0, inputs), np.uint8)
    order = np.argsort(times, kind="stable")
    # What is left of float16 is exact in float64, in milliseconds too.
    ms = times[order].astype(np.float64) * 1000
    at = (_grid if framing == "grid" else _squeezed)(ms - ms[0])
    place = at * inputs + units[order].astype(np.int64) // GROUP
    counts = np.bincount(place, minlength=(at[-1] + 1) * inputs)
    return np.minimum(counts, 255).astype(np.uint8).reshape(-1, inputs)


def _grid(ms: np.ndarray) -> np.ndarray:
    last = max(1, ceil(ms[-1] / FRAME)) - 1
    return np.minimum(ms // FRAME, last).astype(np.int64)


def _squeezed(ms: np.ndarray) -> np.ndarray:
    at = np.empty(len(ms), np.int64)
    begin = frame = 0
    while begin < len(ms):
        end = int(np.searchsorted(ms, ms[begin] + FRAME, side="right"))
        at[begin:end] = frame
        begin, frame = end, frame + 1
    return at


def _checked(whose: str, times: np.ndarray, units: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if len(times) != len(units):
        raise InputError(f"{whose} must have {len(times)} units, one per time, not {len(units)}")
    wrong = times[~((times >= 0) & (times <= LONGEST))]
    if len(wrong):
        raise InputError(f"{whose} must have times in 0..{LONGEST} seconds, not {wrong[0]}")
    wrong = units[(units < 0) | (units >= CHANNELS)]
    if len(wrong):
        raise InputError(f"{whose} must have units in 0..{CHANNELS - 1}, not {wrong[0]}")
    return times, units


def _datasets(path: Path, file: Any, classes: int) -> tuple[Any, Any, np.ndarray]:
    """Find the three data sets of a file; returns times and units unread, labels int64."""
    import h5py

    found = [file.get(name) for name in ("spikes/times", "spikes/units", "labels")]
    if not all(isinstance(one, h5py.Dataset) for one in found):
        raise InputError(f"{path} must hold the data sets spikes/times, spikes/units and labels")
    times, units, labels = found
    for name, one, kinds in (("times", times, "f"), ("units", units, "iu")):
        base = h5py.check_vlen_dtype(one.dtype)
        if one.ndim != 1 or base is None or np.dtype(base).kind not in kinds:
            what = "floats" if kinds == "f" else "integers"
            raise InputError(f"{path}: spikes/{name} must be lists of {what}, one per recording")
    if not len(times):
        raise InputError(f"{path} must hold at least one recording")
    if len(units) != len(times):
        raise InputError(f"{path}: spikes/units must be {len(times)} lists, not {len(units)}")
    if labels.shape != times.shape or labels.dtype.kind not in "iu":
        raise InputError(f"{path}: labels must be {len(times)} integers, one per recording")
    y = labels[:].astype(np.int64)
    wrong = y[(y < 0) | (y >= classes)]
    if len(wrong):
        raise InputError(f"{path}: labels must be in 0..{classes - 1}, not {wrong[0]}")
    return times, units, y


def _find(folder: Path, stem: str) -> Path | None:
    names = (stem, f"{stem}.gz", f"{stem}.zip")
    return next((folder / name for name in names if (folder / name).is_file()), None)


@contextmanager
def _opened(path: Path, stem: str) -> Iterator[Any]:
    """Open an HDF5 file, unpacked where it is packed; what breaks while reading is refused."""
    need("h5py")
    import h5py

    with archive.opened(path):  # the errors of h5py do not name the reason alone
        pass
    with TemporaryDirectory(prefix="spikeline-") as scratch:
        plain = path
        if path.suffix != ".h5":
            plain = Path(scratch) / stem
            _unpack(path, plain)
        try:
            with h5py.File(plain, "r") as file:
                yield file
        except InputError:
            raise
        except (OSError, RuntimeError, ValueError, KeyError, TypeError):
            raise InputError(
                f"{path} must be a whole HDF5 file; it is foreign, cut off or damaged"
            ) from None


def _unpack(path: Path, plain: Path) -> None:
    kind = path.suffix[1:]
    try:
        if kind == "gz":
            with gzip.open(path) as packed, plain.open("wb") as out:
                shutil.copyfileobj(packed, out)
            return
        with zipfile.ZipFile(path) as folder:
            if plain.name not in folder.namelist():
                raise InputError(f"{path} must hold {plain.name}")
            with folder.open(plain.name) as packed, plain.open("wb") as out:
                shutil.copyfileobj(packed, out)
    except (EOFError, gzip.BadGzipFile, zlib.error, zipfile.BadZipFile, RuntimeError):
        # RuntimeError: a zip file that is encrypted, or compressed in a way that is not known here.
        raise InputError(f"{path} must be a whole {kind} file; it is cut off or damaged") from None
