"""Weighted sum: of the membranes over time.

Source: temporal weighting: "Efficiently training time-to-first-spike spiking neural networks from
scratch" (arXiv 2410.23619); with one spike per class and falling w, the earliest spike wins
whatever w is.
"""

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from ..check import integers
from ..errors import InputError
from .protocol import Decision, Readout, best

__all__ = ["WeightedSum"]


@dataclass(frozen=True, eq=False)
class WeightedSum(Readout):
    """Scores by the sum over t of w[t] * h[c, t].

    Parameters
    ----------
    weights : int (steps,)
    """

    kind: ClassVar[str] = "weighted-sum"
    tensors: ClassVar[dict[str, type]] = {"weights": np.int32}

    weights: np.ndarray

    def __post_init__(self) -> None:
        weights = integers("Readout weights", self.weights, ("steps",), 32)
        object.__setattr__(self, "weights", weights)

    @classmethod
    def default(cls, steps: int) -> Self:
        """Make one whose weights are T - t."""
        return cls(np.arange(steps, 0, -1, dtype=np.int32))

    def decide(self, s: np.ndarray, h: np.ndarray) -> Decision:
        """Decide a batch."""
        return best(np.tensordot(self.weights.astype(np.int64), h, axes=(0, 0)), len(h))

    def check(self, steps: int, fires: bool) -> None:
        """Refuse weights that do not number one per step."""
        super().check(steps, fires)
        if len(self.weights) != steps:
            raise InputError(
                f"Readout weights must number {steps}, one per step, not {len(self.weights)}"
            )

    def check_reach(self, reach: int) -> None:
        """Refuse sums that 64 bits might not hold."""
        total = reach * int(np.abs(self.weights.astype(np.int64)).sum())
        if total >= 1 << 63:
            raise InputError(f"Readout weights must keep scores below 2**63, not reach {total}")

    def bounds(self, low: int, high: int, steps: int) -> tuple[int, int]:
        """Bound every prefix of the sum."""
        least, most = [0], [0]
        for w in self.weights.tolist():
            least.append(least[-1] + min(w * low, w * high))
            most.append(most[-1] + max(w * low, w * high))
        return min(least), max(most)
