"""Nearest up-sampling: each place becomes a block of places, and an event one event at each."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..errors import InputError
from ..maps import Map, pair
from ..values import Values

__all__ = ["Repeat"]

LARGEST = 1 << 24  # addresses


@dataclass(frozen=True, slots=True)
class Repeat:
    """Blocks of ``factor`` rows and columns, each of what is at one place.

    Parameters
    ----------
    shape : (channels, rows, columns)
        Of the map before it.
    factor : int, or (rows, columns)
    """

    kind: ClassVar[str] = "repeat"

    shape: tuple[int, int, int]
    factor: tuple[int, int]

    def __post_init__(self) -> None:
        before = Map.of("Repeat", self.shape)
        factor = pair("Repeat factor", self.factor, 1, 1 << 12)
        object.__setattr__(self, "shape", before.shape)
        object.__setattr__(self, "factor", factor)
        if self.after.size > LARGEST:
            raise InputError(
                f"Repeat factor must leave at most {LARGEST} addresses, not {self.after.size}"
            )

    @property
    def before(self) -> Map:
        """The map that it looks at."""
        return Map(*self.shape)

    @property
    def after(self) -> Map:
        """The map that it shows."""
        channels, rows, columns = self.shape
        return Map(channels, rows * self.factor[0], columns * self.factor[1])

    @property
    def offsets(self) -> list[int]:
        """How far each address of a block lies behind its first, in ascending order."""
        down, right = self.factor
        after = self.after
        return [(i * after.columns + j) * after.channels for i in range(down) for j in range(right)]

    def size(self, pre: int) -> int:
        """Count the addresses behind the view of `pre`."""
        if pre != self.before.size:
            raise InputError(f"Repeat must look at its {self.before} addresses, not at {pre}")
        return self.after.size

    def values(self, values: Values) -> Values:
        """Tell what an address behind the view may be."""
        return values

    def table(self, pre: int) -> np.ndarray:
        """Tell where each of `pre` addresses is moved: to a block."""
        (down, right), after = self.factor, self.after
        channels, rows, columns = self.shape
        row, column, channel = np.ix_(*map(np.arange, (rows, columns, channels)))
        first = (row * down * after.columns + column * right) * channels + channel
        return first.reshape(-1, 1) + self.offsets

    def apply(self, s: np.ndarray) -> np.ndarray:
        """Look at events (..., pre) through the view."""
        channels, rows, columns = self.shape
        down, right = (
            np.arange(rows).repeat(self.factor[0]),
            np.arange(columns).repeat(self.factor[1]),
        )
        x = s.reshape(*s.shape[:-1], rows, columns, channels)
        return x[..., down, :, :][..., right, :].reshape(*s.shape[:-1], self.after.size)
