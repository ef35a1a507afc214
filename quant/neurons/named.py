"""Neurons by the names of the field; each says what it sets of the one law in neuron.py.

    name    leak    fires                   reset
    TTFS    none    once per sample         none
    IF      none    at every crossing       to zero, or by subtraction
    LIF     leak    at every crossing       to zero, or by subtraction
    LI      leak    never: it is read out   none

Thresholds are in units of the deviation that the current of one step has at first (dense.py).
"""

from dataclasses import dataclass
from fractions import Fraction
from math import isfinite
from numbers import Real
from typing import Any, ClassVar

from ...model.check import choice, flag, instance, integer, is_integer, real, shown
from ...model.errors import InputError
from ...model.neurons.neuron import ROUNDINGS
from ..synapses.synapses import SynapsesSpec
from .neuron import Neuron
from .surrogate import Surrogate

__all__ = ["IF", "LI", "LIF", "TTFS", "Leak", "multiplier_and_shift"]

Leak = float | tuple[int, int]
FINEST = 15  # largest k of a leak m / 2**k
RESETS = ("zero", "subtract")  # of neurons that fire again


def multiplier_and_shift(what: str, leak: Leak) -> tuple[int, int]:
    """Turn the share of the membrane that is kept into the m and k of m / 2**k.

    Parameters
    ----------
    leak : float in 0..1 that is such a share exactly, with k up to 15; or (m, k) itself

    Raises
    ------
    InputError
        If it is none, with one nearby that is.
    """
    if isinstance(leak, tuple | list):
        if not _pair(leak):
            raise InputError(f"{what} must be a number or two integers m, k, not {shown(leak)}")
        k = integer(f"{what} shift", leak[1], 0, FINEST)
        return integer(f"{what} multiplier", leak[0], 0, 1 << k), k
    if not isinstance(leak, Real) or isinstance(leak, bool) or not isfinite(leak):
        raise InputError(f"{what} must be a number or two integers m, k, not {shown(leak)}")
    share = Fraction(real(what, float(leak), 0, 1))
    k = share.denominator.bit_length() - 1
    if k > FINEST:
        tries = (Fraction(round(share * 2**k), 2**k) for k in range(FINEST + 1))
        close = min(share, 1 - share) / 20
        finest = Fraction(min(max(round(share * 2**FINEST), 1), 2**FINEST - 1), 2**FINEST)
        near = next((x for x in tries if abs(x - share) <= close), finest)
        raise InputError(
            f"{what} must be m / 2**k with k of at most {FINEST}, such as {near} = {float(near)},"
            f" not {leak:g}"
        )
    return share.numerator, k


