"""Membranes, see model/readouts/membranes.py."""

from .protocol import Readout

__all__ = ["Membranes"]


class Membranes(Readout):
    """Gives the membranes of the last step and no class: `Trace` of quant/network.py has them."""

    loss = "mse"
