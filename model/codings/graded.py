"""Graded coding: pixels as the values of events."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..check import flag, integer
from ..values import Values
from .pixels import pixels

__all__ = ["Graded"]


@dataclass(frozen=True, slots=True)
class Graded:
    """The value itself, ``p >> shift``, at step 0, or at every step (a constant current).

    Parameters
    ----------
    shift : int, 0..7, bits
    every : bool
        Whether the value comes at every step instead of at step 0 only.
    """

    kind: ClassVar[str] = "graded"
    packs: ClassVar[bool] = False
    counted: ClassVar[bool] = False

    shift: int = 0
    every: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "shift", integer("Graded shift", self.shift, 0, 7))
        object.__setattr__(self, "every", flag("Graded every", self.every))

    @property
    def values(self) -> Values:
        """What an input may be."""
        limit = 255 >> self.shift
        return Values(limit, None if self.every else limit, self.every)

    def encode(self, samples: np.ndarray, steps: int, inputs: int) -> np.ndarray:
        """Encode samples (samples, inputs) of 0..255 as values, uint8 (steps, samples, inputs)."""
        values = pixels(samples, inputs) >> self.shift
        s = np.zeros((steps, *values.shape), np.uint8)
        s[: steps if self.every else 1] = values
        return s
