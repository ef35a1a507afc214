"""Widths, proven from the weights.

For every layer: intervals that hold every value its current, its accumulator and its membrane can
take, for any input within the declaration of its source (`limit` per step, `once` per sample), and
the widths that hold these intervals.

Reasoning, per neuron, with [a, c] the interval of one step's current:

1. Subset sums. A tap contributes ``w * s`` with 0 <= s <= limit, so every partial sum of a step's
   current, in any order of adding, lies in
   [a, c] = [limit * sum min(0, w), limit * sum max(0, w)],
   summed over the taps whose delay is at most the step. Recurrent taps count with limit 1.
2. The accumulator holds ``decay(v) + b`` at the start of a step and then takes the step's events in
   any order. Leaving the events out that are still to come is a lawful input too, so the interval
   of the sum at the end of a step holds every value on the way. The clamp of that interval holds h.
3. Recursion. v = 0 before step 0; a step's sum is in decay(v) + ([a, c] << f) + b. Decay and clamp
   are monotone, so interval ends map to interval ends.
4. Once-only inputs. Up to a step, all together add no more than they could in that step alone. So
   with u the course of v without any input, a step's sum is in decay(u) + ([a, c] << f) + b. For
   decay and clamp never lengthen the distance of two values (m <= 2**k), so what inputs of both
   signs have done to v lies within what they added. Of this interval and that of the recursion the
   narrower end counts.
5. Reset. It leaves v >= 0 (theta >= 1), so where a neuron can reach theta, the lower ends of 3, and
   the u that those of 4 are made from, go on from at most 0. (Without delays, what follows a reset
   stays above what can follow the start of a sample; later steps can be reached by more taps.) At
   the upper ends of 3, such a neuron keeps at most theta - 1, or high - theta with a reset by
   subtraction. Those of 4 stand as they are, as a reset lowers v.

Where an input has one tap, and none are recurrent, the ends are reached, by the inputs that `worst`
gives; with a reset only the lower ones, and those without delays. All others are safe and may be
wider than what is reached.
"""

from dataclasses import dataclass

import numpy as np

from .network import Layer, Network, Synapses
from .neurons.neuron import Neuron

__all__ = ["Bounds", "arriving", "bounds", "prove", "signed_width", "worst"]

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


def arriving(synapses: Synapses, limit: int, steps: int) -> Interval:
    """Bound the current of every step, two int64 (steps, post)."""
    low = np.zeros((steps, synapses.post), np.int64)
    high = np.zeros_like(low)
    w = synapses.weights.reshape(synapses.post, synapses.pre, synapses.taps).astype(np.int64)
    for delay in np.unique(synapses.delays[synapses.delays < steps]):
        taps = np.where(synapses.delays == delay, w, 0)
        low[delay:] += limit * np.minimum(taps, 0).sum((1, 2))
        high[delay:] += limit * np.maximum(taps, 0).sum((1, 2))
    return low, high


def bounds(layer: Layer, steps: int, limit: int, once: bool) -> Bounds:
    """Prove the bounds of one layer (the reasoning is the module's docstring)."""
    n, bias = layer.neuron, layer.neuron.bias.astype(np.int64)
    a, c = arriving(layer.synapses, limit, steps)
    if layer.recurrent is not None:
        low, high = arriving(layer.recurrent, 1, steps)
        a, c, once = a + low, c + high, once and n.once
    limits = np.iinfo(np.int64)
    least, most = np.full_like(bias, limits.max), np.full_like(bias, limits.min)
    v_low = v_high = u_low = u_high = np.zeros_like(bias)
    for down, up in zip(a << n.shift, c << n.shift, strict=True):
        low, high = n.decay(v_low) + down + bias, n.decay(v_high) + up + bias
        u_low, u_high = n.decay(u_low) + bias, n.decay(u_high) + bias
        if once:
            low, high = np.maximum(low, u_low + down), np.minimum(high, u_high + up)
        least, most = np.minimum(least, low), np.maximum(most, high)

        v_low, v_high, u_low, u_high = (_clamp(n, x) for x in (low, high, u_low, u_high))
        if n.threshold is not None and n.reset != "none":
            theta = n.threshold.astype(np.int64)
            v_low, u_low = (np.where(v_high >= theta, np.minimum(x, 0), x) for x in (v_low, u_low))
            kept = v_high - theta if n.reset == "subtract" else 0
            v_high = np.minimum(v_high, np.maximum(theta - 1, kept))
    return Bounds((a[-1], c[-1]), (least, most), (_clamp(n, least), _clamp(n, most)))


def _clamp(neuron: Neuron, h: np.ndarray) -> np.ndarray:
    return h if neuron.clamp is None else np.clip(h, *neuron.clamp)


def worst(layer: Layer, steps: int, limit: int, once: bool, neuron: int, high: bool) -> np.ndarray:
    """Find inputs that drive a neuron to an end of its bounds, where that is reached (see above).

    Every input whose (first) weight has the fitting sign comes with its largest value: in every
    step, or, where inputs come once, so that all arrive in the one step that goes furthest.

    Returns
    -------
    uint8 (steps, pre)
    """
    synapses, n = layer.synapses, layer.neuron
    w = synapses.weights.reshape(synapses.post, synapses.pre, -1)[neuron, :, 0]
    delays = synapses.delays[neuron if len(synapses.delays) > 1 else 0, :, 0]
    drives = np.flatnonzero(w > 0 if high else w < 0)
    s = np.zeros((steps, len(w)), np.uint8)
    if not once:
        s[:, drives] = limit
        return s
    u, course = np.zeros(1, np.int64), []
    arrives = arriving(synapses, limit, steps)[high][:, neuron]
    for current in arrives << n.shift:
        u = n.decay(u) + n.bias[neuron]
        course.append(int(u[0] + current))
        u = _clamp(n, u)
    at = int(np.argmax(course) if high else np.argmin(course))
    drives = drives[delays[drives] <= at]
    s[at - delays[drives], drives] = limit
    return s


def prove(network: Network) -> list[Bounds]:
    """Prove the bounds of every layer of a network."""
    return [
        bounds(layer, network.steps, limit, once)
        for layer, (limit, once) in zip(network.layers, network.declared(), strict=True)
    ]


def score_bounds(network: Network, last: Bounds) -> tuple[int, int]:
    """Prove the interval of every readout score, 0 included."""
    low, high = (int(x) for x in (last.membrane[0].min(), last.membrane[1].max()))
    low, high = network.readout.bounds(low, high, network.steps)
    return min(low, 0), max(high, 0)
