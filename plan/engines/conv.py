"""The engine of convolutions; its source of terms is rtl/synapses/conv.py."""

from dataclasses import dataclass
from math import gcd

import numpy as np

from ...model.network import Network
from ...model.synapses.causal import Causal
from ...model.synapses.conv import Conv as Golden
from ..unit import Unit
from .local import Local, chunks

__all__ = ["Axis", "Conv", "axes", "delays", "planes"]


@dataclass(frozen=True, slots=True, eq=False)
class Axis:
    """How the taps of a kernel meet the outputs, along rows or along columns.

    In sequence: input i meets row `tap[i]` of weights at output `output[i]`, then every `next`-th
    row at an output that is `back` smaller, `count[i]` rows in all; a row is a tap.

    In parallel there are banks, and output o is of bank o % banks and of cell o // banks. Input i
    meets row `tap[i]`, in which every bank has a tap of its own or none, at cell `output[i]` or
    `less[i]` cells before that, where the bank is `on`.

    Attributes
    ----------
    count, tap, output : int64 (inputs,)
    next, back : int
    reach : float32 (inputs, outputs)
        1 where they meet.
    rows : int64 (rows, banks)
        Tap of each bank; -1 is none.
    on : bool (inputs, banks)
    less : int64 (inputs, banks)
    """

    count: np.ndarray
    tap: np.ndarray
    output: np.ndarray
    next: int
    back: int
    reach: np.ndarray
    rows: np.ndarray
    on: np.ndarray
    less: np.ndarray

    @classmethod
    def of(cls, synapses: Golden, axis: int, banks: int = 1) -> "Axis":
        """Make that of rows, axis 0, or of columns, 1; of 1 bank it is in sequence."""
        inputs = synapses.shape[1 + axis]
        outputs = synapses.after.shape[1 + axis]
        taps = synapses.weights.shape[2 + axis]
        stride, padding = synapses.stride[axis], synapses.padding[axis]
        dilation = synapses.dilation[axis]
        at = np.arange(inputs)[:, None] + padding - np.arange(taps) * dilation
        output = at // stride
        inside = (at % stride == 0) & (at >= 0) & (output < outputs)
        reach = np.zeros((inputs, outputs), np.float32)
        reach[inside.nonzero()[0], output[inside]] = 1
        met = inside.any(1)
        if banks == 1:
            tap = inside.argmax(1)
            first = np.where(met, output[np.arange(inputs), tap], 0)
            common = gcd(stride, dilation)
            rows, on = np.arange(taps)[:, None], np.ones((inputs, 1), bool)
            step = stride // common, dilation // common
            return cls(
                inside.sum(1), tap, first, *step, reach, rows, on, np.zeros((inputs, 1), int)
            )
        kernel, on = np.full((inputs, banks), -1), np.zeros((inputs, banks), bool)
        cell = np.zeros((inputs, banks), int)
        for i, k in zip(*(at % stride == 0).nonzero(), strict=True):
            bank = output[i, k] % banks
            kernel[i, bank], on[i, bank], cell[i, bank] = k, inside[i, k], output[i, k] // banks
        rows, tap = np.unique(kernel, axis=0, return_inverse=True)
        first = np.where(on, cell, 0).max(1)
        less = np.where(on, first[:, None] - cell, 0)
        return cls(met.astype(int), tap.reshape(-1), first, 1, 0, reach, rows, on, less)

    @classmethod
    def parallel(cls, synapses: Golden, axis: int) -> int:
        """Count the banks in which all taps that an input meets are apart."""
        common = gcd(synapses.stride[axis], synapses.dilation[axis])
        every, back = synapses.stride[axis] // common, synapses.dilation[axis] // common
        banks = -(-synapses.weights.shape[2 + axis] // every)
        while gcd(banks, back) > 1:
            banks += 1
        return banks


def planes(synapses: Golden | Causal) -> list[Golden]:
    """Give the kernel of rows and columns at each step of a kernel, the last one now."""
    if isinstance(synapses, Golden):
        return [synapses]
    return [synapses.step(k) for k in range(len(synapses.delays))]


def delays(synapses: Golden | Causal) -> list[int]:
    """Tell how late each of these planes is."""
    return [0] if isinstance(synapses, Golden) else list(synapses.delays)


def axes(synapses: Golden | Causal, unit: Unit) -> tuple[Axis, Axis]:
    """Make the axes of rows and of columns, of a convolution in its layout."""
    plane = planes(synapses)[0]
    down, right = (Axis.of(plane, axis, banks) for axis, banks in enumerate(unit.banks))
    return down, right


class Conv(Local):
    """The taps of a kernel: in sequence, a row of them at once, or all."""

    kind = "conv"
    latency = 2
    golden = (Golden, Causal)

    __slots__ = ()

    @classmethod
    def banks(cls, network: Network, name: str, taps: str) -> tuple[int, int]:
        """Count the banks that "one", a "row" or "all" of the taps need at once."""
        synapses = planes(cls.merge(network, name).synapses)[0]
        rows = Axis.parallel(synapses, 0) if taps == "all" else 1
        return rows, Axis.parallel(synapses, 1) if taps != "one" else 1

    @property
    def marks(self) -> bool:
        """Whether it can tell which folds the events of a step reached: it can."""
        return True

    @property
    def settling(self) -> int:
        """Wait where an event has three additions, so that hardly ever one meets another.

        Outputs are walked downwards, as events come upwards.
        """
        return 2 if self.unit.folds > 1 and self.cost.max() >= 3 else 0

    @property
    def meets(self) -> np.ndarray | None:
        """Tell what the first two additions of an event, and its last two, add to."""
        unit, synapses = self.unit, self.taps.synapses
        if not unit.waits:
            return None
        down, right = axes(synapses, unit)
        each, first = chunks(synapses, unit.lanes)
        across = synapses.after.columns if unit.places == 1 else unit.cells[1]
        y, x, c = (a.ravel() for a in np.indices((*synapses.shape[1:], synapses.shape[0])))
        count = self.cost
        number = np.stack([count * 0, count * 0 + 1, count - 2, count - 1], 1)
        number = np.minimum(np.maximum(number, 0), np.maximum(count - 1, 0)[:, None])
        tap, chunk = np.divmod(number, each)
        row, column = np.divmod(tap, np.maximum(right.count[x], 1)[:, None])
        place = (down.output[y, None] - row * down.back) * across
        place = place + right.output[x, None] - column * right.back
        at = place * unit.period + first[c, None] + chunk
        on = down.on[y][:, :, None] & right.on[x][:, None, :]
        less = down.less[y][:, :, None] * across + right.less[x][:, None, :]
        on, less = (a.reshape(len(y), 1, -1) for a in (on, less * unit.period))
        return np.where(on & (count > 0)[:, None, None], at[:, :, None] - less, -1)

    @property
    def cost(self) -> np.ndarray:
        """Cycles in which an event of value 1 is added, by address, if it waits for none."""
        synapses = self.taps.synapses
        rows, columns = (axis.count for axis in axes(synapses, self.unit))
        each, _ = chunks(synapses, self.unit.lanes)
        places = np.multiply.outer(rows, columns).ravel() * len(planes(synapses))
        return np.repeat(places * each, synapses.shape[0])

    def touched(self, s: np.ndarray) -> np.ndarray:
        """Tell which folds the events of each step reach."""
        synapses, unit = self.taps.synapses, self.unit
        down, right = (axis.reach for axis in axes(synapses, unit))
        count, first = chunks(synapses, unit.lanes)
        seen = s.reshape(*s.shape[:2], *synapses.before.shape[1:], synapses.before.channels) > 0
        found = np.zeros((*s.shape[:2], *synapses.after.shape[1:], unit.period), bool)
        for chunk in range(unit.period):
            here = seen[..., (first <= chunk) & (chunk < first + count)].any(-1)
            found[..., chunk] = down.T @ here.astype(np.float32) @ right > 0
        found = found.reshape(*s.shape[:2], -1)
        if unit.places == 1:
            return found
        place = unit.order.reshape(unit.folds, unit.places, -1)[..., 0] // unit.lanes
        return np.any(found[..., place] & (place >= 0), axis=-1)
