"""Largest membrane, see model/readouts/max_membrane.py."""

from torch import Tensor

from .protocol import Scored

__all__ = ["MaxMembrane"]


class MaxMembrane(Scored):
    """Scores by the largest membrane of any step."""

    loss = "maximum"

    def score(self, s: Tensor, h: Tensor) -> Tensor:
        """Score each class."""
        return h.max(0).values
