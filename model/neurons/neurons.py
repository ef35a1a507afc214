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
    whole : bool
        Whether a spike may depend on steps that are still to come: such a layer knows its first one
        when the sample has ended, and is run by `run` alone.
    """

    __slots__ = ()
    kind: ClassVar[str]
    arrays: ClassVar[tuple[str, ...]]
    optional: ClassVar[tuple[str, ...]] = ()
    bias: np.ndarray
    whole: bool = False

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

    @property
    def gain(self) -> int:
        """How many times as large as the sum of all currents so far a membrane may be."""
        return 1

    def suit(self, steps: int) -> None:  # noqa: B027
        """Refuse a number of steps that they are not made for."""

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

    def run(self, i: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Run whole samples.

        Parameters
        ----------
        i : int64 (steps, samples, neurons)
            What the connections add in each step.

        Returns
        -------
        s : bool (steps, samples, neurons)
        h : int64 (steps, samples, neurons)
        """
        state, s, h = self.start(*i.shape[1:-1]), np.empty(i.shape, bool), np.empty_like(i)
        for t, current in enumerate(i):
            s[t], h[t], state = self.step(state, current)
        return s, h

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
