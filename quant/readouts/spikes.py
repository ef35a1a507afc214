"""Spikes, see model/readouts/spikes.py."""

from .protocol import Readout

__all__ = ["Spikes"]


class Spikes(Readout):
    """Gives the spikes and no class: `Trace` of quant/network.py has them."""
