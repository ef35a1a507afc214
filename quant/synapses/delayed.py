"""Trainable twin of model/synapses/delayed.py: learned delays (DCLS, in one dimension, over time).

A tap has a weight and a real position P in [-(D-1)/2, (D-1)/2]; its delay is (D-1)/2 - P. While
training, its weight is spread over the delays around that, by a profile of mass 1:

    linear      between the two nearest delays
    triangle    max(0, 1 - |x|)
    wide        max(0, s - |x|), s = |width| + 1
    gauss       exp(-(x / s)**2 / 2), s = |width| + 0.27

with x the distance to the delay, divided by the sum over all delays plus 1e-7 (linear is not). With
a width of 0 the tap is a delta at the rounded position, as it is deployed; gradients are then those
of the profile at width `SHARP`. In evaluation it always is.

While training the sum over delays is a product per frequency: T + D - 1 points of time, so that
nothing wraps around, become as many frequencies. That is the published convolution with the dense
kernel, at 3/2 (T + D) products of an input and a weight where that takes T D.

Source: arXiv 2112.03740, 2306.00817 (profiles), 2306.17670 (delays in time).
"""

from dataclasses import dataclass, replace
from functools import cache
from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import Tensor, nn

from ...model.check import choice, flag, integer
from ...model.errors import InputError
from ...model.maps import Map
from ...model.synapses import delayed as golden
from ..neurons.surrogate import round_half_even
from .dense import STANDARDISE, Dense, width
from .synapses import Feedback

__all__ = ["PROFILES", "SHARP", "Delayed", "DelayedLinear", "convolve", "spread"]

PROFILES = ("linear", "triangle", "wide", "gauss")
SHARP = 0.23  # the width that training narrows to


def spread(profile: str, delay: Tensor, window: int, width: float) -> Tensor:
    """Spread taps over the delays 0..window-1.

    Parameters
    ----------
    profile : one of `PROFILES`
    delay : (...), real
    window : int
        D.
    width : float

    Returns
    -------
    (..., window), share of the weight that each delay has
    """
    grid = torch.arange(window, dtype=delay.dtype, device=delay.device)
    x = (grid - delay[..., None]).abs()
    if profile == "gauss":
        mass = torch.exp(-0.5 * (x / (abs(width) + 0.27)) ** 2)
    else:
        mass = ((abs(width) if profile == "wide" else 0.0) + 1 - x).clamp_min(0)
    return mass if profile == "linear" else mass / (mass.sum(-1, keepdim=True) + 1e-7)


def convolve(x: Tensor, kernel: Tensor) -> Tensor:
    """Sum delayed inputs, as a product per frequency.

    Parameters
    ----------
    x : (steps, samples, pre)
    kernel : (post, pre, window), weight of each delay

    Returns
    -------
    (steps, samples, post)
    """
    steps, (post, pre, window) = len(x), kernel.shape
    of_x, of_kernel, back = (
        torch.from_numpy(m).to(x) for m in transforms(steps, window, steps + window - 1)
    )
    left = (of_x @ x.flatten(1)).view(-1, *x.shape[1:])
    right = (of_kernel @ kernel.permute(2, 1, 0).flatten(1)).view(-1, pre, post)
    return (back @ (left @ right).flatten(1)).view(steps, -1, post)


