"""Trainable twin of model/synapses/dense.py: weights that are integers in the forward.

    W_hat = (W - mean) / deviation, per row or per layer           standardise
    w     = clamp(round(W_hat * gain * step), low, high)           quantise, straight through

`step` places 2.6 deviations at the largest weight of the width. The gain is multiplied in before
the rounding, so that nothing is left over that an export could lose. A real membrane of 1 is `unit`
of these integers: with an input that comes once in T steps, weights of variance T / N make the
current of one step have variance 1.

Source: initialisation, standardisation, affine: arXiv 2410.23619, equations 14, 16, 17 (as others
read them).
"""

from dataclasses import dataclass
from math import sqrt
from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import Tensor, nn

from ...model.check import choice, flag, integer
from ...model.errors import InputError
from ...model.maps import Map
from ...model.synapses import Synapses as Golden
from ...model.synapses import dense as golden
from ..neurons.surrogate import round_half_even
from .synapses import Feedback, Synapses

__all__ = ["Dense", "Linear", "width"]

STANDARDISE = ("row", "layer", "none")

SPAN = 2.6  # deviations of a weight that its width holds
EPS = 1e-6
TINY = 1e-24


def width(law: Any) -> int:
    """Bits that hold frozen weights, the smallest of all left out: one more if that is among them.

    Raises
    ------
    InputError
        If they are more than 16.
    """
    bits = law.bits + bool(law.weights.min() == -(1 << (law.bits - 1)))
    if bits > 16:
        raise InputError("Weights that are trained on must be above -32768")
    return bits


class Dense(Synapses):
    """A trainable matrix of weights of `bits` bits.

    Parameters
    ----------
    pre, post : int
    bits : int, 2..16
    steps : int
        T, for the initialisation.
    standardise : "row", "layer" or "none"
    gain : bool
        Whether a learnable gain (one per row, or one per layer) scales the standardised weights.
    connected : bool (pre,), or None
        Inputs that have weights; the weights of the others are zero.
    """

    connected: Tensor
    weight: nn.Parameter

    def __init__(
        self,
        pre: int,
        post: int,
        bits: int,
        steps: int,
        *,
        standardise: str = "row",
        gain: bool = True,
        connected: np.ndarray | None = None,
    ) -> None:
        super().__init__()
        integer("Dense bits", bits, 2, 16)
        choice("Dense standardise", standardise, STANDARDISE)
        self.pre, self.post = pre, post
        self.bits, self.steps, self.standardise = bits, steps, standardise
        mask = np.ones(pre, bool) if connected is None else np.asarray(connected, bool)
        self.register_buffer("connected", torch.from_numpy(mask.astype(np.float32)))
        self.fan = max(1, int(mask.sum()))
        bound = sqrt(3 * steps / self.fan)
        self.weight = nn.Parameter(torch.empty(post, pre).uniform_(-bound, bound))
        rows = post if standardise == "row" else 1
        self.gain = nn.Parameter(torch.ones(rows, 1)) if gain else None

    @property
    def low(self) -> int:
        """Smallest weight."""
        return -self.high

    @property
    def high(self) -> int:
        """Largest weight."""
        return (1 << (self.bits - 1)) - 1

    @property
    def step(self) -> float:
        """Integers per deviation of a standardised weight."""
        return self.high / SPAN

    @property
    def unit(self) -> float:
        """Integers that a real membrane of 1 is."""
        return self.step * sqrt(self.fan / self.steps)

    def integers(self) -> Tensor:
        """Make the deployed weights, whole numbers in float32 (post, pre)."""
        w = self.weight
        if self.standardise == "none":
            w = w / sqrt(self.steps / self.fan)
        else:
            axes = (1,) if self.standardise == "row" else (0, 1)
            n = self.fan if self.standardise == "row" else self.fan * w.shape[0]
            w = w * self.connected
            w = (w - w.sum(axes, keepdim=True) / n) * self.connected
            variance = (w * w).sum(axes, keepdim=True) / n
            w = w / (variance.clamp_min(TINY).sqrt() + EPS)  # the root has no gradient at 0
        if self.gain is not None:
            w = w * self.gain
        return round_half_even((w * self.step).clamp(self.low, self.high)) * self.connected

    @classmethod
    def thaw(cls, law: Any, steps: int) -> Self:
        """Make those of frozen weights; a bit wider where one is below -(2**(bits - 1) - 1)."""
        made = cls(law.pre, law.post, width(law), steps, standardise="none")
        made.take(torch.from_numpy(law.weights.astype(np.float32)))
        return made

    @torch.no_grad()
    def take(self, weights: Tensor) -> None:
        """Take weights (rows, inputs), measured in deployed integers; nothing is standardised."""
        self.standardise = "none"
        self.weight.copy_(weights.view_as(self.weight) / self.step * sqrt(self.steps / self.fan))
        if self.gain is not None:
            self.gain.fill_(1.0)

    def get_extra_state(self) -> dict[str, str]:
        """Give what belongs to its state beside tensors: float weights are not standardised."""
        return {"standardise": self.standardise}

    def set_extra_state(self, state: dict[str, str]) -> None:
        """Take it."""
        self.standardise = state["standardise"]

    def forward(self, x: Tensor) -> Tensor:
        """Sum weighted spikes (..., pre) to currents (..., post)."""
        return nn.functional.linear(x, self.integers().to(x.dtype))

    def feedback(self) -> Feedback:
        """Make the function of a loop; the weights are made once for all steps."""
        w = self.integers()
        return lambda events: nn.functional.linear(events[-1], w.to(events[-1].dtype))

    def export(self, sign: Tensor | None = None) -> Golden:
        """Freeze the weights, each row times its sign."""
        w = self.integers().detach()
        if sign is not None:
            w = w * self.signs(sign)[:, None]
        return golden.Dense(w.cpu().numpy().astype(np.int64), self.bits)


@dataclass(frozen=True, slots=True)
class Linear:
    """A weight from every input to every neuron, as torch.nn.Linear without bias.

    Parameters
    ----------
    out : int or None
        Number of neurons; None takes it from elsewhere in the layer, as for a recurrence.
    bits : int, 2..16
        Width of the deployed weights, signed.
    standardise : "row", "layer" or "none"
        Over what mean and deviation of the weights are taken off in the forward.
    gain : bool
        Whether a learnable gain, one per row or one per layer, scales the standardised weights.
    """

    kind: ClassVar[str] = "linear"

    out: int | None = None
    bits: int = 4
    standardise: str = "row"
    gain: bool = True

    def __post_init__(self) -> None:
        if self.out is not None:
            integer("Linear out", self.out, 1, 1 << 16)
        integer("Linear bits", self.bits, 2, 16)
        choice("Linear standardise", self.standardise, STANDARDISE)
        flag("Linear gain", self.gain)

    @property
    def least(self) -> int:
        """Smallest delay: there are none."""
        return 0

    def recurrent(self) -> Self:
        """Give itself: its connection brings the delay of 1."""
        return self

    def after(self, before: Map | None) -> Map | None:
        """Tell the map that they make: one place."""
        return None if self.out is None else Map(self.out, 1, 1)

    def build(
        self, before: Map, after: Map, steps: int, connected: np.ndarray | None = None
    ) -> Dense:
        """Make the weights, see `SynapsesSpec`."""
        return Dense(
            before.size,
            after.size,
            self.bits,
            steps,
            standardise=self.standardise,
            gain=self.gain,
            connected=connected,
        )
