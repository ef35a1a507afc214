"""How one layer is to be laid out."""

from dataclasses import dataclass
from math import ceil

__all__ = ["QUEUE", "Unit"]

# Vectors that wait before each of the layers that an engine feeds: several steps. A place comes
# back `latency` + `reporting` + 3 cycles after its sweep or later: with fewer a sweep would wait
# though nothing is in its way.
QUEUE = 16


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
    """

    neurons: int
    lanes: int
    sweep: int
    engine: str = "dense"
    queue: int = QUEUE
    channels: int = 0

    @property
    def folds(self) -> int:
        """F = ceil(neurons / lanes), rows per event.

        Neuron n is lane n % lanes of fold n // lanes.
        """
        return ceil(self.neurons / self.lanes)

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
        """Neurons that a lane serves, one per fold."""
        return range(lane, self.neurons, self.lanes)
