"""Fully connected synapses.

I[j] = sum over i of w[j, i] * s[i]
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..check import integer, integers
from .synapses import Matrix, Tap

__all__ = ["Dense"]


@dataclass(frozen=True, slots=True, eq=False)
class Dense(Matrix):
    """A matrix of integer weights.

    Parameters
    ----------
    weights : int (post, pre)
    bits : int, 2..16
        Width of a weight, two's complement.

    Raises
    ------
    InputError
        If the width is not in 2..16, or a weight does not fit it.
    """

    kind: ClassVar[str] = "dense"

    weights: np.ndarray
    bits: int

    def __post_init__(self) -> None:
        bits = integer("Dense weight width", self.bits, 2, 16)
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

    def taps(self) -> Iterator[Tap]:
        """Give the weights, all without delay."""
        yield Tap(0, self.weights.astype(np.int64))
