"""Architectures: what a network is to be, as a value; the three ways to write one down.

    Sequential(Linear(64), LIF(7 / 8), Linear(10), LI(), ...)    a chain
    Graph(...).layer(...), .output(...)                          layers that name their sources
    Architecture(...)                                            the value that both of them make

Sizes of inputs are inferred, and networks are drawn at random, with torch's own seed, layer by
layer.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from math import prod
from typing import Any

import numpy as np

from ..model.check import instance, integer, is_instance, real, several, shown, word
from ..model.codings import Coding
from ..model.errors import InputError
from ..model.maps import Map
from ..model.readouts import readout as readout_of
from ..model.readouts.protocol import Readout
from ..model.views import View
from ..model.views.channels_last import ChannelsLast
from . import codings
from .layers import WholeSpec
from .network import Connection, Layer, Network
from .neurons import SPECS as NEURONS
from .neurons import Neurons, NeuronsSpec
from .synapses import SPECS as SYNAPSES
from .synapses import Synapses, SynapsesSpec
from .synapses.delayed import DelayedLinear
from .views import ViewSpec, after

Inputs = int | tuple[int, int, int]

__all__ = ["Architecture", "ConnectionSpec", "Graph", "LayerSpec", "Sequential", "naming"]


@dataclass(frozen=True, slots=True)
class ConnectionSpec:
    """What feeds a layer, and by which synapses.

    Parameters
    ----------
    sources : str or several
        Inputs and layers, by name; what several of them fire is added.
    synapses : SynapsesSpec, or Synapses that are there already (several connections may share them)
    views, delay, shift : as in model/network.py
    """

    sources: tuple[str, ...]
    synapses: SynapsesSpec | Synapses
    views: tuple[View | ViewSpec, ...] = ()
    delay: int = 0
    shift: int = 0

    def __post_init__(self) -> None:
        sources = (self.sources,) if isinstance(self.sources, str) else self.sources
        object.__setattr__(self, "sources", several("Connection sources", sources, str))
        object.__setattr__(self, "views", several("Connection views", self.views, View | ViewSpec))
        instance("Connection synapses", self.synapses, SynapsesSpec | Synapses, _names(SYNAPSES))
        integer("Connection delay", self.delay, 0, 1 << 15)
        integer("Connection shift", self.shift, 0, 15)

    def look(self, before: Map) -> tuple[list[View], Map]:
        """Make the views of a map, and tell the one that they show."""
        made = []
        for view in self.views:
            made.append(view.build(before) if isinstance(view, ViewSpec) else view)
            before = after(made[-1], before)
        return made, before

    @property
    def places(self) -> int:
        """Of how many places the views bring sums that stand for averages."""
        return prod(view.scale for view in self.views if isinstance(view, ViewSpec))

    def after(self, before: Map | None) -> Map | None:
        """Tell the map that the synapses make of that of a source, if both are known."""
        if isinstance(self.synapses, Synapses):
            return getattr(self.synapses, "after", None) or Map(self.synapses.post, 1, 1)
        return self.synapses.after(before and self.look(before)[1])


@dataclass(frozen=True, slots=True)
class LayerSpec:
    """Neurons, and what feeds them.

    Parameters
    ----------
    name : str
    connections : ConnectionSpec, several
        A recurrence that `neuron` declares is added to them.
    neuron : NeuronsSpec, or Neurons that are there already
    """

    name: str
    connections: tuple[ConnectionSpec, ...]
    neuron: NeuronsSpec | Neurons

    def __post_init__(self) -> None:
        name = word("Layer name", self.name)
        fed = several(f"Layer {name} connections", self.connections, ConnectionSpec)
        object.__setattr__(self, "connections", fed)
        # Synapses have all that neurons are asked for, too.
        kinds = () if is_instance(self.neuron, SynapsesSpec) else NeuronsSpec | Neurons
        instance(f"Layer {name} neuron", self.neuron, kinds, _names(NEURONS))

    @property
    def fed_by(self) -> tuple[ConnectionSpec, ...]:
        """All connections, that of a recurrence included."""
        own = None if isinstance(self.neuron, Neurons) else self.neuron.recurrent
        if own is None:
            return self.connections
        own = own.recurrent()
        return *self.connections, ConnectionSpec((self.name,), own, delay=1 - own.least)

    def map(self, maps: Mapping[str, Map]) -> Map:
        """Tell the map of its neurons, from those of what feeds it and stands before it."""
        if isinstance(self.neuron, Neurons):
            channels = getattr(self.neuron, "channels", self.neuron.size)
            return Map(channels, self.neuron.size // channels, 1)
        for c in self.connections:
            known = [maps[source] for source in c.sources if source in maps]
            with naming(self.name):
                found = c.after(known[0] if known else None)
            if found is not None:
                return found
        raise InputError(
            f"Layer {self.name} must have a number of neurons: give it to the synapses,"
            " as in Linear(64)"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """What a network is to be.

    Parameters
    ----------
    steps : int
        T, time steps of a sample.
    inputs : int, or (channels, rows, columns), or a dict of these by name
        Number of input addresses, or the map that they are; one alone is that of ``input``.
    coding : Coding, such as Counts(7) or Latency(64)
    layers : LayerSpec, several
        The last one is the output.
    readout : Readout, or the name of one, such as "max-membrane"
    dropout : float in 0..0.95
        Share of the hidden neurons that are left out while training, for a whole sample.
    min_rate : float or None
        Inputs that fire in no larger share of the training samples have no weights; None: all have.
    """

    steps: int
    inputs: Inputs | Mapping[str, Inputs]
    coding: Coding
    layers: tuple[LayerSpec, ...]
    readout: Readout | str
    dropout: float = 0.0
    min_rate: float | None = None

    def __post_init__(self) -> None:
        integer("Network steps", self.steps, 1, 1 << 15)
        given = self.inputs if isinstance(self.inputs, Mapping) else {"input": self.inputs}
        inputs = {name: _input(name, shape) for name, shape in given.items()}
        if not inputs:
            raise InputError("Network inputs must be at least one")
        instance("Network coding", self.coding, Coding, "Counts(), Latency() or Graded()")
        made = self.readout if is_instance(self.readout, Readout) else readout_of(self.readout)
        real("Network dropout", self.dropout, 0, 0.95)
        if self.min_rate is not None:
            real("Network min_rate", self.min_rate, 0, 1)
        object.__setattr__(self, "inputs", inputs)
        object.__setattr__(self, "layers", several("Network layers", self.layers, LayerSpec))
        object.__setattr__(self, "readout", made)
        names = [*inputs, *(layer.name for layer in self.layers)]
        for name in names:
            if not isinstance(name, str) or names.count(name) > 1:
                raise InputError(
                    f"Network names must be words, each of one input or layer, not {shown(name)}"
                )
        if not self.layers:
            raise InputError("Network layers must be at least one")

    @property
    def addresses(self) -> dict[str, int]:
        """Number of addresses of each input, by name."""
        return {name: shape.size for name, shape in self.maps.items()}

    @property
    def maps(self) -> dict[str, Map]:
        """Map of each input, by name; a number of addresses is one place of as many channels."""
        assert isinstance(self.inputs, Mapping)  # made so at first
        return {
            name: Map(n, 1, 1) if isinstance(n, int) else Map(*n) for name, n in self.inputs.items()
        }

    @property
    def classifies(self) -> bool:
        """Whether its result is a class."""
        return isinstance(self.readout, Readout) and self.readout.classifies

    @property
    def width(self) -> int:
        """Number of all input addresses."""
        return sum(self.addresses.values())

    def shapes(self) -> dict[str, Map]:
        """Tell the map of each input and layer, by name."""
        maps = self.maps
        for layer in self.layers:
            for source in (source for c in layer.connections for source in c.sources):
                if source not in maps and all(source != other.name for other in self.layers):
                    raise InputError(
                        f"Layer {layer.name} must be fed by inputs or layers, not by {source!r}"
                    )
            maps[layer.name] = layer.map(maps)
        return maps

    def build(self, x: np.ndarray | None = None) -> Network:
        """Make the untrained network, by torch's own random numbers.

        Parameters
        ----------
        x : training samples, as the coding takes them; needed with a `min_rate` alone
        """
        return Network(**self.parts(x))

    def parts(self, x: np.ndarray | None = None) -> dict[str, Any]:
        """Make what `Network` is made of; as `build`."""
        connected, maps, layers = self._connected(x), self.shapes(), {}
        stages: dict[str, Any] = {}
        for layer in self.layers:
            shape = maps[layer.name]
            fed = [self._connection(layer, c, maps, connected) for c in layer.fed_by]
            neuron = layer.neuron
            if not isinstance(neuron, Neurons):
                neuron = neuron.build(shape.channels, shape.places, self.steps)
            with naming(layer.name):
                for c, made in zip(layer.fed_by, fed, strict=True):
                    if (stage := getattr(c.synapses, "stage", None)) is not None:
                        synapses: Any = made.synapses
                        synapses.share(stages.setdefault(stage, synapses))
                layers[layer.name] = Layer(fed, neuron)
        given = {"steps": self.steps, "inputs": self.addresses, "coding": self.coding}
        return given | {"layers": layers, "readout": self.readout, "dropout": self.dropout}

    def _connection(
        self,
        layer: LayerSpec,
        c: ConnectionSpec,
        maps: dict[str, Map],
        connected: dict[str, np.ndarray],
    ) -> Connection:
        if not c.sources:
            raise InputError(f"Layer {layer.name} must be fed by inputs or layers, not by nothing")
        before, synapses, first = maps[c.sources[0]], c.synapses, []
        with naming(layer.name):
            views, seen = c.look(before)
        if before.channels > 1 and before.places > 1 and c.sources[0] in self.addresses:
            # Data come channel by channel; where all inputs are alike, their order is no matter.
            first = [ChannelsLast(before.channels)] if c.views or seen.places > 1 else []
        if not isinstance(synapses, Synapses):
            if not seen.size:
                raise InputError(f"Layer {layer.name} views must leave at least one address, not 0")
            have = connected.get(c.sources[0]) if len(c.sources) == 1 and not c.views else None
            shape = maps[layer.name]
            with naming(layer.name):
                made = synapses.after(seen)
            if made is not None and made.size != shape.size:
                raise InputError(
                    f"Layer {layer.name} connections must feed equally many neurons,"
                    f" not {shape.size} and {made.size}"
                )
            if isinstance(synapses, DelayedLinear) and synapses.max_delay >= self.steps:
                raise InputError(
                    f"Layer {layer.name} max_delay must be below the {self.steps} steps of the"
                    f" network, not {synapses.max_delay}"
                )
            synapses = synapses.build(seen, shape, self.steps, have)
        return Connection(c.sources, synapses, [*first, *views], c.delay, c.shift, c.places)

    def _connected(self, x: np.ndarray | None) -> dict[str, np.ndarray]:
        """Tell which inputs fire often enough to have weights, bool by input."""
        if self.min_rate is None:
            return {}
        if x is None:
            raise InputError("Network with a min_rate must be built for training samples")
        x = codings.twin(self.coding).check(x, self.steps, self.width).cpu().numpy()
        if not len(x):
            raise InputError("Network with a min_rate must be built for training samples")
        fired = np.zeros(self.width, np.int64)
        for start in range(0, len(x), 1000):
            events = self.coding.encode(x[start : start + 1000], self.steps, self.width)
            fired = fired + events.any(axis=0).sum(axis=0)
        often = fired / len(x) > self.min_rate
        if not often.any():
            raise InputError(
                f"Network min_rate must be one that some input exceeds, not {self.min_rate:g}"
            )
        ends = np.cumsum(list(self.addresses.values()))
        return dict(zip(self.addresses, np.split(often, ends[:-1]), strict=True))


class Sequential(Network):
    """A trainable network whose layers follow one another, as torch.nn.Sequential.

    Parameters
    ----------
    *parts : synapses, neuron, synapses, neuron, ...
        They become layers ``layer0``, ``layer1``, ... Before synapses there may be views; in place
        of synapses and neuron there may be a whole layer, such as MaxPool2d(2).
    inputs, steps, coding, readout, dropout : as of `Architecture`

    Raises
    ------
    InputError
        If the parts do not alternate, or are no network.
    """

    def __init__(
        self,
        *parts: Any,
        inputs: Inputs,
        steps: int,
        coding: Coding,
        readout: Readout | str,
        dropout: float = 0.0,
    ) -> None:
        rest = [part for part in parts if not is_instance(part, View | ViewSpec | WholeSpec)]
        if not rest or len(rest) % 2:
            raise InputError(
                "Sequential must have synapses and neurons in turn, such as Linear(64), LIF(),"
                f" not {len(rest)} part{'s' * (len(rest) != 1)}"
            )
        layers: list[LayerSpec] = []
        source, seen, synapses = "input", [], None
        for part in parts:
            if synapses is None and is_instance(part, View | ViewSpec):
                seen.append(part)
            elif synapses is None and not is_instance(part, WholeSpec):
                synapses = part
            else:
                made = (part.synapses, part.neuron) if synapses is None else (synapses, part)
                name = f"layer{len(layers)}"
                fed = ConnectionSpec((source,), made[0], tuple(seen))
                layers.append(LayerSpec(name, (fed,), made[1]))
                source, seen, synapses = name, [], None
        if seen:
            raise InputError("Sequential must have views before synapses, not at its end")
        architecture = Architecture(
            steps=steps,
            inputs={"input": inputs},
            coding=coding,
            layers=tuple(layers),
            readout=readout,
            dropout=dropout,
        )
        super().__init__(**architecture.parts())


@dataclass(slots=True, kw_only=True)
class Graph:
    """A network that is being written down, layer by layer; `output` makes it.

    Layers are known by their names, which `layer` gives back. A layer may name one that comes
    later, or itself, as a source: its connection needs a delay of at least 1.

    Parameters
    ----------
    steps, inputs, coding, dropout : as of `Architecture`
    """

    steps: int
    inputs: Inputs | Mapping[str, Inputs]
    coding: Coding
    dropout: float = 0.0
    layers: list[LayerSpec] = field(default_factory=list, init=False)

    @property
    def input(self) -> str:
        """Name of the input, where there is one."""
        return next(iter(self.inputs), "input") if isinstance(self.inputs, Mapping) else "input"

    def layer(
        self,
        synapses: SynapsesSpec | Synapses | WholeSpec,
        neuron: NeuronsSpec | Neurons | str,
        *sources: str,
        name: str | None = None,
        views: Sequence[View | ViewSpec] = (),
        delay: int = 0,
        shift: int = 0,
        also: Sequence[ConnectionSpec] = (),
    ) -> str:
        """Add a layer.

        Parameters
        ----------
        synapses, neuron : what it is made of; or a whole layer, such as MaxPool2d(2), for both
        *sources : str
            Names of what feeds it; what several of them fire is added.
        name : str or None
            Its name; ``layer`` and its number by default.
        views, delay, shift : of the connection, as in model/network.py
        also : further connections, each with synapses of its own

        Returns
        -------
        str, its name
        """
        parts: tuple[Any, ...] = (synapses, neuron, *sources)
        if isinstance(synapses, WholeSpec):
            parts = (synapses.synapses, synapses.neuron, neuron, *sources)
        taken = {layer.name for layer in self.layers}
        if name is None:
            name = next(x for n in count(len(taken)) if (x := f"layer{n}") not in taken)
        if name in taken:
            raise InputError(f"Layer {name} must have a name of its own; another one is called so")
        first = ConnectionSpec(parts[2:], parts[0], views, delay, shift)  # type: ignore[arg-type]
        also = several(f"Layer {name} also", also, ConnectionSpec)
        self.layers.append(LayerSpec(name, (first, *also), parts[1]))
        return name

    def output(
        self,
        synapses: SynapsesSpec | Synapses | WholeSpec,
        neuron: NeuronsSpec | Neurons | str,
        *sources: str,
        readout: Readout | str,
        name: str = "output",
        **connection: Any,
    ) -> Network:
        """Add the last layer, as `layer` does, and make the untrained network.

        Parameters
        ----------
        readout : Readout, or the name of one
        """
        before = list(self.layers)
        self.layer(synapses, neuron, *sources, name=name, **connection)
        try:
            return self.architecture(readout).build()
        except InputError:
            self.layers = before  # so that a corrected call works
            raise

    def architecture(self, readout: Readout | str) -> Architecture:
        """Give what was written down so far, as a value."""
        return Architecture(
            steps=self.steps,
            inputs=self.inputs,
            coding=self.coding,
            layers=tuple(self.layers),
            readout=readout,
            dropout=self.dropout,
        )


@contextmanager
def naming(layer: str) -> Iterator[None]:
    """Let what is refused begin with the layer that it is about."""
    try:
        yield
    except InputError as error:
        raise InputError(f"Layer {layer}: {error}") from None


def _input(name: str, shape: Any) -> Inputs:
    """Check the size or the map of an input."""
    if not isinstance(shape, tuple | list):
        return integer(f"Network input {name}", shape, 1, 1 << 16)
    found = Map.of(f"Network input {name}", shape)
    integer(f"Network input {name}", found.size, 1, 1 << 24)
    return found.shape


def _names(specs: Mapping[str, type]) -> str:
    """List what can be given, such as ``Linear() or DelayedLinear()``."""
    names = [f"{kind.__name__}()" for kind in specs.values()]
    return f"{', '.join(names[:-1])} or {names[-1]}"
