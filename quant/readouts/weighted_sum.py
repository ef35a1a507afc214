"""Weighted sum, see model/readouts/weighted_sum.py."""

import numpy as np
import torch
from torch import Tensor

from .protocol import Scored

__all__ = ["WeightedSum"]


class WeightedSum(Scored):
    """Scores by the weighted sum of the membranes."""

    loss = "weighted"

    def score(self, s: Tensor, h: Tensor) -> Tensor:
        """Score each class."""
        w = torch.from_numpy(self.golden.weights.astype(np.float64)).to(h)
        return (h * w[:, None, None]).sum(0)

    def logits(self, s: Tensor, h: Tensor, unit: float) -> Tensor:
        """Give the weighted mean."""
        return super().logits(
            s, h, unit * max(1, int(np.abs(self.golden.weights.astype(int)).sum()))
        )

    def reach(self, membrane: int) -> int:
        """Bound every partial sum, in whatever order torch adds."""
        return membrane * int(np.abs(self.golden.weights.astype(int)).sum())
