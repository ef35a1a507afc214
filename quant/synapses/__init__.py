"""Trainable twins of model/synapses.

A new kind is a file here, with its twin of the same name in model/synapses, and a line in `KINDS`
of both.
"""

from .delayed import Delayed
from .dense import Dense
from .synapses import Synapses

__all__ = ["KINDS", "Synapses"]

KINDS: dict[str, type[Synapses]] = {"dense": Dense, "delayed": Delayed}
