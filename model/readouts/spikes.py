"""Spikes: every spike of the last layer, as a stream."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from .protocol import Decision, Readout, unlabelled

__all__ = ["Spikes"]


@dataclass(frozen=True, eq=False)
class Spikes(Readout):
    """Gives the spikes; scores are their numbers."""

    kind: ClassVar[str] = "spikes"
    classifies: ClassVar[bool] = False
    needs_threshold: ClassVar[bool] = True

    def decide(self, s: np.ndarray, h: np.ndarray) -> Decision:
        """Count the spikes of a batch."""
        return unlabelled(s.sum(axis=0, dtype=np.int64), len(s))

    def bounds(self, low: int, high: int, steps: int) -> tuple[int, int]:
        """Bound the counts by the steps."""
        return 0, steps
