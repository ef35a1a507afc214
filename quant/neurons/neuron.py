"""Trainable twin of model/neurons/neuron.py: thresholds and biases, integers in the forward.

    theta = max(1, round(threshold * unit))            straight through
    b     = round(bias * unit)

Without leak, clamp and reset the membrane is a sum, so all steps are computed at once:

    h[t] = F[t] + (t + 1) b                            F[t] = currents up to and including t
    s[t] = h[t] >= theta;  once: F'[t] = max over t' <= t of h[t'] >= theta

Everything else is a loop over time. The leak's rounding is the model's: v m / 2**k is exact before
it.
"""

from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn

from ...model.errors import InputError
from ...model.neurons import Neurons as Golden
from ...model.neurons import neuron as golden
from ...model.width import Bounds
from .neurons import Neurons, Step
from .norm import Norm
from .surrogate import ATan, Surrogate, floor, highest, round_half_even, trunc

__all__ = ["Neuron"]


class Neuron(Neurons):
    """A layer of trainable neurons.

    Parameters
    ----------
    channels : int
    places : int
        Of a map; each has a neuron of every channel, and these share thresholds and biases.
    threshold : float or None
        Where it starts; None never fires.
    shared : bool
        Whether all channels have one threshold.
    bias, norm : bool
        Whether to learn a bias; whether to normalise the current (see norm.py), but for what comes
        from layers of the same loop.
    leak, clamp, reset, once, rounding : as in the model
    learned : bool
        Whether to learn the multiplier m of the leak, 0..2**k, from where `leak` puts it.
    surrogate : Surrogate
        Its width goes with the threshold.

    Attributes
    ----------
    width : float
        Distance to the threshold, in units, that a surrogate sees as 1: where thresholds start.
    """

    def __init__(
        self,
        channels: int,
        places: int = 1,
        *,
        threshold: float | None = 1.0,
        shared: bool = True,
        bias: bool = False,
        norm: bool = False,
        leak: tuple[int, int] = (1, 0),
        clamp: tuple[int, int] | None = None,
        reset: str = "none",
        once: bool = False,
        rounding: str = "floor",
        learned: bool = False,
        surrogate: Surrogate | None = None,
    ) -> None:
        super().__init__()
        if once and (threshold is None or reset != "none"):
            raise InputError("A neuron that fires once must have a threshold and no reset")
        self.channels, self.places, self.size = channels, places, channels * places
        self.surrogate = surrogate or ATan()
        self.clamp, self.reset, self.once, self.rounding = clamp, reset, once, rounding
        self.fixed, self.start = leak, 1.0 if threshold is None else float(threshold)
        self.width = self.start
        self.kept = nn.Parameter(torch.tensor(leak[0] / (1 << leak[1]))) if learned else None
        self.threshold: nn.Parameter | None = None
        if threshold is not None:
            self.threshold = nn.Parameter(
                torch.full((1 if shared else channels,), float(threshold))
            )
        self.bias = nn.Parameter(torch.zeros(channels)) if bias else None
        self.norm = Norm(channels) if norm else None

    @classmethod
    def thaw(cls, law: Any, steps: int) -> Self:
        """Make those of the form of frozen ones, with a threshold for each channel."""
        return cls(
            law.channels,
            law.places,
            threshold=1.0 if law.fires else None,
            shared=law.threshold is not None and len(np.unique(law.threshold)) == 1,
            bias=bool(law.bias.any()),
            leak=law.leak,
            clamp=law.clamp,
            reset=law.reset,
            once=law.once,
            rounding=law.rounding,
        )

    @torch.no_grad()
    def take(self, law: Any) -> None:
        """Take thresholds and biases; surrogates are as wide as the mean threshold is high."""
        if self.threshold is not None and law.threshold is not None:
            theta = torch.from_numpy(law.threshold / self.unit)
            self.threshold.copy_(theta[: len(self.threshold)])
            self.start = self.width = float(theta.mean())
        if self.bias is not None:
            self.bias.copy_(torch.from_numpy(law.bias / self.unit))

    def adopt(self, unit: float) -> None:
        """Take the unit of the connections; a normalisation assumes it as the first deviation."""
        super().adopt(unit)
        if self.norm is not None:
            self.norm.variance.fill_(unit**2)

    def get_extra_state(self) -> dict[str, float]:
        """Give what belongs to its state beside tensors."""
        return {"width": self.width}

    def set_extra_state(self, state: dict[str, float]) -> None:
        """Take it."""
        self.width = state["width"]

    @property
    def leak(self) -> tuple[int, int]:
        """The deployed leak (m, k)."""
        k = self.fixed[1]
        return self.fixed if self.kept is None else (int(self.multiplier()), k)

    def multiplier(self) -> Tensor | float:
        """Make m, a whole number."""
        m, k = self.fixed
        return m if self.kept is None else round_half_even(self.kept.clamp(0, 1) * (1 << k))

    @property
    def cumulative(self) -> bool:
        """Whether all steps are computed at once."""
        m, k = self.fixed
        still = m == 1 << k and self.kept is None
        return still and self.clamp is None and self.reset == "none"

    @property
    def sums(self) -> bool:
        """Whether that gives, of each neuron, whether it has fired so far."""
        return self.cumulative and self.once

    def norms(self) -> list[Norm]:
        """List the normalisation, if there is one."""
        return [] if self.norm is None else [self.norm]

    def theta(self) -> Tensor | None:
        """Make the deployed thresholds, those without normalisation."""
        return self.integers()[0]

    def measure(self, scale: float) -> None:
        """Begin anew with thresholds of a membrane of which `scale` integers are 1, not `unit`.

        Those of a normalised current are in its own deviations, and stay.
        """
        if self.threshold is not None and self.norm is None:
            self.width = self.start * scale / self.unit
            self.threshold.data.fill_(self.width)

    def place(self, theta: int) -> None:
        """Put all thresholds at one integer."""
        assert self.threshold is not None
        self.threshold.data.fill_(theta / self.unit)

    def integers(
        self, fold: tuple[Tensor, Tensor, Tensor] | None = None
    ) -> tuple[Tensor | None, Tensor | None]:
        """Make theta and b, whole numbers in float32 (channels,) or (1,), or None."""
        theta, b = self.threshold, None
        if fold is not None:
            assert self.norm is not None
            _, f, mean = fold
            b = round_half_even(self.norm.offset * f - mean)
        else:
            f = self.unit
        if self.bias is not None:
            own = round_half_even(self.bias * f)
            b = own if b is None else b + own
        if theta is not None:
            theta = round_half_even(theta * f)
            theta = theta + (theta.clamp_min(1) - theta).detach()
        return theta, b

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Run whole samples; where `cumulative`, `x` and, where `sums`, the spikes are sums."""
        if not self.cumulative:
            return super().forward(x)
        x, theta, b, unit = self._constants(x, together=True)
        h = x
        if b is not None:
            t = torch.arange(1, len(x) + 1, dtype=x.dtype, device=x.device)
            h = h + t[:, None, None] * b
        if theta is None:
            return torch.zeros_like(h), h
        seen = highest(h) if self.once else h
        return self.surrogate((seen - theta) / (unit * self.width)), h

    def begin(self, x: Tensor) -> Step:
        """Begin samples, to go through them step by step."""
        x, theta, b, unit = self._constants(x)
        share = self.multiplier() / (1 << self.fixed[1])
        rounded = trunc if self.rounding == "zero" else floor
        v = fired = torch.zeros_like(x[0])
        currents = iter(x)

        def step(back: Tensor | None) -> tuple[Tensor, Tensor]:
            nonlocal v, fired
            h = rounded(v * share) + next(currents)
            if back is not None:
                h = h + back
            if b is not None:
                h = h + b
            if self.clamp is not None:
                h = h.clamp(*self.clamp)
            s, v = torch.zeros_like(h), h
            if theta is not None:
                s = self.surrogate((h - theta) / (unit * self.width))
                if self.reset == "zero":
                    v = h * (1 - s)
                elif self.reset == "subtract":
                    v = h - s * theta
                if self.once:
                    s = s * (1 - fired)
                    fired = fired + s.detach()
            return s, h

        return step

    def _constants(
        self, x: Tensor, together: bool = False
    ) -> tuple[Tensor, Tensor | None, Tensor | None, Tensor | float]:
        """Normalise currents, or their sums; also theta, b and the unit."""
        fold, unit = None, self.unit
        if self.norm is not None:
            current = torch.diff(x, dim=0, prepend=torch.zeros_like(x[:1])) if together else x
            if self.places > 1:
                current = current.unflatten(-1, (self.places, self.channels))
            fold = self.norm(current)
            x, unit = x * self.every(fold[0]), self.every(fold[1].detach())
        theta, b = (None if c is None else self.every(c.to(x.dtype)) for c in self.integers(fold))
        return x, theta, b, unit

    def every(self, of_channels: Tensor) -> Tensor:
        """Give the constants of every neuron from those of the channels; one alone stays one."""
        several = len(of_channels) > 1 and self.places > 1
        return of_channels.repeat(self.places) if several else of_channels

    def largest(self, neuron: Golden, proven: Bounds, sums: int) -> int:
        """Bound all that is computed: v m before the leak's rounding and theta are, too."""
        low, high = proven.membrane
        theta = 0 if self.threshold is None else int(neuron.threshold.max())  # pyright: ignore[reportAttributeAccessIssue]
        kept = max(int(-low.min()), int(high.max())) * self.leak[0]
        return max(super().largest(neuron, proven, sums), kept, theta)

    def export(self) -> tuple[golden.Neuron, Tensor | None]:
        """Freeze the neurons; also the sign (channels,) that the rows of the weights take."""
        with torch.no_grad():
            fold = None if self.norm is None else self.norm.fold()
            theta, b = self.integers(fold)
        whole = [
            np.zeros(self.channels, np.int64)
            if c is None
            else np.broadcast_to(c.cpu().numpy(), (self.channels,)).astype(np.int64)
            for c in (b, theta)
        ]
        neuron = golden.Neuron(
            whole[0],
            None if theta is None else whole[1],
            self.leak,
            self.clamp,
            self.reset,
            self.once,
            self.rounding,
            self.places,
        )
        return neuron, None if fold is None else fold[0]
