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

from math import sqrt

import numpy as np
import torch
from torch import Tensor, nn

from ...model.errors import InputError
from ...model.synapses import Synapses as Golden
from ...model.synapses import dense as golden
from ..neurons.surrogate import round_half_even
from .synapses import Feedback, Synapses

__all__ = ["Dense"]

SPAN = 2.6  # deviations of a weight that its width holds
EPS = 1e-6


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
    used : bool (pre,), or None
        Inputs that have weights; the weights of the others are zero.
    """

    used: Tensor
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
        used: np.ndarray | None = None,
    ) -> None:
        super().__init__()
        if not 2 <= bits <= 16:
            raise InputError(f"Dense weight width must be in 2..16 bits, not {bits}")
        if standardise not in ("row", "layer", "none"):
            raise InputError(f"Dense standardise must be row, layer or none, not {standardise!r}")
        self.pre, self.post = pre, post
        self.bits, self.steps, self.standardise = bits, steps, standardise
        mask = np.ones(pre, bool) if used is None else np.asarray(used, bool)
        self.register_buffer("used", torch.from_numpy(mask.astype(np.float32)))
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
            w = w * self.used
            w = (w - w.sum(axes, keepdim=True) / n) * self.used
            w = w / (((w * w).sum(axes, keepdim=True) / n).sqrt() + EPS)
        if self.gain is not None:
            w = w * self.gain
        return round_half_even((w * self.step).clamp(self.low, self.high)) * self.used

    def forward(self, x: Tensor) -> Tensor:
        """Sum weighted spikes (..., pre) to currents (..., post)."""
        return nn.functional.linear(x, self.integers().to(x.dtype))

    def feedback(self) -> Feedback:
        """Make the function of a loop; the weights are made once for all steps."""
        w = self.integers()
        return lambda events: nn.functional.linear(events[-1], w.to(events[-1].dtype))

    def export(self, sign: Tensor | None = None) -> Golden:
        """Freeze the weights, each row times its `sign` (post,)."""
        w = self.integers().detach()
        if sign is not None:
            w = w * sign[:, None]
        return golden.Dense(w.cpu().numpy().astype(np.int64), self.bits)
