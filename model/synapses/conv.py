"""Convolution: a kernel of weights at every place of a map.

    I[o, y, x] = sum over i, ky, kx of
                 w[o, i, ky, kx] * s[i, y * stride - padding + ky * dilation, x * ...]

as torch.nn.functional.conv2d. With as many groups as channels it is depthwise, with a kernel of one
place pointwise; a map of one row has one dimension.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..check import integer, integers
from ..errors import InputError
from ..maps import Map, pair
from .local import Local, Place, fitted, grouped

__all__ = ["Conv"]

LARGEST = 1 << 12  # of a stride, a padding, a dilation


@dataclass(frozen=True, slots=True, eq=False)
class Conv(Local):
    """A kernel of integer weights.

    Parameters
    ----------
    weights : int (out, in / groups, rows, columns)
    bits : int, 2..16
        Width of a weight, two's complement.
    shape : (channels, rows, columns)
        Of the inputs.
    stride, padding, dilation : int, or (rows, columns)
        Padding is of zeros, at both ends.
    groups : int
        Input and output channels are cut into this many groups, that do not meet.

    Raises
    ------
    InputError
        If the width is not in 2..16, a weight does not fit it, the kernel does not fit the map, or
        the groups do not divide the channels.
    """

    kind: ClassVar[str] = "conv"

    weights: np.ndarray
    bits: int
    shape: tuple[int, int, int]
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1

    def __post_init__(self) -> None:
        bits = integer("Conv weight width", self.bits, 2, 16)
        weights = integers("Conv weights", self.weights, ("out", "in", "rows", "columns"), bits)
        before = Map.of("Conv", self.shape)
        for name, low in (("stride", 1), ("padding", 0), ("dilation", 1)):
            value = pair(f"Conv {name}", getattr(self, name), low, LARGEST)
            object.__setattr__(self, name, value)
        groups = integer("Conv groups", self.groups, 1, 1 << 16)
        each = grouped("Conv", before, len(weights), groups)
        if weights.shape[1] != each:
            raise InputError(
                f"Conv weights must be for {each} input channels, those of a group, not"
                f" {weights.shape[1]}"
            )
        for name, value in (("bits", bits), ("shape", before.shape), ("groups", groups)):
            object.__setattr__(self, name, value)
        object.__setattr__(self, "weights", weights)
        fitted("Conv", self)

    @property
    def out(self) -> int:
        """Number of output channels."""
        return self.weights.shape[0]

    @property
    def window(self) -> tuple[int, int]:
        """Rows and columns that an output sees, from the first to the last."""
        rows, columns = (
            (n - 1) * d + 1 for n, d in zip(self.weights.shape[2:], self.dilation, strict=True)
        )
        return rows, columns

    def places(self) -> Iterator[Place]:
        """Give the weights, by offset, all without delay."""
        w, (down, right) = self.weights.astype(np.int64), self.dilation
        for row in range(w.shape[2]):
            for column in range(w.shape[3]):
                yield Place(0, row * down, column * right, w[:, :, row, column])
