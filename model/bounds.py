"""Widths, proven from the weights.

For every layer: intervals that hold every value its current, its accumulator and its membrane can
take, for any input within the declarations of its sources (`Values`: limit per step, total per
sample), and the widths that hold these intervals. The current is what all connections add in a
step, each shifted by its bits.

Reasoning, per neuron, with [a, c] the interval of one step's current:

1. Subset sums. A tap contributes ``w * s`` with 0 <= s <= limit, so every partial sum of a step's
   current, in any order of adding, lies in
   [a, c] = [limit * sum min(0, w), limit * sum max(0, w)],
   summed over the taps whose delay, that of the connection included, is at most the step. Where a
   connection has several sources, their limits add up. What comes back from a layer is bounded by
   what that layer declares, so loops need no fixed point.
2. The accumulator holds ``decay(v) + b`` at the start of a step and then takes the step's events in
   any order. Leaving the events out that are still to come is a lawful input too, so the interval
   of the sum at the end of a step holds every value on the way. The clamp of that interval holds h.
3. Recursion. v = 0 before step 0; a step's sum is in decay(v) + [a, c] + b. Decay and clamp are
   monotone, so interval ends map to interval ends.
4. Inputs with a total. Up to a step, all together add no more than the total through every tap
   within reach, [A, C], as [a, c] but with the total in place of the limit. So with u the course of
   v without any input, a step's sum is in decay(u) + [A, C] + b. For decay (of either rounding) and
   clamp never lengthen the distance of two values (m <= 2**k), so what inputs of both signs have
   done to v lies within what they added. Of this interval and that of the recursion the narrower
   end counts.
5. Reset. It leaves v >= 0 (theta >= 1), so where a neuron can reach theta, the lower ends of 3, and
   the u that those of 4 are made from, go on from at most 0. (Without delays, what follows a reset
   stays above what can follow the start of a sample; later steps can be reached by more taps.) At
   the upper ends of 3, such a neuron keeps at most theta - 1, or high - theta with a reset by
   subtraction. Those of 4 stand as they are, as a reset lowers v.

Where an input has one tap, and none are recurrent, the ends are reached; with a reset only the
lower ones, and those without delays. All others are safe and may be wider than what is reached.

2 to 5 are `reach` of model/neurons/neuron.py; another kind of neuron has its own reasoning.
"""

from .network import Layer, Network, of_model
from .width import Bounds

__all__ = ["bounds", "prove", "score_bounds"]


def bounds(network: Network, layer: Layer) -> Bounds:
    """Prove the bounds of one layer (the reasoning is the module's docstring)."""
    arriving, total = network.arriving(layer), None
    if all(network.values(c).total is not None for c in layer.connections):
        total = network.arriving(layer, total=True)
    return layer.neuron.reach(arriving, total)


def prove(network: Network) -> dict[str, Bounds]:
    """Prove the bounds of every layer of a network, by name."""
    of_model(network)
    return {name: bounds(network, layer) for name, layer in network.layers.items()}


def score_bounds(network: Network, last: Bounds) -> tuple[int, int]:
    """Prove the interval of every readout score, 0 included."""
    low, high = (int(x) for x in (last.membrane[0].min(), last.membrane[1].max()))
    low, high = network.readout.bounds(low, high, network.steps)
    return min(low, 0), max(high, 0)
