"""Spike count: the class that spikes most often."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from .protocol import Decision, Readout, best

__all__ = ["SpikeCount"]


@dataclass(frozen=True, eq=False)
class SpikeCount(Readout):
    """Scores by the number of spikes."""

    kind: ClassVar[str] = "spike-count"
    needs_threshold: ClassVar[bool] = True

    def decide(self, s: np.ndarray, h: np.ndarray) -> Decision:
        """Decide a batch."""
        return best(s.sum(axis=0, dtype=np.int64), len(s))

    def bounds(self, low: int, high: int, steps: int) -> tuple[int, int]:
        """Bound the counts by the steps."""
        return 0, steps
