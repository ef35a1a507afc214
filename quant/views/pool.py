"""Pooling, as networks are written down; see model/views/pool.py."""

from dataclasses import dataclass
from typing import ClassVar

from ...model.maps import Map, pair
from ...model.views.pool import Pool
from .view import ViewSpec

__all__ = ["SumPool2d"]


@dataclass(frozen=True, slots=True)
class SumPool2d(ViewSpec):
    """Adds what the places of a window bring; windows lie side by side.

    Parameters
    ----------
    window : int, or (rows, columns)
    """

    kind: ClassVar[str] = "sum-pool2d"

    window: int | tuple[int, int]

    def __post_init__(self) -> None:
        pair("SumPool2d window", self.window, 1, 1 << 12)

    def build(self, before: Map) -> Pool:
        """Make the view of a map."""
        return Pool(before.shape, pair("SumPool2d window", self.window, 1, 1 << 12))
