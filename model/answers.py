"""What samples should give: labels, or the targets of a regression."""

import numpy as np

from .check import array
from .errors import InputError

__all__ = ["CLASSES", "answers", "suit"]

CLASSES = 1 << 16  # that a result has bits for


def answers(y: np.ndarray, count: int, what: str = "y") -> np.ndarray:
    """Check what `count` samples should give.

    Parameters
    ----------
    y : labels int (samples,), or targets float (samples, outputs)
    count : int
    what : str, its name in a refusal

    Returns
    -------
    int64 (samples,) or float64 (samples, outputs)
    """
    y = array(what, y)
    kind = y.dtype.kind
    if not (y.ndim == 1 and kind in "iu") and not (y.ndim == 2 and y.shape[1] and kind == "f"):
        raise InputError(
            f"{what} must be labels, integers of shape (samples,), or targets, floats of shape"
            f" (samples, outputs), not {y.dtype} {y.shape}"
        )
    name = "targets" if kind == "f" else "labels"
    if len(y) != count:
        raise InputError(f"{what} must hold {count} {name}, one per sample, not {len(y)}")
    if kind == "f":
        y = y.astype(np.float64)
        if not np.isfinite(y).all():
            raise InputError(f"{what} must be finite targets, not {y[~np.isfinite(y)][0]}")
        return y
    if len(y) and y.min() < 0:
        raise InputError(f"{what} must be labels from 0, not {y.min()}")
    if len(y) and y.max() >= CLASSES:
        raise InputError(
            f"{what} must be labels below {CLASSES}, as a result has 16 bits for them,"
            f" not {y.max()}"
        )
    return y.astype(np.int64)


def suit(y: np.ndarray, outputs: int, classifies: bool) -> None:
    """Refuse answers that a network of so many outputs cannot give."""
    targets = y.dtype.kind == "f"
    if not classifies:
        if targets and y.shape[1] != outputs:
            raise InputError(
                f"Targets must number {outputs} per sample, one for each neuron of the output,"
                f" not {y.shape[1]}"
            )
        return
    if targets:
        raise InputError("Answers must be labels, as the network gives a class, not targets")
    if len(y) and y.max() >= outputs:
        raise InputError(
            f"Labels must be below {outputs}, as the network has as many classes, not {y.max()}"
        )
