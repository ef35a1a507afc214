"""Parallel spiking neurons by the names of the field; each says what it sets of parallel.py.

    name         a membrane is made of                        weights and thresholds
    PSN          the whole sample                             of every step
    MaskedPSN    the last `taps` steps                        of every step
    SlidingPSN   the last `taps` steps, `dilation` apart      the same in every step

Nothing leaks and nothing is reset, so all steps of a layer are trained at once. Thresholds are in
units of the deviation that the current of one step has at first (quant/synapses/dense.py).
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from ...model.check import flag, instance, integer, real
from ...model.errors import InputError
from ..synapses.synapses import SynapsesSpec
from .parallel import Parallel
from .surrogate import Surrogate

__all__ = ["PSN", "MaskedPSN", "SlidingPSN"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parallel:
    """What all of them share.

    Parameters
    ----------
    bits : int, 2..8
        Width of the deployed weights of the filter, signed.
    powers : bool
        Whether those are powers of two: a shift instead of a product.
    threshold : float
        Where it starts; it is learned.
    shared : bool
        Whether all channels have the same weights and thresholds.
    bias : bool
        Whether to learn a bias, which is added to the current of every step.
    norm : bool
        Whether to batch-normalise the current (norm.py); it costs no hardware.
    surrogate : Surrogate or None
        Gradient of a spike, as wide as the threshold is high; None is the arc tangent.
    """

    bits: int = 8
    powers: bool = False
    threshold: float = 1.0
    shared: bool = True
    bias: bool = False
    norm: bool = False
    surrogate: Surrogate | None = None

    def __post_init__(self) -> None:
        name = type(self).__name__
        integer(f"{name} bits", self.bits, 2, 8)
        real(f"{name} threshold", self.threshold, 1e-6, 1e6)
        for flagged in ("powers", "shared", "bias", "norm"):
            flag(f"{name} {flagged}", getattr(self, flagged))
        if self.surrogate is not None:
            instance(f"{name} surrogate", self.surrogate, Surrogate, "a Surrogate such as ATan()")

    @property
    def recurrent(self) -> SynapsesSpec | None:
        """From the layer to itself: nothing."""
        return None

    def law(self, steps: int) -> dict[str, Any]:
        """Give what the kind sets of `Parallel`, for a number of steps."""
        raise NotImplementedError

    def build(self, channels: int, places: int = 1, steps: int = 1) -> Parallel:
        """Make neurons: at each of the places of a map one of every channel."""
        common = {
            "bits": self.bits,
            "powers": self.powers,
            "threshold": self.threshold,
            "shared": self.shared,
            "bias": self.bias,
            "norm": self.norm,
            "surrogate": self.surrogate,
        }
        return Parallel(channels, places, steps=steps, **common, **self.law(steps))


@dataclass(frozen=True, slots=True, kw_only=True)
class PSN(_Parallel):
    """Parallel spiking neurons, each step of which sees the whole sample (SpikingJelly's PSN).

    The layer answers when a sample has ended, so it can be in no loop.
    """

    kind: ClassVar[str] = "psn"

    def law(self, steps: int) -> dict[str, Any]:
        """Give what it sets of `Parallel`."""
        return {"taps": steps, "rows": True, "whole": True}


@dataclass(frozen=True, slots=True)
class MaskedPSN(_Parallel):
    """Those of the last steps alone (SpikingJelly's MaskedPSN, with its k as `taps`).

    Parameters
    ----------
    taps : int
        Steps that a membrane sees, the one at hand included.
    masked_after : float in 0..1
        Share of the epochs after which the mask is complete; until then a layer sees less and less
        of what lies beyond it, later steps included.
    """

    kind: ClassVar[str] = "masked-psn"

    taps: int = 4
    masked_after: float = 0.125

    def __post_init__(self) -> None:
        _Parallel.__post_init__(self)
        integer("MaskedPSN taps", self.taps, 1, 1 << 15)
        real("MaskedPSN masked_after", self.masked_after, 0, 1)

    def law(self, steps: int) -> dict[str, Any]:
        """Give what it sets of `Parallel`."""
        _fit("MaskedPSN", self.taps, 1, steps)
        return {"taps": self.taps, "rows": True, "masked_after": self.masked_after}


@dataclass(frozen=True, slots=True)
class SlidingPSN(_Parallel):
    """Those with one filter for all steps (SpikingJelly's SlidingPSN, with its k as `taps`).

    Parameters
    ----------
    taps : int
        Products of a membrane, the step at hand included.
    dilation : int
        Steps from a tap to the next.
    decays : bool
        Whether weights start as 1, 1/2, 1/4, ..., those of a leaky integrator; else they are drawn.
    """

    kind: ClassVar[str] = "sliding-psn"

    taps: int = 4
    dilation: int = 1
    decays: bool = True

    def __post_init__(self) -> None:
        _Parallel.__post_init__(self)
        integer("SlidingPSN taps", self.taps, 1, 1 << 15)
        integer("SlidingPSN dilation", self.dilation, 1, 1 << 15)
        flag("SlidingPSN decays", self.decays)

    def law(self, steps: int) -> dict[str, Any]:
        """Give what it sets of `Parallel`."""
        _fit("SlidingPSN", self.taps, self.dilation, steps)
        return {"taps": self.taps, "dilation": self.dilation, "decays": self.decays}


def _fit(name: str, taps: int, dilation: int, steps: int) -> None:
    """Refuse taps that reach further back than a sample is long."""
    if (taps - 1) * dilation >= steps:
        raise InputError(
            f"{name} taps must reach less than the {steps} steps of the network back,"
            f" not {(taps - 1) * dilation}"
        )
