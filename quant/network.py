"""Trainable twin of model/network.py.

In evaluation mode `forward` computes the very integers of the exported network, carried in float32
where `Network.exact` proves that nothing reaches 2**24, in float64 where nothing reaches 2**53.

Layers that feed each other run in one loop over time. All others run whole samples at once, and
those whose membranes are sums (`Neurons.cumulative`) without any loop: events are then passed on as
their sums up to each step, as what reaches such a layer is linear in them.
"""

from collections import UserDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from math import hypot
from operator import add
from typing import Any, cast

import torch
from torch import Tensor, nn

from ..model import network as golden
from ..model.bounds import prove as bounds
from ..model.check import instance, real
from ..model.codings import Coding
from ..model.errors import InputError
from ..model.readouts.protocol import Readout
from ..model.views import View
from . import codings, readouts
from .neurons import Neurons
from .synapses import Synapses
from .synapses.synapses import Feedback

__all__ = ["Connection", "Layer", "Network", "Output", "Trace", "chain"]

# Types of numbers by the power of two up to which they hold every whole number.
EXACT = {24: torch.float32, 53: torch.float64}


class Connection(nn.Module):
    """Synapses, and what they are fed by; parameters as in the model.

    Several connections may hold the same synapses, which are then trained together. Of averages
    the views bring sums, of as many places as `places` says.
    """

    synapses: Synapses

    def __init__(
        self,
        sources: tuple[str, ...],
        synapses: Synapses,
        views: Sequence[View] = (),
        delay: int = 0,
        shift: int = 0,
        places: int = 1,
    ) -> None:
        super().__init__()
        self.sources, self.synapses, self.places = sources, synapses, places
        self.views, self.delay, self.shift = tuple(views), delay, shift

    @property
    def scale(self) -> float:
        """How many times as large its current is as that of the synapses alone."""
        return 2.0**self.shift * self.places

    @property
    def unit(self) -> float:
        """Integers per real 1; the variances of several sources add."""
        return hypot(*(self.synapses.unit * self.scale for _ in self.sources))

    @property
    def lag(self) -> int:
        """Smallest delay that a tap can have."""
        return self.delay + self.synapses.least

    def look(self, x: Tensor) -> Tensor:
        """Look at events (..., source) through the views."""
        return reduce(lambda seen, view: cast(Any, view).apply(seen), self.views, x)

    def forward(self, x: Tensor) -> Tensor:
        """Turn the sum of the sources (steps, samples, pre) into currents (steps, samples, post).

        Sums up to each step become such sums.
        """
        current = self.synapses(self.look(x[: len(x) - self.delay]))
        if self.delay:
            none = current.new_zeros(self.delay, *current.shape[1:])
            current = torch.cat([none, current])
        return self.shifted(current)

    def shifted(self, current: Tensor) -> Tensor:
        """Shift a current."""
        return current * (1 << self.shift) if self.shift else current

    def export(self, synapses: golden.Synapses) -> golden.Connection:
        """Freeze the connection around its frozen synapses."""
        return golden.Connection(self.sources, synapses, self.views, self.delay, self.shift)


class Layer(nn.Module):
    """Neurons, and the connections that feed them.

    The unit of the neurons is that of all connections together: variances add.
    """

    connections: Sequence[Connection]
    neuron: Neurons

    def __init__(self, connections: Sequence[Connection], neuron: Neurons) -> None:
        super().__init__()
        self.connections = nn.ModuleList(connections)  # pyright: ignore[reportAttributeAccessIssue]
        self.neuron = neuron
        scales = [c.scale for c in connections]
        if any(c.places > 1 for c in connections) and len(set(scales)) > 1:
            raise InputError(
                "Layer connections must all be as many times as large as an average is of places,"
                f" by their shift, not {', '.join(f'{scale:g}' for scale in scales)}"
            )
        neuron.adopt(hypot(*(c.unit for c in connections)))


class Layers(nn.ModuleDict):
    """Layers by name; unlike its base it takes names that modules use for something else."""

    def __setitem__(self, key: str, module: nn.Module) -> None:
        self._modules[key] = module


@dataclass(slots=True)
class Output:
    """What the output layer gave.

    Attributes
    ----------
    logits : (samples, neurons), real numbers; what the readout makes of these two for a loss
    spikes, membranes : (steps, samples, neurons), whole numbers
    """

    logits: Tensor
    spikes: Tensor
    membranes: Tensor


