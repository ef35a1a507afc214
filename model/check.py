"""Checks of numbers and arrays that somebody gave; what fails is an `InputError`."""

import os
from collections.abc import Collection, Sequence
from math import isfinite
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import numpy as np

from .errors import InputError

__all__ = [
    "array",
    "choice",
    "flag",
    "function",
    "instance",
    "integer",
    "integers",
    "is_instance",
    "is_integer",
    "path",
    "real",
    "several",
    "shown",
    "word",
]


def shown(value: object) -> str:
    """Show a value of any kind within a sentence.

    What is long, or several lines, is shown by its kind; a class by what makes a value of it.
    """
    if isinstance(value, type):
        return f"{value.__name__} without ()"
    text = repr(value)
    return text if len(text) < 60 and text.isprintable() else type(value).__name__


def is_integer(value: object) -> bool:
    """Whether a value is an integer; truth values and whole floats are not."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def integer(what: str, value: int, low: int, high: int) -> int:
    """Check an integer in ``low..high``."""
    if not is_integer(value):
        raise InputError(f"{what} must be an integer in {low}..{high}, not {shown(value)}")
    if not low <= value <= high:
        raise InputError(f"{what} must be in {low}..{high}, not {value}")
    return int(value)


def real(what: str, value: float, low: float, high: float = float("inf")) -> float:
    """Check a number in ``low..high``; infinity is none, whatever `high` is."""
    if not isinstance(value, Real) or isinstance(value, bool) or not isfinite(value):
        raise InputError(f"{what} must be a number, not {shown(value)}")
    if not low <= value <= high:
        meant = f"in {low:g}..{high:g}" if isfinite(high) else f"at least {low:g}"
        raise InputError(f"{what} must be {meant}, not {value:g}")
    return float(value)


def choice(what: str, value: str, known: Collection[str]) -> str:
    """Check one of several words."""
    if not isinstance(value, str) or value not in known:
        raise InputError(f"{what} must be one of {', '.join(known)}, not {shown(value)}")
    return value


def flag(what: str, value: bool) -> bool:
    """Check a truth value."""
    if not isinstance(value, bool | np.bool_):
        raise InputError(f"{what} must be true or false, not {shown(value)}")
    return bool(value)


def is_instance(value: object, kinds: Any) -> bool:
    """Whether a value is of a kind; a class in its place, without brackets, is not."""
    return isinstance(value, kinds) and not isinstance(value, type)


def instance(what: str, value: Any, kinds: Any, meant: str) -> Any:
    """Check a value of a kind, which a refusal calls `meant`."""
    if not is_instance(value, kinds):
        raise InputError(f"{what} must be {meant}, not {shown(value)}")
    return value


def several(what: str, values: Any, kind: Any) -> tuple[Any, ...]:
    """Check a sequence of what is of a kind, or of several, which are called as the first."""
    first = kind if isinstance(kind, type) else kind.__args__[0]
    name = "name" if first is str else first.__name__
    if isinstance(values, str) or not isinstance(values, Sequence):
        raise InputError(f"{what} must be a list of {name}s, not {shown(values)}")
    for value in values:
        if not is_instance(value, kind):
            raise InputError(f"{what} must each be a {name}, not {shown(value)}")
    return tuple(values)


def word(what: str, value: Any) -> str:
    """Check a name."""
    return instance(what, value, str, "a name")


def function(what: str, value: Any) -> None:
    """Check what is to be called; None is allowed."""
    if value is not None and not callable(value):
        raise InputError(f"{what} must be a function, not {shown(value)}")


def path(what: str, value: Any) -> Path:
    """Check the path of a file or a folder."""
    if not isinstance(value, str | os.PathLike):
        raise InputError(f"{what} must be a path, not {shown(value)}")
    if "\0" in str(value):
        raise InputError(f"{what} must be a path, not {str(value)!r}")
    return Path(value)


def array(what: str, values: object) -> np.ndarray:
    """Make an array of what may be one: an array, nested lists, a tensor, wherever it is."""
    try:
        made = np.asarray(values.detach().cpu() if hasattr(values, "detach") else values)  # type: ignore[attr-defined]
    except (ValueError, TypeError, RuntimeError):  # ragged lists; tensors with a gradient
        raise InputError(f"{what} must be an array, not {type(values).__name__}") from None
    if not made.ndim and made.dtype.kind not in "iufbc":  # what NumPy does not look into
        raise InputError(f"{what} must be an array, not {shown(values)}")
    return made


def integers(what: str, values: np.ndarray, axes: tuple[str, ...], bits: int) -> np.ndarray:
    """Check signed integers with the given axes that fit `bits` bits.

    Returns
    -------
    int8, int16 or int32, a copy
    """
    values = array(what, values)
    if values.ndim != len(axes) or values.dtype.kind != "i" or not values.size:
        shape = f"({', '.join(axes)}{',' * (len(axes) == 1)})"
        raise InputError(
            f"{what} must be signed integers of shape {shape}, not {values.dtype} {values.shape}"
        )
    low, high = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
    wrong = (values < low) | (values > high)
    if wrong.any():
        raise InputError(
            f"{what} must be in {low}..{high} to fit {bits} bits, not {values[wrong].flat[0]}"
        )
    return values.astype(np.int8 if bits <= 8 else np.int16 if bits <= 16 else np.int32)
