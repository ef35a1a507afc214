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

Source: IDX: Y. LeCun, C. Cortes, C. Burges, "The MNIST database"; Fashion-MNIST: arXiv 1708.07747.
"""

import gzip
import hashlib
import http.client
import os
import urllib.request
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..model.encode import pixels
from ..model.refuse import Refused
from ..model.store import cache_folder, write_atomically

__all__ = ["NAMES", "SPLITS", "Data", "guess", "load"]

NAMES = ("digits", "mnist", "fashion-mnist", "own")
SPLITS = ("train", "test")
FILES = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}
MIRRORS = {
    "mnist": (
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    ),
    "fashion-mnist": (
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
    ),
}
# MD5 of the files after decompression.
SUMS = {
    "mnist": {
        "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
        "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
        "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
        "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
    },
    "fashion-mnist": {
        "train-images-idx3-ubyte": "f4a8712d7a061bf5bd6d2ca38dc4d50a",
        "train-labels-idx1-ubyte": "9018921c3c673c538a1fc5bad174d6f9",
        "t10k-images-idx3-ubyte": "8181f5470baa50b63fa0f6fddb340f0a",
        "t10k-labels-idx1-ubyte": "15d484375f8d13e6eb1aabb0c3f46965",
    },
}
IMAGES, LABELS = 0x803, 0x801  # IDX magic: unsigned bytes, three dimensions or one


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
    stems = FILES[split]
    if place is None:
        places = [_fetch(name, stems)]
    for path in places:
        found = [file for file in (_find(path, stem) for stem in stems) if file is not None]
        if len(found) == len(stems):
            return _idx(found[0], found[1], name)
    raise Refused(f"Data folder {place} must hold {stems[0]} and {stems[1]}, plain or .gz")


def guess(split: str, folder: Path | str | None = None) -> str | None:
    """Tell which data set a folder, or SPIKELINE_DATA, holds; None where that is not certain."""
    place = folder or os.environ.get("SPIKELINE_DATA")
    if place is None or split not in SPLITS:
        return None
    if any((Path(place) / f"{s}.npz").exists() for s in SPLITS):
        return "own"
    stem = FILES[split][0]
    held = {name for name in SUMS if _find(Path(place) / name, stem)}
    direct = _find(Path(place), stem)
    if direct is not None:
        held.add(_known(_bytes(direct), stem) or "")
    return (held.pop() or None) if len(held) == 1 else None


def _known(data: bytes, stem: str) -> str | None:
    digest = hashlib.md5(data).hexdigest()
    return next((name for name, sums in SUMS.items() if sums[stem] == digest), None)


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
    try:
        with np.load(path, allow_pickle=False) as file:
            x, y = file["x"], file["y"]
    except FileNotFoundError:
        raise Refused(f"Data folder {path.parent} must hold {path.name}") from None
    except Exception:
        raise Refused(f"{path} must be a whole .npz file that holds the arrays x and y") from None
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


def _find(folder: Path, stem: str) -> Path | None:
    return next((p for p in (folder / stem, folder / f"{stem}.gz") if p.is_file()), None)


def _bytes(path: Path) -> bytes:
    try:
        data = path.read_bytes()
        return gzip.decompress(data) if path.suffix == ".gz" else data
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise Refused(f"{path} must be a whole gzip file; it is cut off or damaged") from None
    except OSError as error:
        raise Refused(f"{path} must be a readable file: {error.strerror}") from None


def _read(path: Path, magic: int, name: str) -> np.ndarray:
    data, dimensions = _bytes(path), magic & 255
    known = _known(data, path.name.removesuffix(".gz"))
    if known not in (None, name):
        raise Refused(f"{path} must be a file of {name}, not of {known}")
    if data[:4] != magic.to_bytes(4, "big"):
        raise Refused(f"{path} must begin with the IDX magic {magic:08x}, not {data[:4].hex()}")
    head = 4 + 4 * dimensions
    if len(data) < head:
        raise Refused(f"{path} must hold at least {head} bytes of header, not {len(data)}")
    shape = [int.from_bytes(data[i : i + 4], "big") for i in range(4, head, 4)]
    length = head + int(np.prod(shape, dtype=object))
    if len(data) != length:
        raise Refused(f"{path} must hold {length} bytes, as its header says, not {len(data)}")
    return np.frombuffer(data, np.uint8, offset=head).reshape(shape)


def _idx(images: Path, labels: Path, name: str) -> Data:
    x, y = _read(images, IMAGES, name), _read(labels, LABELS, name)
    if not x.size:
        raise Refused(f"{images} must hold at least one image")
    if len(x) != len(y):
        raise Refused(f"{labels} must hold {len(x)} labels, one per image, not {len(y)}")
    return Data(x.reshape(len(x), -1), y.astype(np.int64), name)


def _fetch(name: str, stems: tuple[str, ...]) -> Path:
    folder = cache_folder() / name
    for stem in stems:
        if _find(folder, stem) is None:
            write_atomically(folder / f"{stem}.gz", _download(name, stem))
    return folder


def _download(name: str, stem: str) -> bytes:
    failures = []
    for mirror in MIRRORS[name]:
        try:
            data = _get(f"{mirror}{stem}.gz")
            if hashlib.md5(gzip.decompress(data)).hexdigest() == SUMS[name][stem]:
                return data
            failures.append(f"{mirror} sent other bytes")
        except (OSError, EOFError, zlib.error, http.client.HTTPException) as error:
            failures.append(f"{mirror} failed ({error})")
    raise Refused(
        f"Data set {name} must be given as a folder, as {stem}.gz cannot be downloaded: "
        + "; ".join(failures)
    )


def _get(address: str) -> bytes:
    with urllib.request.urlopen(address, timeout=60) as answer:
        return answer.read()
