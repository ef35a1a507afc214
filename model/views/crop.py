"""A range of addresses."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..check import integer
from ..errors import InputError
from ..values import Values

__all__ = ["Crop"]


@dataclass(frozen=True, slots=True)
class Crop:
    """The addresses ``start .. start + count - 1``, numbered from 0.

    Parameters
    ----------
    start, count : int
    """

    kind: ClassVar[str] = "crop"

    start: int
    count: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "start", integer("Crop start", self.start, 0, 1 << 24))
        object.__setattr__(self, "count", integer("Crop count", self.count, 0, 1 << 24))

    def size(self, pre: int) -> int:
        """Count the addresses behind the view of `pre`."""
        if self.start + self.count > pre:
            raise InputError(
                f"Crop must lie within the {pre} addresses before it, "
                f"not at {self.start}..{self.start + self.count - 1}"
            )
        return self.count

    def values(self, values: Values) -> Values:
        """Tell what an address behind the view may be."""
        return values

    def table(self, pre: int) -> np.ndarray:
        """Tell where each of `pre` addresses is moved; below 0 it is dropped."""
        at = np.arange(pre) - self.start
        return np.where(at < self.count, at, -1)[:, None]

    def apply(self, s: np.ndarray) -> np.ndarray:
        """Look at events (..., pre) through the view."""
        return s[..., self.start : self.start + self.count]
