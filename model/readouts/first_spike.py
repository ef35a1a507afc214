"""First spike: the class that spikes first; it may stop a sample early.

Earliest step, then higher membrane at that step, then lowest index. Only the classes that spike at
the step of decision take part, all of them at the last step where none ever spikes.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from .protocol import Decision, Readout

__all__ = ["FirstSpike"]


@dataclass(frozen=True, eq=False)
class FirstSpike(Readout):
    """Decides at the first step with a spike; scores are the membranes of that step."""

    kind: ClassVar[str] = "first-spike"
    early: ClassVar[bool] = True
    needs_threshold: ClassVar[bool] = True

    def decide(self, s: np.ndarray, h: np.ndarray) -> Decision:
        """Decide a batch."""
        steps, samples, _ = h.shape
        fires, row = s.any(axis=2), np.arange(samples)
        step = np.where(fires.any(axis=0), fires.argmax(axis=0), steps - 1)
        score, spike = h[step, row], s[step, row]
        takes_part = spike | ~spike.any(axis=1, keepdims=True)
        label = np.where(takes_part, score, np.iinfo(np.int64).min).argmax(axis=1)
        return Decision(label, step, score)
