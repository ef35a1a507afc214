"""Delays over maps in gates: wheels whose slots are of places."""

from dataclasses import replace

import numpy as np
import pytest
from amaranth.hdl import Fragment, Shape
from amaranth.lib import memory

from spikeline.model.codings.counts import Counts
from spikeline.model.errors import InputError
from spikeline.model.network import Connection, Layer, Network
from spikeline.model.neurons.neuron import Neuron
from spikeline.model.readouts import readout
from spikeline.model.synapses import Local
from spikeline.model.synapses.causal import Causal
from spikeline.model.synapses.conv import Conv
from spikeline.model.synapses.dense import Dense
from spikeline.model.synapses.spaced import Spaced
from spikeline.plan.area import estimate
from spikeline.plan.cycles import work
from spikeline.plan.engines import ENGINES
from spikeline.plan.layout import Layout
from spikeline.plan.mapping import Mapping, delay_bits
from spikeline.rtl.memory import Emission
from spikeline.rtl.synapses import SOURCES

from .groups import each
from .test_rtl_network import assert_equals
from .test_rtl_top import assert_cycles

SHAPE = (2, 3, 4)


def causal(out: int = 4, steps: int = 3, **given) -> Causal:
    """Make a kernel that sees the steps before."""
    fields = {"padding": 1} | given
    each = SHAPE[0] // fields.get("groups", 1)
    weights = np.random.default_rng([1, out, steps]).integers(-3, 7, (out, each, steps, 3, 3))
    return Causal(weights, 4, SHAPE, **fields)


