"""Strategies: what hypothesis draws for random tests, and how many examples they take.

Parts of chains: `arrays`, `neurons`, `layers`, `taps`; `delayed` and `looped` change a drawn law.
Whole networks: `networks`, any lawful graph as `random_network` of builders.py; `cases`, with
samples; `chains`, with a layout as well.
"""

from itertools import pairwise
from math import prod

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

from spikeline.model.codings.counts import Counts
from spikeline.model.codings.graded import Graded
from spikeline.model.codings.latency import Latency
from spikeline.model.network import Network
from spikeline.model.neurons.neuron import Neuron
from spikeline.model.readouts import KINDS, readout
from spikeline.model.synapses.delayed import Delayed
from spikeline.model.synapses.dense import Dense
from spikeline.plan.mapping import Mapping

from .builders import Dice, Law, chain_of, draw_network, random_samples

__all__ = [
    "arrays",
    "cases",
    "chains",
    "delayed",
    "examples",
    "layers",
    "looped",
    "networks",
    "neurons",
    "taps",
]


def examples(n: int) -> settings:
    """Take n examples under the profile quick, in proportion under any other: 10 n under fuzz.

    Everything else, whether the examples are new ones included, is as the profile says.
    pytest loads the profile before it imports a test, so it counts when a test is decorated.
    """
    usual = settings.get_profile("quick").max_examples
    return settings(max_examples=max(1, n * settings().max_examples // usual))


def arrays(shape: tuple[int, ...], low: int, high: int) -> st.SearchStrategy[np.ndarray]:
    """Draw arrays of integers in low..high."""
    values = st.lists(st.integers(low, high), min_size=prod(shape), max_size=prod(shape))
    return values.map(lambda drawn: np.reshape(drawn, shape))


@st.composite
def neurons(draw, post: int, fires: bool = False) -> Neuron:
    """Draw neurons of any kind; `fires` asks for a threshold."""
    vector = lambda low, high: st.lists(  # noqa: E731
        st.integers(low, high), min_size=post, max_size=post
    ).map(np.array)
    top = draw(st.sampled_from([10, 200, 3000]))
    threshold = draw(vector(1, top)) if fires or draw(st.integers(0, 4)) else None
    k = draw(st.sampled_from([0, 0, 1, 2, 4, 8, 15]))
    m = draw(st.sampled_from([1 << k, (1 << k) - 1, 0]) | st.integers(0, 1 << k))
    clamp = draw(st.none() | st.tuples(st.integers(-300, 0), st.integers(0, 300)))
    once = threshold is not None and draw(st.booleans())
    return Neuron(
        draw(vector(-50, 50)),
        threshold,
        (m, k),
        clamp,
        "none" if once else draw(st.sampled_from(["none", "zero", "subtract"])),
        once,
        draw(st.sampled_from(["floor", "zero"])),
    )


@st.composite
def layers(draw, pre: int, post: int, fires: bool = False) -> tuple[Dense, Neuron]:
    """Draw a layer of a chain; `fires` asks for a threshold."""
    bits = draw(st.integers(2, 8))
    integers = st.integers(-(1 << (bits - 1)), (1 << (bits - 1)) - 1)
    row = st.lists(integers, min_size=pre, max_size=pre)
    weights = draw(st.lists(row, min_size=post, max_size=post))
    return Dense(np.array(weights), bits), draw(neurons(post, fires))


@st.composite
def taps(draw, pre: int, post: int, steps: int, least: int = 0) -> Delayed:
    """Draw synapses with delays in least..steps-1, of synapses or of axons."""
    bits, taps = draw(st.integers(2, 8)), draw(st.integers(1, 3))
    window = max(draw(st.sampled_from([1, 2, 4, 8]) | st.integers(1, 9)), least + 1)
    weights = draw(arrays((post, pre, taps), -(1 << (bits - 1)), (1 << (bits - 1)) - 1))
    shape = (draw(st.sampled_from([1, post])), pre, taps)
    return Delayed(weights, draw(arrays(shape, least, min(window, steps) - 1)), bits, window)


@st.composite
def delayed(draw, law: Law, steps: int) -> Law:
    """Give a layer taps and delays."""
    post, pre = law.synapses.weights.shape
    taps, window = draw(st.integers(1, 3)), draw(st.integers(1, 7))
    bits, axonal = law.synapses.bits, draw(st.booleans())
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    half = 1 << (bits - 1)
    weights = rng.integers(-half, half, (post, pre, taps))
    delays = rng.integers(0, min(window, steps), (1 if axonal else post, pre, taps))
    return Law(Delayed(weights, delays, bits, window), law.neuron, shift=law.shift)


@st.composite
def looped(draw, law: Law, steps: int) -> Law:
    """Give a layer recurrent synapses, where there is a step for their spikes."""
    if steps == 1:
        return law
    post, bits = law.synapses.post, draw(st.integers(2, 8))
    taps, window = draw(st.integers(1, 2)), draw(st.integers(2, 7))
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    half = 1 << (bits - 1)
    weights = rng.integers(-half, half, (post, post, taps))
    rows = 1 if draw(st.booleans()) else post
    delays = rng.integers(1, min(window, steps), (rows, post, taps))
    return Law(law.synapses, law.neuron, Delayed(weights, delays, bits, window), law.shift)


class Drawn(Dice):
    """The same by hypothesis, but for tensors."""

    def __init__(self, draw: st.DrawFn) -> None:
        """Draw structure by hypothesis, tensors with NumPy from a seed of hypothesis."""
        super().__init__(np.random.default_rng(draw(st.integers(0, 9999))))
        self.draw = draw

    def number(self, low: int, high: int) -> int:
        """Draw an integer in ``low..high``."""
        return self.draw(st.integers(low, high))


@st.composite
def networks(draw: st.DrawFn, small: bool = True, **plan) -> Network:
    """Draw a network as `random_network` does."""
    return draw_network(Drawn(draw), small, plan)


@st.composite
def cases(
    draw: st.DrawFn, drawn: st.SearchStrategy[Network] | None = None, most: int = 3, **plan
) -> tuple[Network, np.ndarray]:
    """Draw a network, and 1 to `most` samples for it."""
    network = draw(networks(**plan) if drawn is None else drawn)
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    return network, random_samples(rng, network, draw(st.integers(1, most)))


@st.composite
def chains(draw, delays: bool = False) -> tuple[Network, Mapping, np.ndarray]:
    """Draw a small network of any kind, with `delays` in a layer at least; a layout; samples."""
    steps = draw(st.integers(1, 5))
    sizes = draw(st.lists(st.integers(1, 6), min_size=2, max_size=4))
    coding = draw(
        st.builds(Latency, st.integers(1, 255))
        | st.builds(Graded, st.integers(5, 7), st.booleans())
        | st.builds(Counts, st.integers(1, 3))
    )
    kind = draw(st.sampled_from(list(KINDS)))
    weights = st.lists(st.integers(-99, 99), min_size=steps, max_size=steps).map(np.array)
    rule = readout(kind, draw(weights) if kind == "weighted-sum" else None)
    made = tuple(
        Law(
            *draw(layers(pre, post, fires=rule.needs_threshold or n + 2 < len(sizes))),
            shift=draw(st.sampled_from([0, 0, 1, 3, 15])),
        )
        for n, (pre, post) in enumerate(pairwise(sizes))
    )
    late = draw(st.integers(0, len(made) - 1)) if delays else -1
    made = tuple(
        draw(delayed(one, steps)) if n == late or draw(st.booleans()) else one
        for n, one in enumerate(made)
    )
    made = tuple(
        draw(looped(one, steps)) if one.neuron.fires and draw(st.booleans()) else one
        for one in made
    )
    net = chain_of(steps, sizes[0], coding, made, rule)
    engines = tuple(draw(st.sampled_from(["line", "wheel"])) for _ in made)
    lanes = tuple(draw(st.integers(1, n)) for n in sizes[1:])
    sweep = tuple(draw(st.sampled_from([n for n in range(1, p + 1) if p % n == 0])) for p in lanes)
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    if isinstance(coding, Counts):
        x = rng.poisson(draw(st.sampled_from([0.2, 1, 3])), (3, steps, sizes[0]))
    else:
        x = rng.integers(0, 256, (3, sizes[0]))
        x = np.where(rng.random(x.shape) < 0.6, x, 255)
    return net, Mapping.of(net, lanes, sweep, 0, engines), x
