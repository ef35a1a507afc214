"""The engine of wheels; its source of terms is rtl/synapses/wheel.py."""

from dataclasses import dataclass

from ...model.network import Network
from ..stages import Scatter, Skid, Stages
from ..taps import merged
from .engine import Engine

__all__ = ["Wheel", "slots"]


@dataclass(frozen=True, slots=True)
class Wheel(Engine):
    """Events are added, when they come, to slots; the soma adds those of each step."""

    kind = "wheel"
    latency = 5
    keeps = "wheel"
    # Few suffice, as a wheel takes events meanwhile.
    swept = 16

    @classmethod
    def serves(cls, network: Network, name: str) -> bool:
        """Whether something is delayed."""
        return merged(network, name).delayed

    @property
    def soma_cost(self) -> int:
        """Cycles in which the soma adds the slots of a step: an end comes with one event."""
        return self.unit.folds

    def before(self, stages: Stages, source: int) -> int:
        folds = self.unit.folds
        skid = stages.add(Skid(source))
        return stages.add(Scatter(skid, self.cost, folds, slots(self.taps.window) * folds))


def slots(window: int) -> int:
    """Slots of a wheel for delays 0..window - 1: a power of two, so that they go around."""
    return 1 << (window - 1).bit_length()
