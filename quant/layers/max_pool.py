"""Max pooling of spikes: whether any place of a window spikes, at each step or so far.

The largest of spikes is whether there is one, so a pool is a layer of the one law: a kernel of ones
for every channel, whose stride is its window, and neurons of threshold 1,

    h[t] = spikes of the window in step t            leak (0, 0): a membrane keeps nothing
    s[t] = h[t] >= 1

and for the first spike of a window alone, those that fire once and do not leak.
"""

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
import torch
from torch import Tensor

from ...model.check import flag
from ...model.errors import InputError
from ...model.maps import Map, pair
from ...model.neurons import neuron as golden_neuron
from ...model.synapses.conv import LARGEST, Conv
from ..neurons import Neurons
from ..neurons.neurons import Step
from ..synapses import Synapses
from .whole import WholeSpec

__all__ = ["MaxPool2d"]


class Windows(Synapses):
    """Adds up the places of each window, channel by channel.

    The gradient is that of the largest instead, as of torch.amax: equal parts go to all places that
    are as large. torch.nn.MaxPool2d gives it to the first of them, which among spikes, nearly all
    of which are equal, is the upper left one however close to firing the others were.

    Parameters
    ----------
    before : Map
    window : (rows, columns)
    """

    def __init__(self, before: Map, window: tuple[int, int]) -> None:
        super().__init__()
        self.before, self.size = before, window
        if window[0] > before.rows or window[1] > before.columns:
            raise InputError(
                f"MaxPool2d window must fit the {before.rows} x {before.columns} places of the map,"
                f" not be {window[0]} x {window[1]}"
            )
        self.after = self.export().after
        self.pre, self.post = before.size, self.after.size

    @property
    def unit(self) -> float:
        """A spike is 1."""
        return 1.0

    def forward(self, x: Tensor) -> Tensor:
        """Add up spikes (..., pre), or their sums, to (..., post); places beyond windows are none.

        Of spikes that dropout made larger, the sum is as much larger.
        """
        (down, right), after = self.size, self.after
        maps = x.unflatten(-1, (self.before.rows, self.before.columns, self.before.channels))
        maps = maps[..., : after.rows * down, : after.columns * right, :]
        seen = maps.unflatten(-2, (after.columns, right)).unflatten(-4, (after.rows, down))
        total, largest = seen.sum((-4, -2)), seen.amax((-4, -2))
        return (largest + (total - largest).detach()).flatten(-3)

    def export(self, sign: Tensor | None = None) -> Conv:
        """Freeze them; they have no signs."""
        channels = self.before.channels
        ones = np.ones((channels, 1, *self.size), np.int8)
        return Conv(ones, 2, self.before.shape, stride=self.size, groups=channels)


class Spiking(Neurons):
    """Neurons that spike where something reaches them.

    The gradient passes straight through: a spike more in a window is one more of the pool.

    Parameters
    ----------
    channels, places : int
    first : bool
        Whether they fire once, as soon as something has reached them.
    """

    learns = False

    def __init__(self, channels: int, places: int, first: bool) -> None:
        super().__init__()
        self.channels, self.places, self.size = channels, places, channels * places
        self.first = first

    @property
    def cumulative(self) -> bool:
        """Where they fire once: what came up to a step tells whether they have."""
        return self.first

    @property
    def sums(self) -> bool:
        """As `cumulative`."""
        return self.first

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Run whole samples, all steps at once."""
        return _spiked(x), x

    def begin(self, x: Tensor) -> Step:
        """Begin samples, to go through them step by step."""
        v = fired = torch.zeros_like(x[0])
        currents = iter(x)

        def step(back: Tensor | None) -> tuple[Tensor, Tensor]:
            nonlocal v, fired
            h = v + next(currents)
            if back is not None:
                h = h + back
            s = _spiked(h)
            if self.first:
                s = s * (1 - fired)
                v, fired = h, fired + s.detach()
            return s, h

        return step

    def export(self) -> tuple[golden_neuron.Neuron, Tensor | None]:
        """Freeze the neurons."""
        zero, one = np.zeros(self.channels, np.int8), np.ones(self.channels, np.int8)
        leak = (1, 0) if self.first else (0, 0)
        neuron = golden_neuron.Neuron(zero, one, leak, once=self.first, places=self.places)
        return neuron, None


def _spiked(h: Tensor) -> Tensor:
    """Compare with 1; the gradient passes straight through."""
    return h + ((h >= 1).to(h) - h).detach()


@dataclass(frozen=True, slots=True)
class _Windows:
    """Synapses of a pool, see `SynapsesSpec`."""

    window: tuple[int, int]

    @property
    def out(self) -> None:
        return None

    @property
    def least(self) -> int:
        return 0

    def recurrent(self) -> Self:
        return self

    def after(self, before: Map | None) -> Map | None:
        return before and Windows(before, self.window).after

    def build(
        self, before: Map, after: Map, steps: int, connected: np.ndarray | None = None
    ) -> Windows:
        return Windows(before, self.window)


@dataclass(frozen=True, slots=True)
class _Spiking:
    """Neurons of a pool, see `NeuronsSpec`."""

    first: bool

    @property
    def recurrent(self) -> None:
        return None

    def build(self, channels: int, places: int, steps: int) -> Spiking:
        return Spiking(channels, places, self.first)


@dataclass(frozen=True, slots=True)
class MaxPool2d(WholeSpec):
    """A layer that spikes where a place of a window does, as torch.nn.MaxPool2d of spikes.

    Windows lie side by side; rows and columns that fill none are left out. Whatever comes counts as
    a spike, counts and sums of views too. Nothing is learned. The gradient of a window goes, in
    equal parts, to the places that spiked, or to all where none did: torch's goes to the first of
    equal ones, which of spikes would nearly always be the same place.

    Parameters
    ----------
    window : int, or (rows, columns)
    first : bool
        Whether only the first spike of a window in a sample counts, as behind time-to-first-spike
        neurons: the pool fires once then, too.
    """

    kind: ClassVar[str] = "max-pool2d"

    window: int | tuple[int, int]
    first: bool = False

    def __post_init__(self) -> None:
        pair("MaxPool2d window", self.window, 1, LARGEST)
        flag("MaxPool2d first", self.first)

    @property
    def synapses(self) -> _Windows:
        """A kernel of ones."""
        return _Windows(pair("MaxPool2d window", self.window, 1, LARGEST))

    @property
    def neuron(self) -> _Spiking:
        """Neurons of threshold 1."""
        return _Spiking(self.first)
