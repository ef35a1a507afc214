"""Events add to the sums of the steps that they will reach (rtl/synapses/wheel.py)."""

from typing import ClassVar

from ...model.network import Layer
from ..taps import Taps
from .engine import Engine

__all__ = ["Wheel"]


class Wheel(Engine):
    """Events add to the sums of the steps that they will reach (rtl/synapses/wheel.py)."""

    name: ClassVar[str] = "wheel"
    keeps: ClassVar[bool] = True

    @classmethod
    def serves(cls, layer: Layer, taps: Taps) -> bool:
        """Whether something is delayed."""
        return taps.delayed