@dataclass(slots=True)
class Trace:
    """What a forward saw, whole numbers.

    Attributes
    ----------
    events : (steps, samples), sum of the input's values
    spikes, membranes : by layer, (steps, samples, neurons)
    output : Output, what the last layer gave
    logits : (samples, neurons), real numbers: those of `output`
    """

    events: Tensor
    spikes: "Spikes" = field(default_factory=lambda: Spikes())
    membranes: dict[str, Tensor] = field(default_factory=dict)
    output: Output = field(init=False)

    @property
    def logits(self) -> Tensor:
        """What a loss compares with labels or targets."""
        return self.output.logits


class Events:
    """Events of one source, as values of each step or as their sums up to it."""

    def __init__(self, x: Tensor, summed: bool) -> None:
        self.forms = {summed: x}

    def get(self, summed: bool) -> Tensor:
        """Give the sums, or the values."""
        if summed not in self.forms:
            (x,) = self.forms.values()
            self.forms[summed] = x.cumsum(0) if summed else differences(x)
        return self.forms[summed]


class Spikes(UserDict[str, Any]):
    """Spikes by layer; where a layer gave their sums, they are made when somebody looks at them.

    What is put in is `Events`; what is found, (steps, samples, neurons).
    """

    def __getitem__(self, name: str) -> Tensor:
        return super().__getitem__(name).get(False)


