"""Recurrent layers in hardware: own spikes come back in the next step, and only in this sample."""

from itertools import pairwise

import numpy as np
import pytest

from spikeline.model.codings.counts import Counts
from spikeline.model.network import Layer, Network
from spikeline.model.neurons.neuron import Neuron
from spikeline.model.readouts import readout
from spikeline.model.synapses.delayed import Delayed
from spikeline.model.synapses.dense import Dense
from spikeline.plan.mapping import Mapping
from spikeline.plan.pipeline import latency, reporting
from spikeline.plan.unit import Unit

from .streams import each_stall, items_of
from .test_rtl_delayed import VOID, assert_starts_anew, each_unit, synapses
from .test_rtl_dense import assert_equals, samples, simulate
from .test_rtl_top import assert_cycles

# What a layer's synapses are, and the longest delay of its recurrent ones: what it becomes.
KINDS = {
    "dense": (1, 1, 1),
    "one-delay": (1, 1, 4),
    "delays": (2, 3, 2),
    "delays-of-three-taps": (3, 5, 6),
}
each_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS.keys())
each_engine = pytest.mark.parametrize("engine", ["dense", "line", "wheel"])


def layer(seed: int, kind: tuple[int, int, int], post: int = 9, pre: int = 6, **law) -> Layer:
    """Make a recurrent layer of random weights and delays; some neurons excite themselves."""
    taps, window, back = kind
    rng = np.random.default_rng(seed)
    forward = synapses(seed, pre, post, taps, window)
    weights = rng.integers(-5, 6, (post, post, 1))
    delays = rng.integers(1, back + 1, (1 if seed % 2 else post, post, 1))
    cells = Neuron(rng.integers(-1, 2, post), rng.integers(3, 12, post), **law)
    dense = Dense(forward.weights[..., 0], 4) if window == 1 else forward
    return Layer(dense, cells, Delayed(weights, delays, 4, back + 1))


def engine_of(law: Layer, engine: str) -> str:
    """Name the engine of a layer; without any delay left that is always the same."""
    return engine if isinstance(law.unrolled().synapses, Delayed) else "dense"


def network(seed: int, sizes: tuple[int, ...], kind: str = "spike-count") -> Network:
    """Make a network whose layers all are recurrent, with and without delays of their inputs."""
    kinds = [KINDS["one-delay"], KINDS["delays"], KINDS["dense"]]
    made = tuple(
        layer(seed + n, kinds[n % 3], post, pre, leak=(7, 3), reset="subtract")
        for n, (pre, post) in enumerate(pairwise(sizes))
    )
    return Network(7, sizes[0], Counts(3), made, readout(kind))


@pytest.mark.parametrize("engine", ["line", "wheel"])
@each_kind
@each_unit
def test_engine_equals_golden_model(engine, kind, unit):
    """Any layout, with and without delays of the inputs: the golden spikes and membranes."""
    law = layer(1, kind, reset="zero")
    s = samples(2, 8, 3, 6, 2)
    alone, _ = Layer(law.synapses, law.neuron).run(s, 2)
    assert (law.run(s, 2)[0] != alone).any()

    assert_equals(law, Unit(9, *unit, engine_of(law, engine)), s, 2)


@pytest.mark.parametrize("joined", [False, True], ids=["bare-ticks", "ticks-on-events"])
@each_engine
@each_stall
def test_stalls_change_no_spike(engine, stalls, joined):
    """Source gaps, sink gaps and where the tick travels change nothing."""
    law = layer(3, KINDS["dense" if engine == "dense" else "delays"], leak=(5, 3), reset="subtract")
    s = samples(4, 8, 2, 6, 2)

    assert_equals(law, Unit(9, 4, 2, engine), s, 2, stalls=stalls, joined=joined)


@each_engine
@each_unit
def test_nothing_comes_back_in_the_next_sample(engine, unit):
    """After a sample in which all fired, also one that was cut short, the next is as the first."""
    law = layer(5, KINDS["dense" if engine == "dense" else "delays"], reset="zero")
    unit = Unit(9, *unit, engine)
    loud, s = np.ones((6, 6), np.uint8), samples(6, 6, 1, 6)
    items = []
    for n in (0, 1, 7, 10):
        items += [*items_of(loud), *items_of(s[:, 0]), *items_of(loud)[:n], VOID]
    got = simulate(law, unit, s, items=items).spikes
    expected, _ = law.run(np.stack([loud, s[:, 0]], axis=1), 1)

    assert expected[-1, 0].any() and expected[:, 1].any()
    for n in range(0, len(got), 3):
        assert np.array_equal(got[n], expected[:, 0])
        assert np.array_equal(got[n + 1], expected[:, 1])
        assert np.array_equal(got[n + 2], expected[: len(got[n + 2]), 0])


