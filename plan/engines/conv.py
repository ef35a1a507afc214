"""The engine of convolutions; its source of terms is rtl/synapses/conv.py."""

from dataclasses import dataclass
from math import gcd

import numpy as np

from ...model.synapses.conv import Conv as Golden
from .local import Local, chunks

__all__ = ["Axis", "Conv"]


@dataclass(frozen=True, slots=True, eq=False)
class Axis:
    """How the taps of a kernel meet the outputs, along rows or along columns.

    Input i meets tap `tap[i]` at output `output[i]`, then every `next`-th tap at an output that is
    `back` smaller, `count[i]` taps in all.

    Attributes
    ----------
    count, tap, output : int64 (inputs,)
    next, back : int
    """

    count: np.ndarray
    tap: np.ndarray
    output: np.ndarray
    next: int
    back: int

    @classmethod
    def of(cls, synapses: Golden, axis: int) -> "Axis":
        """Make that of rows, axis 0, or of columns, 1."""
        inputs = synapses.shape[1 + axis]
        outputs = synapses.after.shape[1 + axis]
        taps = synapses.weights.shape[2 + axis]
        stride, padding = synapses.stride[axis], synapses.padding[axis]
        dilation = synapses.dilation[axis]
        at = np.arange(inputs)[:, None] + padding - np.arange(taps) * dilation
        meets = (at % stride == 0) & (at >= 0) & (at < outputs * stride)
        tap = meets.argmax(1)
        output = np.where(meets.any(1), at[np.arange(inputs), tap] // stride, 0)
        common = gcd(stride, dilation)
        return cls(meets.sum(1), tap, output, stride // common, dilation // common)


class Conv(Local):
    """The taps of a kernel."""

    kind = "conv"
    latency = 2
    golden = Golden

    __slots__ = ()

    @property
    def cost(self) -> np.ndarray:
        """Cycles in which an event of value 1 is added, by address."""
        synapses = self.taps.synapses
        rows, columns = (Axis.of(synapses, axis).count for axis in (0, 1))
        each, _ = chunks(synapses, self.unit.lanes)
        places = np.multiply.outer(rows, columns).ravel()
        return np.repeat(places * each, synapses.shape[0])
