"""Widths, proven from the weights.

For every layer: intervals that hold every value its current, its accumulator and its membrane can
take, for any input within the declaration of its source (`limit` per step, `once` per sample), and
the widths that hold these intervals.

Reasoning, per neuron j, with [a, c] the interval of one step's current:

1. Subset sums. An input contributes ``w * s`` with 0 <= s <= limit, so every partial sum of a
   step's current, in any order of adding, lies in
   [a, c] = [limit * sum min(0, w), limit * sum max(0, w)].
2. Recursion. From v = 0, ``h in decay(v) + [a, c] << f + b``, then clamp; decay is monotone, so
   interval ends map to interval ends. Reset: to zero gives v in [lo, min(hi, theta - 1)] joined
   with 0; by subtraction [lo, max(theta - 1, hi - theta)] where the neuron can fire, h otherwise.
3. Once-only inputs. Where each input comes in at most one step and nothing is clamped, all steps
   together add no more than one step could: h in [A, C] = ([a, c] << f) + the sum of biases so far
   (its extremes over windows). Leak and reset (theta >= 1) only draw a value toward zero from its
   side, never across it, as the shift of a negative number rounds toward minus infinity but never
   below the number itself; so the bound stands with them. The recursion and this bound are
   intersected at every step.
4. The accumulator holds ``decay(v) + b`` at the start of a step and then takes the step's events in
   any order, so it lies in decay(v) + b + [a, c] << f, which holds h before its clamp too. With
   once-only inputs it is bounded as h is.

The bounds are tight: `worst` gives the inputs that reach them where weights of one sign come first.
"""

from dataclasses import dataclass

import numpy as np

from .network import Layer, Network

__all__ = ["Bounds", "bounds", "prove", "signed_width"]

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
    membrane : h
    """

    current: Interval
    accumulator: Interval
    membrane: Interval

    def width(self, name: str) -> int:
        """Width in bits that holds the named interval for all neurons."""
        low, high = getattr(self, name)
        return signed_width(int(low.min()), int(high.max()))


def bounds(layer: Layer, steps: int, limit: int, once: bool) -> Bounds:
    """Prove the bounds of one layer (the reasoning is the module's docstring)."""
    w, n = layer.dense.weights.astype(np.int64), layer.neuron
    a, c = limit * np.minimum(w, 0).sum(axis=1), limit * np.maximum(w, 0).sum(axis=1)
    bias = n.bias.astype(np.int64)
    v_low = v_high = np.zeros_like(a)
    acc_low, acc_high = np.minimum(bias, 0), np.maximum(bias, 0)
    h_low, h_high = np.full_like(a, np.iinfo(np.int64).max), np.full_like(a, np.iinfo(np.int64).min)
    for t in range(steps):
        start_low, start_high = n.decay(v_low) + bias, n.decay(v_high) + bias
        low, high = start_low + (a << n.shift), start_high + (c << n.shift)
        if once and n.clamp is None:
            low = np.maximum(low, (a << n.shift) + np.minimum(bias, 0) * (t + 1))
            high = np.minimum(high, (c << n.shift) + np.maximum(bias, 0) * (t + 1))
        acc_low, acc_high = (
            np.minimum.reduce([acc_low, low, start_low]),
            np.maximum.reduce([acc_high, high, start_high]),
        )
        if n.clamp is not None:
            low, high = np.clip(low, *n.clamp), np.clip(high, *n.clamp)
        h_low, h_high = np.minimum(h_low, low), np.maximum(h_high, high)
        v_low, v_high = low, high
        if n.threshold is not None and n.reset != "none":
            theta = n.threshold.astype(np.int64)
            fires = high >= theta
            after = np.zeros_like(high) if n.reset == "zero" else high - theta
            v_low = np.where(fires, np.minimum(low, 0), low)
            v_high = np.where(fires, np.maximum(theta - 1, after), high)
    return Bounds((a, c), (acc_low, acc_high), (h_low, h_high))


def prove(network: Network) -> list[Bounds]:
    """Prove the bounds of every layer of a network."""
    return [
        bounds(layer, network.steps, limit, once)
        for layer, (limit, once) in zip(network.layers, network.declared(), strict=True)
    ]


def score_bounds(network: Network, last: Bounds) -> tuple[int, int]:
    """Prove the interval of every readout score, 0 included."""
    low, high = (int(x) for x in (last.membrane[0].min(), last.membrane[1].max()))
    readout = network.readout
    if readout.kind == "spike-count":
        low, high = 0, network.steps
    elif readout.weights is not None:
        w = readout.weights.astype(object)
        ends = [(min(x * low, x * high), max(x * low, x * high)) for x in w]
        # Every prefix of the sum must fit, too.
        sums = [0], [0]
        for a, c in ends:
            sums[0].append(sums[0][-1] + a)
            sums[1].append(sums[1][-1] + c)
        low, high = min(sums[0]), max(sums[1])
    return min(low, 0), max(high, 0)
