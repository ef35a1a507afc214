"""What every kind of synapse is, and what follows from its taps alone.

I[j, t] = sum over the taps (i, j, w, d) of w * s[i, t - d]        s = 0 before step 0

A spike that arrives after the last step T - 1 is lost.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from functools import partial
from typing import ClassVar, NamedTuple

import numpy as np

from ..errors import InputError

__all__ = ["Matrix", "Synapses", "Tap", "Weigher", "exact", "product"]

Weigher = Callable[[np.ndarray], np.ndarray]
UNROLLED = 1 << 26  # pairs of an input and an output whose taps are written out


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

    Its fields go into the network file: arrays as tensors, all others into the description. Most
    kinds are a `Matrix`, or `Local`, over maps: they only have to tell what their taps are.

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

    @property
    @abstractmethod
    def latest(self) -> int:
        """Largest delay of a tap."""

    @property
    @abstractmethod
    def earliest(self) -> int:
        """Smallest delay of a tap."""

    @abstractmethod
    def weighers(self, limit: int, steps: int) -> list[tuple[int, Weigher]]:
        """Make what weighs the events of a step, for each delay below `steps` in use.

        Parameters
        ----------
        limit : int
            Largest value of an event.
        steps : int

        Returns
        -------
        Of each delay: it, and a function from events (..., pre) to what they add that much later,
        int64 (..., post).
        """

    @abstractmethod
    def arriving(self, limit: int, steps: int) -> tuple[np.ndarray, np.ndarray]:
        """Bound the current of every step, and every sum of some of its terms.

        Returns
        -------
        low, high : int64 (steps, post)
        """

    @abstractmethod
    def entries(self) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray, int]]:
        """Give every tap whose weight is not 0: outputs, inputs and weights (taps,), and a delay.

        No two that are given together are between the same output and input.
        """

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
        for delay, weigh in self.weighers(limit, len(s)):
            current[delay:] += weigh(s[: len(s) - delay])
        return current

    def arrays_of_taps(self) -> tuple[np.ndarray, np.ndarray]:
        """Give the taps as two arrays.

        Returns
        -------
        weights : int64 (post, pre, taps), 0 where an output has fewer
        delays : int64 (post, pre, taps), or (1, pre, taps) where outputs do not differ

        Raises
        ------
        InputError
            If there are too many outputs and inputs for such arrays.
        """
        if self.post * self.pre > UNROLLED:
            raise InputError(
                f"Synapses of kind {self.kind} must have an engine of their own above {UNROLLED}"
                f" pairs of an input and an output, as these {self.pre} and {self.post} are"
            )
        filled = np.zeros((self.post, self.pre), np.int64)
        places: list[tuple[np.ndarray, np.ndarray]] = [(np.zeros_like(filled), filled.copy())]
        for post, pre, weights, delay in self.entries():
            at = filled[post, pre]
            while len(places) <= at.max(initial=0):
                places.append((np.zeros_like(filled), np.zeros_like(filled)))
            for k, (w, d) in enumerate(places):
                here = at == k
                w[post[here], pre[here]], d[post[here], pre[here]] = weights[here], delay
            filled[post, pre] += 1
        w, d = (np.stack([place[n] for place in places], axis=2) for n in (0, 1))
        return w, d if d.any() else d[:1]

    def terms(self, neuron: int) -> Iterator[tuple[int, int, int]]:
        """List what an output adds up: input, weight, delay."""
        for post, pre, weights, delay in self.entries():
            for i in np.flatnonzero(post == neuron).tolist():
                yield int(pre[i]), int(weights[i]), delay


class Matrix(Synapses):
    """A kind of synapse whose taps are matrices from all inputs to all outputs."""

    __slots__ = ()

    @abstractmethod
    def taps(self) -> Iterator[Tap]:
        """Give every tap once; those between the same two neurons may have equal delays."""

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

    def weighers(self, limit: int, steps: int) -> list[tuple[int, Weigher]]:
        return [
            (delay, partial(product, weights=weights, limit=limit))
            for delay, weights in self.kernels(steps)
        ]

    def arriving(self, limit: int, steps: int) -> tuple[np.ndarray, np.ndarray]:
        low = np.zeros((steps, self.post), np.int64)
        high = np.zeros_like(low)
        for delay, weights in self.taps():
            if delay < steps:
                low[delay:] += limit * np.minimum(weights, 0).sum(1)
                high[delay:] += limit * np.maximum(weights, 0).sum(1)
        return low, high

    def entries(self) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray, int]]:
        for delay, weights in self.taps():
            post, pre = np.nonzero(weights)
            yield post, pre, weights[post, pre], delay


def exact(largest: int) -> type[np.floating]:
    """Choose the type whose sums are exact: float32 below 2**24, else float64 below 2**53.

    Products run in floating point because libraries have no fast integer ones; every partial sum
    is an integer of magnitude at most `largest`.
    """
    return np.float32 if largest < 1 << 24 else np.float64


def product(s: np.ndarray, weights: np.ndarray, limit: int) -> np.ndarray:
    """Multiply by a matrix of weights, exactly.

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
    kind = exact(limit * int(np.abs(weights.astype(np.int64)).sum(axis=1).max()))
    with np.errstate(invalid="ignore"):  # some BLAS raise it though all is finite
        flat = s.reshape(-1, s.shape[-1]).astype(kind) @ weights.T.astype(kind)
    return flat.astype(np.int64).reshape(*s.shape[:-1], len(weights))
