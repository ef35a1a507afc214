"""Builders: what tests make layers, networks, layouts and samples of.

Layers by themselves: `Law`, and of a law `chain_of`, `network_of`, `bounds_of`, `part_of`.
Chains: `random_chain`, `delayed_chain`, `recurrent_chain`, from a seed; `with_delays`.
Graphs: `random_network`, any lawful one without maps, mostly with activity; `random_mapping`, a
layout of it. Over maps there are those of maps.py.
Samples: `random_samples` of a network; `random_images`, `random_events`; `worst`, the extreme ones.

All that is random comes from a seed or a generator of NumPy; strategies.py draws the same by
hypothesis.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from types import SimpleNamespace
from typing import ClassVar, TypeVar

import numpy as np

from spikeline.model.bounds import prove
from spikeline.model.codings import KINDS as CODINGS
from spikeline.model.codings import Coding
from spikeline.model.codings.counts import Counts
from spikeline.model.codings.graded import Graded
from spikeline.model.codings.latency import Latency
from spikeline.model.network import Connection, Layer, Network, blocks, chain
from spikeline.model.neurons import Neurons
from spikeline.model.neurons.neuron import RESETS, ROUNDINGS, Neuron
from spikeline.model.neurons.parallel import Parallel
from spikeline.model.readouts import KINDS as READOUTS
from spikeline.model.readouts import readout as make_readout
from spikeline.model.readouts.final_membrane import FinalMembrane
from spikeline.model.readouts.first_spike import FirstSpike
from spikeline.model.readouts.protocol import Readout
from spikeline.model.synapses import Synapses
from spikeline.model.synapses.delayed import Delayed
from spikeline.model.synapses.dense import Dense
from spikeline.model.values import Values
from spikeline.model.views import View
from spikeline.model.views.crop import Crop
from spikeline.model.views.flatten import Flatten
from spikeline.model.width import Bounds
from spikeline.plan.layout import Layout, Part
from spikeline.plan.mapping import Mapping
from spikeline.plan.unit import Unit

__all__ = [
    "NEURONS",
    "Dice",
    "Law",
    "bounds_of",
    "chain_of",
    "delayed_chain",
    "draw_network",
    "network_of",
    "part_of",
    "random_chain",
    "random_events",
    "random_images",
    "random_mapping",
    "random_network",
    "random_samples",
    "random_taps",
    "recurrent_chain",
    "recurrent_layer",
    "with_delays",
    "worst",
]

# Fields of neurons of one kind each.
NEURONS = {
    "once": {"once": True},
    "zero": {"reset": "zero"},
    "shift": {"leak": (7, 3), "reset": "subtract"},
    "multiply": {"leak": (5, 3), "reset": "zero", "clamp": (-30, 30)},
}
# Of layers and inputs of random graphs.
NAMES = ("a", "b7", "conv_1", "Dense", "hidden", "output", "wire", "relay_2_b", "V1", "readout")
INPUTS = ("input", "left", "right", "x", "kernels")

T = TypeVar("T")


@dataclass(frozen=True)
class Declared:
    """Input that comes as it is, and is within a declaration."""

    kind: ClassVar[str] = "declared"
    packs: ClassVar[bool] = False
    counted: ClassVar[bool] = True

    limit: int
    once: bool = False

    @property
    def values(self) -> Values:
        """What an input may be."""
        return Values(self.limit, self.limit if self.once else None)

    def encode(self, samples: np.ndarray, steps: int, inputs: int) -> np.ndarray:
        """Give samples (samples, steps, inputs) by step."""
        return np.asarray(samples).transpose(1, 0, 2).astype(np.uint8)


@dataclass(frozen=True, eq=False)
class Law:
    """A layer of a chain: synapses, neurons, perhaps recurrent synapses; a shift of currents."""

    synapses: Synapses
    neuron: Neurons
    recurrent: Synapses | None = None
    shift: int = 0

    def run(self, s: np.ndarray, limit: int) -> tuple[np.ndarray, np.ndarray]:
        """Run events (steps, samples, pre) up to `limit`; returns spikes and membranes."""
        net = network_of(self, len(s), limit)
        run = net.run(s.transpose(1, 0, 2), record=True)
        return run.spikes["layer0"], run.membranes["layer0"]


def chain_of(
    steps: int, inputs: int, coding: Coding, laws: Sequence[Law], readout: Readout
) -> Network:
    """Make a network of layers that follow one another."""
    plain = chain(
        steps, inputs, coding, [(x.synapses, x.neuron, x.recurrent) for x in laws], readout
    )
    if not any(law.shift for law in laws):
        return plain
    layers = {
        name: replace(
            layer, connections=tuple(replace(c, shift=law.shift) for c in layer.connections)
        )
        for (name, layer), law in zip(plain.layers.items(), laws, strict=True)
    }
    return replace(plain, layers=layers)


def network_of(law: Law, steps: int, limit: int = 1, once: bool = False) -> Network:
    """Make a network of one layer, whose input is within a declaration."""
    coding = Declared(limit, once)
    return chain_of(steps, law.synapses.pre, coding, [law], FinalMembrane())


def bounds_of(law: Law, steps: int, limit: int = 1, once: bool = False) -> Bounds:
    """Prove the bounds of a layer."""
    return prove(network_of(law, steps, limit, once))["layer0"]


def part_of(
    law: Law,
    unit: Unit,
    steps: int,
    limit: int = 1,
    once: bool = False,
    measures: bool = False,
) -> Part:
    """Lay out a layer: as the last one, whose membranes are read, or as one with another behind."""
    if measures:
        net = network_of(law, steps, limit, once)
        return Layout.of(net, Mapping({"layer0": unit})).parts["layer0"]
    behind = Law(Dense(np.ones((1, law.synapses.post), int), 2), Neuron(np.zeros(1, int), None))
    coding = Declared(limit, once)
    assert law.neuron.fires, "what never fires feeds no layer"
    net = chain_of(steps, law.synapses.pre, coding, [law, behind], FinalMembrane())
    units = {"layer0": unit, "layer1": Unit(1, 1, 1)}
    return Layout.of(net, Mapping(units)).parts["layer0"]


def random_chain(
    seed: int,
    sizes: tuple[int, ...] = (9, 7, 4),
    steps: int = 4,
    kind: str = "first-spike",
    neurons: tuple[dict, ...] | dict = NEURONS["once"],
    coding: Coding = Latency(64),  # noqa: B008
    theta: tuple[int, int] = (2, 9),
) -> Network:
    """Make a chain of dense layers of random weights."""
    rng = np.random.default_rng(seed)
    if isinstance(neurons, dict):
        neurons = (neurons,) * (len(sizes) - 1)
    made = [
        Law(
            Dense(rng.integers(-5, 8, (post, pre)), 4),
            Neuron(rng.integers(-1, 2, post), rng.integers(*theta, post), **fields),
        )
        for (pre, post), fields in zip(pairwise(sizes), neurons, strict=True)
    ]
    weights = rng.integers(-3, 9, steps) if kind == "weighted-sum" else None
    return chain_of(steps, sizes[0], coding, made, make_readout(kind, weights))


def random_taps(
    seed: int, pre: int, post: int, taps: int, window: int, axonal: bool = False, low: int = -8
) -> Delayed:
    """Make random taps; the longest delay is among them."""
    rng = np.random.default_rng(seed)
    delays = rng.integers(0, window, (1 if axonal else post, pre, taps))
    delays.flat[seed % delays.size] = window - 1
    return Delayed(rng.integers(low, 8, (post, pre, taps)), delays, 4, window)


def delayed_chain(seed: int, kind: str = "spike-count", neurons: str = "shift") -> Network:
    """Make a chain of three layers with random delays."""
    net = random_chain(seed, (9, 8, 7, 5), 7, kind, NEURONS[neurons], Counts(3), (2, 9))
    sizes = ((9, 8), (8, 7), (7, 5))
    made = [
        Law(random_taps(seed + n, *size, *of), layer.neuron)
        for n, (layer, size, of) in enumerate(
            zip(net.layers.values(), sizes, [(2, 3), (1, 5), (3, 4, True, -5)], strict=True)
        )
    ]
    return chain_of(7, 9, net.coding, made, net.readout)


def recurrent_layer(
    seed: int, kind: tuple[int, int, int], post: int = 9, pre: int = 6, **law
) -> Law:
    """Make a recurrent layer of random weights and delays; some neurons excite themselves.

    `kind`: taps and window of the synapses, and the longest delay of the recurrent ones.
    """
    taps, window, back = kind
    rng = np.random.default_rng(seed)
    forward = random_taps(seed, pre, post, taps, window)
    weights = rng.integers(-5, 6, (post, post, 1))
    delays = rng.integers(1, back + 1, (1 if seed % 2 else post, post, 1))
    cells = Neuron(rng.integers(-1, 2, post), rng.integers(3, 12, post), **law)
    dense = Dense(forward.weights[..., 0], 4) if window == 1 else forward
    return Law(dense, cells, Delayed(weights, delays, 4, back + 1))


def recurrent_chain(seed: int, sizes: tuple[int, ...], kind: str = "spike-count") -> Network:
    """Make a chain whose layers all are recurrent, with and without delays of their inputs."""
    kinds = [(1, 1, 4), (2, 3, 2), (1, 1, 1)]
    made = [
        recurrent_layer(seed + n, kinds[n % 3], post, pre, leak=(7, 3), reset="subtract")
        for n, (pre, post) in enumerate(pairwise(sizes))
    ]
    return chain_of(7, sizes[0], Counts(3), made, make_readout(kind))


def with_delays(*windows: int) -> Network:
    """Make a chain of 3-4-4-..., with delays where a window is not 0, of unit weights."""
    pre, layers = 3, []
    for window in windows:
        synapses = Dense(np.ones((4, pre), int), 2)
        if window:
            delays = np.full((1, pre, 1), window - 1)
            synapses = Delayed(np.ones((4, pre, 1), int), delays, 2, window)
        layers.append(Law(synapses, Neuron(np.zeros(4, int), np.ones(4, int))))
        pre = 4
    return chain_of(max(windows) + 1, 3, Latency(), layers, FirstSpike())


def random_samples(rng: np.random.Generator, network: Network, n: int) -> np.ndarray:
    """Draw n samples of a network, from dark to bright."""
    if network.coding.kind == "counts":
        mean = rng.choice([0.2, 0.5, 1, 3, 300], (n, 1, 1))
        return rng.poisson(mean, (n, network.steps, network.width))
    bright = rng.random((n, network.width)) < rng.random((n, 1))
    return np.where(bright, 255, rng.integers(0, 256, bright.shape)).astype(np.uint8)


def random_images(seed: int, count: int, inputs: int) -> np.ndarray:
    """Make pixels, from dark to bright images."""
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 256, (count, inputs))
    return np.where(rng.random((count, 1)) < 0.3, x // 3, x).astype(np.uint8)


def random_events(
    seed: int, steps: int, count: int, pre: int, limit: int = 1, once: bool = False
) -> np.ndarray:
    """Make events of all densities (steps, count, pre), within the declaration."""
    rng = np.random.default_rng(seed)
    density = rng.choice([0.0, 0.2, 0.6, 1.0], (1 if once else steps, count, 1))
    s = (rng.random((steps, count, pre)) < density) * rng.integers(1, limit + 1, (count, pre))
    if once:
        s *= rng.integers(0, steps, (count, pre)) == np.arange(steps)[:, None, None]
    return s.astype(np.uint8)


def worst(network: Network, name: str, neuron: int, high: bool) -> np.ndarray:
    """Find inputs that drive a neuron to an end of its bounds, where that is reached.

    It is reached where the layer's first connection, without views, is its only one, has one tap
    from every input, and the neuron has no reset; with a reset the lower end, without delays.
    Every input whose (first) weight has the fitting sign comes with its largest value: in every
    step, or, where inputs have a total, so that all arrive in the one step that goes furthest.

    Returns
    -------
    uint8 (steps, pre)
    """
    layer, steps = network.layers[name], network.steps
    n, connection = layer.neuron, layer.connections[0]
    synapses, values = connection.synapses, network.values(connection)
    w = synapses.weights.reshape(synapses.post, synapses.pre, -1)[neuron, :, 0]
    delays = np.full(len(w), connection.delay)
    if synapses.kind == "delayed":
        delays += synapses.delays[neuron if len(synapses.delays) > 1 else 0, :, 0]
    drives = np.flatnonzero(w > 0 if high else w < 0)
    s = np.zeros((steps, len(w)), np.uint8)
    if values.total is None:
        s[:, drives] = values.limit
        return s
    u, course = np.zeros(1, np.int64), []
    for t in range(steps):
        arrived = drives[delays[drives] <= t]
        u = n.decay(u) + n.bias[neuron]
        course.append(
            int(u[0]) + (int(w[arrived].sum(dtype=int)) * values.limit << connection.shift)
        )
        u = n.clamped(u)
    at = int(np.argmax(course) if high else np.argmin(course))
    drives = drives[delays[drives] <= at]
    s[at - delays[drives], drives] = values.limit
    return s


class Dice:
    """What a network is drawn with; 0, the first of several and False are the simplest."""

    def __init__(self, rng: np.random.Generator) -> None:
        """Draw all with NumPy's random numbers."""
        self.rng = rng

    def number(self, low: int, high: int) -> int:
        """Draw an integer in ``low..high``."""
        return int(self.rng.integers(low, high + 1))

    def chance(self, of: int) -> bool:
        """Come true once in so many times."""
        return self.number(1, of) == of

    def one(self, values: Collection[T]) -> T:
        """Draw one of several."""
        return list(values)[self.number(0, len(values) - 1)]

    def names(self, values: Sequence[str], count: int) -> list[str]:
        """Draw different names."""
        left = list(values)
        return [left.pop(self.number(0, len(left) - 1)) for _ in range(count)]


