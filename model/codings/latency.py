"""Latency coding: the brighter a pixel, the earlier its one spike."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..check import integer
from ..values import Values
from .pixels import pixels

__all__ = ["Latency"]


@dataclass(frozen=True, slots=True)
class Latency:
    """Latency coding of 8-bit pixels: the brighter, the earlier, at most one spike.

        t = ((255 - p) * steps) // (256 - floor)      if p >= floor, else never

    Parameters
    ----------
    floor : int, 1..255
        Pixels below it never fire.
    """

    kind: ClassVar[str] = "latency"
    packs: ClassVar[bool] = True
    counted: ClassVar[bool] = False

    floor: int = 64

    def __post_init__(self) -> None:
        object.__setattr__(self, "floor", integer("Latency floor", self.floor, 1, 255))

    @property
    def values(self) -> Values:
        """What an input may be."""
        return Values(1, 1)

    def table(self, steps: int) -> np.ndarray:
        """Step at which each pixel value fires, int64 (256,); `steps` where it never does."""
        p = np.arange(256)
        return np.where(p >= self.floor, ((255 - p) * steps) // (256 - self.floor), steps)

    def encode(self, samples: np.ndarray, steps: int, inputs: int) -> np.ndarray:
        """Encode samples (samples, inputs) of 0..255 as spikes, uint8 (steps, samples, inputs)."""
        fire = self.table(steps).astype(np.min_scalar_type(steps))[pixels(samples, inputs)]
        return (fire == np.arange(steps)[:, None, None]).view(np.uint8)
