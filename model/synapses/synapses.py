"""What every kind of synapse is, and what follows from its taps alone.

I[j, t] = sum over the taps (i, j, w, d) of w * s[i, t - d]        s = 0 before step 0

A spike that arrives after the last step T - 1 is lost.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import ClassVar, NamedTuple

import numpy as np

__all__ = ["Synapses", "Tap", "product"]


class Tap(NamedTuple):
    """Taps of one delay, at most one from each input to each output.

    Attributes
    ----------
    delay : int, steps
    weights : int64 (post, pre), 0 where there is none
    """

    delay: int
    weights: np.ndarray


class Synapses(ABC):
    """A kind of synapse: a frozen dataclass.

    Its fields go into the network file: arrays as tensors, all others into the description.

    Attributes
    ----------
    kind : str
        Its name in the network file.
    arrays : tuple of str
        Names of the fields that are arrays.
    bits : int
        Width of a weight, two's complement.
    """

    __slots__ = ()
    kind: ClassVar[str]
    arrays: ClassVar[tuple[str, ...]] = ("weights",)
    bits: int

    @property
    @abstractmethod
    def post(self) -> int:
        """Number of outputs."""

    @property
    @abstractmethod
    def pre(self) -> int:
        """Number of inputs."""

    @abstractmethod
    def taps(self) -> Iterator[Tap]:
        """Give every tap once; those between the same two neurons may have equal delays."""

    def arrays_of_taps(self) -> tuple[np.ndarray, np.ndarray]:
        """Give the taps as two arrays.

        Returns
        -------
        weights : int64 (post, pre, taps), 0 where an output has fewer
        delays : int64 (post, pre, taps), or (1, pre, taps) where outputs do not differ
        """
        filled = np.zeros((self.post, self.pre), np.int64)
        places: list[tuple[np.ndarray, np.ndarray]] = []
        for delay, weights in self.taps():
            exists = weights != 0
            while len(places) <= filled[exists].max(initial=0):
                places.append((np.zeros_like(filled), np.zeros_like(filled)))
            for k, (w, d) in enumerate(places):
                here = exists & (filled == k)
                w[here], d[here] = weights[here], delay
            filled += exists
        w, d = (np.stack([place[n] for place in places], axis=2) for n in (0, 1))
        return w, d if d.any() else d[:1]

    @property
    def latest(self) -> int:
        """Largest delay of a tap."""
        return max(tap.delay for tap in self.taps())

    @property
    def earliest(self) -> int:
        """Smallest delay of a tap."""
        return min(tap.delay for tap in self.taps())

    def kernels(self, steps: int) -> Iterator[Tap]:
        """Give each delay in use below `steps` once, with the sum of its taps."""
        sums: dict[int, np.ndarray] = {}
        for delay, weights in self.taps():
            if delay < steps:
                sums[delay] = sums[delay] + weights if delay in sums else weights
        for delay in sorted(sums):
            yield Tap(delay, sums[delay])

    def current(self, s: np.ndarray, limit: int) -> np.ndarray:
        """Sum the weighted, delayed events.

        Parameters
        ----------
        s : non-negative integers (steps, ..., pre)
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

    def arriving(self, limit: int, steps: int) -> tuple[np.ndarray, np.ndarray]:
        """Bound the current of every step, and every sum of some of its terms.

        Returns
        -------
        low, high : int64 (steps, post)
        """
        low = np.zeros((steps, self.post), np.int64)
        high = np.zeros_like(low)
        for delay, weights in self.taps():
            if delay < steps:
                low[delay:] += limit * np.minimum(weights, 0).sum(1)
                high[delay:] += limit * np.maximum(weights, 0).sum(1)
        return low, high

    def terms(self, neuron: int) -> Iterator[tuple[int, int, int]]:
        """List what an output adds up: input, weight, delay."""
        for delay, weights in self.taps():
            for i in np.flatnonzero(weights[neuron]).tolist():
                yield i, int(weights[neuron, i]), delay


def product(s: np.ndarray, weights: np.ndarray, limit: int) -> np.ndarray:
    """Multiply by a matrix of weights, exactly.

    The product runs in floating point because libraries have no fast integer one. It is exact:
    every partial sum is an integer of magnitude at most ``limit * sum |w|``, below 2**24 for
    float32 and 2**53 for float64.

    Parameters
    ----------
    s : non-negative integers (..., pre)
    weights : int (post, pre)
    limit : int
        Largest value in `s`.

    Returns
    -------
    int64 (..., post)
    """
    largest = limit * int(np.abs(weights.astype(np.int64)).sum(axis=1).max())
    exact = np.float32 if largest < 1 << 24 else np.float64
    with np.errstate(invalid="ignore"):  # some BLAS raise it though all is finite
        flat = s.reshape(-1, s.shape[-1]).astype(exact) @ weights.T.astype(exact)
    return flat.astype(np.int64).reshape(*s.shape[:-1], len(weights))
