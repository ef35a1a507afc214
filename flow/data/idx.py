"""MNIST and Fashion-MNIST: IDX files, plain or .gz, of the folder given or downloaded once.

Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database"; Fashion-MNIST: arXiv 1708.07747.
"""

import gzip
import hashlib
import http.client
import urllib.request
import zlib
from pathlib import Path

import numpy as np

from ...model.errors import InputError
from ...model.store import cache_folder, write_atomically
from . import archive

__all__ = ["holds", "load", "tell"]

OWN = "own"  # files of no known set
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


def load(name: str, split: str, places: list[Path]) -> tuple[np.ndarray, np.ndarray, str]:
    """Load one split from the first place that holds it; without a place, from the cache.

    Returns
    -------
    x uint8 (samples, pixels), y int64 (samples,), and whose they are: a name of `SUMS` where both
    files are known by their bytes to be of it, else "own"
    """
    stems = FILES[split]
    for folder in places or [_fetch(name, stems)]:
        found = [file for file in (_find(folder, stem) for stem in stems) if file is not None]
        if len(found) == len(stems):
            return _idx(found[0], found[1], name)
    raise InputError(f"Data folder {places[-1]} must hold {stems[0]} and {stems[1]}, plain or .gz")


def holds(name: str, split: str, folder: Path) -> bool:
    """Whether images of this split lie in a folder, whichever they are."""
    return split in FILES and _find(folder, FILES[split][0]) is not None


def tell(split: str, folder: Path) -> str | None:
    """Tell by their bytes whose images of this split lie in a folder: "" where they are unknown,
    None where there are none."""
    found = _find(folder, FILES[split][0]) if split in FILES else None
    return found and (_known(_bytes(found), FILES[split][0]) or "")


def _known(data: bytes, stem: str) -> str | None:
    digest = hashlib.md5(data).hexdigest()
    return next((name for name, sums in SUMS.items() if sums[stem] == digest), None)


def _find(folder: Path, stem: str) -> Path | None:
    return next((p for p in (folder / stem, folder / f"{stem}.gz") if p.is_file()), None)


def _bytes(path: Path) -> bytes:
    data = archive.content(path)
    try:
        return gzip.decompress(data) if path.suffix == ".gz" else data
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise InputError(f"{path} must be a whole gzip file; it is cut off or damaged") from None


def _read(path: Path, magic: int, name: str) -> tuple[np.ndarray, str | None]:
    """Read an array, and whose it is by its bytes; that of another set than `name` is refused."""
    data, dimensions = _bytes(path), magic & 255
    known = _known(data, path.name.removesuffix(".gz"))
    if known not in (None, name) and name != OWN:
        raise InputError(f"{path} must be a file of {name}, not of {known}")
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


def _idx(images: Path, labels: Path, name: str) -> tuple[np.ndarray, np.ndarray, str]:
    (x, of_x), (y, of_y) = _read(images, IMAGES, name), _read(labels, LABELS, name)
    if not x.size:
        raise InputError(f"{images} must hold at least one image")
    if len(x) != len(y):
        raise InputError(f"{labels} must hold {len(x)} labels, one per image, not {len(y)}")
    whose = of_x if of_x is not None and of_x == of_y else OWN
    return x.reshape(len(x), -1), y.astype(np.int64), whose


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
    raise InputError(
        f"Data set {name} must be given as a folder, as {stem}.gz cannot be downloaded: "
        + "; ".join(failures)
    )


def _get(address: str) -> bytes:
    with urllib.request.urlopen(address, timeout=60) as answer:
        return answer.read()
