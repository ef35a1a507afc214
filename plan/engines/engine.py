"""What every engine is."""

from typing import ClassVar

from ...model.network import Layer
from ..taps import Taps

__all__ = ["Engine"]


class Engine:
    """An engine, as its layout and its cycles are planned.

    Attributes
    ----------
    name : str
    keeps : bool
        Whether it keeps delays; of those that do, one can be asked for by name.
    apart : bool
        Whether an input may have at most one event in a step, so that every source has its own.
    """

    name: ClassVar[str]
    keeps: ClassVar[bool] = False
    apart: ClassVar[bool] = False

    @classmethod
    def serves(cls, layer: Layer, taps: Taps) -> bool:
        """Whether it computes a layer."""
        raise NotImplementedError
