"""Intervals, and the widths that hold them."""

from dataclasses import dataclass

import numpy as np

__all__ = ["Bounds", "Interval", "signed_width"]

Interval = tuple[np.ndarray, np.ndarray]


def signed_width(low: int, high: int) -> int:
    """Smallest width in bits of a two's complement number that holds both."""
    return (
        max(
            int(low if low >= 0 else ~low).bit_length(),
            int(high if high >= 0 else ~high).bit_length(),
        )
        + 1
    )


@dataclass(frozen=True, slots=True)
class Bounds:
    """Intervals of one layer, each a pair of int64 (neurons,).

    Attributes
    ----------
    current : I, one step
    accumulator : every value while a step is being added up
    membrane : h; what is kept of it, v, lies between 0 and h and so needs no more bits
    """

    current: Interval
    accumulator: Interval
    membrane: Interval

    def width(self, name: str) -> int:
        """Width in bits that holds the named interval for all neurons."""
        low, high = getattr(self, name)
        return signed_width(int(low.min()), int(high.max()))
