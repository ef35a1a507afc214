"""The engine without delays; its source of terms is rtl/synapses/dense.py."""

from dataclasses import dataclass

from ...model.network import Layer
from ..taps import Taps
from .engine import Engine

__all__ = ["Dense"]


@dataclass(frozen=True, slots=True)
class Dense(Engine):
    """Rows of weights, as events come."""

    kind = "dense"
    latency = 2

    @classmethod
    def serves(cls, layer: Layer, taps: Taps) -> bool:
        """Whether nothing is delayed."""
        return not taps.delayed
