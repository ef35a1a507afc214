"""What every trainable kind of neuron is."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Protocol, Self, runtime_checkable

import torch
from torch import Tensor, nn

from ...model.errors import InputError
from ...model.neurons import Neurons as Golden
from ...model.width import Bounds
from ..synapses.synapses import SynapsesSpec
from .norm import Norm

__all__ = ["Neurons", "NeuronsSpec", "Step"]

Step = Callable[[Tensor | None], tuple[Tensor, Tensor]]


class Neurons(nn.Module, ABC):
    """A kind of neuron, all those of a layer.

    A kind gives `size`, `begin` and `export`; all else stands here.

    Attributes
    ----------
    size : int
        Number of neurons.
    unit : float
        Integers per real 1, which thresholds, biases and the width of a surrogate are measured in;
        the layer sets it.
    cumulative : bool
        Whether `forward` takes the sums of the currents up to each step, and computes all steps at
        once.
    sums : bool
        Whether `forward` gives the sums of the spikes up to each step, too.
    learns : bool
        Whether anything of them or of their synapses is learned; else they pass on what they see.
    """

    size: int
    unit: float = 1.0
    learns: bool = True

    @property
    def cumulative(self) -> bool:
        """As above; a layer in a loop calls `begin`, whatever this is."""
        return False

    @property
    def sums(self) -> bool:
        """As above."""
        return False

    def adopt(self, unit: float) -> None:
        """Take the unit of the connections."""
        self.unit = unit

    @property
    def membrane_unit(self) -> float:
        """Integers per real 1 of a membrane, which a filter may make more than of a current."""
        return self.unit

    def enter(self, share: float) -> None:
        """Enter a share of the training, 0..1: set what goes by it."""

    @abstractmethod
    def begin(self, x: Tensor) -> Step:
        """Begin samples.

        Parameters
        ----------
        x : (steps, samples, neurons)
            Currents of every step.

        Returns
        -------
        callable
            To be called once a step, with what comes from layers of the same loop (samples,
            neurons), or None: it is added as it is, with no normalisation. It gives spikes and
            membranes (samples, neurons) of the step.
        """

    @classmethod
    def thaw(cls, law: Golden, steps: int) -> Self:
        """Make trainable ones of the form of frozen ones; `take` makes them equal.

        Raises
        ------
        InputError
            If their kind cannot hold all that the frozen kind can.
        """
        raise InputError(f"Neurons must be of a kind that can be trained on, not {law.kind!r}")

    def take(self, law: Golden) -> None:
        """Take the constants of the frozen ones that they were thawed from, after the unit."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Run whole samples.

        Parameters
        ----------
        x : (steps, samples, neurons)
            Currents of the steps; where `cumulative`, their sums up to each step.

        Returns
        -------
        s : (steps, samples, neurons)
            Spikes; where `sums`, their sums up to each step.
        h : (steps, samples, neurons)
        """
        step = self.begin(x)
        s, h = zip(*(step(None) for _ in x), strict=True)
        return torch.stack(s), torch.stack(h)

    def norms(self) -> list[Norm]:
        """List the normalisations."""
        return []

    def theta(self) -> Tensor | None:
        """Make the deployed thresholds, whole numbers (neurons,) or (1,), if they have any."""
        return None

    def place(self, theta: int) -> None:
        """Put all thresholds at one integer, if they have any."""
        raise NotImplementedError

    def largest(self, neuron: Golden, proven: Bounds, sums: int) -> int:
        """Bound the magnitude of all that is computed on the way.

        Parameters
        ----------
        neuron : Neurons, what these are exported as
        proven : Bounds of it
        sums : int
            Bound of the sum of all currents up to any step, if they are `cumulative`.
        """
        tops = (proven.current, proven.accumulator, proven.membrane)
        most = max(max(int(-low.min()), int(high.max())) for low, high in tops)
        return max(most, sums)

    @abstractmethod
    def export(self) -> tuple[Golden, Tensor | None]:
        """Freeze the neurons; also the sign (channels,) that the rows of the weights take.

        It is that of the connections whose current `begin` was given as a whole.
        """


@runtime_checkable
class NeuronsSpec(Protocol):
    """What neurons are to be, but for their number: a frozen dataclass that makes them.

    Attributes
    ----------
    recurrent : SynapsesSpec or None
        From the layer to itself.
    """

    @property
    def recurrent(self) -> SynapsesSpec | None: ...

    def build(self, channels: int, places: int, steps: int) -> Neurons:
        """Make neurons for so many steps: at each of the places of a map one of every channel."""
        ...