@pytest.mark.parametrize("joined", [False, True])
def test_an_event_waits_for_what_fired_before(joined):
    """One neuron that excites itself: its spike of a step is added first in the next one."""
    one = np.array([[1]])
    law = Layer(Dense(one, 2), Neuron(np.array([0]), np.array([1]), reset="zero"))
    law = Layer(law.synapses, law.neuron, Delayed(one[..., None], one[..., None], 2, 2))
    s, unit = np.ones((5, 1, 1), np.uint8), Unit(1, 1, 1)
    got = simulate(law, unit, s, joined=joined)

    assert np.array(got.spikes).ravel().tolist() == [1] * 5
    taken = list(zip(got.source.cycles, got.source.items, strict=True))
    ends, events = ([c for c, i in taken if i[what]] for what in ("tick", "lanes"))
    # A sweep that begins a cycle behind its item, one more where the item is an event, is heard
    # `latency` + `reporting` + 1 cycles later; it comes back from the queue in the next one, and
    # opens the loop for the event of the next step.
    round_trip = 1 + joined + latency(unit) + reporting(unit) + 1 + 1 + 1
    assert [b - a for a, b in zip(ends[:-1], events[1:], strict=True)] == [round_trip] * 4


def test_inputs_of_a_loop_are_those_of_the_layer():
    """The engine's port takes the inputs alone; its rows are those of inputs and neurons."""
    engine = simulate(layer(7, KINDS["dense"]), Unit(9, 9, 9), samples(7, 1, 1, 6)).engine

    assert len(engine.i.p.position) == 3  # 6 inputs
    assert len(engine.source.rom.words) == 6 + 9


@pytest.mark.parametrize("lanes", [None, (5, 3), (1, 1)], ids=["at-once", "folds", "one-lane"])
@pytest.mark.parametrize("delay", ["line", "wheel"])
@pytest.mark.parametrize("kind", ["spike-count", "first-spike"])
def test_cycles_are_predicted(kind, delay, lanes):
    """Latency and interval are the cycle model's, also where a sample is decided early."""
    net = network(8, (6, 9, 4), kind)
    x = np.random.default_rng(9).poisson(0.4, (5, 7, 6))
    run = net.run(x, record=True)
    assert all(s.any() for s in run.spikes)
    assert kind == "spike-count" or (run.decision.step < 5).any()

    assert_cycles(net, Mapping.of(net, lanes, None, 0, delay), x)


@pytest.mark.parametrize(("neurons", "lanes"), [(20, 20), (34, 34), (40, 18)])
def test_cycles_of_wide_layers_are_predicted(neurons, lanes):
    """Vectors of many lanes come back through two stages of serialisation, in folds too."""
    net = network(10, (4, neurons, 5))
    x = np.random.default_rng(11).poisson(0.4, (4, 7, 4))
    assert net.run(x).counts[1].min() > 10

    assert_cycles(net, Mapping.of(net, (lanes, 5)), x)


@each_engine
@each_unit
@pytest.mark.parametrize("after", [0, 5, 17, 30])
def test_reset_in_mid_sample_starts_anew(engine, after, unit):
    """Whatever is on its way back at a reset is gone."""
    law = layer(13, KINDS["dense" if engine == "dense" else "delays"], reset="zero")

    assert_starts_anew(law, Unit(9, *unit, engine), after)


@pytest.mark.parametrize(("window", "delay"), [(2, 1), (3, 1), (9, 1), (9, 8)])
def test_a_loop_has_the_delays_it_uses(window, delay):
    """A declared window costs nothing: what comes back in the next step makes a dense layer."""
    one = np.ones((3, 3, 1), int)
    loop = Delayed(one, delay * one, 2, window)
    cells = Neuron(np.zeros(3, int), np.ones(3, int))
    flat = Layer(Dense(one[..., 0], 2), cells, loop).unrolled().synapses

    assert flat.window == delay
    assert isinstance(flat, Dense) == (delay == 1)
