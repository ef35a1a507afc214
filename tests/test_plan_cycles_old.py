"""The compiled cycle model beside the one that follows item by item."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikeline.model.codings.encode import Counts, Latency
from spikeline.model.network import Layer, Network
from spikeline.model.neurons.neuron import Neuron
from spikeline.model.readouts.readout import KINDS, Readout
from spikeline.model.synapses.delayed import Delayed
from spikeline.model.synapses.dense import Dense
from spikeline.plan import cycles, cycles_old
from spikeline.plan.mapping import Mapping

from .profiles import examples
from .test_rtl_network import cases, images


@examples(250)
@given(cases() | cases(delays=True), st.integers(0, 20), st.integers(0, 99))
def test_both_say_the_same(case, pixels, seed):
    """Latency and interval of any network in any layout, and its work."""
    net, mapping, x = case
    if isinstance(net.coding, Latency):
        mapping = Mapping(mapping.units, pixels)
        x = images(seed, 6, net.inputs)
    run = net.run(x, record=True)
    for new, old in zip(
        cycles.predict(net, mapping, run), cycles_old.predict(net, mapping, run), strict=True
    ):
        assert new.tolist() == old.tolist()
    assert np.array_equal(cycles.work(net, mapping, run), cycles_old.work(net, mapping, run))


def chain(seed: int):
    """Make a network of wide layers, where queues fill and vectors take two stages."""
    rng = np.random.default_rng(seed)
    steps, limit = int(rng.integers(1, 13)), int(rng.integers(1, 4))
    sizes = rng.integers(1, [60, *[70] * rng.integers(1, 4)]).tolist()
    layers = []
    for pre, post in pairwise(sizes):
        taps, window = int(rng.integers(1, 4)), int(rng.integers(1, min(steps, 6) + 1))
        x = Delayed(
            rng.integers(-4, 8, (post, pre, taps)),
            rng.integers(0, window, (post, pre, taps)),
            4,
            window,
        )
        if rng.random() < 0.5:
            x = Dense(x.weights[..., 0], 4)
        back = None
        if steps > 1 and rng.random() < 0.4:
            d = int(rng.integers(1, min(steps, 4)))
            back = Delayed(
                rng.integers(-4, 5, (post, post, 1)), rng.integers(1, d + 1, (1, post, 1)), 4, d + 1
            )
        leak = [(1, 0), (7, 3), (5, 3)][rng.integers(3)]
        top = max(int(pre * rng.choice([0.3, 1, 3])), 2)
        neuron = Neuron(
            rng.integers(-2, 3, post), rng.integers(1, top, post), leak=leak, reset="zero"
        )
        layers.append(Layer(x, neuron, back))
    kind = str(rng.choice(KINDS))
    weights = rng.integers(-3, 4, steps) if kind == "weighted-sum" else None
    net = Network(steps, sizes[0], Counts(limit), tuple(layers), Readout(kind, weights))
    lanes = tuple(int(rng.integers(1, n + 1)) for n in sizes[1:])
    if rng.random() < 0.4:
        lanes = tuple(sizes[1:])
    sweep = tuple(int(rng.choice([k for k in range(1, p + 1) if p % k == 0])) for p in lanes)
    engines = tuple(str(rng.choice(["line", "wheel"])) for _ in lanes)
    x = rng.poisson(rng.choice([0.03, 0.3, 1]), (7, steps, sizes[0]))
    return net, Mapping.of(net, lanes, sweep, 0, engines), x


@pytest.mark.parametrize("seed", range(300))
def test_both_say_the_same_of_wide_networks(seed):
    """As above."""
    net, mapping, x = chain(seed)
    run = net.run(x, record=True)
    new, old = (how.predict(net, mapping, run) for how in (cycles, cycles_old))
    assert [a.tolist() for a in new] == [a.tolist() for a in old]
