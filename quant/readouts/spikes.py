"""Spikes, see model/readouts/spikes.py."""

from torch import Tensor

from .protocol import Readout

__all__ = ["Spikes"]


class Spikes(Readout):
    """Gives the spikes and no class: `Trace` of quant/network.py has them."""

    loss = "spikes-mse"

    def per_logit(self, unit: float) -> float:
        """Spikes are counted as they are."""
        return 1.0

    def logits(self, s: Tensor, h: Tensor, unit: float) -> Tensor:
        """Give the numbers of spikes."""
        return s.sum(0)
