"""The engine of learned spacings; its source of terms is rtl/synapses/spaced.py."""

from dataclasses import dataclass

import numpy as np

from ...model.synapses.spaced import Spaced as Golden
from ..stages import Cost
from .local import Local, chunks

__all__ = ["Margin", "Spaced"]


@dataclass(frozen=True, slots=True)
class Margin:
    """Where the accumulators of a map lie: around its places is a margin that is never swept.

    What a tap adds beside the map goes there, so that no tap has to be looked at. The place at row
    y and column x is (y + `top`) * `columns` + x + `left`. An event at row y and column x reaches
    the place y * `columns` + x + `reach` of its tap.

    Attributes
    ----------
    rows, columns : int
        With the margins.
    top, left : int
    """

    rows: int
    columns: int
    top: int
    left: int

    @classmethod
    def of(cls, synapses: Golden) -> "Margin":
        """Make that of taps with a stride of 1, whose padding is smaller than their window."""
        (rows, columns), (high, wide) = synapses.shape[1:], synapses.window
        down, right = synapses.padding
        return cls(rows + high - 1, columns + wide - 1, high - 1 - down, wide - 1 - right)

    @property
    def places(self) -> int:
        """Number of places, those of the margin included."""
        return self.rows * self.columns

    def reach(self, synapses: Golden) -> np.ndarray:
        """Give the reach of every tap, int64 (out or 1, in / groups or 1, taps)."""
        (high, wide), (_, rows, columns) = synapses.window, synapses.offsets.astype(np.int64)
        return (high - 1 - rows) * self.columns + wide - 1 - columns


class Spaced(Local):
    """Taps at places of their own, of an event one after another."""

    kind = "spaced"
    latency = 3
    golden = (Golden,)

    __slots__ = ()

    @classmethod
    def suits(cls, synapses: Golden) -> bool:
        """Whether they have no stride, and a padding smaller than their window."""
        inside = all(p < n for p, n in zip(synapses.padding, synapses.window, strict=True))
        return inside and synapses.stride == (1, 1)

    @property
    def depth(self) -> int:
        """Count the accumulators of a lane, those of the margin included."""
        return Margin.of(self.taps.synapses).places * self.unit.period

    @property
    def addresses(self) -> int:
        """Count the outputs of a group among the lanes, as others have no weight; 1 if alike."""
        synapses = self.taps.synapses
        outs = min(synapses.out // synapses.groups, self.unit.lanes)
        return outs if len(synapses.offsets[0]) > 1 else 1

    @property
    def cost(self) -> Cost:
        """Cycles in which an event of value 1 is added, by address where channels differ."""
        synapses, used = self.taps.synapses, self.taps.used
        count, _ = chunks(synapses, self.unit.lanes)
        if used is None:
            return synapses.weights.shape[2] * count
        return np.tile(used * count, synapses.before.places)
