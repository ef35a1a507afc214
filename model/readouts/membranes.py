"""Membranes: those of the last layer at the last step, for regression."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from .protocol import Decision, Readout, unlabelled

__all__ = ["Membranes"]


@dataclass(frozen=True, eq=False)
class Membranes(Readout):
    """Gives h[j, T - 1], as scores."""

    kind: ClassVar[str] = "membranes"
    classifies: ClassVar[bool] = False

    def decide(self, s: np.ndarray, h: np.ndarray) -> Decision:
        """Give the membranes of a batch."""
        return unlabelled(h[-1], len(h))
