"""Synapses: linear maps from events to currents, in integers.

After training every kind is the same thing: taps, each an integer weight from an input to an
output, and a delay. A new kind is a file here that says which (`Synapses.taps`), with its trainable
twin in quant/synapses, and a line in `KINDS` of both; hardware adds the taps of any kind
(plan/taps.py), in fewer cycles where plan/engines and rtl/synapses have an engine for it.
"""

from .delayed import Delayed
from .dense import Dense
from .synapses import Synapses, Tap

__all__ = ["KINDS", "Synapses", "Tap"]

KINDS: dict[str, type[Synapses]] = {kind.kind: kind for kind in (Dense, Delayed)}
