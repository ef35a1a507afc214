"""What engines over maps have in common: the taps of an event one after another, as they come."""

from typing import Any, ClassVar

import numpy as np

from ...model.errors import InputError
from ...model.network import Network
from ...model.synapses.local import Local as Golden
from ..stages import Skid, Stages
from ..taps import Window, window
from ..unit import Unit
from .engine import Engine

__all__ = ["Local", "chunks"]


def chunks(synapses: Golden, lanes: int) -> tuple[int, np.ndarray]:
    """Tell which chunks of the output channels, `lanes` each, an input channel reaches.

    Returns
    -------
    count : int
    first : int64 (channels,)
    """
    outs = synapses.out // synapses.groups
    group = np.arange(synapses.shape[0]) // (synapses.shape[0] // synapses.groups)
    return max(1, outs // lanes), group * outs // lanes


class Local(Engine):
    """An engine of one kind of synapses over maps.

    Attributes
    ----------
    golden : tuple of type
        Kinds in the model.
    """

    maps = True
    golden: ClassVar[tuple[type[Golden], ...]]

    __slots__ = ()

    @classmethod
    def serves(cls, network: Network, name: str) -> bool:
        """Whether one connection of the kind feeds the layer, and nothing is delayed."""
        found = window(network, name, cls.golden)
        return found is not None and found.window == 1 and cls.suits(found.synapses)

    @classmethod
    def suits(cls, synapses: Any) -> bool:
        """Whether synapses of the kind are such as it can walk."""
        return True

    @classmethod
    def merge(cls, network: Network, name: str) -> Window:
        """Give the taps of a layer that it serves."""
        found = window(network, name, cls.golden)
        assert found is not None
        return found

    @classmethod
    def channels(cls, network: Network, name: str) -> int:
        """Count the output channels."""
        return cls.merge(network, name).synapses.out

    @classmethod
    def check(cls, network: Network, name: str, unit: Unit) -> None:
        """Refuse lanes that hold channels of several places, or parts of several groups."""
        synapses = cls.merge(network, name).synapses
        outs = synapses.out // synapses.groups
        if synapses.out % unit.lanes or (unit.lanes % outs and outs % unit.lanes):
            groups = (
                f", and the {outs} of a group or a multiple of it" if outs < synapses.out else ""
            )
            raise InputError(
                f"Lanes of layer {name} must divide its {synapses.out} channels{groups}, not be"
                f" {unit.lanes}"
            )
        if unit.places > 1 and not unit.sweep == unit.lanes == synapses.out:
            raise InputError(
                f"Lanes and sweep width of layer {name} must be its {synapses.out} channels where"
                f" taps are added in parallel, not {unit.lanes} and {unit.sweep}"
            )

    @classmethod
    def waits(cls, network: Network, name: str, unit: Unit) -> int:
        """Tell how long additions are to wait for those before them."""
        return cls(unit, cls.merge(network, name)).settling

    @property
    def settling(self) -> int:
        """Cycles that additions are to wait, in a unit that tells nothing of it yet."""
        return 0

    def before(self, stages: Stages, source: int) -> int:
        return stages.add(Skid(stages.add(Skid(source))))
