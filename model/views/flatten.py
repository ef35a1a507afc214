"""A map as a row."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..values import Values

__all__ = ["Flatten"]


@dataclass(frozen=True, slots=True)
class Flatten:
    """All addresses of a map in one row; as events have one address, they stay as they are."""

    kind: ClassVar[str] = "flatten"

    def size(self, pre: int) -> int:
        """Count the addresses behind the view of `pre`."""
        return pre

    def values(self, values: Values) -> Values:
        """Tell what an address behind the view may be."""
        return values

    def table(self, pre: int) -> np.ndarray:
        """Tell where each of `pre` addresses is moved."""
        return np.arange(pre)[:, None]

    def apply(self, s: np.ndarray) -> np.ndarray:
        """Look at events (..., pre) through the view."""
        return s
