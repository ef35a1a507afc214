"""Trainable twins of model/neurons.

A new kind is a file here, with its twin of the same name in model/neurons, and a line in `KINDS` of
both.
"""

from .neuron import Neuron
from .neurons import Neurons

__all__ = ["KINDS", "Neurons"]

KINDS: dict[str, type[Neurons]] = {"neuron": Neuron}
