"""Causal convolution: a kernel of steps, rows and columns, which sees the steps before, too.

    I[o, y, x, t] = sum over i, k, ky, kx of
                    w[o, i, k, ky, kx] * s[i, y * stride - padding + ky * dilation, x * ..., t - d]
    with                                              d = (steps of the kernel - 1 - k) * dilation

as torch.nn.functional.conv3d of steps, rows and columns, padded before step 0 alone: the last step
of the kernel is the one at hand, and an output comes in every step.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ..check import integer, integers, is_integer, shown
from ..errors import InputError
from ..maps import Map, pair
from .conv import LARGEST, Conv
from .delayed import WINDOW
from .local import Local, Place, fitted, grouped

__all__ = ["Causal", "triple"]


def triple(what: str, value: Any, low: int, high: int) -> tuple[int, int, int]:
    """Check whole numbers for steps, rows and columns; a number alone is all three."""
    given = (value,) * 3 if is_integer(value) else value
    if (
        not isinstance(given, tuple | list)
        or len(given) != 3
        or not all(is_integer(n) and low <= n <= high for n in given)
    ):
        raise InputError(
            f"{what} must be one or three whole numbers in {low}..{high}, not {shown(value)}"
        )
    steps, rows, columns = (int(n) for n in given)
    return steps, rows, columns


@dataclass(frozen=True, slots=True, eq=False)
class Causal(Local):
    """A kernel of integer weights that has steps.

    Parameters
    ----------
    weights : int (out, in / groups, steps, rows, columns)
        The last step weighs what comes now.
    bits : int, 2..16
        Width of a weight, two's complement.
    shape : (channels, rows, columns)
        Of the inputs.
    stride, padding : int, or (rows, columns)
        Padding is of zeros, at both ends.
    dilation : int, or (steps, rows, columns)
    groups : int
        Input and output channels are cut into this many groups, that do not meet.

    Raises
    ------
    InputError
        If the width is not in 2..16, a weight does not fit it, the kernel does not fit the map,
        sees back further than 1023 steps, or the groups do not divide the channels.
    """

    kind: ClassVar[str] = "causal"

    weights: np.ndarray
    bits: int
    shape: tuple[int, int, int]
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)
    dilation: tuple[int, int, int] = (1, 1, 1)
    groups: int = 1

    def __post_init__(self) -> None:
        bits = integer("Causal weight width", self.bits, 2, 16)
        axes = ("out", "in", "steps", "rows", "columns")
        weights = integers("Causal weights", self.weights, axes, bits)
        before = Map.of("Causal", self.shape)
        for name, low in (("stride", 1), ("padding", 0)):
            value = pair(f"Causal {name}", getattr(self, name), low, LARGEST)
            object.__setattr__(self, name, value)
        dilation = triple("Causal dilation", self.dilation, 1, LARGEST)
        groups = integer("Causal groups", self.groups, 1, 1 << 16)
        each = grouped("Causal", before, len(weights), groups)
        if weights.shape[1] != each:
            raise InputError(
                f"Causal weights must be for {each} input channels, those of a group, not"
                f" {weights.shape[1]}"
            )
        for name, value in (("bits", bits), ("shape", before.shape), ("groups", groups)):
            object.__setattr__(self, name, value)
        object.__setattr__(self, "dilation", dilation)
        object.__setattr__(self, "weights", weights)
        if self.latest >= WINDOW:
            raise InputError(f"Causal delays must be in 0..{WINDOW - 1}, not {self.latest}")
        fitted("Causal", self)

    @property
    def out(self) -> int:
        """Number of output channels."""
        return self.weights.shape[0]

    @property
    def window(self) -> tuple[int, int]:
        """Rows and columns that an output sees, from the first to the last."""
        rows, columns = (
            (n - 1) * d + 1 for n, d in zip(self.weights.shape[3:], self.dilation[1:], strict=True)
        )
        return rows, columns

    @property
    def latest(self) -> int:
        """Largest delay of a tap."""
        return (self.weights.shape[2] - 1) * self.dilation[0]

    @property
    def earliest(self) -> int:
        """Smallest delay of a tap."""
        return 0

    @property
    def delays(self) -> range:
        """Delay of each step of the kernel."""
        return range(self.latest, -1, -self.dilation[0])

    def step(self, k: int) -> Conv:
        """Give a step of the kernel."""
        weights, dilation = self.weights[:, :, k], self.dilation[1:]
        return Conv(
            weights, self.bits, self.shape, self.stride, self.padding, dilation, self.groups
        )

    def places(self) -> Iterator[Place]:
        """Give the weights, by delay and then by offset."""
        for k, delay in reversed(list(enumerate(self.delays))):
            for place in self.step(k).places():
                yield place._replace(delay=delay)
