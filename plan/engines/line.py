"""Every step adds the inputs that had an event in its window (rtl/synapses/gather.py)."""

from typing import ClassVar

from ...model.network import Layer
from ..taps import Taps
from .engine import Engine

__all__ = ["Line"]


class Line(Engine):
    """Every step adds the inputs that had an event in its window (rtl/synapses/gather.py)."""

    name: ClassVar[str] = "line"
    keeps: ClassVar[bool] = True
    apart: ClassVar[bool] = True

    @classmethod
    def serves(cls, layer: Layer, taps: Taps) -> bool:
        """Whether something is delayed."""
        return taps.delayed
