"""Spike count, see model/readouts/spike_count.py."""

from torch import Tensor

from .protocol import Scored

__all__ = ["SpikeCount"]


class SpikeCount(Scored):
    """Scores by the number of spikes."""

    loss = "count"

    def score(self, s: Tensor, h: Tensor) -> Tensor:
        """Score each class."""
        return s.sum(0)

    def logits(self, s: Tensor, h: Tensor, unit: float) -> Tensor:
        """Give the numbers of spikes."""
        return self.score(s, h)
