"""Neurons: integrate-and-fire, leaky, time-to-first-spike; one law.

    h = decay(v) + i + b                     leak, integrate
    h = clamp(h, lo, hi)                     only where declared
    s = h >= theta                           and, where `once`, not fired before
    v = h, or 0, or h - theta                reset: none, or to zero or by subtraction where s

i is the sum of the layer's connections, each shifted by its own number of bits (network.py).
decay(v) is v m / 2**k, rounded toward minus infinity or toward zero; m = 2**k is no leak. A neuron
that fires `once` keeps integrating and stays silent. Every readout uses h.

Source of rounding toward zero: the arithmetic of Loihi, as lava-dl computes it.
"""

from dataclasses import dataclass
from math import gcd
from typing import ClassVar

import numpy as np

from ..check import flag, integer, integers, is_integer, shown
from ..errors import InputError
from ..values import Values
from ..width import Bounds, Interval
from .neurons import Neurons

__all__ = ["RESETS", "ROUNDINGS", "Neuron", "State", "reduce_leak"]

RESETS = ("none", "zero", "subtract")
ROUNDINGS = ("floor", "zero")


@dataclass(slots=True)
class State:
    """What a layer keeps between steps: `v` int64 (..., neurons), `fired` bool (..., neurons)."""

    v: np.ndarray
    fired: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class Neuron(Neurons):
    """A layer of neurons.

    Parameters
    ----------
    bias : int (channels,)
        b, added in every step.
    threshold : int (channels,) or None
        theta >= 1; None never fires.
    leak : (m, k)
        Multiplier 0..2**k and shift 0..15 of the leak: m / 2**k is the share of the membrane that
        is kept (snnTorch's beta, 1 - 1 / tau in SpikingJelly); (1, 0) is no leak.
    clamp : (lo, hi) or None
        lo <= 0 <= hi, of 32 bits.
    reset : "none", "zero" or "subtract"
    once : bool
        Whether a neuron fires at most once per sample (time-to-first-spike).
    rounding : "floor" or "zero"
        Whether what the leak leaves is rounded toward minus infinity or toward zero.
    places : int
        Places of a map, each with a neuron of every channel; neuron n is of channel n % channels.
    """

    kind: ClassVar[str] = "neuron"
    arrays: ClassVar[tuple[str, ...]] = ("bias", "threshold")
    optional: ClassVar[tuple[str, ...]] = ("places",)

    bias: np.ndarray
    threshold: np.ndarray | None
    leak: tuple[int, int] = (1, 0)
    clamp: tuple[int, int] | None = None
    reset: str = "none"
    once: bool = False
    rounding: str = "floor"
    places: int = 1

    def __post_init__(self) -> None:
        bias = integers("Neuron bias", self.bias, ("channels",), 32)
        object.__setattr__(self, "bias", bias)
        if self.threshold is not None:
            threshold = integers("Neuron threshold", self.threshold, ("channels",), 32)
            if threshold.shape != bias.shape:
                raise InputError(
                    f"Neuron threshold must have the shape {bias.shape} of the bias, "
                    f"not {threshold.shape}"
                )
            if threshold.min() < 1:
                raise InputError(f"Neuron threshold must be at least 1, not {threshold.min()}")
            object.__setattr__(self, "threshold", threshold)
        m, k = self._pair("leak", self.leak)
        if not (0 <= k <= 15 and 0 <= m <= 1 << k):
            raise InputError(
                "Neuron leak must be a multiplier in 0..2**k and a shift k in 0..15, "
                f"not {self.leak}"
            )
        object.__setattr__(self, "leak", (m, k))
        if self.clamp is not None:
            low, high = self._pair("clamp", self.clamp)
            if not -(1 << 31) <= low <= 0 <= high < 1 << 31:
                raise InputError(f"Neuron clamp must hold 0 and fit 32 bits, not {self.clamp}")
            object.__setattr__(self, "clamp", (low, high))
        object.__setattr__(self, "once", flag("Neuron once", self.once))
        object.__setattr__(self, "places", integer("Neuron places", self.places, 1, 1 << 24))
        for name, value, known in (
            ("reset", self.reset, RESETS),
            ("rounding", self.rounding, ROUNDINGS),
        ):
            if not isinstance(value, str) or value not in known:
                raise InputError(
                    f"Neuron {name} must be one of {', '.join(known)}, not {shown(value)}"
                )
        if self.once and (self.threshold is None or self.reset != "none"):
            raise InputError("A neuron that fires once must have a threshold and no reset")

    @staticmethod
    def _pair(name: str, pair: tuple[int, int]) -> tuple[int, int]:
        if not isinstance(pair, tuple | list) or len(pair) != 2 or not all(map(is_integer, pair)):
            raise InputError(f"Neuron {name} must be two integers, not {shown(pair)}")
        return int(pair[0]), int(pair[1])

    @property
    def size(self) -> int:
        """Number of neurons."""
        return len(self.bias) * self.places

    @property
    def channels(self) -> int:
        """Number of neurons of a place."""
        return len(self.bias)

    def every(self, of_channels: np.ndarray) -> np.ndarray:
        """Give the constants of every neuron from those of the channels."""
        return np.tile(of_channels, self.places)

    @property
    def fires(self) -> bool:
        """Whether they ever spike."""
        return self.threshold is not None

    @property
    def values(self) -> Values:
        """What they emit: spikes of 1."""
        return Values(1, 1 if self.once else None)

    @property
    def leaks(self) -> bool:
        """Whether the membrane decays."""
        m, k = self.leak
        return m != 1 << k

    def start(self, *samples: int) -> State:
        """Make the state at the start of a sample."""
        shape = (*samples, self.size)
        return State(np.zeros(shape, np.int64), np.zeros(shape, bool))

    def decay(self, v: np.ndarray) -> np.ndarray:
        """Leak: ``v * m / 2**k``, rounded."""
        m, k = self.leak
        if self.rounding == "zero":
            return np.sign(v) * ((np.abs(v) * m) >> k)
        return (v * m) >> k

    def step(self, state: State, i: np.ndarray) -> tuple[np.ndarray, np.ndarray, State]:
        """Advance every neuron by one step.

        Parameters
        ----------
        state : State (..., neurons)
        i : int64 (..., neurons)
            What the connections add in this step.

        Returns
        -------
        s : bool (..., neurons)
        h : int64 (..., neurons)
        state : State (..., neurons)
        """
        h = self.clamped(self.decay(state.v) + i + self.every(self.bias))
        if self.threshold is None:
            return np.zeros(h.shape, bool), h, State(h, state.fired)
        theta = self.every(self.threshold)
        s = h >= theta
        v = h
        if self.reset == "zero":
            v = np.where(s, 0, h)
        elif self.reset == "subtract":
            v = np.where(s, h - theta, h)
        if self.once:
            s = s & ~state.fired
        return s, h, State(v, state.fired | s)

    def reach(self, arriving: Interval, total: Interval | None) -> Bounds:
        """Prove the bounds of h; the reasoning is in model/bounds.py, 2 to 5."""
        bias = self.every(self.bias.astype(np.int64))
        limits = np.iinfo(np.int64)
        least, most = np.full_like(bias, limits.max), np.full_like(bias, limits.min)
        v_low = v_high = u_low = u_high = np.zeros_like(bias)
        for t, (down, up) in enumerate(zip(*arriving, strict=True)):
            low, high = self.decay(v_low) + down + bias, self.decay(v_high) + up + bias
            u_low, u_high = self.decay(u_low) + bias, self.decay(u_high) + bias
            if total is not None:
                low = np.maximum(low, u_low + total[0][t])
                high = np.minimum(high, u_high + total[1][t])
            least, most = np.minimum(least, low), np.maximum(most, high)

            v_low, v_high, u_low, u_high = (self.clamped(x) for x in (low, high, u_low, u_high))
            if self.threshold is not None and self.reset != "none":
                theta = self.every(self.threshold.astype(np.int64))
                v_low, u_low = (
                    np.where(v_high >= theta, np.minimum(x, 0), x) for x in (v_low, u_low)
                )
                kept = v_high - theta if self.reset == "subtract" else 0
                v_high = np.minimum(v_high, np.maximum(theta - 1, kept))
        current = arriving[0][-1], arriving[1][-1]
        return Bounds(current, (least, most), (self.clamped(least), self.clamped(most)))

    def clamped(self, h: np.ndarray) -> np.ndarray:
        """Clamp, where declared."""
        return h if self.clamp is None else np.clip(h, *self.clamp)

    def tell(self, n: int) -> str:
        """Write the constants of neuron n, for the report of a divergence."""
        channel = n % len(self.bias)
        theta = None if self.threshold is None else int(self.threshold[channel])
        return f"theta = {theta}, b = {self.bias[channel]}"


def reduce_leak(leak: tuple[int, int]) -> tuple[int, int]:
    """Divide a leak (m, k) by its common power of two: m is odd then, or m or k is 0."""
    m, k = leak
    common = gcd(m, 1 << k)
    return m // common, k if m == 0 else k - common.bit_length() + 1
