"""Trainable twins of model/synapses, and what makes them.

A new kind is a file here, with its twin of the same name in model/synapses, and a line in `KINDS`
of both; a line in `SPECS` makes it known to recipes.
"""

from .causal import Causal, Conv3d
from .conv import Conv, Conv1d, Conv2d
from .delayed import Delayed, DelayedLinear
from .dense import Dense, Linear
from .spaced import Dcls1d, Dcls2d, Dcls3d, Spaced
from .synapses import Synapses, SynapsesSpec

__all__ = ["KINDS", "SPECS", "Synapses", "SynapsesSpec"]

KINDS: dict[str, type[Synapses]] = {
    "dense": Dense,
    "delayed": Delayed,
    "conv": Conv,
    "causal": Causal,
    "spaced": Spaced,
}
SPECS: dict[str, type[SynapsesSpec]] = {
    x.kind: x for x in (Linear, DelayedLinear, Conv1d, Conv2d, Conv3d, Dcls1d, Dcls2d, Dcls3d)
}
