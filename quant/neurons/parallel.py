"""Trainable twin of model/neurons/parallel.py: filters of the current, integers in the forward.

    w     = round(weight f)                  f = (2**(bits - 1) - 1) / max |weight|
    theta = round(threshold unit f)
    b     = round(bias unit)

All steps are computed at once, as a product by a matrix of (steps, steps): row t has the weights of
step t. Within a loop they go step by step. With `powers`, w is the nearest of 0 and the powers of
two up to 2**(bits - 2), of either sign.

A masked layer may see, while it is trained, what lies beyond its taps, too: by the share `beyond`,
which the schedule lets fall from 1 to 0 (the 1 - lambda of the paper). Deployed, and in evaluation
mode, it never does.
"""

from math import sqrt
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn

from ...model.errors import InputError
from ...model.neurons import parallel as golden
from ...model.width import Bounds
from .neurons import Neurons, Step
from .norm import Norm
from .surrogate import ATan, Surrogate, round_half_even

__all__ = ["Parallel"]


class Parallel(Neurons):
    """A layer of trainable parallel spiking neurons.

    Parameters
    ----------
    channels, places : int
        As of `Neuron`.
    steps : int
        T of the network.
    taps : int
        Products of a membrane; of whole samples T.
    rows : bool
        Whether every step has weights and a threshold of its own.
    dilation : int
        Steps between two taps.
    whole : bool
        Whether every step sees the whole sample.
    threshold : float
        Where thresholds start.
    bits : int, 2..8
        Of the deployed weights, signed.
    powers : bool
        Whether those are powers of two.
    shared : bool
        Whether all channels have the same weights and thresholds.
    bias, norm, surrogate : as of `Neuron`
    decays : bool
        Whether weights start as those of a leaky integrator, 1, 1/2, 1/4, ...; else they are drawn.
    masked_after : float in 0..1
        Share of the epochs after which nothing beyond the taps is seen; of layers with rows that do
        not see the whole sample.

    Attributes
    ----------
    weight : (kernels, rows, taps)
        Of a masked layer (kernels, rows, steps), of each step.
    beyond : float in 0..1
    """

    mask: Tensor

    def __init__(
        self,
        channels: int,
        places: int = 1,
        *,
        steps: int,
        taps: int,
        rows: bool = False,
        dilation: int = 1,
        whole: bool = False,
        threshold: float = 1.0,
        bits: int = 8,
        powers: bool = False,
        shared: bool = True,
        bias: bool = False,
        norm: bool = False,
        decays: bool = False,
        masked_after: float = 0.0,
        surrogate: Surrogate | None = None,
    ) -> None:
        super().__init__()
        self.channels, self.places, self.size = channels, places, channels * places
        self.steps, self.taps, self.dilation, self.whole = steps, taps, dilation, whole
        self.bits, self.powers, self.surrogate = bits, powers, surrogate or ATan()
        self.width, self.masked_after = float(threshold), masked_after
        kernels = 1 if shared else channels
        self.masked = rows and not whole
        self.beyond = 1.0 if self.masked and masked_after else 0.0
        # By age: which tap, if any, step t sees step u by.
        t, u = np.mgrid[:steps, :steps]
        age = u if whole else (t - u) / dilation
        seen = (age == np.floor(age)) & (age >= 0) & (age < taps)
        self.register_buffer("mask", torch.from_numpy(seen), persistent=False)
        self.at = [torch.from_numpy(x[seen]) for x in (t, u, age.astype(np.int64))]
        shape = (kernels, steps if rows else 1, steps if self.masked else taps)
        if decays:
            weight = (0.5 ** torch.arange(taps)).expand(shape).clone()
        else:
            weight = torch.empty(shape).uniform_(-1 / sqrt(shape[2]), 1 / sqrt(shape[2]))
        self.weight = nn.Parameter(weight)
        self.threshold = nn.Parameter(torch.full((kernels, shape[1]), float(threshold)))
        self.bias = nn.Parameter(torch.zeros(channels)) if bias else None
        self.norm = Norm(channels) if norm else None

    @classmethod
    def thaw(cls, law: Any, steps: int) -> Self:
        """Make those of the form of frozen ones, whose largest weight must be that of its width."""
        kernels, rows, taps = law.weight.shape
        bits = law.gain.bit_length() + 1
        if law.gain != (1 << (bits - 1)) - 1 or bits < 2:
            raise InputError(
                "Parallel weights that are trained on must have a largest one of 1, 3, 7, 15, 31,"
                f" 63 or 127, not {law.gain}"
            )
        return cls(
            law.channels,
            law.places,
            steps=steps,
            taps=taps,
            rows=rows > 1 or law.whole,
            dilation=law.dilation,
            whole=law.whole,
            bits=bits,
            shared=kernels == 1 and bool((law.threshold == law.threshold[0]).all()),
            bias=bool(law.bias.any()),
        )

    @torch.no_grad()
    def take(self, law: Any) -> None:
        """Take weights, thresholds and biases."""
        kernels, rows, taps = law.weight.shape
        weight = law.weight.astype(np.float32)
        if self.masked:
            by_step = np.zeros((kernels, rows, rows), np.float32)
            for t, tap in np.ndindex(rows, taps):
                if t >= tap * self.dilation:
                    by_step[:, t, t - tap * self.dilation] = weight[:, t, tap]
            weight = by_step
        self.weight.copy_(torch.from_numpy(weight / self.high).expand_as(self.weight))
        theta = torch.from_numpy(law.threshold / self.membrane_unit)
        self.threshold.copy_(theta[: len(self.threshold)])
        self.width = float(theta.abs().mean()) or 1.0
        if self.bias is not None:
            self.bias.copy_(torch.from_numpy(law.bias / self.unit))

    def adopt(self, unit: float) -> None:
        """Take the unit of the connections; a normalisation assumes it as the first deviation."""
        super().adopt(unit)
        if self.norm is not None:
            self.norm.variance.fill_(unit**2)

    def enter(self, share: float) -> None:
        """Enter a share of the training: see less of what lies beyond the taps."""
        if self.masked and self.masked_after:
            self.beyond = max(0.0, 1 - share / self.masked_after)

    def norms(self) -> list[Norm]:
        """List the normalisation, if there is one."""
        return [] if self.norm is None else [self.norm]

    @property
    def high(self) -> int:
        """Largest weight."""
        return 1 << (self.bits - 2) if self.powers else (1 << (self.bits - 1)) - 1

    @property
    def factor(self) -> Tensor:
        """Integers per 1.0 of a weight, f."""
        seen = self.weight.detach() * self.mask if self.masked else self.weight.detach()
        return self.high / seen.abs().max().clamp_min(1e-12)

    @property
    def membrane_unit(self) -> float:
        """Integers per real 1 of a membrane."""
        return self.unit * float(self.factor)

    def integers(self) -> Tensor:
        """Make the deployed weights, whole numbers in float32 of the shape of `weight`."""
        w = self.weight * self.factor
        if not self.powers:
            return round_half_even(w.clamp(-self.high, self.high))
        with torch.no_grad():
            size = w.abs().clamp(2.0**-9, self.high)
            power = torch.where(size > sqrt(0.5), torch.exp2(size.log2().round()), 0) * w.sign()
        return w + (power - w).detach()

    def matrix(self) -> Tensor:
        """Make the weights by which each step sees each, whole numbers (kernels, steps, steps).

        While a masked layer sees beyond its taps, what lies there is less than whole.
        """
        w = self.integers()
        if self.masked:
            beyond = self.beyond if self.training else 0.0
            return w * self.mask if not beyond else w * torch.where(self.mask, 1.0, beyond)
        t, u, tap = (x.to(w.device) for x in self.at)
        row = t if w.shape[1] > 1 else torch.zeros_like(t)
        made = w.new_zeros(len(w), self.steps, self.steps)
        made[:, t, u] = w[:, row, tap]
        return made

    def thresholds(self, fold: tuple[Tensor, Tensor, Tensor] | None = None) -> Tensor:
        """Make theta, whole numbers in float32 (channels or 1, rows)."""
        unit = self.unit if fold is None else fold[1][:, None]
        return round_half_even(self.threshold * unit * self.factor)

    def theta(self) -> Tensor | None:
        """Make the deployed thresholds, those without normalisation."""
        return self.thresholds()

    def place(self, theta: int) -> None:
        """Put all thresholds at one integer."""
        self.threshold.data.fill_(theta / self.membrane_unit)

    def biases(self, fold: tuple[Tensor, Tensor, Tensor] | None = None) -> Tensor | None:
        """Make b, whole numbers in float32 (channels,), or None."""
        b = None
        if fold is not None:
            assert self.norm is not None
            b = round_half_even(self.norm.offset * fold[1] - fold[2])
        if self.bias is not None:
            own = round_half_even(self.bias * (self.unit if fold is None else fold[1]))
            b = own if b is None else b + own
        return b

    def _begin(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor | float]:
        """From currents to c, as (steps, samples, places, channels); also theta (steps or 1, ...),
        and what a surrogate sees as 1."""
        fold, unit = None, self.unit
        x = x.unflatten(-1, (self.places, self.channels))
        if self.norm is not None:
            fold = self.norm(x)
            x, unit = x * fold[0], fold[1].detach()
        b = self.biases(fold)
        theta = self.thresholds(fold).to(x.dtype).T[:, None, None]
        return x if b is None else x + b, theta, unit * self.factor * self.width

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Run whole samples."""
        c, theta, one = self._begin(x)
        w = self.matrix().to(c.dtype)
        if len(w) == 1:
            h = (w[0] @ c.flatten(1)).view_as(c)
        else:
            h = torch.einsum("ctu,usnc->tsnc", w, c)
        return self.surrogate((h - theta) / one).flatten(2), h.flatten(2)

    def begin(self, x: Tensor) -> Step:
        """Begin samples, to go through them step by step."""
        currents, theta, one = self._begin(x)
        w, arriving, seen = self.matrix().to(x.dtype), iter(currents), []

        def step(back: Tensor | None) -> tuple[Tensor, Tensor]:
            t, c = len(seen), next(arriving)
            if back is not None:
                c = c + back.unflatten(-1, (self.places, self.channels))
            seen.append(c)
            h = sum(w[:, t, u] * seen[u] for u in range(t + 1))
            assert isinstance(h, Tensor)
            s = self.surrogate((h - theta[t % len(theta)]) / one)
            return s.flatten(1), h.flatten(1)

        return step

    def largest(self, neuron: Any, proven: Bounds, sums: int) -> int:
        """Bound all that is computed: theta is, too."""
        return max(super().largest(neuron, proven, sums), int(np.abs(neuron.threshold).max()))

    def export(self) -> tuple[golden.Parallel, Tensor | None]:
        """Freeze the neurons; also the sign (channels,) that the rows of the weights take."""
        with torch.no_grad():
            fold = None if self.norm is None else self.norm.fold()
            b, theta = self.biases(fold), self.thresholds(fold)
            w = self.integers().cpu().numpy().astype(np.int64)
        if self.masked:
            u = np.arange(self.steps)[:, None] - self.dilation * np.arange(self.taps)
            w = np.where(u >= 0, w[:, np.arange(self.steps)[:, None], u.clip(0)], 0)
        theta = np.broadcast_to(theta.cpu().numpy(), (self.channels, theta.shape[1]))
        neuron = golden.Parallel(
            np.zeros(self.channels, np.int64) if b is None else b.cpu().numpy().astype(np.int64),
            theta.astype(np.int64),
            w,
            self.dilation,
            self.whole,
            self.places,
        )
        return neuron, None if fold is None else fold[0]
