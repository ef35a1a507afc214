"""Walks: which rows an event adds, and to which accumulators, one after the other.

A walk gives the fields of an item that tell the event, the number of rows of weights, and, inside a
sequencer, the row and the address of the addition at hand. Maps have walks of their own
(rtl/synapses/).
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from amaranth.hdl import Module, ShapeLike, Signal, Value
from amaranth.lib import data

from ..plan.unit import Unit
from .gates import advance

__all__ = ["Rows", "Step", "Walk"]


class Step(NamedTuple):
    """The addition at hand.

    Attributes
    ----------
    row : Value
        Word of the row memory.
    at : Value
        Accumulators that it is added to.
    on, less : sequence of Value, one for each of several banks
        Whether it is added to that bank, and how far before `at`.
    """

    row: Value
    at: Value
    on: Sequence[Value] = ()
    less: Sequence[Value] = ()


class Walk:
    """What all walks have.

    Parameters
    ----------
    unit : Unit
    words : int
        Of the row memory.
    depth : int, optional
        Accumulators of a lane, one per fold by default.

    Attributes
    ----------
    addresses : int
        How many addresses an addition has, besides that of its step; 0 is none: all lanes add at
        that. Lane l adds at number l % addresses.
    """

    addresses = 0

    def __init__(self, unit: Unit, words: int, depth: int | None = None) -> None:
        self.unit, self.words = unit, words
        self.depth = unit.folds if depth is None else depth

    @property
    def last(self) -> int:
        """Where the accumulators of the last fold of a sweep are."""
        return self.depth - 1

    @property
    def event(self) -> dict[str, ShapeLike]:
        """Fields of an item that tell the event."""
        raise NotImplementedError

    def begin(self, m: Module, item: data.View, fold: Signal) -> Step:
        """Make what it needs.

        Parameters
        ----------
        item : of these fields, held while it is added
        fold : range(folds)
            Counts, while nothing is added, the folds of a sweep.
        """
        raise NotImplementedError

    def take(self, m: Module, event: Any) -> None:
        """Take an event, in the cycle before its first addition."""

    def advance(self, m: Module) -> Value:
        """Advance by an addition; returns whether it is the last one of an event of value 1."""
        raise NotImplementedError

    def swept(self, m: Module, fold: Value, moves: Value) -> Value:
        """Tell where the accumulators of a fold are; `moves`: the next is swept behind it."""
        return fold


class Rows(Walk):
    """Each tap of an input in each fold: row (position * taps + tap) * folds + fold.

    Parameters
    ----------
    unit : Unit
    inputs : int
    taps : int
        Rows of one input, in each fold.
    """

    def __init__(self, unit: Unit, inputs: int, taps: int = 1) -> None:
        super().__init__(unit, inputs * taps * unit.folds)
        self.inputs, self.taps = inputs, taps

    @property
    def event(self) -> dict[str, ShapeLike]:
        """The position."""
        return {"position": range(self.inputs)}

    def begin(self, m: Module, item: data.View, fold: Signal) -> Step:
        """Make what it needs."""
        self.fold, self.tap = fold, Signal(range(self.taps), name="tap")
        return Step((item.position * self.taps + self.tap) * self.unit.folds + fold, fold)

    def advance(self, m: Module) -> Value:
        """Advance by an addition."""
        # Folds are the inner loop of an addition, groups that of a sweep.
        return advance(m, (self.fold, self.unit.folds), (self.tap, self.taps))
