"""Fully connected synapses.

I[j] = sum over i of w[j, i] * s[i]
"""

from dataclasses import dataclass

import numpy as np

from .refuse import Refused

__all__ = ["Dense"]


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
        If a weight does not fit its width.
    """

    weights: np.ndarray
    bits: int

    def __post_init__(self) -> None:
        w = np.asarray(self.weights)
        if w.ndim != 2 or w.dtype.kind != "i" or not w.size:
            raise Refused(
                "Dense weights must be signed integers of shape (post, pre), "
                f"not {w.dtype} {w.shape}"
            )
        if not 2 <= self.bits <= 8:
            raise Refused(f"Dense weight width must be in 2..8 bits, not {self.bits}")
        low, high = -(1 << (self.bits - 1)), (1 << (self.bits - 1)) - 1
        wrong = (w < low) | (w > high)
        if wrong.any():
            raise Refused(
                f"Dense weights must be in {low}..{high} to fit {self.bits} bits, "
                f"not {w[wrong].flat[0]}"
            )
        object.__setattr__(self, "weights", w.astype(np.int8))

    @property
    def post(self) -> int:
        """Number of outputs."""
        return self.weights.shape[0]

    @property
    def pre(self) -> int:
        """Number of inputs."""
        return self.weights.shape[1]

    def current(self, s: np.ndarray, limit: int) -> np.ndarray:
        """Sum the weighted spikes.

        The product runs in floating point because libraries have no fast integer one. It is exact:
        every partial sum is an integer of magnitude at most ``limit * sum |w|``, below 2**24 for
        float32 and 2**53 for float64.

        Parameters
        ----------
        s : uint8 (..., pre)
        limit : int
            Largest value in `s`.

        Returns
        -------
        int64 (..., post)
        """
        largest = limit * int(np.abs(self.weights.astype(np.int64)).sum(axis=1).max())
        exact = np.float32 if largest < 1 << 24 else np.float64
        flat = s.reshape(-1, self.pre).astype(exact) @ self.weights.T.astype(exact)
        return flat.astype(np.int64).reshape(*s.shape[:-1], self.post)
