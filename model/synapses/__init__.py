"""Synapses: linear maps from events to currents, in integers.

After training every kind is the same thing: taps, each an integer weight from an input to an
output, and a delay. A new kind is a file here that says which (`Matrix.taps`, or `Local.places`
over maps), with its trainable twin in quant/synapses, and a line in `KINDS` of both; hardware adds
the taps of any kind (plan/taps.py), in fewer cycles where plan/engines and rtl/synapses have an
engine for it.
"""

from .causal import Causal
from .conv import Conv
from .delayed import Delayed
from .dense import Dense
from .local import Local, Place
from .spaced import Spaced
from .synapses import Matrix, Synapses, Tap

__all__ = ["KINDS", "Local", "Matrix", "Place", "Synapses", "Tap"]

KINDS: dict[str, type[Synapses]] = {
    kind.kind: kind for kind in (Dense, Delayed, Conv, Causal, Spaced)
}
