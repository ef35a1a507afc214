"""Depths of the pipelines: what the hardware is built by and its cycles are predicted by."""

from ..model.neurons.neuron import Neuron, reduce_leak
from ..model.readouts.readout import Readout
from .engines import ENGINES
from .mapping import Unit

__all__ = [
    "IN_FLIGHT",
    "QUEUE",
    "WIDE",
    "chunks",
    "latency",
    "leaking",
    "picks",
    "reporting",
    "rest",
    "scanned",
    "settling",
]

# Samples under way at once, from their first beat to their result.
IN_FLIGHT = 4
# Vectors that wait behind an engine: several steps. A place comes back `latency` + `reporting` + 3
# cycles after its sweep or later: with fewer a sweep would wait though nothing is in its way.
QUEUE = 16
WIDE = 16  # lanes that lie close together; more take another stage


def picks(unit: Unit) -> int:
    """Cycles in which a sweep picks the membranes of its group: of two, then among the pairs."""
    return min((unit.groups - 1).bit_length(), 2)


def reporting(unit: Unit) -> int:
    """Cycles from the accumulators of a sweep to the write of what it found into the queue.

    One more where there are many lanes: a spike is looked for in a cycle of its own.
    """
    return picks(unit) + 1 + (unit.lanes > WIDE)


def leaking(neuron: Neuron) -> int:
    """Cycles from a membrane to what is left of it in the next step.

    0 for neurons that neither leak nor clamp, 1 for a leak by shift and subtraction, 2 for one by
    multiplication.
    """
    if not neuron.leaks and neuron.clamp is None:
        return 0
    m, k = reduce_leak(neuron.leak)
    return 1 if m <= 1 or m == (1 << k) - 1 else 2


def rest(neuron: Neuron, unit: Unit) -> int:
    """Cycles between the read and the write of a sweep, beyond an addition's.

    Where membranes are picked, one more in which they go back. Neurons that fire once and have no
    bias write nothing back but at the end of a sample, and rest all the same.
    """
    return picks(unit) + leaking(neuron) + (unit.groups > 1)


def latency(unit: Unit) -> int:
    """Cycles from an operation of the tail to the terms that it adds."""
    return ENGINES[unit.engine].latency


def scanned(unit: Unit) -> int:
    """Classes that the readout scores in one cycle."""
    return 2 if unit.sweep % 2 == 0 else 1


def settling(readout: Readout) -> int:
    """Cycles from the scan of a step to what it decides.

    One more where scores build on those of the steps before.
    """
    return 2 + (readout.kind not in ("first-spike", "final-membrane"))


def chunks(unit: Unit) -> list[int]:
    """Lanes behind each stage of serialisation: by up to 8 first where a vector is wide.

    A chunk divides the vector, unless there is one position only: addresses stay position * lanes +
    lane.
    """
    lanes = unit.sweep
    if lanes <= WIDE:
        return [1] if lanes > 1 else []
    whole = unit.folds * unit.groups == 1
    chunk = 8 if whole else max(c for c in range(1, 9) if lanes % c == 0)
    return [chunk, 1] if chunk > 1 else [1]
