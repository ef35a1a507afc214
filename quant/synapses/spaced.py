"""Trainable twin of model/synapses/spaced.py: learned spacings (DCLS) in steps, rows and columns.

A tap has a weight and, along each axis, a real position P in [-(K-1)/2, (K-1)/2] for a window of K;
its offset is (K-1)/2 + P. While training its weight is spread around that by the profile of
delayed.py, the product over the axes; with a width of 0 it is a delta at the rounded position, as
deployed. An axis with a window of 1 has no position to learn.

Source: arXiv 2112.03740, 2306.00817 (profiles).
"""

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import Tensor, nn

from ...model.check import choice, flag, integer, word
from ...model.errors import InputError
from ...model.maps import Map, pair
from ...model.synapses import spaced as golden
from ...model.synapses.conv import LARGEST
from ...model.synapses.local import grouped
from .conv import convolved, of_channels
from .delayed import PROFILES, SHARP, spread
from .dense import STANDARDISE, Dense, width
from .synapses import Feedback, Synapses

__all__ = ["Dcls1d", "Dcls2d", "Dcls3d", "Spaced"]

SPREAD = 0.5  # deviation of the first positions, as published


class Spaced(Synapses):
    """Trainable taps, each with a weight of `bits` bits and a position.

    Parameters
    ----------
    before : Map
    out, taps : int
        Output channels; taps between an input channel and an output channel.
    extent : (delays, rows, columns), odd
        Window of positions.
    bits, steps : int
    stride, padding : (rows, columns)
    groups : int
    profile : one of `PROFILES`
    shared : bool
        Whether all outputs and inputs have the same positions.
    least : int
        Smallest delay.
    standardise, gain : as of Dense
    """

    position: nn.Parameter

    def __init__(
        self,
        before: Map,
        out: int,
        taps: int,
        extent: tuple[int, int, int],
        bits: int,
        steps: int,
        *,
        stride: tuple[int, int] = (1, 1),
        padding: tuple[int, int] = (0, 0),
        groups: int = 1,
        profile: str = "gauss",
        shared: bool = False,
        least: int = 0,
        standardise: str = "row",
        gain: bool = True,
    ) -> None:
        super().__init__()
        choice("Spaced profile", profile, PROFILES)
        if any(n % 2 == 0 for n in extent):
            raise InputError(f"Spaced windows must be odd, not {extent}")
        self.before, self.bits, self.extent, self.profile = before, bits, extent, profile
        self.how = {"stride": stride, "padding": padding, "groups": groups}
        self.window, self.least = extent[0], least
        self.shape = out, before.channels // groups, taps
        self.matrix = Dense(
            self.shape[1] * taps, out, bits, steps, standardise=standardise, gain=gain
        )
        rows = (1, 1, taps) if shared else self.shape
        self.position = nn.Parameter(torch.randn(3, *rows) * SPREAD)
        self.width = self.widest = float(max(extent) // 2)
        self.clamp()
        self.after = self.export().after
        self.pre, self.post = before.size, self.after.size

    @classmethod
    def thaw(cls, law: Any, steps: int) -> Self:
        """Make those of frozen taps."""
        out, _, taps = law.weights.shape
        how: dict[str, Any] = {n: getattr(law, n) for n in ("stride", "padding", "groups")}
        shared = law.offsets.shape[1:3] == (1, 1) != law.weights.shape[:2]
        made = cls(
            law.before,
            out,
            taps,
            law.extent,
            width(law),
            steps,
            **how,
            shared=shared,
            least=int(law.earliest > 0),
            standardise="none",
        )
        made.matrix.take(torch.from_numpy(law.weights.astype(np.float32)))
        half = np.array([n // 2 for n in law.extent])[:, None, None, None]
        at = np.broadcast_to(law.offsets.astype(np.float32) - half, made.position.shape)
        with torch.no_grad():
            made.position.copy_(torch.from_numpy(at.copy()))
        return made

    @property
    def unit(self) -> float:
        """Integers that a real membrane of 1 is."""
        return self.matrix.unit

    def positions(self) -> list[nn.Parameter]:
        """List the positions."""
        return [self.position] if max(self.extent) > 1 else []

    def share(self, other: "Spaced") -> None:
        """Take the positions of others of the same stage, to learn them together."""
        mine, its = ((x.extent, x.least, tuple(x.position.shape[1:])) for x in (self, other))
        if mine != its:
            raise InputError(
                "Stage must be of taps alike in windows, smallest delays, and numbers of positions,"
                f" not of {mine} and {its}"
            )
        self.position = other.position

    def clamp(self) -> None:
        """Put positions back into their window."""
        with torch.no_grad():
            for axis, size in zip(self.position, self.extent, strict=True):
                axis.clamp_(-(size // 2), size // 2)
            self.position[0].clamp_(min=self.least - self.extent[0] // 2)

    def closeness(self) -> Tensor | None:
        """Tell how close the taps of a synapse lie: 1 less their distance, where that is below 1.

        The mean over all pairs of taps and all synapses, from 0 to 1; None of a single tap.

        Source: the repulsion between positions of DCLS' training on ImageNet (arXiv 2112.03740).
        """
        taps = self.position.shape[-1]
        if taps == 1:
            return None
        a, b = torch.triu_indices(taps, taps, 1, device=self.position.device)
        # Rooted only where it counts, as the root has no slope at 0.
        square = (self.position[..., a] - self.position[..., b]).square().sum(0)
        near = square < 1
        distance = torch.where(near, square, 1.0).clamp(min=1e-12).sqrt()
        return (1 - distance).mean()

    def offsets(self) -> Tensor:
        """Make the deployed offsets, whole numbers in float32 (3, out or 1, in or 1, taps)."""
        half = torch.tensor([n // 2 for n in self.extent], device=self.position.device)
        return torch.round(self.position.detach()) + half[:, None, None, None]

    def delays(self) -> Tensor | None:
        """Make the deployed delays, where there are any."""
        return self.offsets()[0] if self.extent[0] > 1 else None

    def integers(self) -> Tensor:
        """Make the deployed weights, whole numbers in float32 (out, in / groups, taps)."""
        return self.matrix.integers().view(self.shape)

    def kernel(self) -> Tensor:
        """Spread the deployed weights over the window (out, in / groups, delays, rows, columns)."""
        weights, narrow = self.integers(), not (self.width and self.training)
        shares = []
        for axis, at, size in zip(self.position, self.offsets(), self.extent, strict=True):
            share = spread(self.profile, axis + size // 2, size, self.width or SHARP)
            if narrow:
                share = nn.functional.one_hot(at.long(), size).to(share) + (share - share.detach())
            shares.append(share.expand(*self.shape, size))
        return torch.einsum("oik,oikd,oiky,oikx->oidyx", weights, *shares)

    def forward(self, x: Tensor) -> Tensor:
        """Sum weighted, delayed events (steps, samples, pre) to currents (steps, samples, post)."""
        kernel = self.kernel().to(x.dtype)
        current = x.new_zeros(*x.shape[:-1], self.post)
        for delay in range(self.least, min(self.window, len(x))):
            w = kernel[:, :, delay]
            # What no tap reaches is left out, as it adds nothing.
            if self.training or w.any():
                seen = convolved(x[: len(x) - delay], w, self.before, self.how, self.training)
                late = seen.new_zeros(delay, *seen.shape[1:])
                current = current + torch.cat([late, seen])
        return current

    def feedback(self) -> Feedback:
        """Make the function of a loop: a convolution with the last events of each delay."""
        kernel = self.kernel()

        def current(events: list[Tensor]) -> Tensor:
            total = None
            for ago in range(min(self.window - self.least, len(events))):
                x = events[-1 - ago]
                w = kernel[:, :, self.least + ago].to(x.dtype)
                seen = convolved(x, w, self.before, self.how, self.training)
                total = seen if total is None else total + seen
            assert total is not None
            return total

        return current

    def export(self, sign: Tensor | None = None) -> golden.Spaced:
        """Freeze the taps, each output channel's weights times its sign."""
        w = self.integers().detach()
        if sign is not None:
            w = w * of_channels("Spaced", sign, len(w))[:, None, None]
        return golden.Spaced(
            w.cpu().numpy().astype(np.int64),
            self.offsets().cpu().numpy().astype(np.int64),
            self.bits,
            self.extent,
            self.before.shape,
            **self.how,
        )


@dataclass(frozen=True, slots=True)
class Dcls2d:
    """Taps with learned rows and columns (Dcls2d of the package dcls), without bias.

    Parameters
    ----------
    out : int
        Output channels.
    kernel_count : int
        Taps between an input channel and an output channel.
    dilated_kernel_size : int, or (rows, columns), odd
        Window in which they lie.
    stride, padding : int, or (rows, columns)
    groups : int
        As many as there are input channels makes it depthwise.
    profile : one of `PROFILES`
        How a tap is spread around its position while training.
    shared : bool
        Whether all outputs and inputs have the same positions.
    bits, standardise, gain : as of Linear
    least : int, 0 or 1
        Smallest delay; a recurrence of a kind with delays makes it 1.
    stage : str or None
        A name; all that have it learn one set of positions together, so they must be alike in
        windows and taps, and, unless these are `shared`, in channels.
    """

    kind: ClassVar[str] = "dcls2d"

    out: int
    kernel_count: int
    dilated_kernel_size: int | tuple[int, ...]
    stride: int | tuple[int, int] = 1
    padding: int | tuple[int, int] = 0
    groups: int = 1
    profile: str = "gauss"
    shared: bool = False
    bits: int = 4
    standardise: str = "row"
    gain: bool = True
    least: int = 0
    stage: str | None = None

    def __post_init__(self) -> None:
        name = type(self).__name__
        integer(f"{name} out", self.out, 1, 1 << 16)
        integer(f"{name} kernel_count", self.kernel_count, 1, 1 << 10)
        integer(f"{name} groups", self.groups, 1, 1 << 16)
        integer(f"{name} bits", self.bits, 2, 16)
        integer(f"{name} least", self.least, 0, 1)
        if any(n % 2 == 0 for n in self.extent()):
            raise InputError(
                f"{name} dilated_kernel_size must be odd, not {self.dilated_kernel_size}"
            )
        for field, low in (("stride", 1), ("padding", 0)):
            pair(f"{name} {field}", getattr(self, field), low, LARGEST)
        choice(f"{name} profile", self.profile, PROFILES)
        choice(f"{name} standardise", self.standardise, STANDARDISE)
        flag(f"{name} shared", self.shared)
        flag(f"{name} gain", self.gain)
        if self.stage is not None:
            word(f"{name} stage", self.stage)

    def extent(self) -> tuple[int, int, int]:
        """Tell the window of delays, rows and columns."""
        return 1, *pair("Dcls2d dilated_kernel_size", self.dilated_kernel_size, 1, 1023)

    def recurrent(self) -> Self:
        """Give the same with delays from 1 on, if it has any; else its connection brings it."""
        return replace(self, least=1) if self.extent()[0] > 1 else self

    def after(self, before: Map | None) -> Map | None:
        """Tell the map that they make of the one before them, if that is known."""
        if before is None:
            return None
        each = grouped(type(self).__name__, before, self.out, self.groups)
        none = np.zeros((self.out, each, 1), np.int8)
        zero = np.zeros((3, 1, 1, 1), np.int8)
        return golden.Spaced(
            none, zero, self.bits, self.extent(), before.shape, **self._pairs(), groups=self.groups
        ).after

    def _pairs(self) -> dict[str, tuple[int, int]]:
        names = ("stride", "padding")
        return {name: pair(name, getattr(self, name), 0, LARGEST) for name in names}

    def build(
        self, before: Map, after: Map, steps: int, connected: np.ndarray | None = None
    ) -> Spaced:
        """Make the taps, see `SynapsesSpec`."""
        return Spaced(
            before,
            self.out,
            self.kernel_count,
            self.extent(),
            self.bits,
            steps,
            **self._pairs(),
            groups=self.groups,
            profile=self.profile,
            shared=self.shared,
            least=self.least,
            standardise=self.standardise,
            gain=self.gain,
        )


class Dcls1d(Dcls2d):
    """Taps with learned columns, along maps of one row; parameters as of `Dcls2d`, of columns."""

    kind: ClassVar[str] = "dcls1d"
    __slots__ = ()

    def __post_init__(self) -> None:
        for name, low in (("dilated_kernel_size", 1), ("stride", 1), ("padding", 0)):
            integer(f"Dcls1d {name}", getattr(self, name), low, 1023)
        Dcls2d.__post_init__(self)

    def extent(self) -> tuple[int, int, int]:
        """Tell the window of delays, rows and columns."""
        return 1, 1, int(self.dilated_kernel_size)  # type: ignore[arg-type]

    def _pairs(self) -> dict[str, tuple[int, int]]:
        return {"stride": (1, self.stride), "padding": (0, self.padding)}  # type: ignore[dict-item]


class Dcls3d(Dcls2d):
    """Taps with learned delays, rows and columns; `dilated_kernel_size` is three, delays first.

    A window of 1 along an axis learns nothing there: (15, 1, 1) has learned delays alone.
    """

    kind: ClassVar[str] = "dcls3d"
    __slots__ = ()

    def extent(self) -> tuple[int, int, int]:
        """Tell the window of delays, rows and columns."""
        return golden.extent("Dcls3d dilated_kernel_size", self.dilated_kernel_size)
