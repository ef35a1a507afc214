"""Final membrane: that of the last step."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from .protocol import Decision, Readout, best

__all__ = ["FinalMembrane"]


@dataclass(frozen=True, eq=False)
class FinalMembrane(Readout):
    """Scores by h[c, T - 1]."""

    kind: ClassVar[str] = "final-membrane"

    def decide(self, s: np.ndarray, h: np.ndarray) -> Decision:
        """Decide a batch."""
        return best(h[-1], len(h))
