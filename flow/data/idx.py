"""MNIST and Fashion-MNIST: the files of a folder that is given, or downloaded once.

A folder holds IDX files, with a dash or a dot in their names (train-images-idx3-ubyte,
train-images.idx3-ubyte), plain or .gz; or is the root of torchvision's, with them in MNIST/raw or
FashionMNIST/raw; or holds Keras' mnist.npz, with the arrays x_train, y_train, x_test and y_test.

Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database"; Fashion-MNIST: arXiv 1708.07747.
"""

import gzip
import hashlib
import logging
import zlib
from pathlib import Path

import numpy as np

from ...model.cache import check
from ...model.errors import InputError
from ...model.store import cache_folder
from . import archive, arrays

__all__ = ["holds", "load", "tell"]

OWN = "own"  # files of no known set
FILES = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}
# Where torchvision keeps the files below its root, and what Keras keeps instead of them.
RAW = {"mnist": Path("MNIST", "raw"), "fashion-mnist": Path("FashionMNIST", "raw")}
KERAS = "mnist.npz"
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
# MD5 of the files, and of the .gz as they are published.
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
PACKED = {
    "mnist": {
        "train-images-idx3-ubyte": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
        "train-labels-idx1-ubyte": "d53e105ee54ea40749a09fcbcd1e9432",
        "t10k-images-idx3-ubyte": "9fb629c4189551a2d022fa330f9573f3",
        "t10k-labels-idx1-ubyte": "ec29112dd5afa0611ce80d1b7f02629c",
    },
    "fashion-mnist": {
        "train-images-idx3-ubyte": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        "train-labels-idx1-ubyte": "25c81989df183df01b3e8a0aad5dffbe",
        "t10k-images-idx3-ubyte": "bef4ecab320f06d8554ea6380940ec79",
        "t10k-labels-idx1-ubyte": "bb300cfdad3c16e7a12a480ee83cd310",
    },
}
IMAGES, LABELS = 0x803, 0x801  # IDX magic: unsigned bytes, three dimensions or one


def load(name: str, split: str, places: list[Path]) -> tuple[np.ndarray, np.ndarray, str]:
    """Load one split from the first place that holds it; without a place, from the cache.

    Returns
    -------
    x uint8 (samples, pixels), y int64 (samples,), and whose they are: a name of `SUMS` where both
    files are known by their bytes to be of it, else "own"
    """
    stems = FILES[split]
    for place in places or [_fetch(name, stems)]:
        for folder in (place, *(place / raw for of, raw in RAW.items() if name in (of, OWN))):
            images, labels = (_find(folder, stem) for stem in stems)
            if images is not None and labels is not None:
                return _idx(images, labels, split, name)
        if name in ("mnist", OWN) and (place / KERAS).is_file():
            return _keras(place / KERAS, split, name)
    keras = f", or {KERAS}" if name == "mnist" else ""
    raise InputError(
        f"Data folder {places[-1]} must hold {stems[0]} and {stems[1]}, plain or .gz{keras}"
    )


def holds(name: str, split: str, folder: Path) -> bool:
    """Whether images of this split lie in a folder, whichever they are."""
    return split in FILES and _find(folder, FILES[split][0]) is not None


def tell(split: str, folder: Path) -> set[str]:
    """Tell whose images of this split lie in a folder: by their bytes, "" where those are unknown,
    or by the names that torchvision and Keras gave."""
    if split not in FILES:
        return set()
    told = {name for name, raw in RAW.items() if holds(name, split, folder / raw)}
    if (folder / KERAS).is_file():
        told.add("mnist")
    found = _find(folder, FILES[split][0])
    if found is not None:
        told.add(_known(_bytes(found), FILES[split][0]) or "")
    return told


def _known(data: bytes, stem: str) -> str | None:
    digest = hashlib.md5(data).hexdigest()
    return next((name for name, sums in SUMS.items() if sums[stem] == digest), None)


def _whose(path: Path, data: bytes, stem: str, name: str) -> str | None:
    """Tell whose an IDX file's bytes are, if they are known; those of another set are refused."""
    known = _known(data, stem)
    if known not in (None, name) and name != OWN:
        raise InputError(f"{path} must be a file of {name}, not of {known}")
    return known


