"""Synapses with delays.

I[j, t] = sum over i and taps k of w[j, i, k] * s[i, t - d[j, i, k]]        s = 0 before step 0

Where the delays do not depend on the neuron they reach (axonal delays), the array of delays has one
row.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..check import integer, integers
from ..errors import InputError
from .synapses import Matrix, Tap

__all__ = ["WINDOW", "Delayed"]

WINDOW = 1 << 10  # largest number of delays


@dataclass(frozen=True, slots=True, eq=False)
class Delayed(Matrix):
    """A matrix of taps, each an integer weight and a delay.

    Parameters
    ----------
    weights : int (post, pre, taps)
    delays : int (post, pre, taps), or (1, pre, taps) for axonal delays; steps
    bits : int, 2..16
        Width of a weight, two's complement.
    window : int, 1..1024
        D: delays are in 0..D-1.

    Raises
    ------
    InputError
        If the width is not in 2..16, a weight does not fit it, a delay is not in 0..D-1, or the
        shapes do not agree.
    """

    kind: ClassVar[str] = "delayed"
    arrays: ClassVar[tuple[str, ...]] = ("weights", "delays")

    weights: np.ndarray
    delays: np.ndarray
    bits: int
    window: int

    def __post_init__(self) -> None:
        bits = integer("Delayed weight width", self.bits, 2, 16)
        weights = integers("Delayed weights", self.weights, ("post", "pre", "taps"), bits)
        window = integer("Delayed window", self.window, 1, WINDOW)
        delays = integers("Delayed delays", self.delays, ("post or 1", "pre", "taps"), 32)
        if delays.shape[1:] != weights.shape[1:] or delays.shape[0] not in (1, len(weights)):
            raise InputError(
                f"Delayed delays must have the shape {weights.shape} of the weights, or"
                f" {(1, *weights.shape[1:])}, not {delays.shape}"
            )
        if delays.min() < 0 or delays.max() >= window:
            wrong = delays.min() if delays.min() < 0 else delays.max()
            raise InputError(f"Delayed delays must be in 0..{window - 1}, not {wrong}")
        for name, value in (("bits", bits), ("window", window)):
            object.__setattr__(self, name, value)
        object.__setattr__(self, "weights", weights)
        object.__setattr__(self, "delays", delays.astype(np.int16))

    @property
    def post(self) -> int:
        """Number of outputs."""
        return self.weights.shape[0]

    @property
    def pre(self) -> int:
        """Number of inputs."""
        return self.weights.shape[1]

    @property
    def latest(self) -> int:
        """Largest delay of a tap."""
        return int(self.delays.max())

    @property
    def earliest(self) -> int:
        """Smallest delay of a tap."""
        return int(self.delays.min())

    def arrays_of_taps(self) -> tuple[np.ndarray, np.ndarray]:
        """Give the taps as two arrays, as they are kept."""
        return self.weights.astype(np.int64), self.delays.astype(np.int64)

    def taps(self) -> Iterator[Tap]:
        """Give the taps, by their place and then by their delay."""
        for k in range(self.weights.shape[2]):
            weights, delays = self.weights[..., k].astype(np.int64), self.delays[..., k]
            for delay in np.unique(delays).tolist():
                yield Tap(delay, np.where(delays == delay, weights, 0))
