"""What every engine says of its cycles."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ...model.network import Network
from ..stages import Cost, Stages
from ..taps import merged
from ..unit import Unit

__all__ = ["Engine"]


@dataclass(frozen=True, slots=True)
class Engine:
    """An engine whose soma adds the rows of events as they come.

    Parameters
    ----------
    unit : Unit
    taps : what `merge` gives

    Attributes
    ----------
    kind : str
    latency : int
        Cycles from an operation of the soma to the terms that it adds.
    swept : int or None
        Neurons that are swept at once by default, at most; None is all.
    keeps : str
        By what word it is asked for to keep delays; empty is one that keeps none.
    maps : bool
        Whether it goes over maps.
    apart : bool
        Whether an input may have at most one event in a step, so that every source has its own.
    recalls : bool
        Whether its stages ask what came to its inputs: `before` takes one record (`Stages`).
    """

    unit: Unit
    taps: Any

    kind: ClassVar[str]
    latency: ClassVar[int]
    swept: ClassVar[int | None] = None
    keeps: ClassVar[str] = ""
    maps: ClassVar[bool] = False
    apart: ClassVar[bool] = False
    recalls: ClassVar[bool] = False

    @classmethod
    def serves(cls, network: Network, name: str) -> bool:
        """Whether such an engine can compute a layer."""
        raise NotImplementedError

    @classmethod
    def channels(cls, network: Network, name: str) -> int:
        """Count the channels of a layer over maps, whose places it goes through; 0 for others."""
        return 0

    @classmethod
    def check(cls, network: Network, name: str, unit: Unit) -> None:
        """Refuse a unit that it cannot be built by, of a layer that it serves."""

    @classmethod
    def banks(cls, network: Network, name: str, taps: str) -> tuple[int, int]:
        """Count the banks of lanes, in rows and columns, that taps in parallel need."""
        return 1, 1

    @classmethod
    def waits(cls, network: Network, name: str, unit: Unit) -> int:
        """Tell how long additions are to wait for those before them (`Unit.waits`)."""
        return 0

    @property
    def marks(self) -> bool:
        """Whether it can tell which folds the events of a step reached, and sweep these alone."""
        return False

    @property
    def meets(self) -> np.ndarray | None:
        """Tell what the first two additions of an event, and its last two, add to.

        Returns
        -------
        int64 (inputs, 4, banks), or None if they wait for none
            Addresses of accumulators; -1 where nothing is added.
        """
        return None

    @classmethod
    def merge(cls, network: Network, name: str) -> Any:
        """Put the connections of a layer that it serves together, as it takes them."""
        return merged(network, name, apart=cls.apart)

    @property
    def depth(self) -> int:
        """Count the accumulators of a lane."""
        return self.unit.folds

    @property
    def addresses(self) -> int:
        """Count the addresses at which lanes add in turn; 0 where all add at one."""
        return 0

    @property
    def cost(self) -> Cost:
        """Cycles in which an event of value 1 is added."""
        return self.taps.taps * self.unit.folds

    @property
    def soma_cost(self) -> Cost:
        """Cycles in which the soma adds an event of value 1 that comes to it."""
        return self.cost

    def before(self, stages: Stages, source: int) -> int:
        """Add the stages before the soma; returns the number of the last one."""
        return source

    def rows(self, s: np.ndarray) -> np.ndarray:
        """Count how often an input is added in each step, (steps, samples, inputs).

        Parameters
        ----------
        s : (steps, samples, inputs)
        """
        return s

    def touched(self, s: np.ndarray) -> np.ndarray:
        """Tell which folds the events of each step reach, bool (steps, samples, folds)."""
        raise NotImplementedError

    def work(self, s: np.ndarray) -> np.ndarray:
        """Count the cycles in which the engine adds, int64 (samples,)."""
        return (self.rows(s).sum(axis=0, dtype=np.int64) * np.asarray(self.cost)).sum(axis=1)
