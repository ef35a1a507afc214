"""Up-sampling, as networks are written down; see model/views/repeat.py."""

from dataclasses import dataclass
from typing import ClassVar

from ...model.maps import Map, pair
from ...model.views.repeat import Repeat
from .view import ViewSpec

__all__ = ["Upsample"]


@dataclass(frozen=True, slots=True)
class Upsample(ViewSpec):
    """Makes a block of places of each, as torch.nn.Upsample does with ``mode="nearest"``.

    Parameters
    ----------
    scale_factor : int, or (rows, columns)
    """

    kind: ClassVar[str] = "upsample"

    scale_factor: int | tuple[int, int]

    def __post_init__(self) -> None:
        pair("Upsample scale_factor", self.scale_factor, 1, 1 << 12)

    def build(self, before: Map) -> Repeat:
        """Make the view of a map."""
        return Repeat(before.shape, pair("Upsample scale_factor", self.scale_factor, 1, 1 << 12))
