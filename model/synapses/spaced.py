"""Learned spacings: taps at positions of their own in a window, after training whole numbers.

    I[o, y, x, t] = sum over inputs i and taps k of
                    w[o, i, k] * s[i, y * stride - padding + dy[o, i, k], x * ..., t - d[o, i, k]]

Every synapse has as many taps; each has an offset in steps, rows and columns. Where the offsets do
not depend on the output, or on the input, their array has one row there.

Source: DCLS, arXiv 2112.03740 and 2306.00817.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ..check import integer, integers, is_integer, shown
from ..errors import InputError
from ..maps import Map, pair
from .conv import LARGEST
from .delayed import WINDOW
from .local import Local, Place, fitted, grouped

__all__ = ["Spaced", "extent"]


def extent(what: str, value: Any) -> tuple[int, int, int]:
    """Check a window of delays, rows and columns."""
    given = tuple(value) if isinstance(value, tuple | list) else ()
    if len(given) != 3 or not all(is_integer(n) and 1 <= n <= WINDOW for n in given):
        raise InputError(
            f"{what} must be delays, rows and columns, each in 1..{WINDOW}, not {shown(value)}"
        )
    delays, rows, columns = (int(n) for n in given)
    return delays, rows, columns


@dataclass(frozen=True, slots=True, eq=False)
class Spaced(Local):
    """Taps of integer weights at integer offsets.

    Parameters
    ----------
    weights : int (out, in / groups, taps)
    offsets : int (3, out or 1, in / groups or 1, taps)
        In steps, rows and columns, from 0.
    bits : int, 2..16
        Width of a weight, two's complement.
    extent : (delays, rows, columns)
        Offsets are below these.
    shape, stride, padding, groups : as of `Conv`

    Raises
    ------
    InputError
        If the width is not in 2..16, a weight does not fit it, an offset is outside the window, the
        window does not fit the map, or the groups do not divide the channels.
    """

    kind: ClassVar[str] = "spaced"
    arrays: ClassVar[tuple[str, ...]] = ("weights", "offsets")

    weights: np.ndarray
    offsets: np.ndarray
    bits: int
    extent: tuple[int, int, int]
    shape: tuple[int, int, int]
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)
    groups: int = 1

    def __post_init__(self) -> None:
        bits = integer("Spaced weight width", self.bits, 2, 16)
        weights = integers("Spaced weights", self.weights, ("out", "in", "taps"), bits)
        axes = ("3", "out or 1", "in or 1", "taps")
        offsets = integers("Spaced offsets", self.offsets, axes, 16)
        before, window = Map.of("Spaced", self.shape), extent("Spaced extent", self.extent)
        for name, low in (("stride", 1), ("padding", 0)):
            value = pair(f"Spaced {name}", getattr(self, name), low, LARGEST)
            object.__setattr__(self, name, value)
        groups = integer("Spaced groups", self.groups, 1, 1 << 16)
        each = grouped("Spaced", before, len(weights), groups)
        if weights.shape[1] != each:
            raise InputError(
                f"Spaced weights must be for {each} input channels, those of a group, not"
                f" {weights.shape[1]}"
            )
        wanted = (3, *weights.shape)
        if any(
            n not in (m, 1) for n, m in zip(offsets.shape[1:3], weights.shape, strict=False)
        ) or (offsets.shape[0] != 3 or offsets.shape[3] != weights.shape[2]):
            raise InputError(
                f"Spaced offsets must have the shape {wanted}, or 1 in place of outputs or inputs,"
                f" not {offsets.shape}"
            )
        for name, axis, size in zip(("delays", "rows", "columns"), offsets, window, strict=True):
            if axis.min() < 0 or axis.max() >= size:
                wrong = axis.min() if axis.min() < 0 else axis.max()
                raise InputError(f"Spaced {name} must be in 0..{size - 1}, not {wrong}")
        for name, value in (("bits", bits), ("extent", window), ("shape", before.shape)):
            object.__setattr__(self, name, value)
        object.__setattr__(self, "groups", groups)
        object.__setattr__(self, "weights", weights)
        object.__setattr__(self, "offsets", offsets.astype(np.int16))
        fitted("Spaced", self)

    @property
    def out(self) -> int:
        """Number of output channels."""
        return self.weights.shape[0]

    @property
    def window(self) -> tuple[int, int]:
        """Rows and columns that an output sees, from the first to the last."""
        return self.extent[1:]

    @property
    def latest(self) -> int:
        """Largest delay of a tap."""
        return int(self.offsets[0].max())

    @property
    def earliest(self) -> int:
        """Smallest delay of a tap."""
        return int(self.offsets[0].min())

    def places(self) -> Iterator[Place]:
        """Give the taps, by their number and then by their offset."""
        for k in range(self.weights.shape[2]):
            weights = self.weights[..., k].astype(np.int64)
            offsets = np.stack([np.broadcast_to(x[..., k], weights.shape) for x in self.offsets])
            for delay, row, column in np.unique(offsets.reshape(3, -1), axis=1).T.tolist():
                here = (offsets == np.array([delay, row, column])[:, None, None]).all(0)
                yield Place(delay, row, column, np.where(here, weights, 0))
