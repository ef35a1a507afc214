"""Trainable twins of model/synapses, and what makes them.

A new kind is a file here, with its twin of the same name in model/synapses, and a line in `KINDS`
of both; a line in `SPECS` makes it known to recipes.
"""

from .delayed import Delayed, DelayedLinear
from .dense import Dense, Linear
from .synapses import Synapses, SynapsesSpec

__all__ = ["KINDS", "SPECS", "Synapses", "SynapsesSpec"]

KINDS: dict[str, type[Synapses]] = {"dense": Dense, "delayed": Delayed}
SPECS: dict[str, type[SynapsesSpec]] = {x.kind: x for x in (Linear, DelayedLinear)}
