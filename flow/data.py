"""Data sets: 8-bit samples and labels, from files that are checked.

    digits           scikit-learn's 1,797 handwritten digits of 8 x 8, shipped inside that library
    mnist            60,000 + 10,000 digits of 28 x 28, IDX files
    fashion-mnist    likewise, pieces of clothing
    own              train.npz and test.npz with the arrays x (samples, ...) and y (samples,)

IDX files, plain or .gz, are looked for in the folder given, else in SPIKELINE_DATA: first in its
subfolder named like the data set, then in it; with neither, in the cache folder (SPIKELINE_CACHE),
where they are downloaded to. Files of MNIST are refused as Fashion-MNIST, and the other way round.
A folder given that holds train.npz or test.npz is read as own, whatever the name; in SPIKELINE_DATA
such files are read for own only. digits ignores SPIKELINE_DATA.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..model.encode import pixels
from ..model.refuse import Refused
from . import archive, idx

__all__ = ["NAMES", "SPLITS", "Data", "guess", "load"]

NAMES = ("digits", "mnist", "fashion-mnist", "own")
SPLITS = ("train", "test")


@dataclass(frozen=True, slots=True, eq=False)
class Data:
    """Samples: `x` uint8 (samples, inputs), `y` int64 (samples,), `name` of the data set."""

    x: np.ndarray
    y: np.ndarray
    name: str


def load(name: str, split: str, folder: Path | str | None = None) -> Data:
    """Load one split of a data set.

    Parameters
    ----------
    name : one of `NAMES`
    split : "train" or "test"
    folder : where the files lie; see the module's docstring

    Raises
    ------
    Refused
        If a name is unknown, a file is missing or damaged, or a value is no pixel or no label.
    """
    if name not in NAMES:
        raise Refused(f"Data set must be one of {', '.join(NAMES)}, not {name!r}")
    if split not in SPLITS:
        raise Refused(f"Split must be one of {', '.join(SPLITS)}, not {split!r}")
    place = folder or (None if name == "digits" else os.environ.get("SPIKELINE_DATA"))
    if place is not None and not Path(place).is_dir():
        raise Refused(f"Data folder {place} must exist")
    places = [] if place is None else [Path(place) / name, Path(place)]
    for path in places[1:] if folder is not None else []:
        if any((path / f"{s}.npz").exists() for s in SPLITS):
            return _own(path / f"{split}.npz", name)
    if name == "digits":
        return _digits(split)
    if name == "own":
        if place is None:
            raise Refused("Data set own must be given a folder that holds train.npz and test.npz")
        return _own(Path(place) / f"{split}.npz", name)
    x, y = idx.load(name, split, places)
    return Data(x, y, name)


def guess(split: str, folder: Path | str | None = None) -> str | None:
    """Tell which data set a folder, or SPIKELINE_DATA, holds; None where that is not certain."""
    place = folder or os.environ.get("SPIKELINE_DATA")
    if place is None or split not in SPLITS:
        return None
    if any((Path(place) / f"{s}.npz").exists() for s in SPLITS):
        return "own"
    held = {name for name in idx.SUMS if idx.holds(name, split, Path(place) / name)}
    direct = idx.tell(split, Path(place))
    if direct is not None:
        held.add(direct)
    return (held.pop() or None) if len(held) == 1 else None


def _digits(split: str) -> Data:
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise Refused("Data set digits must have scikit-learn installed") from None
    images, labels = load_digits(return_X_y=True)
    x, y = images.astype(np.int64) * 255 // 16, labels.astype(np.int64)
    # Every third sample of each class is the test split.
    turn = np.empty(len(y), np.int64)
    for c in np.unique(y):
        turn[y == c] = np.arange((y == c).sum())
    chosen = (turn % 3 == 2) == (split == "test")
    return Data(x[chosen].astype(np.uint8), y[chosen], "digits")


def _own(path: Path, name: str) -> Data:
    if not path.exists():
        raise Refused(f"Data folder {path.parent} must hold {path.name}")
    x, y = archive.read(path, ("x", "y")).values()
    if x.ndim < 2 or not x.size:
        raise Refused(f"{path}: x must have the shape (samples, ...), not {x.shape}")
    if y.ndim != 1 or y.dtype.kind not in "iu" or (y.size and y.min() < 0):
        raise Refused(f"{path}: y must be labels 0, 1, ... of shape (samples,)")
    if len(x) != len(y):
        raise Refused(f"{path}: y must hold {len(x)} labels, one per sample, not {len(y)}")
    try:
        x = pixels(x, int(np.prod(x.shape[1:])))
    except Refused as error:
        raise Refused(f"{path}: {error}") from None
    return Data(x, y.astype(np.int64), name)
