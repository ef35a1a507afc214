"""Trainable twin of model/network.py.

In evaluation mode `forward` computes the very integers of the exported network, carried in float32.
Those are exact below 2**24, so it first proves that nothing reaches that, `prove`.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from ..model import network as golden
from ..model.bounds import prove as bounds
from ..model.codings.encode import Coding, Latency
from ..model.readouts.protocol import Readout
from ..model.refuse import Refused
from .neurons.neuron import Neuron
from .readouts import twin
from .synapses.delayed import Delayed
from .synapses.dense import Dense

__all__ = ["Layer", "Network", "Trace", "prove"]

EXACT = 1 << 24  # float32 holds every whole number up to it


class Layer(nn.Module):
    """Synapses and the neurons they feed.

    `recurrent` ones come from these neurons themselves: ``Delayed(post, post, ..., least=1)``.
    """

    synapses: Dense
    neuron: Neuron
    recurrent: Delayed | None

    def __init__(self, synapses: Dense, neuron: Neuron, recurrent: Delayed | None = None) -> None:
        super().__init__()
        self.synapses, self.neuron, self.recurrent = synapses, neuron, recurrent

    @property
    def parallel(self) -> bool:
        """Whether all steps are computed at once."""
        return self.neuron.parallel and self.recurrent is None

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Run whole samples, see `Neuron.forward`."""
        feedback = None if self.recurrent is None else self.recurrent.feedback()
        return self.neuron(self.synapses(x), feedback)

    def export(self) -> golden.Layer:
        """Freeze the layer."""
        neuron, sign = self.neuron.export()
        recurrent = None if self.recurrent is None else self.recurrent.export()
        return golden.Layer(self.synapses.export(sign), neuron, recurrent)


@dataclass(slots=True)
class Trace:
    """What a forward saw, whole numbers.

    Attributes
    ----------
    events : (steps, samples), sum of the input's values
    spikes, membranes : per layer (steps, samples, neurons)
    """

    events: Tensor
    spikes: list[Tensor]
    membranes: list[Tensor]


class Network(nn.Module):
    """A trainable network.

    Parameters
    ----------
    steps : int
    inputs : int
    coding : Coding
    layers : list of Layer
    readout : Readout
    dropout : float
        Share of the hidden neurons that are left out while training, the same ones over a whole
        sample.
    """

    def __init__(
        self,
        steps: int,
        inputs: int,
        coding: Coding,
        layers: list[Layer],
        readout: Readout,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.steps, self.inputs, self.coding, self.readout = steps, inputs, coding, readout
        self.dropout = dropout
        self.stack = nn.ModuleList(layers)

    @property
    def layers(self) -> list[Layer]:
        """The layers, in order."""
        return list(self.stack)  # pyright: ignore[reportReturnType]

    def encode(self, samples: Tensor, summed: bool) -> Tensor:
        """Encode samples as the input of layer 0, float32 (steps, samples, inputs).

        Parameters
        ----------
        samples : uint8 (samples, inputs) for pixels, integers (samples, steps, inputs) for counts
        summed : bool
            Whether to give the sum up to each step instead of the value of each step.
        """
        if isinstance(self.coding, Latency):
            table = torch.from_numpy(self.coding.table(self.steps).astype(np.int16))
            fire = table.to(samples.device)[samples.int()]
            t = torch.arange(self.steps, dtype=fire.dtype, device=fire.device)[:, None, None]
            return ((fire <= t) if summed else (fire == t)).float()
        s = self.coding.encode(samples.cpu().numpy(), self.steps, self.inputs)
        x = torch.from_numpy(s).to(samples.device).float()
        return x.cumsum(0) if summed else x

    def forward(self, samples: Tensor) -> Trace:
        """Run whole samples.

        Raises
        ------
        Refused
            In evaluation mode, if a value could reach 2**24.
        """
        if not self.training:
            prove(self.export())
        summed = self.layers[0].parallel
        x = self.encode(samples, summed)
        events = x.sum(2)
        trace = Trace(differences(events) if summed else events, [], [])
        for layer in self.layers:
            parallel, once = layer.parallel, layer.neuron.once
            if parallel and not summed:
                x = x.cumsum(0)
            elif summed and not parallel:
                x = differences(x)
            s, h = layer(x)
            x, summed = s, parallel and once
            if self.training and self.dropout and layer is not self.layers[-1]:
                x = x * nn.functional.dropout(torch.ones_like(x[0]), self.dropout)
            trace.spikes.append(differences(s) if summed else s)
            trace.membranes.append(h)
        return trace

    def decide(self, samples: Tensor) -> tuple[Tensor, Tensor]:
        """Decide a batch: label and step of decision, int64 (samples,)."""
        trace = self(samples)
        return twin(self.readout).decide(trace.spikes[-1], trace.membranes[-1])

    def export(self) -> golden.Network:
        """Freeze the network into integers.

        Raises
        ------
        Refused
            If a parameter is not a number, as after a training that diverged.
        """
        for name, parameter in self.named_parameters():
            if not parameter.isfinite().all():
                raise Refused(
                    f"Network parameter {name} must be finite, not NaN or infinite;"
                    " train with a lower rate"
                )
        return golden.Network(
            self.steps,
            self.inputs,
            self.coding,
            tuple(layer.export() for layer in self.layers),
            self.readout,
        )


def differences(sums: Tensor) -> Tensor:
    """Undo the sum over steps."""
    return torch.cat([sums[:1], sums[1:] - sums[:-1]])


def prove(network: golden.Network) -> None:
    """Prove that float32 carries every intermediate value of a network exactly.

    Beyond the bounds of model/bounds.py, which hold h before and after its clamp, these are: the
    sum of all currents so far, which the parallel form computes apart from the biases (whose own
    sum is the membrane without input), v m before the leak's shift, and the readout's weighted sum.

    Raises
    ------
    Refused
        If one of them could reach 2**24.
    """
    top, proven = 0, bounds(network)
    declared = network.declared()
    for i, (layer, (_, once)) in enumerate(zip(network.layers, declared, strict=True)):
        n = layer.neuron
        parallel = not n.leaks and n.clamp is None and n.reset == "none"
        times = network.steps if parallel and not once else 1
        current, accumulator, membrane = (
            max(int(-low.min()), int(high.max()))
            for low, high in (proven[i].current, proven[i].accumulator, proven[i].membrane)
        )
        theta = 0 if n.threshold is None else int(n.threshold.max())
        currents = (current << n.shift) * times
        top = max(accumulator, membrane, theta, membrane * n.leak[0], currents)
        if top >= EXACT:
            raise Refused(
                f"Layer {i} must stay below 2**24 in every value to be exact in float32,"
                f" not reach {top}"
            )
    low, high = proven[-1].membrane
    top = twin(network.readout).reach(max(int(-low.min()), int(high.max())))
    if top >= EXACT:
        raise Refused(
            f"Readout {network.readout.kind} must stay below 2**24 to be exact in float32,"
            f" not reach {top}"
        )
