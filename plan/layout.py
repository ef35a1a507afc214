"""The layout of a network: its parts and the streams between them, built once.

rtl/ builds what stands here, and the prediction of cycles times it.

A layer is a part: an engine, behind it one queue for each edge that leaves it, all written
together. An edge leads from a source (the input stream, or a layer) to a layer: queue, serializer,
views, and, where several edges meet, a join. In every step a join takes first the edges that come
back, which carry the step before; then the others in topological order of their sources; each up
to its tick. A fixed order makes the sequence of items, and so the cycles, a function of the sample.

No part waits for ever. Say that nothing moves. Some join waits, in step t, for an edge from source
p. From p up along empty edges stands a layer that waits for room in the queue of one of its edges,
and has not ended step t. From that edge down along layers that wait for room stands a join that
does not take the head of its edge, of a step s <= t; it waits for another edge, in a step t' < s,
or in s itself for a source before that of its own edge. So (step, number of the source) fell; it
cannot fall for ever. An edge that comes back carries step t - 1, and its queue holds all vectors
of a step, so that whoever writes it never waits for who takes it. So does every edge but the first
of several from one source to one layer, as all are written together and taken one by one. Depth is
then a matter of speed.

A layer that sees whole samples emits its first step when it has taken the last. So where it stands
on one of the ways into a join, or into layers that feed each other, and on fewer of another, the
queue of that other edge holds a whole sample: its source then never waits for the join before the
sample has been taken everywhere.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from ..model.bounds import prove
from ..model.network import Layer, Network
from ..model.views import View
from ..model.views.crop import Crop
from ..model.width import Bounds
from .engines import ENGINES
from .mapping import Mapping, event_limit, mapped
from .neurons import QUIET
from .readouts import timing
from .taps import Taps
from .unit import Unit

__all__ = ["Edge", "Layout", "Part", "first_step"]

INPUT = ""  # the input stream, as a source


@dataclass(frozen=True, slots=True)
class Edge:
    """A stream from a source to a layer.

    Attributes
    ----------
    source, target : str
        Names of layers; the source is "" for the input stream.
    number : int
        Tells it from others of the target.
    views : tuple of View
        Of the source's addresses; those that change nothing are left out.
    pre : int
        Addresses of the source.
    base, size : int
        First input of the target, and number of them.
    limit : int
        Largest value of an event.
    back : bool
        Whether it comes back: the source is the target or stands behind it.
    depth : int
        Vectors that its queue holds; of the input stream, events.
    """

    source: str
    target: str
    number: int
    views: tuple[View, ...]
    pre: int
    base: int
    size: int
    limit: int
    back: bool
    depth: int


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """The hardware of one layer.

    Attributes
    ----------
    name : str
    layer : Layer
    unit : Unit
    taps : Taps
    bounds : Bounds
    limit : int
        Largest value of one event that comes.
    edges : tuple of Edge
        What comes, in the order in which it is taken.
    outs : tuple of Edge
        What leaves.
    last : bool
        Whether it is the output, whose items the readout takes.
    measures : bool
        Whether the readout takes every vector, with its membranes, not spikes alone.
    holds : bool
        Whether events of the input come in a sample's first step alone, and what they add is held.
    steps : int
        T of the network.
    """

    name: str
    layer: Layer
    unit: Unit
    taps: Taps
    bounds: Bounds
    limit: int
    edges: tuple[Edge, ...]
    outs: tuple[Edge, ...]
    last: bool
    measures: bool
    holds: bool = False
    steps: int = 1

    @property
    def skips(self) -> bool:
        """Whether a sweep skips the folds that no event of the step reached."""
        engine, neuron = ENGINES[self.unit.engine](self.unit, self.taps), self.layer.neuron
        told = engine.marks and self.unit.folds > 1 and not self.measures and not self.holds
        return told and QUIET[neuron.kind](neuron)

    @property
    def joins(self) -> bool:
        """Whether the edges need a join."""
        return len(self.edges) > 1


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """All parts of a network.

    Attributes
    ----------
    network : Network
    mapping : Mapping
    inputs : tuple of Edge
        What leaves the input stream.
    parts : dict of Part, by name, in the order of the layers
    held : bool
        Whether a constant input is sent once, in the first step, and held by the layers it feeds.
    """

    network: Network
    mapping: Mapping
    inputs: tuple[Edge, ...]
    parts: dict[str, Part]
    held: bool

    @classmethod
    def of(cls, network: Network, mapping: Mapping) -> "Layout":
        """Lay out a network."""
        mapped(mapping, network)
        bounds, taps = prove(network), {}
        edges: dict[str, tuple[Edge, ...]] = {}
        for name in network.layers:
            taps[name] = mapping.taps(network, name)
            edges[name] = _edges(network, mapping, name, taps[name])
        edges = _deepened(network, mapping, edges)
        flat = [edge for into in edges.values() for edge in into]
        inputs = tuple(edge for edge in flat if edge.source == INPUT)
        fed = {edge.target for edge in inputs if edge.size}
        held = network.steps > 1 and network.coding.values.constant
        held = held and all(_holds(mapping.units[name], edges[name]) for name in fed)
        parts = {
            name: Part(
                name,
                layer,
                mapping.units[name],
                taps[name],
                bounds[name],
                event_limit(network, name),
                edges[name],
                tuple(edge for edge in flat if edge.source == name),
                name == network.output,
                name == network.output and timing(network.readout).measures,
                held and name in fed,
                network.steps,
            )
            for name, layer in network.layers.items()
        }
        return cls(network, mapping, inputs, parts, held)

    def sent(self, s: np.ndarray) -> np.ndarray:
        """Give what is sent of encoded samples (steps, ...): of what is held, the first step."""
        return first_step(s) if self.held else s


def first_step(s: np.ndarray) -> np.ndarray:
    """Keep the events (steps, ...) of the first step alone."""
    kept = np.zeros_like(s)
    kept[0] = s[0]
    return kept


def _holds(unit: Unit, edges: Iterable[Edge]) -> bool:
    """Whether a layer can hold what the input adds in a sample's first step.

    That is what its accumulators are then, as long as nothing else comes in that step: what comes
    back does not, and delays would spread it.
    """
    return not ENGINES[unit.engine].keeps and all(e.source == INPUT or e.back for e in edges)


def _edges(network: Network, mapping: Mapping, name: str, taps: Taps) -> tuple[Edge, ...]:
    """List what comes to a layer, in the order in which a join takes it."""
    order = list(network.layers)
    found = []
    for n, port in enumerate(taps.ports):
        given = port.source in network.inputs
        views: list[View] = list(port.views)
        pre = network.size(port.source)
        if given:
            views.insert(0, Crop(network.offset(port.source), pre))
            pre = network.width
        edge = Edge(
            INPUT if given else port.source,
            name,
            n,
            (),
            pre,
            port.base,
            port.size,
            network.declared(port.source).limit,
            port.recurs,
            mapping.units[name].queue if given else mapping.units[port.source].queue,
        )
        for view in views:
            if not np.array_equal(view.table(pre), np.arange(pre)[:, None]):
                edge = replace(edge, views=(*edge.views, view))
            pre = view.size(pre)
        if port.recurs or any(edge.source == other.source for other in found):
            edge = replace(edge, depth=max(edge.depth, _step(network, mapping, edge.source)))
        found.append(edge)
    if all(edge.back for edge in found):
        # Nothing but what comes back: the input stream tells when steps end.
        none = Edge(INPUT, name, len(found), (Crop(0, 0),), network.width, 0, 0, 1, False, 1)
        found.append(none)
    rank = {INPUT: -1, **{n: i for i, n in enumerate(order)}}
    return tuple(sorted(found, key=lambda edge: (not edge.back, rank[edge.source])))


def _deepened(
    network: Network, mapping: Mapping, edges: dict[str, tuple[Edge, ...]]
) -> dict[str, tuple[Edge, ...]]:
    """Let edges hold a whole sample where others of the same loop, or into the same layer, come
    behind more layers that see whole samples."""
    behind, found = {INPUT: 0}, {}  # how many such layers lead to a source, at most
    for block in network.blocks():
        outer = [edge for name in block for edge in edges[name] if edge.source not in block]
        most = max((behind[edge.source] for edge in outer), default=0)
        whole = {e.source: network.steps * _step(network, mapping, e.source) for e in outer}
        for name in block:
            behind[name] = most + network.layers[name].neuron.whole
            found[name] = tuple(
                replace(edge, depth=max(edge.depth, whole[edge.source]))
                if edge in outer and behind[edge.source] < most
                else edge
                for edge in edges[name]
            )
    return found


def _step(network: Network, mapping: Mapping, source: str) -> int:
    """Count the items that a source may emit in one step."""
    if source == INPUT:
        return network.width + 1  # an event of each address, and the tick
    unit = mapping.units[source]
    return unit.folds * unit.groups
