"""Neurons: from currents to spikes, in integers.

A new kind is a file here, with its twins of the same name in quant/neurons and rtl/neurons, and a
line in `KINDS` of each.
"""

from .neuron import Neuron
from .neurons import Neurons
from .parallel import Parallel

__all__ = ["KINDS", "Neurons"]

KINDS: dict[str, type[Neurons]] = {kind.kind: kind for kind in (Neuron, Parallel)}
