"""Synapses with delays.

I[j, t] = sum over i and taps k of w[j, i, k] * s[i, t - d[j, i, k]]        s = 0 before step 0

A spike that arrives after the last step T - 1 is lost. Where the delays do not depend on the neuron
they reach (axonal delays), the array of delays has one row.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..refuse import Refused, integer, integers
from .dense import product

__all__ = ["WINDOW", "Delayed"]

WINDOW = 1 << 10  # largest number of delays


@dataclass(frozen=True, slots=True, eq=False)
class Delayed:
    """A matrix of taps, each an integer weight and a delay.

    Parameters
    ----------
    weights : int (post, pre, taps)
    delays : int (post, pre, taps), or (1, pre, taps) for axonal delays; steps
    bits : int, 2..8
        Width of a weight, two's complement.
    window : int, 1..1024
        D: delays are in 0..D-1.

    Raises
    ------
    Refused
        If the width is not in 2..8, a weight does not fit it, a delay is not in 0..D-1, or the
        shapes do not agree.
    """

    weights: np.ndarray
    delays: np.ndarray
    bits: int
    window: int

    def __post_init__(self) -> None:
        bits = integer("Delayed weight width", self.bits, 2, 8)
        weights = integers("Delayed weights", self.weights, ("post", "pre", "taps"), bits)
        window = integer("Delayed window", self.window, 1, WINDOW)
        delays = integers("Delayed delays", self.delays, ("post or 1", "pre", "taps"), 32)
        if delays.shape[1:] != weights.shape[1:] or delays.shape[0] not in (1, len(weights)):
            raise Refused(
                f"Delayed delays must have the shape {weights.shape} of the weights, or"
                f" {(1, *weights.shape[1:])}, not {delays.shape}"
            )
        if delays.min() < 0 or delays.max() >= window:
            wrong = delays.min() if delays.min() < 0 else delays.max()
            raise Refused(f"Delayed delays must be in 0..{window - 1}, not {wrong}")
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
    def taps(self) -> int:
        """Number of taps between an input and an output."""
        return self.weights.shape[2]

    def kernels(self, steps: int) -> Iterator[tuple[int, np.ndarray]]:
        """Give each delay in use below `steps`, and the sum of its taps, int64 (post, pre)."""
        for delay in np.unique(self.delays[self.delays < steps]).tolist():
            yield delay, np.where(self.delays == delay, self.weights, 0).sum(2, dtype=np.int64)

    def current(self, s: np.ndarray, limit: int) -> np.ndarray:
        """Sum the weighted, delayed spikes.

        Parameters
        ----------
        s : uint8 (steps, ..., pre)
        limit : int
            Largest value in `s`.

        Returns
        -------
        int64 (steps, ..., post)
        """
        current = np.zeros((*s.shape[:-1], self.post), np.int64)
        for delay, weights in self.kernels(len(s)):
            current[delay:] += product(s[: len(s) - delay], weights, limit)
        return current