def _find(folder: Path, stem: str) -> Path | None:
    spelled = (stem, stem.replace("-idx", ".idx"))
    paths = (folder / f"{name}{packed}" for name in spelled for packed in ("", ".gz"))
    return next((path for path in paths if path.is_file()), None)


def _bytes(path: Path) -> bytes:
    data = archive.content(path)
    try:
        return gzip.decompress(data) if path.suffix == ".gz" else data
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise InputError(f"{path} must be a whole gzip file; it is cut off or damaged") from None


def _read(path: Path, stem: str, magic: int, name: str) -> tuple[np.ndarray, str | None]:
    """Read an array, and whose it is by its bytes; that of another set than `name` is refused."""
    data, dimensions = _bytes(path), magic & 255
    known = _whose(path, data, stem, name)
    if data[:4] != magic.to_bytes(4, "big"):
        raise InputError(f"{path} must begin with the IDX magic {magic:08x}, not {data[:4].hex()}")
    head = 4 + 4 * dimensions
    if len(data) < head:
        raise InputError(f"{path} must hold at least {head} bytes of header, not {len(data)}")
    shape = [int.from_bytes(data[i : i + 4], "big") for i in range(4, head, 4)]
    length = head + int(np.prod(shape, dtype=object))
    if len(data) != length:
        raise InputError(f"{path} must hold {length} bytes, as its header says, not {len(data)}")
    return np.frombuffer(data, np.uint8, offset=head).reshape(shape), known


def _idx(images: Path, labels: Path, split: str, name: str) -> tuple[np.ndarray, np.ndarray, str]:
    x, of_x = _read(images, FILES[split][0], IMAGES, name)
    y, of_y = _read(labels, FILES[split][1], LABELS, name)
    if not x.size:
        raise InputError(f"{images} must hold at least one image")
    if len(x) != len(y):
        raise InputError(f"{labels} must hold {len(x)} labels, one per image, not {len(y)}")
    whose = of_x if of_x is not None and of_x == of_y else OWN
    return x.reshape(len(x), -1), y.astype(np.int64), whose


def _keras(path: Path, split: str, name: str) -> tuple[np.ndarray, np.ndarray, str]:
    x, y = arrays.read(path, (f"x_{split}", f"y_{split}"))
    if y.dtype.kind == "f":
        raise InputError(f"{path}: y_{split} must be labels, integers of shape (samples,)")
    shape = b"".join(n.to_bytes(4, "big") for n in x.shape)
    data = IMAGES.to_bytes(4, "big") + shape + x.tobytes()
    whose = _whose(path, data, FILES[split][0], name)
    return x.reshape(len(x), -1), y, whose or OWN


def _fetch(name: str, stems: tuple[str, ...]) -> Path:
    """Download what the cache does not hold, or holds with other bytes; returns where it lies."""
    folder = cache_folder() / name
    for stem in stems:
        try:
            _download(name, stem, folder)
        except OSError:
            check()
            raise
    return folder


def _download(name: str, stem: str, folder: Path) -> None:
    try:
        import pooch
        from requests import RequestException
    except ImportError:
        raise InputError(
            f"Data set {name} must be given as a folder, or pooch be installed to download it:"
            " pip install 'spikeline[flow]'"
        ) from None
    pooch.get_logger().setLevel(logging.WARNING)
    failures = []
    for mirror in MIRRORS[name]:
        try:
            sum_ = f"md5:{PACKED[name][stem]}"
            pooch.retrieve(f"{mirror}{stem}.gz", sum_, f"{stem}.gz", folder)
            return
        except RequestException as error:
            told = type(error).__name__ if error.response is None else error.response.status_code
            failures.append(f"{mirror} failed ({told})")
        except ValueError:
            failures.append(f"{mirror} sent other bytes")
    raise InputError(
        f"Data set {name} must be given as a folder, as {stem}.gz cannot be downloaded: "
        + "; ".join(failures)
    )
