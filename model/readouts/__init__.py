"""Readouts: from the spikes and membranes of the last layer to a class, or these themselves.

    kind            score[c]                              step of decision
    first-spike     h[c] at the step of decision          the first step with a spike, else T - 1
    weighted-sum    sum over t of w[t] * h[c, t]          T - 1
    spike-count     number of spikes of c                 T - 1
    max-membrane    maximum over t of h[c, t]             T - 1
    final-membrane  h[c, T - 1]                           T - 1

The class of the largest score wins, the lowest index where scores are equal. Two kinds give no
class:

    spikes          every spike of the last layer, as a stream; score: their number
    membranes       the membranes of the last step; score: h[j, T - 1]
"""

from typing import Any

import numpy as np

from ..check import choice
from ..errors import InputError
from .final_membrane import FinalMembrane
from .first_spike import FirstSpike
from .max_membrane import MaxMembrane
from .membranes import Membranes
from .protocol import Readout
from .spike_count import SpikeCount
from .spikes import Spikes
from .weighted_sum import WeightedSum

__all__ = ["KINDS", "named", "readout"]

KINDS: dict[str, type[Readout]] = {
    x.kind: x
    for x in (
        FirstSpike,
        WeightedSum,
        SpikeCount,
        MaxMembrane,
        FinalMembrane,
        Spikes,
        Membranes,
    )
}


def named(kind: Any) -> type[Readout]:
    """Find a kind by its name, refuse any other."""
    return KINDS[choice("Readout kind", kind, KINDS)]


def readout(kind: Any, weights: np.ndarray | None = None) -> Readout:
    """Make a readout by the name of its kind."""
    found = named(kind)
    if ("weights" in found.tensors) != (weights is not None):
        raise InputError("Readout weights must be given for weighted-sum and for nothing else")
    return found(*([] if weights is None else [weights]))
