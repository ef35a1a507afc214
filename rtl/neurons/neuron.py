"""Neurons in gates: the end of a step. The law is in model/neurons/neuron.py.

An accumulator starts every step at ``decay(v) + b`` and takes the step's events; so a sweep reads
the membrane h, fires, resets, and at once pays the leak and the bias of the step to come. Neurons
that neither leak nor clamp (`integrates`) are kept at h - theta, so that the comparison is the
sign.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from amaranth.hdl import Const, Mux, Value, signed

from ...model.neurons import neuron as golden
from ...model.neurons.neuron import reduce_leak
from ...model.width import Bounds, signed_width
from ...plan.neurons import accumulator, integrates, leaking

__all__ = ["Decay", "Neuron"]


@dataclass(frozen=True, slots=True)
class Decay:
    """The leak ``v * m / 2**k``, rounded, in its cheapest form.

    Parameters
    ----------
    m, k : int
        Reduced: m is odd, or 0, or k is 0.
    rounding : "floor" or "zero"
    """

    m: int
    k: int
    rounding: str = "floor"

    @classmethod
    def of(cls, leak: tuple[int, int], rounding: str = "floor") -> "Decay":
        """Make the leak (m, k)."""
        return cls(*reduce_leak(leak), rounding)

    @property
    def multiplies(self) -> bool:
        """Whether it takes a multiplier rather than a shift and a subtraction."""
        return self.m > 1 and self.m != (1 << self.k) - 1

    def __call__(self, v: Value) -> Value:
        """Make the gates of the leak; signed in, signed out, exact."""
        if self.m == 0:
            return Const(0, signed(1))
        if self.m == 1:
            product = v
        elif self.multiplies:
            product = v * Const(self.m, signed(self.m.bit_length() + 1))
        else:
            product = (v << self.k) - v
        if self.rounding == "zero" and self.k:
            # Below 0, almost one more makes of rounding down rounding up.
            product = product + Mux(v < 0, Const((1 << self.k) - 1, signed(self.k + 1)), 0)
        return product >> self.k


class Neuron:
    """The sweep of one neuron, and the numbers that differ between neurons.

    Parameters
    ----------
    golden : model.neuron.Neuron
    bounds : Bounds
    """

    def __init__(self, golden: golden.Neuron, bounds: Bounds) -> None:
        self.golden = golden
        self.bounds = bounds
        self.decay = Decay.of(golden.leak, golden.rounding)

    @property
    def integrates(self) -> bool:
        """Whether the accumulator is the membrane itself: no leak, no clamp."""
        return integrates(self.golden)

    @property
    def once(self) -> bool:
        """Whether one that has fired stays silent."""
        return self.golden.once

    @property
    def idle(self) -> bool:
        """Whether a sweep leaves the accumulator as it is."""
        return self.integrates and self.golden.reset == "none" and not self.golden.bias.any()

    @property
    def leaking(self) -> int:
        """Cycles from a membrane to what is left of it in the next step."""
        return leaking(self.golden)

    def threshold(self, n: int) -> int | None:
        """Theta of neuron n, or None."""
        theta = self.golden.threshold
        return None if theta is None else int(theta[n % len(theta)])

    def bias(self, n: int) -> int:
        """B of neuron n."""
        return int(self.golden.bias[n % len(self.golden.bias)])

    def offset(self, n: int) -> int:
        """What h exceeds the accumulator of neuron n by when a step ends."""
        return (self.threshold(n) or 0) if self.integrates else 0

    def first(self, n: int) -> int:
        """Accumulator of neuron n at the start of a sample."""
        return self.bias(n) - self.offset(n)

    def width(self, neurons: range) -> int:
        """Width of an accumulator that serves these neurons in turn, bits."""
        return accumulator(self.golden, self.bounds, neurons)

    def told(self, widths: Sequence[int]) -> int:
        """Width of what a sweep tells of a membrane, of accumulators of these widths, bits."""
        return max(widths)

    def fires(self, accumulator: Value, threshold: Callable[[], Value]) -> Value:
        """Compare; a clamp below theta leaves nothing to compare.

        `threshold` is made only where it is needed. The clamp need not come first: as
        lo <= 0 < theta, it never moves h across a theta <= hi.
        """
        if self.golden.threshold is None:
            return Const(0, 1)
        if self.integrates:
            return ~accumulator[-1]
        over = accumulator >= (theta := threshold())
        return over if self.golden.clamp is None else over & (theta <= self.golden.clamp[1])

    def clamp(self, h: Value) -> Value:
        """Clamp, where declared."""
        if self.golden.clamp is None:
            return h
        low, high = (Const(c, signed(signed_width(c, c))) for c in self.golden.clamp)
        return Mux(h > high, high, Mux(h < low, low, h))

    def reset(self, h: Value, s: Value, threshold: Callable[[], Value]) -> Value:
        """Reset: the membrane that is kept. `threshold` is made only where it is needed."""
        if self.golden.threshold is None or self.golden.reset == "none":
            return h
        return Mux(s, Const(0, signed(1)) if self.golden.reset == "zero" else h - threshold(), h)
