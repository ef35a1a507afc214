"""The engine without delays; its source of terms is rtl/synapses/dense.py."""

from dataclasses import dataclass

from ...model.network import Network
from ..taps import merged
from .engine import Engine

__all__ = ["Dense"]


@dataclass(frozen=True, slots=True)
class Dense(Engine):
    """Rows of weights, as events come."""

    kind = "dense"
    latency = 2

    @classmethod
    def serves(cls, network: Network, name: str) -> bool:
        """Whether nothing is delayed."""
        return not merged(network, name).delayed
