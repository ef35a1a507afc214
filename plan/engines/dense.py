"""Events as they come: a row of weights for each."""

from typing import ClassVar

from ...model.network import Layer
from ..taps import Taps
from .engine import Engine

__all__ = ["Dense"]


class Dense(Engine):
    """Events as they come: a row of weights for each."""

    name: ClassVar[str] = "dense"

    @classmethod
    def serves(cls, layer: Layer, taps: Taps) -> bool:
        """Whether nothing is delayed."""
        return not taps.delayed
