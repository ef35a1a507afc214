"""Trainable twins of model/neurons, and what makes them.

A new kind is a file here, with its twin of the same name in model/neurons, and a line in `KINDS` of
both; a line in `SPECS` makes it known to recipes.
"""

from .named import IF, LI, LIF, TTFS
from .neuron import Neuron
from .neurons import Neurons, NeuronsSpec
from .parallel import Parallel
from .psn import PSN, MaskedPSN, SlidingPSN

__all__ = ["KINDS", "SPECS", "Neurons", "NeuronsSpec"]

KINDS: dict[str, type[Neurons]] = {"neuron": Neuron, "parallel": Parallel}
SPECS: dict[str, type[NeuronsSpec]] = {
    x.kind: x for x in (TTFS, IF, LIF, LI, PSN, MaskedPSN, SlidingPSN)
}
