"""Random networks over maps: `random_maps` draws one, `random_lanes` a layout of it.

`repeated` makes layers that are alike, whose kernel is one or as many.

Convolutions of every stride, padding, dilation and grouping, some causal; learned spacings;
up-sampling and pooling; sums and concatenations of sources; shared kernels; what comes back;
dense layers, delays and parallel neurons among them.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from spikeline.model.codings import Coding
from spikeline.model.codings.counts import Counts
from spikeline.model.codings.graded import Graded
from spikeline.model.codings.latency import Latency
from spikeline.model.maps import Map
from spikeline.model.network import Connection, Layer, Network
from spikeline.model.neurons import Neurons
from spikeline.model.neurons.neuron import Neuron
from spikeline.model.neurons.parallel import Parallel
from spikeline.model.readouts import KINDS as READOUTS
from spikeline.model.readouts import readout as make_readout
from spikeline.model.synapses.causal import Causal
from spikeline.model.synapses.conv import Conv
from spikeline.model.synapses.delayed import Delayed
from spikeline.model.synapses.dense import Dense
from spikeline.model.synapses.local import Local
from spikeline.model.synapses.spaced import Spaced
from spikeline.model.views import View
from spikeline.model.views.channels_last import ChannelsLast
from spikeline.model.views.pool import Pool
from spikeline.model.views.repeat import Repeat
from spikeline.plan.mapping import Mapping

from .builders import random_samples

__all__ = [
    "random_causal",
    "random_conv",
    "random_lanes",
    "random_maps",
    "random_spaced",
    "repeated",
]

CODINGS: list[Callable[[], Coding]] = [
    lambda: Latency(64),
    lambda: Counts(3),
    lambda: Graded(6),
    lambda: Graded(6, every=True),
]
LARGEST = 100  # neurons of a layer
PLACES = 16  # of a map that is up-sampled; each becomes up to nine
FOLDS = 8  # of a layer without an engine of maps; each makes every event dearer


def random_conv(rng: np.random.Generator, before: Map, bits: int = 4) -> Conv:
    """Draw a convolution that fits a map and makes no large one."""
    while True:
        kernel = tuple(int(n) for n in rng.integers(1, 4, 2))
        groups = int(rng.choice([g for g in (1, 2, 3, before.channels) if not before.channels % g]))
        outs = groups * int(rng.choice([1, 1, 2, 3, 4]))
        fields = {
            "stride": tuple(int(n) for n in rng.choice([1, 1, 2, 3], 2)),
            "padding": tuple(int(n) for n in rng.integers(0, 3, 2)),
            "dilation": tuple(int(n) for n in rng.choice([1, 1, 1, 2], 2)),
            "groups": groups,
        }
        spans = [(k - 1) * d + 1 for k, d in zip(kernel, fields["dilation"], strict=True)]
        room = [n + 2 * p for n, p in zip(before.shape[1:], fields["padding"], strict=True)]
        if any(span > n for span, n in zip(spans, room, strict=True)):
            continue
        half = 1 << (bits - 1)
        w = rng.integers(-half, half, (outs, before.channels // groups, *kernel))
        w = np.where(rng.random(w.shape) < 0.5, np.minimum(abs(w), half - 1), w)
        made = Conv(w, bits, before.shape, **fields)
        if made.post <= LARGEST:
            return made


def random_causal(rng: np.random.Generator, before: Map, steps: int) -> Causal:
    """Draw a causal convolution that fits a map, whose kernel sees 0 to `steps` - 1 steps back."""
    plane = random_conv(rng, before)
    dilation = int(rng.choice([1, 1, 2]))
    most = (steps - 1) // dilation + 1
    kernel = [plane.weights] + [
        rng.permutation(plane.weights.ravel()).reshape(plane.weights.shape)
        for _ in range(int(rng.integers(1, min(most, 3) + 1)) - 1)
    ]
    return Causal(
        np.stack(kernel, axis=2),
        plane.bits,
        before.shape,
        plane.stride,
        plane.padding,
        (dilation, *plane.dilation),
        plane.groups,
    )


def random_spaced(rng: np.random.Generator, before: Map, steps: int) -> Spaced:
    """Draw learned spacings that fit a map, some with delays, and make no large one."""
    while True:
        extent = tuple(int(n) for n in rng.choice([1, 3, 3, 5], 3))
        extent = (min(extent[0], (steps - 1) // 2 * 2 + 1), *extent[1:])
        padding = tuple(int(n) for n in rng.integers(0, 3, 2))
        if any(
            n > m + 2 * p for n, m, p in zip(extent[1:], before.shape[1:], padding, strict=True)
        ):
            continue
        groups = int(rng.choice([g for g in (1, 2, 3, before.channels) if not before.channels % g]))
        outs, each = groups * int(rng.integers(1, 4)), before.channels // groups
        taps = int(rng.integers(1, 4))
        offsets = np.stack([rng.integers(0, n, (outs, each, taps)) for n in extent])
        if rng.random() < 0.3:  # shared by all outputs and inputs
            offsets = offsets[:, :1, :1]
        weights = rng.integers(-7, 8, (outs, each, taps))
        stride = tuple(int(n) for n in rng.choice([1, 1, 2], 2))
        made = Spaced(
            weights, offsets, 4, extent, before.shape, stride=stride, padding=padding, groups=groups
        )
        if made.post <= LARGEST:
            return made


def random_parallel(rng: np.random.Generator, after: Map, steps: int, whole: bool) -> Parallel:
    """Draw parallel neurons, alike at every place; some see whole samples, if they may."""
    whole = whole and rng.random() < 0.3
    taps = steps if whole else int(rng.integers(1, steps + 1))
    rows = steps if whole or rng.random() < 0.4 else 1
    kernels = int(rng.choice([1, after.channels]))
    return Parallel(
        rng.integers(-2, 3, after.channels),
        np.zeros((after.channels, rows), int),
        rng.integers(-8, 9, (kernels, rows, taps)),
        2 if not whole and 2 * (taps - 1) < steps else 1,
        whole,
        after.places,
    )


def _neuron(rng: np.random.Generator, after: Map) -> Neuron:
    """Draw neurons, alike at every place; a third fire once and need events for that."""
    n, k = after.channels, int(rng.choice([0, 0, 1, 3]))
    if rng.random() < 0.3:
        return Neuron(np.zeros(n, int), rng.integers(2, 20, n), once=True, places=after.places)
    m = int(rng.choice([1 << k, (1 << k) - 1, rng.integers(0, (1 << k) + 1)]))
    once = bool(rng.random() < 0.4)
    return Neuron(
        rng.integers(-2, 3, n) if rng.random() < 0.4 else np.zeros(n, int),
        rng.integers(2, 20, n),
        (m, k),
        (-40, 60) if rng.random() < 0.2 else None,
        "none" if once else str(rng.choice(["none", "zero", "subtract"])),
        once,
        places=after.places,
    )


def _views(rng: np.random.Generator, before: Map, given: bool) -> tuple[tuple[View, ...], Map]:
    """Draw what looks at a map; `given`: it is an input, whose channels may come one by one."""
    views: list[View] = []
    if given and before.channels > 1 and rng.random() < 0.5:
        views.append(ChannelsLast(before.channels))
    if rng.random() < 0.3 and before.places <= PLACES:
        views.append(Repeat(before.shape, tuple(int(n) for n in rng.integers(1, 4, 2))))
        before = views[-1].after
    if rng.random() < 0.4:
        window = tuple(int(rng.integers(1, min(n, 3) + 1)) for n in before.shape[1:])
        views.append(Pool(before.shape, window))
        before = views[-1].after
    return tuple(views), before


def _kernels(layers: dict[str, Layer]) -> list[Conv]:
    """List the convolutions that feed a layer, or are the first to."""
    fed = [layer.connections[0].synapses for layer in layers.values()]
    return [synapses for synapses in fed if isinstance(synapses, Conv)]


def random_maps(rng: np.random.Generator) -> Network:
    """Draw a network; most layers have spikes in some samples."""
    steps, names = int(rng.integers(2, 6)), ["input"]
    maps = {"input": Map(*(int(n) for n in (rng.integers(1, 4), *rng.integers(2, 7, 2))))}
    layers: dict[str, Layer] = {}
    for n in range(int(rng.integers(1, 4))):
        source = names[-1] if rng.random() < 0.7 else str(rng.choice(names))
        views, seen = _views(rng, maps[source], source == "input")
        known = [kernel for kernel in _kernels(layers) if kernel.before in maps.values()]
        again = bool(known) and rng.random() < 0.5  # a kernel that is there, and what fits it
        if again:
            source, views = next(s for s in names[::-1] if maps[s] == known[-1].before), ()
            seen = maps[source]
        same = [s for s in names if s != source and maps[s] == maps[source]]
        same = [s for s in same if "input" not in (s, source) or not views]
        sources = (source, str(rng.choice(same))) if same and rng.random() < 0.7 else (source,)
        synapses = known[-1] if again else random_conv(rng, seen)
        if not again and rng.random() < 0.4:
            draw = random_spaced if rng.random() < 0.6 else random_causal
            synapses = draw(rng, seen, steps)
        shift = int(rng.choice([0, 0, 0, 2]))
        # Its twin in training may have taps anywhere in the window.
        latest = synapses.extent[0] - 1 if isinstance(synapses, Spaced) else synapses.latest
        late = int(rng.random() < 0.1 and latest + 1 < steps)
        fed = [Connection(sources, synapses, views, late, shift)]
        name, after = f"map{n}", synapses.after
        alone, back = again and rng.random() < 0.7, False
        for _ in range(int(not alone and rng.random() < 0.3)):  # concatenated
            other = str(rng.choice(names))
            w = rng.integers(-3, 4, (after.size, maps[other].size))
            if rng.random() < 0.5 or steps < 3:
                fed.append(Connection((other,), Dense(w, 4)))
            else:
                delays = rng.integers(0, 2, (1, maps[other].size, 1))
                fed.append(Connection((other,), Delayed(w[..., None], delays, 4, 2)))
        if not alone and rng.random() < 0.3:  # comes back, at the same place
            back = True
            w = rng.integers(-2, 3, (after.channels, after.channels, 1, 1))
            fed.append(Connection((name,), Conv(w, 3, after.shape), delay=1))
        parallel = rng.random() < 0.25
        neuron = random_parallel(rng, after, steps, not back) if parallel else _neuron(rng, after)
        layers[name] = Layer(tuple(fed), neuron)
        maps[name] = after
        names.append(name)
    used = {
        source
        for name, layer in layers.items()
        for c in layer.connections
        for source in c.sources
        if source != name
    }
    loose = [name for name in names if name not in used or name == names[-1]]
    out = Map(int(rng.integers(2, 6)), 1, 1)
    fed = [
        Connection((name,), Dense(rng.integers(-5, 8, (out.size, maps[name].size)), 4))
        for name in loose
    ]
    layers["output"] = Layer(tuple(fed), _neuron(rng, out))
    kind = str(rng.choice(list(READOUTS)))
    weights = rng.integers(-9, 10, steps) if kind == "weighted-sum" else None
    coding = CODINGS[int(rng.integers(len(CODINGS)))]()
    rule = make_readout(kind, weights)
    net = Network(steps, {"input": maps["input"].size}, coding, layers, rule)
    for name, layer in net.layers.items():  # thresholds where membranes are
        h = net.run(random_samples(rng, net, 4), record=True).membranes[name]
        neuron = replace(layer.neuron, threshold=_threshold(rng, layer.neuron, h))
        net = replace(net, layers={**net.layers, name: replace(layer, neuron=neuron)})
    return net


def _threshold(rng: np.random.Generator, neuron: Neurons, h: np.ndarray) -> np.ndarray:
    """Draw thresholds where membranes (steps, samples, neurons) are."""
    share = rng.uniform(0.6, 1)
    if not isinstance(neuron, Parallel):
        theta = np.quantile(h.reshape(-1, neuron.channels), share, axis=0)
        return np.clip(theta.astype(int), 1, 1 << 20)
    rows = neuron.threshold.shape[1]
    by_row = h.reshape(rows, -1, neuron.channels)
    return np.quantile(by_row, share, axis=1).astype(int).T


def random_lanes(rng: np.random.Generator, network: Network) -> Mapping:
    """Draw a layout: lanes that every engine takes, sweeps, engines of delays, queues.

    Layers that share a kernel mostly have as many lanes, and so share its memory.
    """
    # Where several connections meet, a line has the taps of maps written out: every event is dear.
    delay = [str(rng.choice(["auto", "wheel", "wheel", "line", "line"])) for _ in network.layers]
    plain, alike = Mapping.of(network, delay=delay), {}
    lanes, sweep, taps = [], [], []
    for name, layer in network.layers.items():
        unit = plain.units[name]
        most = unit.channels or layer.size
        fits = [n for n in range(1, most + 1) if n * FOLDS >= most]
        if unit.channels:
            synapses = layer.connections[0].synapses
            assert isinstance(synapses, Local)
            outs = synapses.out // synapses.groups
            fits = range(1, most + 1)
            fits = [n for n in fits if most % n == 0 and (n % outs == 0 or outs % n == 0)]
        taps.append("one")
        parallel = unit.engine in ("conv", "map_line") and name != network.output
        if parallel and rng.random() < 0.5:
            taps[-1], fits = str(rng.choice(["row", "all"])), [most]
        drawn = int(rng.choice(fits))
        known = alike.setdefault(id(layer.connections[0].synapses), drawn)
        lanes.append(known if known in fits and rng.random() < 0.8 else drawn)
        sweeps = [s for s in range(1, lanes[-1] + 1) if lanes[-1] % s == 0]
        sweep.append(int(rng.choice(sweeps if taps[-1] == "one" else [most])))
    queue = [int(rng.choice([1, 2, 3, 16])) for _ in lanes]
    products = [str(rng.choice(["one", "all"])) for _ in lanes]
    return Mapping.of(network, tuple(lanes), tuple(sweep), 0, delay, queue, taps, products)


def repeated(layers: int, shared: bool, channels: int = 4, size: int = 4) -> Network:
    """Make convolutions of equal weights, one behind the other: one kernel, or one for each."""
    rng = np.random.default_rng(6)
    before, fed = Map(channels, size, size), {}
    weights = rng.integers(-6, 8, (channels, channels, 3, 3))
    kernels = [Conv(weights, 4, before.shape, padding=(1, 1)) for _ in range(layers)]
    cells = Neuron(
        np.zeros(channels, int), rng.integers(9, 30, channels), reset="zero", places=before.places
    )
    source = "input"
    for n, kernel in enumerate(kernels):
        fed[f"map{n}"] = Layer((Connection((source,), kernels[0] if shared else kernel),), cells)
        source = f"map{n}"
    out = Dense(rng.integers(-8, 8, (3, before.size)), 4)
    fed["output"] = Layer((Connection((source,), out),), Neuron(np.zeros(3, int), None))
    return Network(4, {"input": before.size}, Counts(2), fed, make_readout("final-membrane"))
