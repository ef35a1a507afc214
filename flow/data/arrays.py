"""Arrays of one's own, read and checked."""

from pathlib import Path

import numpy as np

from ...model.answers import answers
from ...model.codings.pixels import pixels
from ...model.errors import InputError
from . import archive

__all__ = ["read", "samples"]


def read(path: Path, names: tuple[str, str] = ("x", "y")) -> tuple[np.ndarray, np.ndarray]:
    """Read the samples and the answers of a file, by the names of their arrays.

    Returns
    -------
    what `samples` and `answers` give

    Raises
    ------
    InputError
        Of `archive.read`, or of those two, with the file's name.
    """
    x, y = archive.read(path, names).values()
    try:
        return samples(x, names[0]), answers(y, len(x), names[1])
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def samples(x: np.ndarray, what: str = "x") -> np.ndarray:
    """Check samples (samples, ...) of whole numbers in 0..255; returns them as uint8."""
    if x.ndim < 2 or not all(x.shape[1:]):
        raise InputError(f"{what} must have the shape (samples, ...), not {x.shape}")
    if not len(x):
        raise InputError(f"{what} must hold at least one sample")
    return pixels(x, int(np.prod(x.shape[1:]))).reshape(x.shape)
