"""The network: a graph of named layers, and the one loop over time.

A connection feeds a layer with what its sources emit:

    I_c[t] = synapses(views(sum over sources of s_source[t - delay]))        s = 0 before step 0

and the neurons of the layer take the sum over its connections of I_c << shift. A source is an input
or a layer. Layers stand in topological order; a spike of a layer at step t reaches the layers
behind it at the same step t. A connection from the layer itself or from a later one is recurrent:
what it brings is at least one step old. Every sample starts from the reset state.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import add
from pathlib import Path
from typing import Any

import numpy as np

from .check import array, function, instance, integer, is_instance, several, shown
from .codings import Coding
from .errors import InputError
from .neurons import Neurons
from .readouts.protocol import Decision, Readout
from .synapses import Synapses
from .values import Values
from .views import View

__all__ = [
    "Connection",
    "Layer",
    "Network",
    "Run",
    "accuracy",
    "blocks",
    "chain",
    "names",
    "of_model",
    "recorded",
]

NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*(_[A-Za-z0-9]+)*", re.ASCII)
LIMIT = (1 << 16) - 1  # largest value that sources may have together


@dataclass(frozen=True, slots=True, eq=False)
class Connection:
    """Synapses, and what they are fed by.

    Parameters
    ----------
    sources : tuple of str
        Names of inputs or layers of one size; their events add.
    synapses : Synapses
        Several connections may hold the same object: the kernel is then stored once.
    views : tuple of View
        What maps the addresses of the sources to those of the synapses, in this order.
    delay : int, 0..1023, steps
        What every tap is delayed by beside its own delay.
    shift : int, 0..15, bits
        Left shift of the current.
    """

    sources: tuple[str, ...]
    synapses: Synapses
    views: tuple[View, ...] = ()
    delay: int = 0
    shift: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "sources", names("Connection sources", self.sources))
        object.__setattr__(self, "views", several("Connection views", self.views, View))
        object.__setattr__(self, "delay", integer("Connection delay", self.delay, 0, 1023))
        object.__setattr__(self, "shift", integer("Connection shift", self.shift, 0, 15))
        instance("Connection synapses", self.synapses, Synapses, "a kind of them")

    def look(self, s: np.ndarray) -> np.ndarray:
        """Look at events (..., source) through the views."""
        return reduce(lambda seen, view: view.apply(seen), self.views, s)

    def size(self, source: int) -> int:
        """Count the addresses that the views make of those of a source."""
        return reduce(lambda size, view: view.size(size), self.views, source)


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """Neurons, and the connections that feed them.

    Parameters
    ----------
    connections : tuple of Connection
    neuron : Neurons
    """

    connections: tuple[Connection, ...]
    neuron: Neurons

    def __post_init__(self) -> None:
        fed = several("Layer connections", self.connections, Connection)
        object.__setattr__(self, "connections", fed)
        if not self.connections:
            raise InputError("Layer must have at least one connection")
        instance("Layer neuron", self.neuron, Neurons, "a kind of them")
        for connection in self.connections:
            if connection.synapses.post != self.neuron.size:
                raise InputError(
                    f"Layer neurons must number {connection.synapses.post}, as its weights have "
                    f"rows, not {self.neuron.size}"
                )

    @property
    def size(self) -> int:
        """Number of neurons."""
        return self.neuron.size


@dataclass(slots=True)
class Run:
    """The results of a golden run and, where they were recorded, all spikes and membranes.

    Attributes
    ----------
    decision : Decision
    counts : dict of int64 (samples,)
        Sum of the values of each input, and spikes of each layer, by name.
    input : uint8 (steps, samples, inputs), or None unless recorded
    spikes : dict of bool (steps, samples, neurons), by layer; empty unless recorded
    membranes : dict of int64 (steps, samples, neurons), h by layer; empty unless recorded
    """

    decision: Decision
    counts: dict[str, np.ndarray]
    input: np.ndarray | None = None
    spikes: dict[str, np.ndarray] = field(default_factory=dict)
    membranes: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def events(self) -> np.ndarray:
        """Sum of all input values, int64 (samples,)."""
        assert self.input is not None
        return self.input.sum(axis=(0, 2), dtype=np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """A frozen integer network.

    Parameters
    ----------
    steps : int >= 1
        T, the number of steps of a sample.
    inputs : dict of int, by name
        Sizes of the inputs: ranges of the addresses of one stream, in this order.
    coding : Coding
    layers : dict of Layer, by name
        In topological order; the last one is the output.
    readout : Readout
    """

    steps: int
    inputs: Mapping[str, int]
    coding: Coding
    layers: Mapping[str, Layer]
    readout: Readout

    def __post_init__(self) -> None:
        object.__setattr__(self, "steps", integer("Network steps", self.steps, 1, 1 << 15))
        for what in ("inputs", "layers"):
            if not is_instance(getattr(self, what), Mapping):
                wrong = type(getattr(self, what)).__name__
                raise InputError(f"Network {what} must be by name, not {wrong}")
            if not getattr(self, what):
                kind = what.removesuffix("s")
                raise InputError(f"Network must have at least one {kind}")
        names("Network names", (*self.inputs, *self.layers))
        inputs = {
            name: integer(f"Network input {name}", size, 1, 1 << 24)
            for name, size in self.inputs.items()
        }
        object.__setattr__(self, "inputs", inputs)
        object.__setattr__(self, "layers", dict(self.layers))
        for name, layer in self.layers.items():
            instance(f"Network layer {name}", layer, Layer, "a layer")
        instance("Network coding", self.coding, Coding, "a kind of them")
        instance("Network readout", self.readout, Readout, "a kind of them")
        if self.width > 1 << 24:
            raise InputError(f"Network inputs must number at most {1 << 24}, not {self.width}")
        for name, layer in self.layers.items():
            for connection in layer.connections:
                self._refuse_connection(name, connection)
            try:
                layer.neuron.suit(self.steps)
            except InputError as error:
                raise InputError(f"Layer {name}: {error}") from None
        for block in self.blocks():
            for name in block if self._loops(block) else ():
                if self.layers[name].neuron.whole:
                    raise InputError(
                        f"Layer {name} must be in no loop, as its neurons see whole samples"
                    )
        self._refuse_dead()
        self.readout.check(self.steps, self.last.neuron.fires)
        self._refuse_overflow()

    def _refuse_connection(self, name: str, connection: Connection) -> None:
        """Refuse what does not fit its sources, or the order of the layers."""
        synapses = connection.synapses
        for source in connection.sources:
            if source not in self.inputs and source not in self.layers:
                raise InputError(f"Layer {name} must be fed by inputs or layers, not by {source!r}")
        sizes = {self.size(source) for source in connection.sources}
        if len(sizes) > 1:
            raise InputError(
                f"Layer {name} must add sources of one size, not "
                f"{', '.join(f'{s} of {self.size(s)}' for s in connection.sources)}"
            )
        try:
            size = connection.size(sizes.pop())
        except InputError as error:
            raise InputError(f"Layer {name}: {error}") from None
        if synapses.pre != size:
            raise InputError(
                f"Layer {name} must take {size} inputs, as what comes before it gives, "
                f"not {synapses.pre}"
            )
        recurrent = [self.recurs(name, source) for source in connection.sources]
        if any(recurrent) and not all(recurrent):
            raise InputError(
                f"Layer {name} must not mix recurrent and other sources in a connection"
            )
        kind = "recurrent " if any(recurrent) else ""
        if any(recurrent) and connection.delay + synapses.earliest < 1:
            raise InputError(f"Layer {name} recurrent delays must be at least 1, not 0")
        if connection.delay + synapses.latest >= self.steps:
            raise InputError(
                f"Layer {name} {kind}delays must be below the {self.steps} steps of the network, "
                f"not {connection.delay + synapses.latest}"
            )
        if self.values(connection).limit > LIMIT:
            raise InputError(f"Layer {name} must be fed by values up to {LIMIT} in all")
        for source in connection.sources:
            if source in self.layers and not self.layers[source].neuron.fires:
                raise InputError(
                    f"Layer {source} must have a threshold, or be the output and feed nothing"
                )

    def _refuse_dead(self) -> None:
        """Refuse layers that do not reach the output."""
        alive, left = set(), [self.output]
        while left:
            name = left.pop()
            if name in self.layers and name not in alive:
                alive.add(name)
                left += [s for c in self.layers[name].connections for s in c.sources]
        for name in self.layers:
            if name not in alive:
                raise InputError(f"Layer {name} must reach the output {self.output}; it does not")

    def _refuse_overflow(self) -> None:
        """Refuse what 64-bit integers might not hold; ``v * m`` takes 16 bits more than v."""
        reach = 0
        for name, layer in self.layers.items():
            low, high = self.arriving(layer)
            most = int(np.maximum(-low[-1], high[-1]).max())
            bias = int(np.abs(layer.neuron.bias.astype(np.int64)).max())
            reach = self.steps * (most + bias) * layer.neuron.gain
            if reach >= 1 << 47:
                raise InputError(
                    f"Layer {name} must keep its membranes below 2**47, not reach {reach}"
                )
        self.readout.check_reach(reach)

    @property
    def width(self) -> int:
        """Number of input addresses."""
        return sum(self.inputs.values())

    @property
    def output(self) -> str:
        """Name of the last layer."""
        return list(self.layers)[-1]

    @property
    def last(self) -> Layer:
        """The layer that is read out."""
        return self.layers[self.output]

    @property
    def classes(self) -> int:
        """Number of neurons in the last layer."""
        return self.last.size

    @property
    def shape(self) -> str:
        """Sizes of the layers, as in ``784-128-10``."""
        return "-".join(str(n) for n in (self.width, *(x.size for x in self.layers.values())))

    def offset(self, name: str) -> int:
        """First address of an input."""
        names = list(self.inputs)
        return sum(self.inputs[n] for n in names[: names.index(name)])

    def size(self, source: str) -> int:
        """Number of addresses of an input or a layer."""
        return self.inputs[source] if source in self.inputs else self.layers[source].size

    def recurs(self, name: str, source: str) -> bool:
        """Whether a source of a layer is the layer itself or a later one."""
        order = list(self.layers)
        return source in self.layers and order.index(source) >= order.index(name)

    def declared(self, source: str) -> Values:
        """What an address of an input or a layer may be."""
        return self.coding.values if source in self.inputs else self.layers[source].neuron.values

    def values(self, connection: Connection) -> Values:
        """What an address of a connection's synapses may be."""
        declared = reduce(add, map(self.declared, connection.sources))
        return reduce(lambda values, view: view.values(values), connection.views, declared)

    def arriving(self, layer: Layer, total: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """Bound what the connections of a layer add in each step, two int64 (steps, neurons).

        With `total`, what they have added up to each step; every source must declare one.
        """
        low = np.zeros((self.steps, layer.size), np.int64)
        high = np.zeros_like(low)
        for c in layer.connections:
            values = self.values(c)
            limit = values.total if total else values.limit
            assert limit is not None
            down, up = c.synapses.arriving(limit, self.steps - c.delay)
            low[c.delay :] += down << c.shift
            high[c.delay :] += up << c.shift
        return low, high

    def encode(self, samples: np.ndarray) -> np.ndarray:
        """Encode samples as the input, uint8 (steps, samples, inputs)."""
        return self.coding.encode(samples, self.steps, self.width)

    def save(self, path: Path | str) -> None:
        """Write the network file, see `save` in store.py."""
        from .store import save

        save(self, path)

    def run(
        self,
        samples: np.ndarray,
        *,
        record: bool = False,
        keep: Collection[str] | None = None,
        batch: int = 500,
        on_progress: Callable[[int], object] | None = None,
    ) -> Run:
        """Run samples through the golden model.

        Parameters
        ----------
        samples : (samples, ...), what `coding` takes
        record : bool
            Whether to keep the input, every spike and membranes.
        keep : names of layers, or None
            Those whose membranes are kept, if any are; None: all.
        batch : int
            Samples computed at a time.
        on_progress : callable
            Called with the number of samples done, after each batch.
        """
        function("Argument on_progress", on_progress)
        batch, parts = integer("Batch", batch, 1, 1 << 24), []
        samples = array("Samples", samples)
        if not samples.ndim:
            raise InputError(f"Samples must be an array of them, not {samples}")
        for chunk in batches(samples, batch):
            parts.append(self._run(chunk, record, keep))
            if on_progress:
                on_progress(len(chunk))
        if not parts:
            raise InputError("Samples must number at least one, not 0")
        return join(parts) if len(parts) > 1 else parts[0]

    def _run(self, samples: np.ndarray, record: bool, keep: Collection[str] | None) -> Run:
        whole = self.encode(samples)
        spikes = {}
        for name, size in self.inputs.items():
            spikes[name] = whole[..., self.offset(name) : self.offset(name) + size]
        membranes: dict[str, np.ndarray] = {}
        wanted = set(self.layers if keep is None else keep)
        for block in self.blocks():
            self._run_block(block, spikes, membranes)
            for name in set(block) - wanted - {self.output}:
                del membranes[name]
        counts = {name: s.sum(axis=(0, 2), dtype=np.int64) for name, s in spikes.items()}
        run = Run(self.readout.decide(spikes[self.output], membranes[self.output]), counts)
        if record:
            run.input = whole
            run.membranes = {name: h for name, h in membranes.items() if name in wanted}
            run.spikes = {name: spikes[name] for name in self.layers}
        return run

    def blocks(self) -> list[list[str]]:
        """Cut the layers into runs of the order between which nothing comes back."""
        return blocks(self.layers)

    def _loops(self, block: Sequence[str]) -> bool:
        """Whether a block feeds itself."""
        return any(s in block for n in block for c in self.layers[n].connections for s in c.sources)

    def _run_block(
        self, block: Sequence[str], spikes: dict[str, np.ndarray], membranes: dict[str, np.ndarray]
    ) -> None:
        """Run layers that feed each other, step by step; their spikes and membranes are added."""
        steps, samples = next(iter(spikes.values())).shape[:2]
        inner: dict[str, list[tuple[str, Connection, list]]] = {name: [] for name in block}
        states = {}
        for name in block:
            layer = self.layers[name]
            membranes[name] = current = np.zeros((steps, samples, layer.size), np.int64)
            for c in layer.connections:
                outer = [source for source in c.sources if source not in block]
                if outer:
                    s = c.look(reduce(add, (spikes[source].astype(np.int64) for source in outer)))
                    current[c.delay :] += (
                        c.synapses.current(s[: steps - c.delay], self.values(c).limit) << c.shift
                    )
                weighers = c.synapses.weighers(self.values(c).limit, steps - c.delay)
                for source in set(c.sources) & set(block):
                    inner[source] += [(name, c, weighers)] * c.sources.count(source)
            if not self._loops(block):
                spikes[name], membranes[name] = layer.neuron.run(current)
                return
            states[name] = layer.neuron.start(samples)
            spikes[name] = np.empty(current.shape, bool)
        for t in range(steps):
            for name in block:
                s, h, states[name] = self.layers[name].neuron.step(states[name], membranes[name][t])
                spikes[name][t], membranes[name][t] = s, h
                for target, c, weighers in inner[name]:
                    for delay, weigh in weighers:
                        at = t + c.delay + delay
                        if at < steps:
                            membranes[target][at] += weigh(c.look(s)) << c.shift


def blocks(layers: Mapping[str, Any]) -> list[list[str]]:
    """Cut layers, of the model or trainable, into blocks, in their order.

    A recurrent connection stays within its block: no layer feeds one of an earlier block.
    """
    order = list(layers)
    reach = list(range(len(order)))  # the last layer that comes back to each
    for i, name in enumerate(order):
        for c in layers[name].connections:
            back = [order.index(source) for source in c.sources if source in layers]
            reach[i] = max([reach[i], *back])
    found, start, end = [], 0, 0
    for i in range(len(order)):
        end = max(end, reach[i])
        if end == i:
            found.append(order[start : i + 1])
            start = end = i + 1
    return found


def chain(
    steps: int,
    inputs: int,
    coding: Coding,
    stack: Sequence[tuple],
    readout: Readout,
) -> Network:
    """Make a network whose layers follow one another.

    Parameters
    ----------
    stack : sequence of (synapses, neuron) or (synapses, neuron, recurrent synapses)
        They become layers ``layer0``, ``layer1``, ...; recurrent delays are at least 1.
    """
    layers, source = {}, "input"
    for n, entry in enumerate(several("Chain stack", stack, tuple)):
        if not 2 <= len(entry) <= 3:
            raise InputError(f"Chain layer {n} must be synapses and neuron, not {len(entry)} parts")
        synapses, neuron, *recurrent = entry
        name = f"layer{n}"
        fed = [Connection((source,), synapses)]
        fed += [Connection((name,), own) for own in recurrent if own is not None]
        layers[name] = Layer(tuple(fed), neuron)
        source = name
    return Network(steps, {"input": inputs}, coding, layers, readout)


def names(what: str, values: Sequence[str]) -> tuple[str, ...]:
    """Check names: letters, digits and single underscores, as Verilog can have them."""
    if isinstance(values, str) or not isinstance(values, Sequence) or not values:
        raise InputError(f"{what} must be a sequence of names, not {shown(values)}")
    for name in values:
        if not isinstance(name, str) or not NAME.fullmatch(name):
            raise InputError(
                f"{what} must begin with a letter and go on with letters, digits and single "
                f"underscores, not {shown(name)}"
            )
    if what == "Network names" and len(set(values)) < len(values):
        twice = next(name for name in values if values.count(name) > 1)
        raise InputError(f"{what} must differ; {twice} is there twice")
    return tuple(values)


def of_model(network: Any) -> Network:
    """Check a frozen network, which a trainable one is not."""
    return instance("Network", network, Network, "a frozen one, such as export() or load() gives")


def recorded(run: Any) -> np.ndarray:
    """Give the input of a golden run that was recorded, refuse any other."""
    if not isinstance(run, Run) or run.input is None:
        raise InputError("Run must be recorded, as network.run(samples, record=True) gives it")
    return run.input


def batches(samples: np.ndarray, size: int) -> Iterator[np.ndarray]:
    """Cut samples into batches of at most `size`."""
    for start in range(0, len(samples), size):
        yield samples[start : start + size]


def join(parts: list[Run]) -> Run:
    """Join runs of consecutive samples."""
    decision = Decision(
        *(
            np.concatenate([getattr(p.decision, n) for p in parts])
            for n in ("label", "step", "score")
        )
    )
    inputs = [p.input for p in parts if p.input is not None]

    def joined(what: str, axis: int) -> dict[str, np.ndarray]:
        named = [getattr(p, what) for p in parts]
        return {name: np.concatenate([n[name] for n in named], axis) for name in named[0]}

    return Run(
        decision,
        joined("counts", 0),
        np.concatenate(inputs, axis=1) if inputs else None,
        joined("spikes", 1),
        joined("membranes", 1),
    )


def accuracy(decided: np.ndarray, labels: np.ndarray) -> float:
    """Share of decisions that equal the label."""
    return float(np.mean(np.asarray(decided) == np.asarray(labels)))
