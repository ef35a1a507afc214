"""What every readout is: from the spikes and membranes of the last layer to the result."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from ..errors import InputError

__all__ = ["Decision", "Readout"]


@dataclass(frozen=True, slots=True, eq=False)
class Decision:
    """Decisions: `label` and `step` int64 (samples,), `score` int64 (samples, neurons).

    Where the result is no class, `label` is -1.
    """

    label: np.ndarray
    step: np.ndarray
    score: np.ndarray


@dataclass(frozen=True, eq=False)
class Readout(ABC):
    """A kind of readout: what it makes of the spikes and membranes of the last layer.

    Attributes
    ----------
    kind : str
        Its name, in the file too.
    early : bool
        Whether a decision can fall before the last step.
    classifies : bool
        Whether the result is a class.
    needs_threshold : bool
        Whether the last layer must fire.
    tensors : dict
        Parameters of the kind that are tensors of the file, with their types; it has no others.
    """

    kind: ClassVar[str]
    early: ClassVar[bool] = False
    classifies: ClassVar[bool] = True
    needs_threshold: ClassVar[bool] = False
    tensors: ClassVar[dict[str, type]] = {}

    @classmethod
    def default(cls, steps: int) -> Self:
        """Make one with default parameters, for networks of `steps` steps."""
        return cls()

    @abstractmethod
    def decide(self, s: np.ndarray, h: np.ndarray) -> Decision:
        """Decide a batch.

        Parameters
        ----------
        s : bool (steps, samples, classes)
        h : int64 (steps, samples, classes)
        """

    def check(self, steps: int, fires: bool) -> None:
        """Refuse a last layer that does not suit: its number of steps, whether it ever fires."""
        if self.needs_threshold and not fires:
            raise InputError(f"Readout {self.kind} must follow neurons with a threshold")

    def check_reach(self, reach: int) -> None:  # noqa: B027
        """Refuse membranes of magnitudes up to `reach` if 64 bits might not hold their scores."""

    def bounds(self, low: int, high: int, steps: int) -> tuple[int, int]:
        """Bound every score, and every value on the way to it, given bounds of the membranes."""
        return low, high


def unlabelled(score: np.ndarray, steps: int) -> Decision:
    """Make a result without classes: `score` (samples, neurons), label -1, the last step."""
    return Decision(np.full(len(score), -1), np.full(len(score), steps - 1), score)


def best(score: np.ndarray, steps: int) -> Decision:
    """Decide for the largest score (samples, classes) at the last step, the lowest index of equal
    ones."""
    return Decision(score.argmax(axis=1), np.full(len(score), steps - 1), score)
