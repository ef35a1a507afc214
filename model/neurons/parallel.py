"""Parallel spiking neurons: the membrane is a filter of the current, and nothing resets it.

    c[t] = i[t] + b                                       0 before step 0
    h[t] = sum over taps j of w[j] c[t - j dilation]       sliding
    h[t] = sum over taps j of w[t, j] c[t - j dilation]    masked: a row of weights per step
    h[t] = sum over steps u of w[t, u] c[u]                whole: every step sees all of the sample
    s[t] = h[t] >= theta[t]

i is the sum of the layer's connections, each shifted by its own number of bits (network.py). A
whole layer knows its first spike only when the sample has ended; the layers behind it take its
steps in their order all the same, so it may stand anywhere but in a loop.

Source: the PSN family, Fang et al., Parallel Spiking Neurons, NeurIPS 2023 (arXiv 2304.12760). Its
PSN is the whole form, W the weights and B the thresholds of the steps; its masked and sliding PSN
of order k have k taps. Taps are in the order of their age here: w[0] is that of the step at hand.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..check import flag, integer, integers
from ..errors import InputError
from ..values import Values
from ..width import Bounds, Interval
from .neurons import Neurons

__all__ = ["Parallel", "State"]

# A pair (low, high) of int64 (neurons,).
Ends = tuple[np.ndarray, np.ndarray]


@dataclass(slots=True)
class State:
    """What a layer keeps between steps: the step, and its currents before, newest first.

    Attributes
    ----------
    step : int
    currents : tuple of int64 (..., neurons)
    """

    step: int
    currents: tuple[np.ndarray, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Parallel(Neurons):
    """A layer of parallel spiking neurons.

    Parameters
    ----------
    bias : int (channels,)
        b, added to the current of every step.
    threshold : int (channels, rows)
        theta, of either sign; one row for every step, or one for all.
    weight : int8 (kernels, rows, taps)
        w; one kernel for every channel, or one for all. As many rows as thresholds have.
    dilation : int
        Steps between two taps.
    whole : bool
        Whether taps are the steps of the sample, not those before the one at hand: as many rows
        and taps as there are steps.
    places : int
        Places of a map, each with a neuron of every channel; neuron n is of channel n % channels.
    """

    kind: ClassVar[str] = "parallel"
    arrays: ClassVar[tuple[str, ...]] = ("bias", "threshold", "weight")
    optional: ClassVar[tuple[str, ...]] = ("places",)

    bias: np.ndarray
    threshold: np.ndarray
    weight: np.ndarray
    dilation: int = 1
    whole: bool = False
    places: int = 1

    def __post_init__(self) -> None:
        bias = integers("Parallel bias", self.bias, ("channels",), 32)
        threshold = integers("Parallel threshold", self.threshold, ("channels", "rows"), 32)
        weight = integers("Parallel weight", self.weight, ("kernels", "rows", "taps"), 8)
        if len(threshold) != len(bias):
            raise InputError(
                f"Parallel threshold must be of the {len(bias)} channels of the bias,"
                f" not of {len(threshold)}"
            )
        if len(weight) not in (1, len(bias)):
            raise InputError(
                f"Parallel weight must be one kernel, or one for each of the {len(bias)} channels,"
                f" not {len(weight)}"
            )
        rows, taps = weight.shape[1:]
        if threshold.shape[1] != rows:
            raise InputError(
                f"Parallel threshold must have the {rows} rows of the weight,"
                f" not {threshold.shape[1]}"
            )
        object.__setattr__(self, "bias", bias)
        object.__setattr__(self, "threshold", threshold)
        object.__setattr__(self, "weight", weight)
        object.__setattr__(
            self, "dilation", integer("Parallel dilation", self.dilation, 1, 1 << 15)
        )
        object.__setattr__(self, "whole", flag("Parallel whole", self.whole))
        object.__setattr__(self, "places", integer("Parallel places", self.places, 1, 1 << 24))
        if self.whole and (rows != taps or self.dilation != 1):
            raise InputError(
                f"Parallel weight of whole samples must have as many taps as its {rows} rows,"
                f" and no dilation, not {taps} taps {self.dilation} steps apart"
            )

    def suit(self, steps: int) -> None:
        """Refuse a number of steps that it is not made for."""
        rows, taps = self.weight.shape[1:]
        if rows not in (1, steps) or (self.whole and rows != steps):
            raise InputError(
                f"Parallel weight must have a row for each of {steps} steps, not {rows}"
            )
        if not self.whole and (taps - 1) * self.dilation >= steps:
            raise InputError(
                f"Parallel taps must reach less than {steps} steps back,"
                f" not {(taps - 1) * self.dilation}"
            )

    @property
    def size(self) -> int:
        """Number of neurons."""
        return len(self.bias) * self.places

    @property
    def channels(self) -> int:
        """Number of neurons of a place."""
        return len(self.bias)

    @property
    def taps(self) -> int:
        """Number of products of a membrane."""
        return self.weight.shape[2]

    @property
    def window(self) -> int:
        """Steps whose currents a membrane is made of, from the first to the last."""
        return (self.taps - 1) * self.dilation + 1

    @property
    def fires(self) -> bool:
        """Whether they ever spike."""
        return True

    @property
    def gain(self) -> int:
        """Largest weight, of either sign."""
        return int(np.abs(self.weight.astype(int)).max())

    @property
    def values(self) -> Values:
        """What they emit: spikes of 1."""
        return Values(1)

    def every(self, of_channels: np.ndarray) -> np.ndarray:
        """Give the constants (neurons,) of every neuron from those of the channels, or of all."""
        return np.resize(of_channels, self.size)

    def row(self, t: int) -> tuple[list[np.ndarray], np.ndarray]:
        """Give the weights, tap by tap, and the threshold of a step, each (neurons,)."""
        n = t % self.weight.shape[1]
        weights = [self.every(w).astype(np.int64) for w in self.weight[:, n].T]
        return weights, self.every(self.threshold[:, n]).astype(np.int64)

    def start(self, *samples: int) -> State:
        """Make the state at the start of a sample."""
        return State(0, ())

    def step(self, state: State, i: np.ndarray) -> tuple[np.ndarray, np.ndarray, State]:
        """Advance every neuron by one step; not of whole samples, which only `run` can."""
        weights, theta = self.row(state.step)
        currents = (i + self.every(self.bias), *state.currents)[: self.window]
        h = sum(w * c for w, c in zip(weights, currents[:: self.dilation], strict=False))
        return h >= theta, np.asarray(h), State(state.step + 1, currents)

    def run(self, i: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Run whole samples; as in neurons.py."""
        c, h, s = i + self.every(self.bias), np.zeros_like(i), np.zeros(i.shape, bool)
        for t in range(len(i)):
            weights, theta = self.row(t)
            for w, u in zip(weights, self._steps(t), strict=False):
                h[t] += w * c[u]
            s[t] = h[t] >= theta
        return s, h

    def _steps(self, t: int) -> Iterator[int]:
        """List the steps whose currents step t sees, tap by tap; what lies before 0 is left out."""
        yield from range(self.taps) if self.whole else range(t, -1, -self.dilation)

    def reach(self, arriving: Interval, total: Interval | None) -> Bounds:
        """Prove the bounds.

        The accumulator holds b and takes the step's events in any order: it ends in [a, c] + b,
        and some of the events are lawful, too. A membrane is the sum of products of currents, or,
        while it is added up, of some of them; so each tap adds what lies between 0 and the ends of
        its own product. Where all inputs together bring no more than [A, C] up to a step, each part
        of that meets one weight, or none: so they add no more than the largest weight times C, and
        the smallest times A, beside what the bias does. The narrower end counts.
        """
        bias = self.every(self.bias).astype(np.int64)
        low, high = (x + bias for x in arriving)
        limits = np.iinfo(np.int64)
        least, most = np.full(self.size, limits.max), np.full(self.size, limits.min)
        for t in range(len(low)):
            weights, _ = self.row(t)
            taps = list(zip(weights, self._steps(t), strict=False))
            down, up = self._sum([_products(w, low[u], high[u]) for w, u in taps])
            if total is not None:
                held_down, held_up = self._sum([_products(w, bias, bias) for w, _ in taps])
                largest = np.maximum(0, np.max([w for w, _ in taps], axis=0))
                smallest = np.minimum(0, np.min([w for w, _ in taps], axis=0))
                last = max(u for _, u in taps)
                a, c = total[0][last], total[1][last]
                up = np.minimum(up, held_up + largest * c + smallest * a)
                down = np.maximum(down, held_down + largest * a + smallest * c)
            least, most = np.minimum(least, down), np.maximum(most, up)
        current = arriving[0][-1], arriving[1][-1]
        return Bounds(current, (low.min(0), high.max(0)), (least, most))

    def _sum(self, products: list[Ends]) -> Ends:
        """Add intervals."""
        zero = np.zeros(self.size, np.int64)
        low = sum((low for low, _ in products), start=zero)
        return low, sum((high for _, high in products), start=zero)

    def tell(self, n: int) -> str:
        """Write the constants of neuron n, for the report of a divergence."""
        channel = n % self.channels
        kernel = self.weight[channel % len(self.weight)]
        theta, w = self.threshold[channel], kernel
        if kernel.shape[0] == 1:
            return f"theta = {theta[0]}, b = {self.bias[channel]}, w = {w[0].tolist()}"
        return f"theta of every step = {theta.tolist()}, b = {self.bias[channel]}"


def _products(w: np.ndarray, low: np.ndarray, high: np.ndarray) -> Ends:
    """Bound w times what lies in low..high, or that left out."""
    return (
        np.minimum(0, np.minimum(w * low, w * high)),
        np.maximum(0, np.maximum(w * low, w * high)),
    )
