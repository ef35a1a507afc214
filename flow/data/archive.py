"""Files of data: what is read is checked, what is written has the same bytes each time."""

import hashlib
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ...model.errors import InputError
from ...model.store import cache_folder, write_atomically

__all__ = ["cached", "content", "digest", "opened", "padded", "read", "write"]

Arrays = dict[str, np.ndarray]


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """Open a file to read; what the system refuses, then or later, is refused with its reason."""
    try:
        with path.open("rb") as file:
            yield file
    except OSError as error:
        raise InputError(f"{path} must be a readable file: {error.strerror}") from None


def content(path: Path) -> bytes:
    """Read a file."""
    with opened(path) as file:
        return file.read()


def digest(arrays: Mapping[str, np.ndarray]) -> str:
    """SHA-256, in hexadecimal, of the name, type, shape and bytes of each array, in this order."""
    sum_ = hashlib.sha256()
    for name, array in arrays.items():
        sum_.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        sum_.update(np.ascontiguousarray(array).tobytes())
    return sum_.hexdigest()


def read(path: Path, names: Sequence[str]) -> Arrays:
    """Read these arrays of a file, in this order.

    Raises
    ------
    InputError
        If the file is no archive, is cut off, does not hold one of them, or holds pickles.
    """
    try:
        with opened(path) as raw, np.load(raw, allow_pickle=False) as file:
            return {name: file[name] for name in names}
    except InputError:
        raise
    except Exception as error:
        if isinstance(error, ValueError) and "Object arrays" in str(error):
            raise InputError(
                f"{path} must hold arrays of numbers, not pickled Python objects"
            ) from None
        listed = f"{', '.join(names[:-1])} and {names[-1]}"
        raise InputError(
            f"{path} must be a whole .npz file that holds the arrays {listed}"
        ) from None


def write(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write arrays, whole or not at all; NumPy dates every entry 1980, so no clock takes part."""
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
    write_atomically(path, file.getvalue())


def cached(name: str, key: str, names: Sequence[str], make: Callable[[], Arrays]) -> Arrays:
    """Read arrays that were made before, or make and keep them; a damaged file is made anew.

    Parameters
    ----------
    name : of the data set
    key : hash of all that the arrays are made from
    names : of the arrays
    make : makes them
    """
    path = cache_folder() / name / f"{key}.npz"
    try:
        return read(path, names)
    except InputError:
        arrays = make()
        write(path, arrays)
        return arrays


def padded(samples: Sequence[np.ndarray]) -> np.ndarray:
    """Stack counts uint8 (bins, inputs), zeros after each; returns (samples, most bins, inputs)."""
    bins = max(1, max(map(len, samples)))
    x = np.zeros((len(samples), bins, samples[0].shape[1]), np.uint8)
    for row, sample in zip(x, samples, strict=True):
        row[: len(sample)] = sample
    return x
