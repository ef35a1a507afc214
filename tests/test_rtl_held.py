"""A constant input that is sent once: the layers that it feeds hold what it adds."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikeline.model.codings.graded import Graded
from spikeline.model.network import Connection, Layer, Network
from spikeline.model.neurons.neuron import Neuron
from spikeline.model.readouts import readout
from spikeline.model.synapses.dense import Dense
from spikeline.plan.layout import Layout
from spikeline.plan.mapping import Mapping

from .builders import (
    NEURONS,
    random_chain,
    random_images,
    random_mapping,
    random_network,
    random_samples,
)
from .groups import each
from .strategies import examples
from .test_rtl_network import assert_equals
from .test_rtl_top import assert_cycles, assert_decided, packet, simulate

CONSTANT = Graded(5, every=True)
LAYOUTS = {
    "at-once": (None, None),
    "both": ((4, 2), (2, 1)),
    "groups": ((8, 4), (2, 2)),
    "folds": ((3, 2), None),
    "one-lane": ((1, 1), None),
}
each_layout = each("layout", LAYOUTS.values(), quick=2, ids=LAYOUTS.keys())


def constant(kind: str = "max-membrane", sizes=(9, 8, 4), steps: int = 5, **neurons) -> Network:
    """Make a chain fed by a constant current."""
    return random_chain(7, sizes, steps, kind, neurons, CONSTANT, (20, 60))


@each_layout
@pytest.mark.parametrize(
    "neurons",
    [
        *NEURONS.values(),
        {"leak": (0, 0)},
        {"leak": (7, 3), "rounding": "zero"},
        {"reset": "subtract"},
        {"clamp": (-9, 40), "reset": "zero"},
    ],
    ids=lambda fields: "-".join(map(str, fields)),
)
def test_every_neuron_holds_a_constant_current(neurons, layout):
    """In every layout, sample after sample: the golden spikes and membranes."""
    net = constant(**neurons)
    mapping = Mapping.of(net, *layout)
    assert Layout.of(net, mapping).held

    assert_equals(net, mapping, random_images(8, 4, 9), stalls=(0.3, 0.3))


@each("layout", [((36,), (18,)), (None, None), ((24,), (24,))], quick=1, ids=map(str, range(3)))
def test_wide_layers_hold_it_too(layout):
    """Where relays reach the lanes, and where these are swept in groups."""
    net = random_chain(
        9, (9, 36), 4, "final-membrane", {"leak": (3, 2), "reset": "zero"}, CONSTANT, (20, 60)
    )
    assert_equals(net, Mapping.of(net, *layout), random_images(9, 3, 9))


@each_layout
def test_cycles_of_what_is_held_are_predicted(layout):
    """Latency and interval are those of one step's events; decided early, the next begins anew."""
    net = constant("first-spike", leak=(7, 3), reset="subtract")
    assert_cycles(net, Mapping.of(net, *layout), random_images(10, 5, 9))


def test_what_comes_back_is_added_beside_it():
    """A recurrent layer holds the input's current alone: nothing comes back in a first step."""
    rng = np.random.default_rng(11)
    cells = Neuron(rng.integers(-3, 4, 6), rng.integers(20, 60, 6), (3, 2), reset="subtract")
    fed = (
        Connection(("input",), Dense(rng.integers(-4, 8, (6, 9)), 4)),
        Connection(("loop",), Dense(rng.integers(-8, 8, (6, 6)), 4), delay=1),
    )
    out = Connection(("loop",), Dense(rng.integers(-8, 8, (3, 6)), 4))
    layers = {"loop": Layer(fed, cells), "out": Layer((out,), Neuron(np.zeros(3, int), None))}
    net = Network(6, {"input": 9}, CONSTANT, layers, readout("membranes"))
    x = random_images(12, 4, 9)
    for lanes in (None, (4, 3), (1, 1)):
        mapping = Mapping.of(net, lanes)
        assert Layout.of(net, mapping).held
        assert_equals(net, mapping, x, stalls=(0.3, 0.3))
        assert_cycles(net, mapping, x)


def test_sent_in_every_step_it_is_refused_and_counted():
    """Events behind the first step are dropped; the answers are right all the same."""
    net = constant()
    x = random_images(13, 3, 9)
    run = net.run(x, record=True)
    assert run.input is not None
    mapping, loud = Mapping.of(net), replace(net, coding=Graded(5))  # which sends all of it
    got = simulate(
        net, mapping, [packet(loud, mapping, run.input[:, n], x[n]) for n in range(len(x))]
    )
    assert_decided(run, got)
    assert got.refused[-1] == (run.input[1:] != 0).sum() > 0


@examples(5)
@given(seed=st.integers(0, 1 << 20))
def test_random_graphs_hold_constant_inputs(seed):
    """Several inputs, views, feedback, every neuron: spikes and cycles, held or not."""
    rng = np.random.default_rng(seed)
    net = random_network(rng, layers=(1, 3), codings=("graded",), synapses=("dense",))
    net = replace(net, coding=CONSTANT)
    mapping = random_mapping(rng, net)
    x = random_samples(rng, net, 3)
    assert_equals(net, mapping, x, stalls=[(0.0, 0.0), (0.3, 0.3)][seed % 2])
    assert_cycles(net, mapping, x)
