"""Fully connected synapses.

I[j] = sum over i of w[j, i] * s[i]
"""

from dataclasses import dataclass

import numpy as np

from ..refuse import integer, integers

__all__ = ["Dense", "product"]


@dataclass(frozen=True, slots=True, eq=False)
class Dense:
    """A matrix of integer weights.

    Parameters
    ----------
    weights : int (post, pre)
    bits : int, 2..8
        Width of a weight, two's complement.

    Raises
    ------
    Refused
        If the width is not in 2..8, or a weight does not fit it.
    """

    weights: np.ndarray
    bits: int

    def __post_init__(self) -> None:
        bits = integer("Dense weight width", self.bits, 2, 8)
        weights = integers("Dense weights", self.weights, ("post", "pre"), bits)
        object.__setattr__(self, "bits", bits)
        object.__setattr__(self, "weights", weights)

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
        """Number of taps between an input and an output, as in delayed.py."""
        return 1

    @property
    def delays(self) -> np.ndarray:
        """Delays of the taps, all zero, int16 (1, pre, 1)."""
        return np.zeros((1, self.pre, 1), np.int16)

    @property
    def window(self) -> int:
        """Number of delays."""
        return 1

    def current(self, s: np.ndarray, limit: int) -> np.ndarray:
        """Sum the weighted spikes.

        Parameters
        ----------
        s : uint8 (..., pre)
        limit : int
            Largest value in `s`.

        Returns
        -------
        int64 (..., post)
        """
        return product(s, self.weights, limit)


def product(s: np.ndarray, weights: np.ndarray, limit: int) -> np.ndarray:
    """Multiply by a matrix of weights, exactly.

    The product runs in floating point because libraries have no fast integer one. It is exact:
    every partial sum is an integer of magnitude at most ``limit * sum |w|``, below 2**24 for
    float32 and 2**53 for float64.

    Parameters
    ----------
    s : uint8 (..., pre)
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
