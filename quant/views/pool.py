"""Pooling, as networks are written down; see model/views/pool.py."""

from dataclasses import dataclass
from typing import ClassVar

from ...model.maps import Map, pair
from ...model.views.pool import Pool
from .view import ViewSpec

__all__ = ["AvgPool2d", "SumPool2d"]


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


@dataclass(frozen=True, slots=True)
class AvgPool2d(ViewSpec):
    """Averages what the places of a window bring, as torch.nn.AvgPool2d; they lie side by side.

    It is deployed as a sum: the weights behind it stay as they are, and thresholds and biases are
    as many times as large as a window has places. So all connections of its layer must be as many
    times as large: the others by their shift.

    Parameters
    ----------
    window : int, or (rows, columns)
    """

    kind: ClassVar[str] = "avg-pool2d"

    window: int | tuple[int, int]

    def __post_init__(self) -> None:
        pair("AvgPool2d window", self.window, 1, 1 << 12)

    @property
    def scale(self) -> int:
        """Places of a window."""
        rows, columns = pair("AvgPool2d window", self.window, 1, 1 << 12)
        return rows * columns

    def build(self, before: Map) -> Pool:
        """Make the view of a map."""
        return Pool(before.shape, pair("AvgPool2d window", self.window, 1, 1 << 12))
