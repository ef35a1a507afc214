"""What neurons are in hardware, before it is built: depths of pipelines, widths, and what is swept.

A new kind is a function here for each table where the default is not its own, and its line.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..model.neurons import Neurons
from ..model.neurons.neuron import Neuron, reduce_leak
from ..model.neurons.parallel import Parallel
from ..model.width import Bounds, signed_width
from .unit import Unit

__all__ = [
    "ADDED",
    "LEAKING",
    "QUIET",
    "SWEEPING",
    "Sweep",
    "accumulator",
    "constants",
    "filtering",
    "follows",
    "integrates",
    "leaking",
    "quiet",
    "sweeping",
]


def leaking(neuron: Neuron) -> int:
    """Cycles that the leak takes, from a membrane to what is left of it in the next step.

    0 for neurons that neither leak nor clamp, 1 for a leak by shift and subtraction, 2 for one by
    multiplication, or rounded toward zero.
    """
    if integrates(neuron):
        return 0
    m, k = reduce_leak(neuron.leak)
    return 1 if (m <= 1 or m == (1 << k) - 1) and neuron.rounding == "floor" else 2


def quiet(neuron: Neuron) -> bool:
    """Whether a step without an event never makes a neuron fire, nor changes its membrane."""
    theta = neuron.threshold
    fires = theta is not None and bool((theta > 0).all())
    keeps = integrates(neuron) and not neuron.bias.any()
    return fires and keeps and neuron.once and neuron.reset == "none"


def integrates(neuron: Neuron) -> bool:
    """Whether the accumulator is the membrane itself, less the threshold: no leak, no clamp."""
    return not neuron.leaks and neuron.clamp is None


def accumulator(neuron: Neurons, bounds: Bounds, served: range) -> int:
    """Width of an accumulator that serves these neurons in turn, bits.

    It holds h, less the threshold where the membrane is kept so (`integrates`).
    """
    n = np.arange(served.start, served.stop, served.step)
    offset: Any = 0
    if isinstance(neuron, Neuron) and integrates(neuron):
        offset = _threshold(neuron)[n % len(_threshold(neuron))]
    low, high = (np.asarray(x)[n] - offset for x in bounds.accumulator)
    return max(signed_width(int(low.min()), int(high.max())), 2)


@dataclass(frozen=True, slots=True)
class Sweep:
    """What is done to the membrane of a neuron at the end of a step.

    Attributes
    ----------
    integrates : bool
        Whether it is compared with 0, as it is kept.
    writes : bool
        Whether the accumulator is written in every step.
    compares, adders, choices : int
        How often all of its bits are compared, added, or chosen.
    """

    integrates: bool
    writes: bool
    compares: int
    adders: int
    choices: int


def sweeping(neuron: Neuron) -> Sweep:
    """Tell what is done to a membrane at the end of a step."""
    fires = neuron.threshold is not None
    resets = neuron.reset if fires else "none"
    kept = integrates(neuron)
    idle = kept and neuron.reset == "none" and not neuron.bias.any()
    m, k = reduce_leak(neuron.leak)
    shifts = k and m > 1
    multiplies = shifts and m != (1 << k) - 1
    adders = (not idle) * bool(neuron.bias.any() or kept)
    adders += 0 if kept else (resets == "subtract") + (2 if multiplies else bool(shifts))
    choices = 0 if idle else (resets != "none") + (not kept)
    compares = (fires and not kept) + 2 * (neuron.clamp is not None)
    return Sweep(kept, not idle, int(compares), int(adders), int(choices))


def constants(neuron: Neuron, unit: Unit) -> Iterator[tuple[int, int]]:
    """List the tables of constants of the lanes: numbers in each, and their bits."""
    theta, bias = _of(_threshold(neuron), unit), _of(neuron.bias, unit)
    how = sweeping(neuron)
    kept = how.integrates
    swept = [] if kept and not how.writes else [bias]
    if neuron.threshold is not None:
        swept += [bias - theta] if kept and neuron.reset == "subtract" else []
        swept += [theta] if not kept else []
    for numbers in swept:
        for lane in range(unit.sweep):
            yield from _table(numbers[lane :: unit.sweep], unit.period * unit.groups)
    if kept and unit.folds > 1:
        for lane in range(unit.lanes):
            yield from _table((bias - theta)[lane :: unit.lanes], unit.period)


def _table(numbers: np.ndarray, period: int) -> Iterator[tuple[int, int]]:
    numbers = numbers[:period]
    low, high = int(numbers.min()), int(numbers.max())
    if low < high:
        yield len(numbers), signed_width(low, high)


def _threshold(neuron: Neuron) -> np.ndarray:
    """Thresholds of the channels, 0 where there is none."""
    return np.zeros(1, np.int64) if neuron.threshold is None else neuron.threshold


def _of(numbers: np.ndarray, unit: Unit) -> np.ndarray:
    """Repeat the numbers of channels for all neurons."""
    return np.resize(np.asarray(numbers, np.int64), unit.neurons)


def filtering(neuron: Neurons, unit: Unit) -> int:
    """Cycles from the accumulators of a sweep to the membranes that are made of them.

    0 where they are the membranes. Of products that are made at once, one, and one for each time
    that `ADDED` of them are added; else one for the last product and one for the sum.
    """
    if not isinstance(neuron, Parallel):
        return 0
    if unit.passes > 1:
        return 2
    depth, left = 1, neuron.taps
    while left > 1:
        depth, left = depth + 1, -(-left // ADDED)
    return depth


def follows(neuron: Neurons, unit: Unit) -> bool:
    """Whether a sweep must know its step."""
    if not isinstance(neuron, Parallel):
        return False
    return neuron.whole or unit.passes > 1 or neuron.weight.shape[1] > 1


ADDED = 4  # products that are added in a cycle

# Cycles that the leak takes, by kind: from an accumulator to what a sweep writes back.
LEAKING: dict[str, Callable[[Any], int]] = {Neuron.kind: leaking, Parallel.kind: lambda neuron: 1}
# What is done to membranes in a sweep, of the kinds whose area is known.
SWEEPING: dict[str, Callable[[Any], Sweep]] = {Neuron.kind: sweeping}
# Whether neurons need be looked at only in steps with an event of theirs, by kind.
QUIET: dict[str, Callable[[Any], bool]] = {Neuron.kind: quiet, Parallel.kind: lambda neuron: False}
