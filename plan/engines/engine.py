"""What every engine says of its cycles."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ..stages import Cost, Stages

if TYPE_CHECKING:  # a mapping asks the engines
    from ..mapping import Unit

__all__ = ["Engine"]


@dataclass(frozen=True, slots=True)
class Engine:
    """An engine whose tail adds the rows of events as they come.

    Parameters
    ----------
    unit : Unit
    inputs : int
    taps : int
        Rows of one input, in each fold.
    window : int
        D, steps in which an event counts; 1 without delays.
    """

    unit: "Unit"
    inputs: int
    taps: int = 1
    window: int = 1

    kind: ClassVar[str]
    # Cycles from an operation of the tail to the terms that it adds.
    latency: ClassVar[int]
    # Neurons that are swept at once by default, at most; None is all.
    swept: ClassVar[int | None] = None

    @property
    def cost(self) -> Cost:
        """Cycles in which an event of value 1 is added."""
        return self.taps * self.unit.folds

    @property
    def tail_cost(self) -> Cost:
        """Cycles in which the tail adds an event of value 1 that comes to it."""
        return self.cost

    def before(self, stages: Stages, source: int) -> int:
        """Add the stages before the tail; returns the number of the last one."""
        return source

    def rows(self, s: np.ndarray) -> np.ndarray:
        """Count how often an input is added in each step, (steps, samples, inputs).

        Parameters
        ----------
        s : (steps, samples, inputs)
        """
        return s

    def work(self, s: np.ndarray) -> np.ndarray:
        """Count the cycles in which the engine adds, int64 (samples,)."""
        return (self.rows(s).sum(axis=0, dtype=np.int64) * np.asarray(self.cost)).sum(axis=1)
