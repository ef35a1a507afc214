"""Trainable twin of model/neurons/neuron.py: thresholds and biases, integers in the forward.

    theta = max(1, round(threshold * unit))            straight through
    b     = round(bias * unit)

Without leak, clamp and reset the membrane is a sum, so all steps are computed at once:

    h[t] = (W F[t] << f) + (t + 1) b                   F[t] = input spikes up to and including t
    s[t] = h[t] >= theta;  once: F'[t] = max over t' <= t of h[t'] >= theta

Everything else is a loop over time. The leak's floor is the model's: v m / 2**k is exact in float32
before it.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from ...model.neurons import neuron as golden
from ...model.refuse import Refused
from .norm import Norm
from .surrogate import ATan, Surrogate, floor, round_half_even

__all__ = ["Neuron"]


class Neuron(nn.Module):
    """A layer of trainable neurons.

    Parameters
    ----------
    size : int, neurons
    unit : float
        Integers per real 1; threshold, bias and the surrogate's width are measured in it.
    threshold : float or None
        Where it starts; None never fires.
    shared : bool
        Whether all neurons have one threshold.
    bias, norm : bool
        Whether to learn a bias; whether to normalise the current (see norm.py).
    leak, shift, clamp, reset, once : as in the model
    learned : bool
        Whether to learn the multiplier m of the leak, 0..2**k, from where `leak` puts it.
    surrogate : Surrogate
    """

    def __init__(
        self,
        size: int,
        unit: float,
        *,
        threshold: float | None = 1.0,
        shared: bool = True,
        bias: bool = False,
        norm: bool = False,
        leak: tuple[int, int] = (1, 0),
        shift: int = 0,
        clamp: tuple[int, int] | None = None,
        reset: str = "none",
        once: bool = False,
        learned: bool = False,
        surrogate: Surrogate | None = None,
    ) -> None:
        super().__init__()
        if once and (threshold is None or reset != "none"):
            raise Refused("A neuron that fires once must have a threshold and no reset")
        self.size, self.unit, self.surrogate = size, unit * (1 << shift), surrogate or ATan()
        self.shift, self.clamp, self.reset, self.once = shift, clamp, reset, once
        self.fixed = leak
        self.kept = nn.Parameter(torch.tensor(leak[0] / (1 << leak[1]))) if learned else None
        self.threshold: nn.Parameter | None = None
        if threshold is not None:
            self.threshold = nn.Parameter(torch.full((1 if shared else size,), float(threshold)))
        self.bias = nn.Parameter(torch.zeros(size)) if bias else None
        self.norm = Norm(size, self.unit) if norm else None

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
    def parallel(self) -> bool:
        """Whether all steps are computed at once."""
        m, k = self.fixed
        still = m == 1 << k and self.kept is None
        return still and self.clamp is None and self.reset == "none"

    def integers(
        self, fold: tuple[Tensor, Tensor, Tensor] | None = None
    ) -> tuple[Tensor | None, Tensor | None]:
        """Make theta and b, whole numbers in float32 (neurons,) or (1,), or None."""
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

    def forward(
        self, x: Tensor, feedback: Callable[[list[Tensor]], Tensor] | None = None
    ) -> tuple[Tensor, Tensor]:
        """Run whole samples.

        Parameters
        ----------
        x : (steps, samples, neurons)
            Currents of the steps; where `parallel`, their sums up to each step.
        feedback : callable
            From the spikes of all steps so far (samples, neurons), the current that they add to
            the next one; not normalised. It makes neurons that are `parallel` loop, too: then `x`
            are currents.

        Returns
        -------
        s : (steps, samples, neurons)
            Spikes; where `parallel` and `once`, whether each has fired so far.
        h : (steps, samples, neurons)
        """
        x = x * (1 << self.shift) if self.shift else x
        fold, unit = None, self.unit
        if self.norm is not None:
            together = self.parallel and feedback is None
            current = torch.diff(x, dim=0, prepend=torch.zeros_like(x[:1])) if together else x
            fold = self.norm(current)
            x, unit = x * fold[0], fold[1].detach()
        theta, b = self.integers(fold)
        if self.parallel and feedback is None:
            return self._together(x, theta, b, unit)
        return self._loop(x, theta, b, unit, feedback)

    def _together(
        self, x: Tensor, theta: Tensor | None, b: Tensor | None, unit: Tensor | float
    ) -> tuple[Tensor, Tensor]:
        h = x
        if b is not None:
            t = torch.arange(1, len(x) + 1, dtype=x.dtype, device=x.device)
            h = h + t[:, None, None] * b
        if theta is None:
            return torch.zeros_like(h), h
        highest = h.cummax(0).values if self.once else h
        return self.surrogate((highest - theta) / unit), h

    def _loop(
        self,
        x: Tensor,
        theta: Tensor | None,
        b: Tensor | None,
        unit: Tensor | float,
        feedback: Callable[[list[Tensor]], Tensor] | None = None,
    ) -> tuple[Tensor, Tensor]:
        share = self.multiplier() / (1 << self.fixed[1])
        v = fired = torch.zeros_like(x[0])
        spikes, membranes = [], []
        for current in x:
            h = floor(v * share) + current
            if feedback is not None and spikes:
                h = h + feedback(spikes) * (1 << self.shift)
            if b is not None:
                h = h + b
            if self.clamp is not None:
                h = h.clamp(*self.clamp)
            s, v = torch.zeros_like(h), h
            if theta is not None:
                s = self.surrogate((h - theta) / unit)
                if self.reset == "zero":
                    v = h * (1 - s)
                elif self.reset == "subtract":
                    v = h - s * theta
                if self.once:
                    s = s * (1 - fired)
                    fired = fired + s.detach()
            spikes.append(s)
            membranes.append(h)
        return torch.stack(spikes), torch.stack(membranes)

    def export(self) -> tuple[golden.Neuron, Tensor | None]:
        """Freeze the neurons; also the sign (neurons,) that the rows of the weights take."""
        with torch.no_grad():
            fold = None if self.norm is None else self.norm.fold()
            theta, b = self.integers(fold)
        whole = [
            np.zeros(self.size, np.int32)
            if c is None
            else np.broadcast_to(c.cpu().numpy(), (self.size,)).astype(np.int32)
            for c in (b, theta)
        ]
        neuron = golden.Neuron(
            whole[0],
            None if theta is None else whole[1],
            self.leak,
            self.shift,
            self.clamp,
            self.reset,
            self.once,
        )
        return neuron, None if fold is None else fold[0]