@dataclass
class Plan:
    """What may be drawn; ranges are inclusive."""

    layers: tuple[int, int] = (1, 5)
    inputs: tuple[int, int] = (1, 3)
    size: tuple[int, int] = (1, 9)
    steps: tuple[int, int] = (1, 8)
    bits: tuple[int, int] = (2, 16)
    feedback: bool = True
    codings: Collection[str] = tuple(CODINGS)
    synapses: Collection[str] = ("dense", "delayed")
    readouts: Collection[str] = tuple(READOUTS)
    views: Collection[str] = ("crop", "flatten")
    roundings: Collection[str] = ROUNDINGS
    parallel: int = 4  # once in so many layers neurons are parallel; 0 is never


def random_network(rng: np.random.Generator, *, small: bool = True, **plan) -> Network:
    """Draw a network.

    Parameters
    ----------
    rng : Generator
    small : bool
        Layers of 1..9 neurons and 1..8 steps; else of 8..40 neurons, and 4..16 steps.
    **plan
        Fields of `Plan`: how many there may be of what, and of which kinds.
    """
    return draw_network(Dice(rng), small, plan)


def random_mapping(rng: np.random.Generator, network: Network) -> Mapping:
    """Draw a layout: lanes, sweeps, engines of delays, and queues that may hold one vector."""
    sizes = [layer.size for layer in network.layers.values()]
    lanes = [int(rng.integers(1, n + 1)) for n in sizes]
    sweep = [int(rng.choice([s for s in range(1, p + 1) if p % s == 0])) for p in lanes]
    delay = [str(rng.choice(["auto", "line", "wheel"])) for _ in sizes]
    queue = [int(rng.choice([1, 2, 3, 16])) for _ in sizes]
    products = [str(rng.choice(["one", "all"])) for _ in sizes]
    return Mapping.of(network, lanes, sweep, 0, delay, queue, products=products)


