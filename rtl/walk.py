"""Walks: which rows an event adds, and to which accumulators, one after the other.

A walk gives the fields of an item that tell the event, the number of rows of weights, and, inside a
sequencer, the row and the fold of the addition at hand. Maps have their own (rtl/synapses/conv.py).
"""

from typing import Any, NamedTuple

from amaranth.hdl import Module, ShapeLike, Signal, Value
from amaranth.lib import data

from ..plan.unit import Unit
from .gates import advance

__all__ = ["Rows", "Step"]


class Step(NamedTuple):
    """The addition at hand: the word of the row memory, and the fold it is added to."""

    row: Value
    fold: Value


class Rows:
    """Each tap of an input in each fold: row (position * taps + tap) * folds + fold.

    Parameters
    ----------
    unit : Unit
    inputs : int
    taps : int
        Rows of one input, in each fold.
    """

    def __init__(self, unit: Unit, inputs: int, taps: int = 1) -> None:
        self.folds, self.inputs, self.taps = unit.folds, inputs, taps
        self.words = inputs * taps * unit.folds

    @property
    def event(self) -> dict[str, ShapeLike]:
        """Fields of an item that tell the event."""
        return {"position": range(self.inputs)}

    def begin(self, m: Module, item: data.View, fold: Signal) -> Step:
        """Make what it needs.

        Parameters
        ----------
        item : of these fields, held while it is added
        fold : range(folds)
            Counts, while nothing is added, the folds of a sweep.
        """
        self.fold, self.tap = fold, Signal(range(self.taps), name="tap")
        return Step((item.position * self.taps + self.tap) * self.folds + fold, fold)

    def take(self, m: Module, event: Any) -> None:
        """Take an event, in the cycle before its first addition."""

    def advance(self, m: Module) -> Value:
        """Advance by an addition; returns whether it is the last one of an event of value 1."""
        # Folds are the inner loop of an addition, groups that of a sweep.
        return advance(m, (self.fold, self.folds), (self.tap, self.taps))
