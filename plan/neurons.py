"""Depths of the neurons' pipelines. A new kind is a function here, and a line in `LEAKING`."""

from collections.abc import Callable
from typing import Any

from ..model.neurons.neuron import Neuron, reduce_leak

__all__ = ["LEAKING", "leaking"]


def leaking(neuron: Neuron) -> int:
    """Cycles that the leak takes, from a membrane to what is left of it in the next step.

    0 for neurons that neither leak nor clamp, 1 for a leak by shift and subtraction, 2 for one by
    multiplication, or rounded toward zero.
    """
    if not neuron.leaks and neuron.clamp is None:
        return 0
    m, k = reduce_leak(neuron.leak)
    return 1 if (m <= 1 or m == (1 << k) - 1) and neuron.rounding == "floor" else 2


# Cycles that the leak takes, by kind.
LEAKING: dict[str, Callable[[Any], int]] = {Neuron.kind: leaking}