def draw_network(dice: Dice, small: bool, plan: dict) -> Network:
    """Draw a network with any dice; the other arguments are those of `random_network`."""
    sizes = {} if small else {"size": (8, 40), "steps": (4, 16)}
    p = Plan(**{**sizes, **plan})
    draft = Draft(dice, p, steps=dice.number(*p.steps))
    for name in dice.names(INPUTS, dice.number(*p.inputs)):
        draft.sizes[name] = draft.size()
        draft.inputs.append(name)
    for name in dice.names(NAMES, dice.number(*p.layers)):
        draft.sizes[name] = draft.size()
        draft.layers.append(name)
    coding = CODE[dice.one(p.codings)](dice)
    draft.held = coding.values.constant and not dice.chance(3)
    draft.wire()
    kind = dice.one(p.readouts)
    weights = dice.rng.integers(-99, 100, draft.steps) if kind == "weighted-sum" else None
    layers = {name: draft.layer(name, coding) for name in draft.layers}
    last = layers[draft.layers[-1]]
    feeds = any(draft.layers[-1] in w.sources for wires in draft.wires.values() for w in wires)
    leaks = isinstance(last.neuron, Neuron)
    if leaks and not READOUTS[kind].needs_threshold and not feeds and dice.chance(2):
        neuron = replace(last.neuron, threshold=None, once=False)
        layers[draft.layers[-1]] = replace(last, neuron=neuron)
    inputs = {name: draft.sizes[name] for name in draft.inputs}
    network = Network(draft.steps, inputs, coding, layers, make_readout(kind, weights))
    return _awake(dice, network)