class Network(nn.Module):
    """A trainable network.

    Parameters
    ----------
    steps : int
    inputs : dict of int, by name
    coding : Coding
    layers : dict of Layer, by name
        In topological order; the last one is the output.
    readout : Readout
    dropout : float
        Share of the hidden neurons that are left out while training, the same ones over a whole
        sample; behind a pool they are those of the pool, not those that it looks at.

    Raises
    ------
    InputError
        If it is no network that the model takes, or could become none in training.
    """

    layers: dict[str, Layer]  # a module, which has names, items and values as well

    def __init__(
        self,
        steps: int,
        inputs: Mapping[str, int],
        coding: Coding,
        layers: Mapping[str, Layer],
        readout: Readout,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        instance("Network inputs", inputs, Mapping, "by name")
        instance("Network layers", layers, Mapping, "by name")
        for name, layer in layers.items():
            instance(f"Network layer {name}", layer, Layer, "a trainable layer")
        instance("Network coding", coding, Coding, "Counts(), Latency() or Graded()")
        instance("Network readout", readout, Readout, "a kind of them")
        real("Network dropout", dropout, 0, 1)
        self.steps, self.inputs, self.coding, self.readout = steps, dict(inputs), coding, readout
        self.dropout, self.encoder = dropout, codings.twin(coding)
        self.layers = Layers(layers)  # pyright: ignore[reportAttributeAccessIssue]
        self._blocks = golden.blocks(self.layers)
        self._loops = {  # of each layer, those that it runs in one loop with
            name: frozenset(block if len(block) > 1 or self._fed_by(name, block) else ())
            for block in self._blocks
            for name in block
        }
        self._pooled = {  # whose spikes a pool looks at, which is left out in their place
            source
            for layer in self.layers.values()
            if not layer.neuron.learns
            for c in layer.connections
            for source in c.sources
        }
        self._refuse()

    def _fed_by(self, name: str, sources: Iterable[str]) -> bool:
        return any(s in sources for c in self.layers[name].connections for s in c.sources)

    def _refuse(self) -> None:
        """Refuse delays that training could lead out of their range, and what the model refuses."""
        network = self.export()
        for name, layer in self.layers.items():
            for c in layer.connections:
                recurs = any(network.recurs(name, source) for source in c.sources)
                if recurs and c.lag < 1:
                    raise InputError(f"Layer {name} recurrent delays must be at least 1, not 0")
                latest, kind = c.delay + c.synapses.window - 1, "recurrent " if recurs else ""
                if latest >= self.steps:
                    raise InputError(
                        f"Layer {name} {kind}delays must be below the {self.steps} steps of the "
                        f"network, not {latest}"
                    )
            if layer.neuron.norms() and not any(self._whole(name, c) for c in layer.connections):
                raise InputError(
                    f"Layer {name} with a normalisation must be fed from outside its loop, too"
                )

    @property
    def output(self) -> str:
        """Name of the last layer."""
        return list(self.layers)[-1]

    @property
    def last(self) -> Layer:
        """The layer that is read out."""
        return self.layers[self.output]

    @property
    def width(self) -> int:
        """Number of input addresses."""
        return sum(self.inputs.values())

    def kernels(self) -> list[Synapses]:
        """List the synapses, those of two connections once."""
        found = [c.synapses for layer in self.layers.values() for c in layer.connections]
        return list(dict.fromkeys(found))

    def encode(self, samples: Tensor, summed: bool, dtype: torch.dtype = torch.float32) -> Tensor:
        """Encode samples as the input, whole numbers (steps, samples, inputs).

        Parameters
        ----------
        samples : uint8 (samples, inputs) for pixels, integers (samples, steps, inputs) for counts
        summed : bool
            Whether to give the sum up to each step instead of the value of each step.
        """
        return self.encoder.encode(samples, self.steps, self.width, summed).to(dtype)

    def forward(self, samples: Tensor) -> Trace:
        """Run whole samples.

        Parameters
        ----------
        samples : whole numbers in 0..255, a tensor or an array
            (samples, ...) pixels, or (samples, up to steps, ...) counts; what stands for the dots
            is as many values as the network has inputs.

        Raises
        ------
        InputError
            If samples are none of these; in evaluation mode, if a value could reach 2**53.
        """
        samples = self.encoder.check(samples, self.steps, self.width)
        samples = samples.to(next((p.device for p in self.parameters()), samples.device))
        dtype = torch.float32 if self.training else self.exact()
        summed = any(
            self._cumulative(name) and self._fed_by(name, self.inputs) for name in self.layers
        )
        x = self.encode(samples, summed, dtype)
        total, events, start = x.sum(2), {}, 0
        for name, size in self.inputs.items():
            events[name] = Events(x[..., start : start + size], summed)
            start += size
        trace = Trace(differences(total) if summed else total)
        for block in self._blocks:
            if self._loops[block[0]]:
                self._run_loop(block, events, trace)
            else:
                self._run_layer(block[0], events, trace)
        s, h = trace.spikes[self.output], trace.membranes[self.output]
        logits = readouts.twin(self.readout).logits(s, h, self.last.neuron.membrane_unit)
        trace.output = Output(logits, s, h)
        return trace

    def _whole(self, name: str, connection: Connection) -> bool:
        """Whether all that a connection of a layer brings is there before the layer begins."""
        return not any(source in self._loops[name] for source in connection.sources)

    def _cumulative(self, name: str) -> bool:
        """Whether all steps of a layer are computed at once."""
        return self.layers[name].neuron.cumulative and not self._loops[name]

    def _gather(
        self, connections: list[Connection], events: dict[str, Events], summed: bool
    ) -> Tensor | None:
        """Add the currents of connections that are there as a whole; None if there are none."""
        currents = (
            c(reduce(add, (events[source].get(summed) for source in c.sources)))
            for c in connections
        )
        return reduce(lambda total, i: i if total is None else total + i, currents, None)

    def _mask(self, name: str, like: Tensor) -> Tensor | None:
        """Draw who is left out; None where nobody is."""
        if not (self.training and self.dropout) or name in (self.output, *self._pooled):
            return None
        return nn.functional.dropout(torch.ones_like(like), self.dropout)

    def _run_layer(self, name: str, events: dict[str, Events], trace: Trace) -> None:
        """Run whole samples of a layer that is in no loop."""
        layer = self.layers[name]
        x = self._gather(list(layer.connections), events, layer.neuron.cumulative)
        assert x is not None
        s, h = layer.neuron(x)
        summed, mask = layer.neuron.sums, self._mask(name, s[0])
        events[name] = Events(s if mask is None else s * mask, summed)
        trace.spikes[name] = Events(s, summed)
        trace.membranes[name] = h

    def _run_loop(self, block: list[str], events: dict[str, Events], trace: Trace) -> None:
        """Run layers that feed each other, step by step."""
        samples = trace.events.shape[1]
        steps, masks, loops = {}, {}, {}
        for name in block:
            layer = self.layers[name]
            outer = [c for c in layer.connections if self._whole(name, c)]
            x = self._gather(outer, events, False)
            if x is None:
                x = trace.events.new_zeros(self.steps, samples, layer.neuron.size)
            steps[name] = layer.neuron.begin(x)
            masks[name] = self._mask(name, x[0])
            loops[name] = [
                _Loop(c, c.synapses.feedback()) for c in layer.connections if c not in outer
            ]
        seen = {name: ([], [], []) for name in block}  # spikes, membranes, what is passed on
        for t in range(self.steps):
            for name in block:
                back = None
                for loop in loops[name]:
                    if t >= loop.connection.lag:
                        at = t - loop.connection.lag
                        arriving = (
                            seen[s][2][at] if s in seen else events[s].get(False)[at]
                            for s in loop.connection.sources
                        )
                        current = loop.advance(reduce(add, arriving))
                        back = current if back is None else back + current
                s, h = steps[name](back)
                passed = s if masks[name] is None else s * masks[name]
                for kept, value in zip(seen[name], (s, h, passed), strict=True):
                    kept.append(value)
        for name, (s, h, passed) in seen.items():
            trace.membranes[name] = torch.stack(h)
            trace.spikes[name] = Events(torch.stack(s), False)
            whole = trace.spikes[name] if masks[name] is None else torch.stack(passed)
            events[name] = Events(whole, False)

    def decide(self, samples: Tensor) -> tuple[Tensor, Tensor]:
        """Decide a batch: label and step of decision, int64 (samples,)."""
        output = self(samples).output
        return readouts.twin(self.readout).decide(output.spikes, output.membranes)

    def load_float(
        self, state: Mapping[str, Tensor], **options: Any
    ) -> dict[str, dict[str, float]]:
        """Take the weights of a float network; see `load_float` in floats.py for what is told."""
        from .floats import load_float

        return load_float(self, state, **options)

    def export(self) -> golden.Network:
        """Freeze the network into integers.

        Raises
        ------
        InputError
            If a parameter is not a number, as after a training that diverged.
        """
        for name, parameter in self.named_parameters():
            if not parameter.isfinite().all():
                raise InputError(
                    f"Network parameter {name} must be finite, not NaN or infinite;"
                    " train with a lower learning_rate"
                )
        layers, kernels = {}, {}
        for name, layer in self.layers.items():
            neuron, sign = layer.neuron.export()
            connections = []
            for c in layer.connections:
                flip = sign if self._whole(name, c) else None
                key = c.synapses, None if flip is None else tuple(flip.tolist())
                if key not in kernels:
                    kernels[key] = c.synapses.export(flip)
                connections.append(c.export(kernels[key]))
            layers[name] = golden.Layer(tuple(connections), neuron)
        return golden.Network(self.steps, self.inputs, self.coding, layers, self.readout)

    def exact(self) -> torch.dtype:
        """Prove which type carries every intermediate value of the exported network exactly.

        Beyond the bounds of model/bounds.py, which hold h before and after its clamp, these are:
        the sum of all currents so far, which the cumulative form computes apart from the biases
        (whose own sum is the membrane without input), what else the neurons compute
        (`Neurons.largest`), and what the readout does.

        Raises
        ------
        InputError
            If one of them could reach 2**53.
        """
        network = self.export()
        proven, largest = bounds(network), 0
        for name, layer in self.layers.items():
            law = network.layers[name]
            sums = _sums(network, law) if layer.neuron.cumulative else 0
            top = layer.neuron.largest(law.neuron, proven[name], sums)
            _refuse_inexact(f"Layer {name} must stay below 2**53 in every value", top)
            largest = max(largest, top)
        low, high = proven[network.output].membrane
        top = readouts.twin(self.readout).reach(max(int(-low.min()), int(high.max())))
        _refuse_inexact(f"Readout {self.readout.kind} must stay below 2**53", top)
        largest = max(largest, top)
        return next(dtype for bits, dtype in EXACT.items() if largest < 1 << bits)


def chain(
    steps: int,
    inputs: int,
    coding: Coding,
    stack: Sequence[tuple],
    readout: Readout,
    dropout: float = 0.0,
) -> Network:
    """Make a network whose layers follow one another.

    Parameters
    ----------
    stack : sequence of (synapses, neuron) or (synapses, neuron, recurrent synapses)
        They become layers ``layer0``, ``layer1``, ...; recurrent synapses have delays of 1 and
        more.
    """
    layers, source = {}, "input"
    for n, (synapses, neuron, *recurrent) in enumerate(stack):
        name = f"layer{n}"
        fed = [Connection((source,), synapses)]
        fed += [Connection((name,), own) for own in recurrent if own is not None]
        layers[name] = Layer(fed, neuron)
        source = name
    return Network(steps, {"input": inputs}, coding, layers, readout, dropout)


class _Loop:
    """A connection within a loop, and what it has seen so far."""

    def __init__(self, connection: Connection, feedback: Feedback) -> None:
        self.connection, self.feedback = connection, feedback
        self.events: list[Tensor] = []

    def advance(self, x: Tensor) -> Tensor:
        """From the events (samples, source) of the next step to the current that is due."""
        self.events.append(self.connection.look(x))
        return self.connection.shifted(self.feedback(self.events))


def differences(sums: Tensor) -> Tensor:
    """Undo the sum over steps."""
    return torch.cat([sums[:1], sums[1:] - sums[:-1]])


def _sums(network: golden.Network, layer: golden.Layer) -> int:
    """Bound the sum of the currents of a layer up to any step."""
    total = all(network.values(c).total is not None for c in layer.connections)
    low, high = network.arriving(layer, total)
    return max(int(-low[-1].min()), int(high[-1].max())) * (1 if total else network.steps)


def _refuse_inexact(what: str, top: int) -> None:
    if top >= 1 << max(EXACT):
        raise InputError(f"{what} to be exact in float64, not reach {top}")
