"""Feature maps: addresses that have a channel, a row and a column.

    address = (row * columns + column) * channels + channel

So the channels of a place lie side by side, as the lanes of a vector do.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from .check import is_integer, shown
from .errors import InputError

__all__ = ["Map", "pair"]


@dataclass(frozen=True, slots=True)
class Map:
    """The shape of a map, in the order of torch.

    Parameters
    ----------
    channels, rows, columns : int >= 1
    """

    channels: int
    rows: int
    columns: int

    @classmethod
    def of(cls, what: str, shape: Any) -> "Map":
        """Check a shape (channels, rows, columns); `what` names whose it is."""
        given = tuple(shape) if isinstance(shape, tuple | list) else ()
        if len(given) != 3 or not all(is_integer(n) and 1 <= n <= 1 << 24 for n in given):
            raise InputError(
                f"{what} shape must be channels, rows and columns, each at least 1,"
                f" not {shown(shape)}"
            )
        return cls(*(int(n) for n in given))

    @property
    def size(self) -> int:
        """Number of addresses."""
        return self.channels * self.rows * self.columns

    @property
    def places(self) -> int:
        """Number of places, each with all channels."""
        return self.rows * self.columns

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, rows, columns."""
        return self.channels, self.rows, self.columns

    def laid(self, s: np.ndarray) -> np.ndarray:
        """View values (..., size) as (..., rows, columns, channels)."""
        return s.reshape(*s.shape[:-1], self.rows, self.columns, self.channels)

    def __str__(self) -> str:
        return " x ".join(map(str, self.shape))


def pair(what: str, value: Any, low: int, high: int) -> tuple[int, int]:
    """Check one whole number for rows and one for columns; a number alone is both."""
    given = (value, value) if is_integer(value) else value
    if (
        not isinstance(given, tuple | list)
        or len(given) != 2
        or not all(is_integer(n) and low <= n <= high for n in given)
    ):
        raise InputError(
            f"{what} must be one or two whole numbers in {low}..{high}, not {shown(value)}"
        )
    return int(given[0]), int(given[1])
