"""What every trainable kind of synapse is."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Protocol, Self, runtime_checkable

import numpy as np
from torch import Tensor, nn

from ...model.errors import InputError
from ...model.maps import Map
from ...model.synapses import Synapses as Golden

__all__ = ["Feedback", "Synapses", "SynapsesSpec"]

Feedback = Callable[[list[Tensor]], Tensor]


class Synapses(nn.Module, ABC):
    """A kind of synapse: linear in the events, and the same at every step.

    A kind without delays gives `pre`, `post`, `unit`, `forward` and `export`; all else stands here.

    Attributes
    ----------
    pre, post : int
        Number of inputs, of outputs.
    least, window : int
        Delays are in least..window-1, while training and afterwards.
    width, widest : float
        Of the profile that spreads a tap over delays and places, `widest` at first; whoever trains
        narrows it, at last to 0, where taps are where they are deployed. A kind without positions
        has 0.
    """

    pre: int
    post: int
    least: int = 0
    window: int = 1
    width: float = 0.0
    widest: float = 0.0

    @property
    @abstractmethod
    def unit(self) -> float:
        """Integers per real 1: deviation of the current of a step, for inputs as in dense.py."""

    @abstractmethod
    def forward(self, x: Tensor) -> Tensor:
        """Sum weighted events (steps, samples, pre) to currents (steps, samples, post).

        As it is linear, sums of events up to each step give sums of currents. Events are float64
        where float32 would not be exact; what is added to them must then be, too.
        """

    @abstractmethod
    def export(self, sign: Tensor | None = None) -> Golden:
        """Freeze them, what reaches each output times its `sign`.

        Parameters
        ----------
        sign : (channels,), or None
            Output n is of channel n % channels.
        """

    @classmethod
    def thaw(cls, law: Golden, steps: int) -> Self:
        """Make trainable ones, not standardised, that are exported as frozen ones are.

        Raises
        ------
        InputError
            If their kind cannot hold all that the frozen kind can.
        """
        raise InputError(f"Synapses must be of a kind that can be trained on, not {law.kind!r}")

    def signs(self, sign: Tensor) -> Tensor:
        """Give the sign of every output (post,) from those of the channels."""
        return sign.repeat(self.post // len(sign))

    def feedback(self) -> Feedback:
        """Make the function that loops over time call once a step.

        It takes the events (samples, pre) of all steps up to `least` ago, the latest one last, and
        gives the current (samples, post) of the step.
        """
        return lambda events: self(events[-1][None])[0]

    def delays(self) -> Tensor | None:
        """Make the deployed delays, whole numbers; None for a kind without."""
        return None

    def positions(self) -> list[nn.Parameter]:
        """List what is learned at the rate of positions, not of weights."""
        return []

    def closeness(self) -> Tensor | None:
        """Tell how close the taps of a synapse lie, 0 to 1; None for a kind without places."""
        return None

    def clamp(self) -> None:
        """Put parameters back into their range; whoever trains calls this after each step."""


@runtime_checkable
class SynapsesSpec(Protocol):
    """What synapses are to be, but for their sizes: a frozen dataclass that makes them.

    Attributes
    ----------
    out : int or None
        Number of neurons that they feed; None takes it from elsewhere in the layer.
    least : int
        Smallest delay that they can have.
    """

    @property
    def out(self) -> int | None: ...

    @property
    def least(self) -> int: ...

    def recurrent(self) -> Self:
        """Give the same for a layer that feeds itself, without delays of 0 if it learns delays."""
        ...

    def after(self, before: Map | None) -> Map | None:
        """Tell the map that they make of the one before them, if they can tell."""
        ...

    def build(
        self, before: Map, after: Map, steps: int, connected: np.ndarray | None = None
    ) -> Synapses:
        """Make the synapses.

        Parameters
        ----------
        before, after : Map
            Of the inputs and of the outputs; what is no map is one place of many channels.
        steps : int
        connected : bool (inputs,), or None
            Inputs that have weights; None: all.
        """
        ...
