"""How one layer is to be laid out."""

from dataclasses import dataclass
from math import ceil, prod

import numpy as np

__all__ = ["DEEP", "QUEUE", "Unit", "flags"]

# Vectors that wait before each of the layers that an engine feeds: several steps. A place comes
# back `latency` + `reporting` + 3 cycles after its sweep or later: with fewer a sweep would wait
# though nothing is in its way.
QUEUE = 16
# Accumulators of a lane over maps, more than which belong in block RAM.
DEEP = 16


def flags(depth: int) -> tuple[int, int]:
    """Tell how many words of how many bits keep a flag for each of `depth` accumulators.

    Of more than 256 they are kept by sixteens, a longer way to look through, else by eights. An
    address of a word has at least one bit.
    """
    bits = 8 if depth <= 256 else 16
    return max(2, -(-depth // bits)), bits


@dataclass(frozen=True, slots=True)
class Unit:
    """How one layer is to be laid out.

    Parameters
    ----------
    neurons : int
    lanes : int, 1..neurons
        P, neurons that add a row of weights in one cycle.
    sweep : int, a divisor of `lanes`
        S, neurons that leak, compare and reset in one cycle.
    engine : str
        Where the terms come from, of plan/engines.
    queue : int >= 1
        Vectors that each queue behind it holds. One that leads back to an earlier layer, or to this
        one, holds a whole step in any case.
    channels : int
        Neurons of a place, whose constants those of all places share; 0 is a layer without places.
    map : (rows, columns)
        Places of a layer over maps.
    banks : (rows, columns)
        Places, side by side, whose neurons add at once, each in its bank of lanes: in a cell of the
        map one place is of each bank. More than one only where a lane is of one channel.
    waits : int, cycles
        How long an addition is kept from accumulators that were just added to; with 0 a sum is
        forwarded to the addition behind it.
    passes : int, cycles
        How long a sweep takes for a membrane that is a sum of products: 1 makes all of them at
        once, else there is a cycle for each.
    """

    neurons: int
    lanes: int
    sweep: int
    engine: str = "dense"
    queue: int = QUEUE
    channels: int = 0
    map: tuple[int, int] = (0, 0)
    banks: tuple[int, int] = (1, 1)
    waits: int = 0
    passes: int = 1

    @property
    def places(self) -> int:
        """Places of a cell, as many as there are banks."""
        return prod(self.banks)

    @property
    def width(self) -> int:
        """Neurons that add in one cycle, those of all banks: bank * lanes + lane."""
        return self.lanes * self.places

    @property
    def vector(self) -> int:
        """Neurons that are swept in one cycle, those of all banks."""
        return self.sweep * self.places

    @property
    def cells(self) -> tuple[int, int]:
        """Rows and columns of cells; those at the end may lack places."""
        rows, columns = (-(-n // bank) for n, bank in zip(self.map, self.banks, strict=True))
        return rows, columns

    @property
    def folds(self) -> int:
        """F = ceil(neurons / lanes), rows per event; of several banks, cells.

        Neuron n is lane n % lanes of fold n // lanes.
        """
        return ceil(self.neurons / self.lanes) if self.places == 1 else prod(self.cells)

    @property
    def order(self) -> np.ndarray:
        """Neurons of several banks by fold and lane, int64 (folds * width,); -1 is none."""
        (rows, columns), (high, wide) = self.cells, self.banks
        place = np.full((rows * high, columns * wide), -1)
        place[: self.map[0], : self.map[1]] = np.arange(prod(self.map)).reshape(self.map)
        place = place.reshape(rows, high, columns, wide).swapaxes(1, 2).ravel()
        neurons = place[:, None] * self.lanes + np.arange(self.lanes)
        return np.where(place[:, None] < 0, -1, neurons).ravel()

    @property
    def offsets(self) -> list[int]:
        """Neurons of the lanes of a vector at position 0, of several banks."""
        if self.places == 1:
            return []
        (rows, columns), across = self.banks, self.map[1]
        first = [(y * across + x) * self.lanes for y in range(rows) for x in range(columns)]
        return [n + lane for n in first for lane in range(self.lanes)]

    @property
    def positions(self) -> int:
        """How many positions a vector may have: groups of folds; of several banks, places."""
        return self.folds * self.groups if self.places == 1 else prod(self.map)

    @property
    def period(self) -> int:
        """Folds of a place, behind which the constants of neurons repeat."""
        return self.channels // self.lanes if self.channels else self.folds

    @property
    def repeats(self) -> bool:
        """Whether they do, in folds that differ."""
        return 1 < self.period < self.folds

    @property
    def groups(self) -> int:
        """Sweep cycles per fold."""
        return self.lanes // self.sweep

    def served(self, lane: int) -> range:
        """Neurons that a lane serves, one per fold; of several banks, those of all."""
        return range(lane % self.lanes, self.neurons, self.lanes)