CODE: dict[str, Callable[[Dice], Coding]] = {
    "latency": lambda dice: Latency(dice.one([64, 1, 128, 255])),
    "graded": lambda dice: Graded(dice.one([0, 4, 7]), dice.chance(2)),
    "counts": lambda dice: Counts(dice.one([1, 2, 7, 255])),
}


@dataclass
class Wire:
    """A connection to be: names, views, delay, and the number of addresses behind the views."""

    sources: list[str]
    views: tuple[View, ...]
    delay: int
    recurrent: bool
    pre: int


@dataclass
class Draft:
    """A network on its way."""

    dice: Dice
    plan: Plan
    steps: int
    sizes: dict[str, int] = field(default_factory=dict)
    inputs: list[str] = field(default_factory=list)
    layers: list[str] = field(default_factory=list)
    held: bool = False  # inputs feed the first layer alone, which can hold what they add
    wires: dict[str, list[Wire]] = field(default_factory=dict)
    kernels: list[Synapses] = field(default_factory=list)

    def size(self) -> int:
        """Draw a size, often one that is there already, so that sources can be added."""
        if self.sizes and not self.dice.chance(3):
            return self.dice.one(list(self.sizes.values()))
        return self.dice.number(*self.plan.size)

    def wire(self) -> None:
        """Connect the layers; all reach the last."""
        dice, loops = self.dice, self.plan.feedback and self.steps > 1
        for n, name in enumerate(self.layers):
            before = [*self.inputs, *self.layers[:n]]
            before = before[len(self.inputs) :] or before if self.held else before
            self.wires[name] = [self.between([dice.one(before[::-1][:2])], before, False)]
            for _ in range(dice.one([0, 0, 1, 1, 2])):
                self.wires[name].append(self.between([dice.one(before)], before, False))
            if loops and dice.chance(2):
                later = self.layers[n:]
                self.wires[name].append(self.between([dice.one(later)], later, True))
            if loops and dice.chance(20):  # fed by itself or later ones alone
                self.wires[name] = [self.between([dice.one(self.layers[n:])], [], True)]
        for n, name in enumerate(self.layers[:-1]):
            self.end(name, self.layers[n + 1 :], loops)

    def end(self, name: str, later: list[str], loops: bool) -> None:
        """Lead a layer that feeds no later one to one of them, or now and then back."""
        dice = self.dice
        if any(name in wire.sources for target in later for wire in self.wires[target]):
            return
        if loops and dice.chance(6) and self.ends(name):
            return
        self.wires[dice.one(later)].append(self.between([name], [], False))

    def ends(self, name: str) -> bool:
        """Whether a layer reaches the last one, by what is wired so far."""
        alive, left = set(), [self.layers[-1]]
        while left:
            at = left.pop()
            if at in self.wires and at not in alive:
                alive.add(at)
                left += [source for wire in self.wires[at] for source in wire.sources]
        return name in alive

    def between(self, sources: list[str], others: list[str], recurrent: bool) -> Wire:
        """Draw a connection from a source, and maybe from others of its size."""
        dice, size = self.dice, self.sizes[sources[0]]
        same = [other for other in others if self.sizes[other] == size]
        while len(sources) < 3 and same and dice.chance(3):
            sources.append(dice.one(same))
        views: list[View] = []
        while self.plan.views and len(views) < 2 and dice.chance(4):
            kind = dice.one(self.plan.views)
            if kind == "crop":
                start = dice.number(0, size - 1)
                size = dice.number(1, size - start)
                views.append(Crop(start, size))
            else:
                views.append(Flatten())
        late = dice.chance(3) and not self.holds(sources)
        delay = dice.number(int(recurrent), 3) if recurrent or late else 0
        return Wire(sources, tuple(views), min(delay, self.steps - 1), recurrent, size)

    def holds(self, sources: Sequence[str]) -> bool:
        """Whether what sources bring is to be held."""
        return self.held and sources[0] in self.inputs

    def layer(self, name: str, coding: Coding) -> Layer:
        """Make a layer of its wires."""
        post, connections, power = self.sizes[name], [], 0.0
        for wire in self.wires[name]:
            synapses, delay = self.kernel(wire, post)
            shift = self.dice.number(0, 3) if self.dice.chance(3) else 0
            if synapses.bits <= 8 and self.dice.chance(20):
                shift = 15
            connections.append(Connection(tuple(wire.sources), synapses, wire.views, delay, shift))
            largest = coding.values.limit if wire.sources[0] in self.inputs else 1
            weights = synapses.weights.astype(float) * (1 << shift) * largest / 3
            power += float((weights**2).sum()) / post
        scale = min(max(1, int(power**0.5)), 1 << 28)
        if self.plan.parallel and self.dice.chance(self.plan.parallel):
            return Layer(tuple(connections), self.parallel(name, post, min(scale, 1 << 20)))
        return Layer(tuple(connections), self.neuron(post, scale))

    def parallel(self, name: str, size: int, scale: int) -> Parallel:
        """Draw parallel neurons; those that loops lead through see no whole samples."""
        rng, dice = self.dice.rng, self.dice
        wired = {n: SimpleNamespace(connections=wires) for n, wires in self.wires.items()}
        block = next(block for block in blocks(wired) if name in block)
        loops = any(s in block for n in block for wire in self.wires[n] for s in wire.sources)
        whole = not loops and dice.chance(3)
        rows = self.steps if whole or dice.chance(2) else 1
        taps = self.steps if whole else dice.number(1, self.steps)
        most = (self.steps - 1) // max(1, taps - 1)
        half = 1 << dice.number(1, 7)
        return Parallel(
            rng.integers(-scale // 4, scale // 4 + 1, size) * int(dice.chance(2)),
            rng.integers(-scale * half // 4, scale * half + 1, (size, rows)),
            rng.integers(-half, half, (dice.one([1, size]), rows, taps)),
            1 if whole else dice.number(1, max(1, most)),
            whole,
        )

    def kernel(self, wire: Wire, post: int) -> tuple[Synapses, int]:
        """Draw synapses, now and then ones that are there; with the delay of the connection."""
        dice, delay = self.dice, wire.delay
        for known in self.kernels:
            if (known.post, known.pre) == (post, wire.pre) and dice.chance(5):
                least = max(0, int(wire.recurrent) - known.earliest)
                if known.latest + least < self.steps:
                    return known, max(least, min(delay, self.steps - 1 - known.latest))
        bits = dice.one([b for b in (4, 3, 6, 8, 2, 5, 9, 12, 16) if self.allows(b)])
        low, high = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
        shape = (post, wire.pre)
        if dice.one(self.plan.synapses) == "dense" or self.holds(wire.sources):
            made: Synapses = Dense(self.weights(shape, low, high), bits)
        else:
            shape = (*shape, dice.number(1, 3))
            window = dice.number(1, self.steps)
            if wire.recurrent and dice.chance(2) and window > 1:
                delay = 0  # the taps have it themselves
            else:
                delay = min(delay, self.steps - window) or int(wire.recurrent)
                window = min(window, self.steps - delay)
            rows = dice.one([post, 1])
            least = int(wire.recurrent and not delay)
            delays = dice.rng.integers(least, window, (rows, *shape[1:]))
            spare = dice.number(0, 2)
            made = Delayed(self.weights(shape, low, high), delays, bits, window + spare)
        self.kernels.append(made)
        return made, delay

    def allows(self, bits: int) -> bool:
        """Whether weights may have this width."""
        return self.plan.bits[0] <= bits <= self.plan.bits[1]

    def weights(self, shape: tuple[int, ...], low: int, high: int) -> np.ndarray:
        """Draw weights: some to the ends of their range, some sparse, some mostly positive."""
        rng, dice = self.dice.rng, self.dice
        w = rng.integers(low, high + 1, shape)
        if dice.chance(3):
            w = np.where(rng.random(shape) < 0.5, 0, w)
        if dice.chance(3):
            w = np.where(rng.random(shape) < 0.7, np.minimum(np.abs(w), high), w)
        if dice.chance(6):
            w = np.where(rng.random(shape) < 0.5, low, high)
        return w

    def neuron(self, size: int, scale: int) -> Neuron:
        """Draw neurons whose constants fit currents of about `scale`."""
        rng, dice = self.dice.rng, self.dice
        k = dice.one([0, 0, 1, 2, 4, 8, 12, 15])
        m = dice.one(
            [1 << k, (1 << k) - 1, dice.number(0, 1 << k), dice.number(1 << k >> 1, 1 << k)]
        )
        clamp = None
        if dice.chance(4):
            clamp = -dice.number(0, 2 * scale), dice.number(0, 4 * scale)
        once = dice.chance(4)
        quarter = scale // 4 + 1
        bias = rng.integers(-quarter, quarter + 1, size) if dice.chance(2) else np.zeros(size, int)
        return Neuron(
            bias,
            rng.integers(1, 2 * scale + 1, size),
            (m, k),
            clamp,
            "none" if once else dice.one(RESETS),
            once,
            dice.one(self.plan.roundings),
        )


def _awake(dice: Dice, network: Network) -> Network:
    """Set most thresholds where the membranes of some samples are."""
    samples = random_samples(dice.rng, network, 4)
    for name, layer in network.layers.items():
        if not layer.neuron.fires or dice.chance(8):
            continue
        h = network.run(samples, record=True).membranes[name]
        share, least = dice.rng.uniform(0.4, 1), 1
        theta = np.quantile(h, share, axis=(0, 1)).astype(np.int64)
        if isinstance(layer.neuron, Parallel):
            rows = layer.neuron.threshold.shape[1]
            theta = np.quantile(h, share, axis=1).astype(np.int64).T if rows > 1 else theta[:, None]
            least = -(1 << 31)
        neuron = replace(layer.neuron, threshold=np.clip(theta, least, (1 << 31) - 1))
        network = replace(network, layers={**network.layers, name: replace(layer, neuron=neuron)})
    return network