@cache
def transforms(steps: int, window: int, points: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Make the matrices that turn a convolution into products.

    They are Fourier transforms over at least `points` points, in real numbers. Where a + ib meets
    c + id, the three products (a + b) c, a (d - c) and b (c + d) give both parts of the result.

    Returns
    -------
    of_x (products, steps), of_kernel (products, window), back (steps, products) : float64
    """
    n = points + points % 2
    angle = 2 * np.pi / n * np.outer(np.arange(n // 2 + 1), np.arange(n))
    c, s = np.cos(angle), -np.sin(angle)
    ends, c, s = c[[0, -1]], c[1:-1], s[1:-1]  # the lowest and the highest frequency are real
    of_x = np.concatenate([ends, c + s, c, s])[:, :steps]
    of_kernel = np.concatenate([ends, c, s - c, c + s])[:, :window]
    back = np.concatenate([ends, 2 * (c + s), 2 * s, -2 * c])[:, :steps].T / n
    return of_x, of_kernel, back


class Delayed(Dense):
    """Trainable taps, each with a weight of `bits` bits and a delay.

    Parameters
    ----------
    pre, post, bits, steps, standardise, gain, connected : as of Dense
    window : int, odd
        D.
    taps : int
        Taps between an input and an output.
    axonal : bool
        Whether a delay belongs to an input, rather than to a synapse.
    learned : bool
        Whether positions are learned; they are drawn at random and stay there otherwise.
    profile : one of `PROFILES`
    least : int
        Smallest delay; 1 for recurrent synapses of a connection without delay.
    """

    position: nn.Parameter

    def __init__(
        self,
        pre: int,
        post: int,
        bits: int,
        steps: int,
        *,
        window: int,
        taps: int = 1,
        axonal: bool = False,
        learned: bool = True,
        profile: str = "gauss",
        least: int = 0,
        standardise: str = "row",
        gain: bool = True,
        connected: np.ndarray | None = None,
    ) -> None:
        if window < 1 or window % 2 == 0:
            raise InputError(f"Delayed window must be odd, not {window}")
        choice("Delayed profile", profile, PROFILES)
        if window > steps:
            raise InputError(f"Delayed window must be at most the {steps} steps, not {window}")
        mask = None if connected is None else np.repeat(np.asarray(connected, bool), taps)
        super().__init__(
            pre * taps, post, bits, steps, standardise=standardise, gain=gain, connected=mask
        )
        self.pre = pre
        self.window, self.taps, self.profile, self.least = window, taps, profile, least
        self.width = self.widest = float(window // 2)
        rows = 1 if axonal else post
        self.position = nn.Parameter(
            torch.empty(rows, pre, taps).uniform_(-self.reach, self.reach - least)
        )
        self.position.requires_grad_(learned)

    @classmethod
    def thaw(cls, law: Any, steps: int) -> Self:
        """Make those of frozen taps, with a window that is odd and as wide as theirs."""
        post, pre, taps = law.weights.shape
        window = law.latest + 1 + law.latest % 2
        if window > steps:
            raise InputError(
                f"Delays that are trained on must be below {steps - 1}, a step less than there are,"
                f" not {law.latest}"
            )
        made = cls(
            pre,
            post,
            width(law),
            steps,
            window=window,
            taps=taps,
            axonal=len(law.delays) < post,
            least=int(law.earliest > 0),
            standardise="none",
        )
        made.take(torch.from_numpy(law.weights.astype(np.float32)))
        with torch.no_grad():
            made.position.copy_(made.reach - torch.from_numpy(law.delays.astype(np.float32)))
        return made

    @property
    def reach(self) -> int:
        """Largest position."""
        return (self.window - 1) // 2

    def positions(self) -> list[nn.Parameter]:
        """List the positions, if they are learned."""
        return [self.position] if self.position.requires_grad else []

    def clamp(self) -> None:
        """Put positions back into their range."""
        with torch.no_grad():
            self.position.clamp_(-self.reach, self.reach - self.least)

    def delays(self) -> Tensor:
        """Make the deployed delays, whole numbers in float32 (post or 1, pre, taps)."""
        return self.reach - torch.round(self.position.detach())

    def kernel(self) -> Tensor:
        """Spread the deployed weights over the delays, (post, pre, window)."""
        weights = self.integers().view(-1, *self.position.shape[1:])
        share = spread(self.profile, self.reach - self.position, self.window, self.width or SHARP)
        if not (self.width and self.training):
            delta = nn.functional.one_hot(self.delays().long(), self.window).to(share)
            share = delta + (share - share.detach())
        return torch.einsum("oik,oikd->oid", weights, share.expand(len(weights), -1, -1, -1))

    def feedback(self) -> Feedback:
        """Make the function of a loop: one product with the last events of each delay."""
        kernel = self.kernel()[:, :, self.least :].permute(2, 1, 0)  # (delay, pre, post)

        def current(events: list[Tensor]) -> Tensor:
            past = events[: -len(kernel) - 1 : -1]
            later = kernel[: len(past)].flatten(0, 1)
            return torch.cat(past, 1) @ later.to(past[0].dtype)

        return current

    def forward(self, x: Tensor) -> Tensor:
        """Sum weighted, delayed spikes (steps, samples, pre) to currents (steps, samples, post)."""
        if self.training:
            current = convolve(x, self.kernel().to(x.dtype))
            return current if self.width else round_half_even(current)
        weights = self.integers().view(-1, *self.position.shape[1:]).to(x.dtype)
        delays = self.delays()
        current = x.new_zeros(*x.shape[:-1], len(weights))
        for delay in delays[delays < len(x)].unique().tolist():
            w = torch.where(delays == delay, weights, 0).sum(2)
            current[int(delay) :] += nn.functional.linear(x[: len(x) - int(delay)], w)
        return current

    def export(self, sign: Tensor | None = None) -> golden.Delayed:
        """Freeze taps, each row's weights times its sign; equal taps become one."""
        w = self.integers().detach().view(-1, *self.position.shape[1:])
        if sign is not None:
            w = w * self.signs(sign)[:, None, None]
        weights, delays = w.cpu().numpy().astype(np.int64), self.delays().cpu().numpy()
        return golden.Delayed(*merge(weights, delays, self.bits), self.bits, self.window)


def merge(weights: np.ndarray, delays: np.ndarray, bits: int) -> tuple[np.ndarray, np.ndarray]:
    """Add taps of one synapse whose delays are equal, where the sum fits the width.

    Returns
    -------
    weights, delays : those of model/synapses/delayed.py
    """
    low, high = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
    for first in range(weights.shape[2]):
        for other in range(first + 1, weights.shape[2]):
            total = weights[..., first] + weights[..., other]
            merged = (delays[..., first] == delays[..., other]) & (low <= total) & (total <= high)
            weights[..., first] = np.where(merged, total, weights[..., first])
            weights[..., other] = np.where(merged, 0, weights[..., other])
    return weights, delays.astype(np.int16)


@dataclass(frozen=True, slots=True)
class DelayedLinear:
    """A weight and a learned delay from every input to every neuron (DCLS in time).

    Parameters
    ----------
    out, bits, standardise, gain : as of Linear
    max_delay : int, even
        Delays are in 0..max_delay steps.
    taps : int
        Weights, each with a delay of its own, between an input and a neuron.
    axonal : bool
        Whether a delay belongs to an input, rather than to a synapse.
    learned : bool
        Whether delays are learned; they are drawn at random and stay there otherwise.
    profile : one of `PROFILES`
        How a tap is spread over the delays around it while training.
    least : int, 0 or 1
        Smallest delay; a recurrence makes it 1.
    """

    kind: ClassVar[str] = "delayed-linear"

    out: int | None = None
    bits: int = 4
    max_delay: int = 24
    taps: int = 1
    axonal: bool = False
    learned: bool = True
    profile: str = "gauss"
    standardise: str = "row"
    gain: bool = True
    least: int = 0

    def __post_init__(self) -> None:
        if self.out is not None:
            integer("DelayedLinear out", self.out, 1, 1 << 16)
        integer("DelayedLinear bits", self.bits, 2, 16)
        integer("DelayedLinear max_delay", self.max_delay, 2, 1 << 15)
        if self.max_delay % 2:
            raise InputError(f"DelayedLinear max_delay must be even, not {self.max_delay}")
        integer("DelayedLinear taps", self.taps, 1, 64)
        integer("DelayedLinear least", self.least, 0, 1)
        choice("DelayedLinear profile", self.profile, PROFILES)
        choice("DelayedLinear standardise", self.standardise, STANDARDISE)
        for name in ("axonal", "learned", "gain"):
            flag(f"DelayedLinear {name}", getattr(self, name))

    def recurrent(self) -> Self:
        """Give the same with delays from 1 on."""
        return replace(self, least=1)

    def after(self, before: Map | None) -> Map | None:
        """Tell the map that they make: one place."""
        return None if self.out is None else Map(self.out, 1, 1)

    def build(
        self, before: Map, after: Map, steps: int, connected: np.ndarray | None = None
    ) -> Delayed:
        """Make the taps, see `SynapsesSpec`."""
        return Delayed(
            before.size,
            after.size,
            self.bits,
            steps,
            window=self.max_delay + 1,
            taps=self.taps,
            axonal=self.axonal,
            learned=self.learned,
            profile=self.profile,
            least=self.least,
            standardise=self.standardise,
            gain=self.gain,
            connected=connected,
        )