def spaced(out: int = 4, groups: int = 1, shared: bool = False) -> Spaced:
    """Make taps with delays of their own, or of all alike."""
    rng = np.random.default_rng([2, out, groups, shared])
    taps = (out, SHAPE[0] // groups, 3)
    offsets = np.stack([rng.integers(0, n, (1, 1, 3) if shared else taps) for n in (4, 3, 3)])
    return Spaced(rng.integers(-3, 7, taps), offsets, 4, (4, 3, 3), SHAPE, padding=1, groups=groups)


def conv() -> Conv:
    """Make a convolution."""
    weights = np.random.default_rng(3).integers(-3, 7, (4, 2, 3, 2))
    return Conv(weights, 4, SHAPE, stride=(1, 2))


def network(synapses: Local, delay: int = 0) -> Network:
    """Make a network of leaky neurons behind synapses over a map."""
    rng, after = np.random.default_rng(4), synapses.after
    cells = Neuron(
        np.zeros(after.channels, int),
        rng.integers(5, 12, after.channels),
        (1, 1),
        reset="subtract",
        places=after.places,
    )
    layers = {}
    layers["hidden"] = Layer((Connection(("input",), synapses, delay=delay),), cells)
    out = Dense(rng.integers(-4, 8, (3, after.size)), 4)
    layers["out"] = Layer((Connection(("hidden",), out),), Neuron(np.zeros(3, int), None))
    return Network(5, {"input": 24}, Counts(2), layers, readout("final-membrane"))


@pytest.mark.parametrize("stalls", [(0.0, 0.0), (0.4, 0.5)], ids=["free", "stalled"])
@each(
    "synapses,delay,lanes",
    [
        (causal(), 0, 4),
        (spaced(), 0, 4),
        (spaced(4, 2), 1, 2),
        (causal(stride=(2, 1), dilation=(2, 1, 1)), 0, 2),
        (causal(groups=2), 1, 2),
        (causal(steps=1), 2, 4),
        (spaced(shared=True), 0, 2),
        (spaced(8, 2), 0, 8),
        (conv(), 3, 4),
        (conv(), 1, 1),
    ],
    quick=2,
    ids=[
        *("causal", "spaced", "depthwise", "stride", "groups", "one-step"),
        *("shared", "addresses", "late", "chunks"),
    ],
)
def test_delays_over_maps_equal_the_golden_model(synapses, delay, lanes, stalls):
    """Taps at places and steps of their own: every spike and membrane, and every cycle."""
    net = network(synapses, delay)
    mapping = Mapping.of(net, (lanes, 3))
    assert mapping.units["hidden"].engine == "map_wheel"
    x = np.random.default_rng(5).poisson(0.2, (2, 5, 24)).clip(0, 2)
    assert net.run(x, record=True).spikes["hidden"].any()
    assert_equals(net, mapping, x, stalls=stalls)
    if not any(stalls):
        assert_cycles(net, mapping, x)


@pytest.mark.parametrize("lanes", [4, 1])
def test_sums_that_follow_at_once_meet_in_one_slot(lanes):
    """A slot is added to in each cycle, what was added the cycle before included."""
    weights = np.random.default_rng(3).integers(1, 8, (4, 2, 1, 1))
    net = network(Conv(weights, 4, SHAPE), 1)
    x = np.full((1, 5, 24), 2)
    assert_equals(net, Mapping.of(net, (lanes, 3)), x)


def test_what_comes_back_is_a_step_less_late():
    """A causal kernel over the layer itself: its delays of 1 to 3 are 0 to 2 of what comes."""
    law = causal(2)
    net = network(law)
    hidden = replace(net.layers["hidden"].neuron, bias=np.full(2, 3), threshold=np.full(2, 4))
    layers = {
        "hidden": Layer((Connection(("hidden",), law, delay=1),), hidden),
        "out": net.layers["out"],
    }
    loop = Network(5, {"input": 24}, Counts(2), layers, readout("final-membrane"))
    mapping = Mapping.of(loop)
    assert mapping.taps(loop, "hidden").window == 3
    x = np.zeros((2, 5, 24), int)
    assert loop.run(x, record=True).spikes["hidden"].any()
    assert_equals(loop, mapping, x)
    assert_cycles(loop, mapping, x)


@each("synapses,lanes", [(causal(), 4), (spaced(), 2), (spaced(8, 2), 8)], quick=2)
def test_memory_is_what_the_mapping_predicts(synapses, lanes, monkeypatch):
    """The slots have the bits that the mapping tells."""
    net = network(synapses)
    mapping = Mapping.of(net, (lanes, 3))
    source = SOURCES["map_wheel"](Layout.of(net, mapping).parts["hidden"], name="w")
    made = []

    class Noted(memory.Memory):
        def __init__(self, *, shape, depth, init, attrs=None):
            made.append(Shape.cast(shape).width * depth)
            super().__init__(shape=shape, depth=depth, init=init, attrs=attrs)

    monkeypatch.setattr(memory, "Memory", Noted)
    # As for emission: row memories are not among them.
    Fragment.get(source, Emission()).prepare()

    assert sum(made) == delay_bits(net, mapping.units)["hidden"]["wheel"]


def test_an_event_costs_the_taps_that_it_meets():
    """A corner meets four of nine taps, the middle all, in each step of the kernel."""
    net = network(causal())
    mapping = Mapping.of(net, (2, 3))
    cost = ENGINES["map_wheel"](mapping.units["hidden"], mapping.taps(net, "hidden")).cost
    cost = np.asarray(cost).reshape(3, 4, 2)
    assert (cost[0, 0] == 4 * 3 * 2).all() and (cost[1, 1] == 9 * 3 * 2).all()
    x = np.zeros((1, 5, 24), int)
    x[0, 2, [0, 10]] = 2, 1  # a corner, twice, and the place beside it in the next row
    assert work(net, mapping, net.run(x, record=True))["hidden"].tolist() == [
        2 * cost.ravel()[0] + cost.ravel()[10]
    ]


def test_large_maps_with_delays_are_laid_out():
    """Their taps are not written out, whichever engine is asked for."""
    law = Causal(np.ones((4, 1, 2, 3, 3), int), 2, (1, 64, 128), padding=1)
    cells = Neuron(np.zeros(4, int), np.full(4, 9), places=8192)
    out = Layer((Connection(("map",), Dense(np.ones((2, 32768), int), 2)),), Neuron([0, 0], None))
    layers = {"map": Layer((Connection(("input",), law),), cells), "out": out}
    net = Network(2, {"input": 8192}, Counts(1), layers, readout("final-membrane"))
    for delay in ("wheel", "line"):
        part = Layout.of(net, Mapping.of(net, delay=delay)).parts["map"]
        assert part.unit.engine == f"map_{delay}"


def test_lanes_hold_channels_of_one_place():
    """As of every layer over maps, in one sentence."""
    with pytest.raises(
        InputError, match=r"^Lanes of layer hidden must divide its 4 channels, not be 3$"
    ):
        Mapping.of(network(causal()), (3, 3))


@pytest.mark.parametrize("delay", ["wheel", "line"])
def test_areas_of_delays_over_maps_are_not_guessed(delay):
    """No estimate was fitted to them, and the sentence says so."""
    net = network(causal())
    sentence = rf"^Area of layer hidden must be of a kind that is calibrated, not 'map_{delay}'$"
    with pytest.raises(InputError, match=sentence):
        estimate(Layout.of(net, Mapping.of(net, delay=delay)))
