"""What every kind of neuron is."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np

from ..values import Values
from ..width import Bounds, Interval

__all__ = ["Neurons"]


class Neurons(ABC):
    """A kind of neuron, all those of a layer: a frozen dataclass.

    Its fields go into the network file: arrays as tensors where they are not None, all others into
    the description.

    Attributes
    ----------
    kind : str
        Its name in the network file.
    arrays : tuple of str
        Names of the fields that are arrays.
    optional : tuple of str
        Names of fields that the file leaves out where they have their defaults.
    bias : int array
        What every step adds.
    """

    __slots__ = ()
    kind: ClassVar[str]
    arrays: ClassVar[tuple[str, ...]]
    optional: ClassVar[tuple[str, ...]] = ()
    bias: np.ndarray

    @property
    @abstractmethod
    def size(self) -> int:
        """Number of neurons."""

    @property
    def channels(self) -> int:
        """Number of neurons whose constants those behind them repeat, place by place of a map."""
        return self.size

    @property
    @abstractmethod
    def fires(self) -> bool:
        """Whether they ever spike."""

    @property
    @abstractmethod
    def values(self) -> Values:
        """What they emit."""

    @abstractmethod
    def start(self, *samples: int) -> Any:
        """Make the state at the start of a sample."""

    @abstractmethod
    def step(self, state: Any, i: np.ndarray) -> tuple[np.ndarray, np.ndarray, Any]:
        """Advance every neuron by one step.

        Parameters
        ----------
        state : what `start` made, or the step before
        i : int64 (..., neurons)
            What the connections add in this step.

        Returns
        -------
        s : bool (..., neurons)
        h : int64 (..., neurons)
        state
        """

    @abstractmethod
    def reach(self, arriving: Interval, total: Interval | None) -> Bounds:
        """Prove the bounds of the membranes.

        Parameters
        ----------
        arriving : int64 (steps, neurons), twice
            Bounds of what the connections add in each step, and of any part of it.
        total : int64 (steps, neurons), twice, or None
            Bounds of what they have added together up to each step, if inputs come seldom enough
            to bound that.
        """

    @abstractmethod
    def tell(self, n: int) -> str:
        """Write the constants of neuron n, for the report of a divergence."""