def _pair(value: object) -> bool:
    """Whether a value is two integers."""
    return isinstance(value, tuple | list) and len(value) == 2 and all(map(is_integer, value))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Named:
    """What all of them share.

    Parameters
    ----------
    bias : bool
        Whether to learn a bias, which is added in every step.
    norm : bool
        Whether to batch-normalise the current (norm.py); it costs no hardware.
    clamp : (low, high) or None
        Integers that the membrane is held between.
    rounding : "floor" or "zero"
        Whether what the leak leaves is rounded toward minus infinity or toward zero.
    recurrent : synapses or None
        From the layer to itself: `Linear` with a delay of 1, `DelayedLinear` with delays from 1 on.
    """

    bias: bool = False
    norm: bool = False
    clamp: tuple[int, int] | None = None
    rounding: str = "floor"
    recurrent: SynapsesSpec | None = None

    def __post_init__(self) -> None:
        name = type(self).__name__
        flag(f"{name} bias", self.bias)
        flag(f"{name} norm", self.norm)
        choice(f"{name} rounding", self.rounding, ROUNDINGS)
        if self.clamp is not None:
            low, high = self.clamp if _pair(self.clamp) else (1, 0)
            if not low <= 0 <= high:
                raise InputError(
                    f"{name} clamp must be two integers around 0, not {shown(self.clamp)}"
                )
        if self.recurrent is not None:
            meant = "synapses such as Linear()"
            instance(f"{name} recurrent", self.recurrent, SynapsesSpec, meant)

    def law(self) -> dict[str, Any]:
        """Give what the kind sets of `Neuron`."""
        raise NotImplementedError

    def build(self, channels: int, places: int = 1, steps: int = 1) -> Neuron:
        """Make neurons: at each of the places of a map one of every channel."""
        clamp = None if self.clamp is None else (int(self.clamp[0]), int(self.clamp[1]))
        common = {"bias": self.bias, "norm": self.norm, "rounding": self.rounding}
        return Neuron(channels, places, clamp=clamp, **common, **self.law())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Firing(_Named):
    """What those that fire share.

    Parameters
    ----------
    threshold : float
        Where it starts; it is learned.
    shared : bool
        Whether all neurons of the layer have one threshold; else those of a channel of a map have.
    surrogate : Surrogate or None
        Gradient of a spike, as wide as the threshold is high; None is the arc tangent.
    """

    threshold: float = 1.0
    shared: bool = True
    surrogate: Surrogate | None = None

    def __post_init__(self) -> None:
        _Named.__post_init__(self)
        name = type(self).__name__
        real(f"{name} threshold", self.threshold, 1e-6, 1e6)
        flag(f"{name} shared", self.shared)
        if self.surrogate is not None:
            meant = "a Surrogate such as ATan()"
            instance(f"{name} surrogate", self.surrogate, Surrogate, meant)

    def law(self) -> dict[str, Any]:
        """Give what is set of the threshold."""
        return {
            "threshold": self.threshold,
            "shared": self.shared,
            "surrogate": self.surrogate,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class TTFS(_Firing):
    """Time to first spike: integrates, and fires at most once per sample."""

    kind: ClassVar[str] = "ttfs"

    def law(self) -> dict[str, Any]:
        """Give what it sets of `Neuron`."""
        return _Firing.law(self) | {"once": True}


@dataclass(frozen=True, slots=True, kw_only=True)
class IF(_Firing):
    """Integrate and fire (SpikingJelly's IFNode).

    Parameters
    ----------
    reset : "zero" or "subtract"
        What a spike does to the membrane; SpikingJelly's v_reset=0 and v_reset=None.
    """

    kind: ClassVar[str] = "if"

    reset: str = "zero"

    def __post_init__(self) -> None:
        _Firing.__post_init__(self)
        choice("IF reset", self.reset, RESETS)

    def law(self) -> dict[str, Any]:
        """Give what it sets of `Neuron`."""
        return _Firing.law(self) | {"reset": self.reset}


@dataclass(frozen=True, slots=True)
class LIF(_Firing):
    """Leaky integrate and fire (snnTorch's Leaky, SpikingJelly's LIFNode).

    Parameters
    ----------
    leak : float or (m, k)
        Share of the membrane that a step keeps, m / 2**k: snnTorch's beta, SpikingJelly's
        1 - 1 / tau.
    reset : "zero" or "subtract"
    learn_leak : bool
        Whether to learn m.
    """

    kind: ClassVar[str] = "lif"

    leak: Leak = 7 / 8
    reset: str = "zero"
    learn_leak: bool = False

    def __post_init__(self) -> None:
        _Firing.__post_init__(self)
        flag("LIF learn_leak", self.learn_leak)
        choice("LIF reset", self.reset, RESETS)
        multiplier_and_shift("LIF leak", self.leak)

    def law(self) -> dict[str, Any]:
        """Give what it sets of `Neuron`."""
        leak = multiplier_and_shift("LIF leak", self.leak)
        return _Firing.law(self) | {
            "reset": self.reset,
            "leak": leak,
            "learned": self.learn_leak,
        }


@dataclass(frozen=True, slots=True)
class LI(_Named):
    """Leaky integrator, which never fires: an output whose membranes are read out.

    Parameters
    ----------
    leak : float or (m, k)
        Share of the membrane that a step keeps; 1 is a plain sum.
    """

    kind: ClassVar[str] = "li"

    leak: Leak = 1.0

    def __post_init__(self) -> None:
        _Named.__post_init__(self)
        multiplier_and_shift("LI leak", self.leak)

    def law(self) -> dict[str, Any]:
        """Give what it sets of `Neuron`."""
        return {"threshold": None, "leak": multiplier_and_shift("LI leak", self.leak)}
