"""The engine of convolutions; its source of terms is rtl/synapses/conv.py."""

from dataclasses import dataclass
from math import gcd

import numpy as np

from ...model.errors import InputError
from ...model.network import Network
from ...model.synapses.conv import Conv as Golden
from ..stages import Skid, Stages
from ..taps import Window, window
from ..unit import Unit
from .engine import Engine

__all__ = ["Axis", "Conv", "chunks"]


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


def chunks(synapses: Golden, lanes: int) -> tuple[int, np.ndarray]:
    """Tell which chunks of the output channels, `lanes` each, an input channel reaches.

    Returns
    -------
    count : int
    first : int64 (channels,)
    """
    outs = synapses.out // synapses.groups
    group = np.arange(synapses.shape[0]) // (synapses.shape[0] // synapses.groups)
    return max(1, outs // lanes), group * outs // lanes


@dataclass(frozen=True, slots=True)
class Conv(Engine):
    """The taps of a kernel one after another, as events come."""

    kind = "conv"
    latency = 2

    @classmethod
    def serves(cls, network: Network, name: str) -> bool:
        """Whether one convolution feeds the layer, and nothing is delayed."""
        return window(network, name) is not None

    @classmethod
    def merge(cls, network: Network, name: str) -> Window:
        """Give the taps of a layer that it serves."""
        found = window(network, name)
        assert found is not None
        return found

    @classmethod
    def channels(cls, network: Network, name: str) -> int:
        """Count the output channels."""
        return cls.merge(network, name).synapses.out

    @classmethod
    def check(cls, network: Network, name: str, unit: Unit) -> None:
        """Refuse lanes that hold channels of several places, or parts of several groups."""
        synapses = cls.merge(network, name).synapses
        outs = synapses.out // synapses.groups
        if synapses.out % unit.lanes or (unit.lanes % outs and outs % unit.lanes):
            groups = (
                f", and the {outs} of a group or a multiple of it" if outs < synapses.out else ""
            )
            raise InputError(
                f"Lanes of layer {name} must divide its {synapses.out} channels{groups}, not be"
                f" {unit.lanes}"
            )

    @property
    def cost(self) -> np.ndarray:
        """Cycles in which an event of value 1 is added, by address."""
        synapses = self.taps.synapses
        rows, columns = (Axis.of(synapses, axis).count for axis in (0, 1))
        each, _ = chunks(synapses, self.unit.lanes)
        places = np.multiply.outer(rows, columns).ravel()
        return np.repeat(places * each, synapses.shape[0])

    def before(self, stages: Stages, source: int) -> int:
        return stages.add(Skid(stages.add(Skid(source))))
