"""Sum pooling: the places of a window become one, and what they bring adds."""

from dataclasses import dataclass, replace
from functools import reduce
from operator import add
from typing import ClassVar

import numpy as np

from ..errors import InputError
from ..maps import Map, pair
from ..values import Values

__all__ = ["Pool"]


@dataclass(frozen=True, slots=True)
class Pool:
    """Windows of ``window`` rows and columns, side by side; what is left over at an end is dropped.

    Average pooling is the same with a threshold as many times as high as a window has places
    (quant/views/pool.py).

    Parameters
    ----------
    shape : (channels, rows, columns)
        Of the map before it.
    window : int, or (rows, columns)
    """

    kind: ClassVar[str] = "pool"

    shape: tuple[int, int, int]
    window: tuple[int, int]

    def __post_init__(self) -> None:
        before = Map.of("Pool", self.shape)
        window = pair("Pool window", self.window, 1, 1 << 12)
        object.__setattr__(self, "shape", before.shape)
        object.__setattr__(self, "window", window)
        if window[0] > before.rows or window[1] > before.columns:
            raise InputError(
                f"Pool window must fit the {before.rows} x {before.columns} places of the map, not"
                f" be {window[0]} x {window[1]}"
            )

    @property
    def before(self) -> Map:
        """The map that it looks at."""
        return Map(*self.shape)

    @property
    def after(self) -> Map:
        """The map that it shows."""
        channels, rows, columns = self.shape
        return Map(channels, rows // self.window[0], columns // self.window[1])

    def size(self, pre: int) -> int:
        """Count the addresses behind the view of `pre`."""
        if pre != self.before.size:
            raise InputError(f"Pool must look at its {self.before} addresses, not at {pre}")
        return self.after.size

    def values(self, values: Values) -> Values:
        """Tell what an address behind the view may be."""
        places = self.window[0] * self.window[1]
        total = values.total and values.total * places
        return replace(values, limit=values.limit * places, total=total)

    def table(self, pre: int) -> np.ndarray:
        """Tell where each of `pre` addresses is moved; below 0 it is dropped."""
        after = self.after
        channels, rows, columns = self.shape
        rows, columns, channels = np.ix_(*map(np.arange, (rows, columns, channels)))
        row, column = rows // self.window[0], columns // self.window[1]
        at = (row * after.columns + column) * after.channels + channels
        inside = (row < after.rows) & (column < after.columns)
        return np.where(inside, at, -1).reshape(-1, 1)

    def apply(self, s: np.ndarray) -> np.ndarray:
        """Look at events (..., pre) through the view."""
        after, (down, right) = self.after, self.window
        x = s.reshape(*s.shape[:-1], *self.shape[1:], self.shape[0])
        x = x[..., : after.rows * down, : after.columns * right, :]
        places = (x[..., i::down, j::right, :] for i in range(down) for j in range(right))
        return reduce(add, places).reshape(*s.shape[:-1], after.size)
