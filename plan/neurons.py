"""What the hardware asks of neurons. A new kind is a function here for each table, and its line."""

from collections.abc import Callable
from typing import Any

from ..model.neurons.neuron import Neuron, reduce_leak

__all__ = ["LEAKING", "QUIET", "leaking", "quiet"]


def leaking(neuron: Neuron) -> int:
    """Cycles that the leak takes, from a membrane to what is left of it in the next step.

    0 for neurons that neither leak nor clamp, 1 for a leak by shift and subtraction, 2 for one by
    multiplication, or rounded toward zero.
    """
    if not neuron.leaks and neuron.clamp is None:
        return 0
    m, k = reduce_leak(neuron.leak)
    return 1 if (m <= 1 or m == (1 << k) - 1) and neuron.rounding == "floor" else 2


def quiet(neuron: Neuron) -> bool:
    """Whether a step without an event never makes a neuron fire, nor changes its membrane."""
    theta = neuron.threshold
    fires = theta is not None and bool((theta > 0).all())
    keeps = not neuron.leaks and neuron.clamp is None and not neuron.bias.any()
    return fires and keeps and neuron.once and neuron.reset == "none"


# Cycles that the leak takes, by kind.
LEAKING: dict[str, Callable[[Any], int]] = {Neuron.kind: leaking}
# Whether neurons need be looked at only in steps with an event of theirs, by kind.
QUIET: dict[str, Callable[[Any], bool]] = {Neuron.kind: quiet}
