"""Event counts per time bin."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..check import array, integer
from ..errors import InputError
from ..values import Values

__all__ = ["Counts"]


@dataclass(frozen=True, slots=True)
class Counts:
    """Event counts per time bin: samples are (samples, up to `steps`, ...).

    Parameters
    ----------
    limit : int, 1..255
        Largest count of one input in one step; larger ones are clipped, here and in training alike.
    """

    kind: ClassVar[str] = "counts"
    packs: ClassVar[bool] = False
    counted: ClassVar[bool] = True

    limit: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "limit", integer("Counts limit", self.limit, 1, 255))

    @property
    def values(self) -> Values:
        """What an input may be."""
        return Values(self.limit, None)

    def encode(self, samples: np.ndarray, steps: int, inputs: int) -> np.ndarray:
        """Clip counts (samples, up to `steps`, ...), any axes behind; missing steps are zero.

        Returns
        -------
        uint8 (steps, samples, inputs)
        """
        samples = array("Samples", samples)
        size = int(np.prod(samples.shape[2:]))
        if samples.ndim < 3 or samples.shape[1] > steps or size != inputs:
            raise InputError(
                f"Samples must have the shape (samples, up to {steps}, {inputs}), "
                f"not {samples.shape}"
            )
        samples = samples.reshape(*samples.shape[:2], inputs)
        if samples.dtype.kind not in "iub" or (samples.size and samples.min() < 0):
            raise InputError("Counts must be non-negative integers")
        s = np.zeros((steps, len(samples), inputs), np.uint8)
        s[: samples.shape[1]] = np.minimum(samples, np.uint8(self.limit)).transpose(1, 0, 2)
        return s
