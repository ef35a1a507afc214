"""The engine of wheels over maps; its source of terms is rtl/synapses/map_wheel.py."""

from collections.abc import Sequence
from typing import Any

from ...model.network import Network
from ..stages import Cost, Scatter, Stages
from ..taps import window
from .conv import Conv
from .local import Local
from .spaced import Spaced
from .wheel import slots

__all__ = ["MapWheel"]


class MapWheel(Local):
    """Taps that an event meets are added, when it comes, to slots of places.

    Attributes
    ----------
    walks : tuple of type
        Engines without delays, whose walks it takes.
    """

    kind = "map_wheel"
    latency = 5
    keeps = "wheel"
    # As of a wheel.
    swept = 16
    walks = (Conv, Spaced)
    golden = tuple(kind for engine in walks for kind in engine.golden)

    __slots__ = ()

    @classmethod
    def serves(cls, network: Network, name: str) -> bool:
        """Whether one connection of such a kind feeds the layer, and something is delayed."""
        found = window(network, name, cls.golden)
        return found is not None and found.window > 1 and cls._of(found).suits(found.synapses)

    @classmethod
    def _of(cls, taps: Any) -> type[Local]:
        return next(engine for engine in cls.walks if isinstance(taps.synapses, engine.golden))

    @property
    def walk(self) -> Local:
        """The engine without delays."""
        return self._of(self.taps)(self.unit, self.taps)

    @property
    def cost(self) -> Cost:
        """Cycles in which an event of value 1 is added."""
        return self.walk.cost

    @property
    def soma_cost(self) -> int:
        """Cycles in which the soma adds the slots of a step: an end comes with one event."""
        return self.unit.folds

    @property
    def slots(self) -> int:
        """Slots of a place."""
        return slots(self.taps.window)

    def groups(self, widths: Sequence[int]) -> list[tuple[int, int]]:
        """List its memories by how many lanes add at one address, and the widest of these."""
        count = self.walk.addresses or 1
        return [(len(widths[n::count]), max(widths[n::count])) for n in range(count)]

    def bits(self, widths: Sequence[int]) -> int:
        """Count the bits of its memories, whose lanes need slots of these widths."""
        words = self.slots * self.walk.depth
        return words * sum(lanes * width for lanes, width in self.groups(widths))

    def before(self, stages: Stages, source: int) -> int:
        folds = self.unit.folds
        source = super().before(stages, source)
        return stages.add(Scatter(source, self.cost, folds, self.slots * folds))
