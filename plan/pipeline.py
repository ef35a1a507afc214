"""Depths of the pipelines: what the hardware is built by and its cycles are predicted by."""

from ..model.neurons import Neurons
from .engines import ENGINES
from .neurons import LEAKING
from .unit import Unit

__all__ = [
    "DIVIDING",
    "IN_FLIGHT",
    "WIDE",
    "chunks",
    "latency",
    "pause",
    "picks",
    "reporting",
    "rest",
    "settles",
]

# Samples under way at once, from their first beat to their result.
IN_FLIGHT = 4
# Views that divide addresses: a buffer of two stands behind the division, and one behind the view.
DIVIDING = frozenset({"channels_last", "pool", "repeat"})
WIDE = 16  # lanes that lie close together; more take another stage


def picks(unit: Unit) -> int:
    """Cycles in which a sweep picks the membranes of its group: of two, then among the pairs."""
    return min((unit.groups - 1).bit_length(), 2)


def reporting(unit: Unit) -> int:
    """Cycles from the accumulators of a sweep to the write of what it found into the queue.

    One more where there are many lanes: a spike is looked for in a cycle of its own.
    """
    return picks(unit) + 1 + (unit.width > WIDE)


def rest(neuron: Neurons, unit: Unit) -> int:
    """Cycles between the read and the write of a sweep, beyond an addition's.

    Where membranes are picked, one more in which they go back. Neurons that fire once and have no
    bias write nothing back but at the end of a sample, and rest all the same.
    """
    return picks(unit) + LEAKING[neuron.kind](neuron) + (unit.groups > 1)


def latency(unit: Unit) -> int:
    """Cycles from an operation of the soma to the terms that it adds.

    One more where additions wait for others: accumulators are read into registers first.
    """
    return ENGINES[unit.engine].latency + (unit.waits > 0)


def settles(unit: Unit, skips: bool) -> int:
    """Cycles between the last addition and the sweep: until all is written, and folds are found."""
    return max(unit.waits, int(skips))


def pause(neuron: Neurons, unit: Unit, skips: bool) -> int:
    """Cycles behind a sweep in which nothing is added, as it writes back; none does that skips."""
    return rest(neuron, unit) + (0 if skips else unit.waits)


def chunks(unit: Unit) -> list[int]:
    """Lanes behind each stage of serialization: by up to 8 first where a vector is wide.

    A chunk divides the vector, unless there is one position only: addresses stay position * lanes +
    lane. The vectors of several banks are first cut into rows of a cell, and these into places.
    """
    lanes, (rows, columns) = unit.sweep, unit.banks
    cells = [columns * lanes] * (rows > 1) + [lanes] * (columns > 1)
    if lanes <= WIDE:
        return cells + ([1] if lanes > 1 else [])
    whole = unit.folds * unit.groups == 1
    chunk = 8 if whole else max(c for c in range(1, 9) if lanes % c == 0)
    return cells + ([chunk, 1] if chunk > 1 else [1])
