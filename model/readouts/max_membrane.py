"""Largest membrane: of any step."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from .protocol import Decision, Readout, best

__all__ = ["MaxMembrane"]


@dataclass(frozen=True, eq=False)
class MaxMembrane(Readout):
    """Scores by the maximum over t of h[c, t]."""

    kind: ClassVar[str] = "max-membrane"

    def decide(self, s: np.ndarray, h: np.ndarray) -> Decision:
        """Decide a batch."""
        return best(h.max(axis=0), len(h))
