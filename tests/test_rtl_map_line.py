"""Delays over maps in gates: lines, whose events are walked again as taps of their age."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Fragment, Shape
from amaranth.lib import memory
from hypothesis import given
from hypothesis import strategies as st

from spikeline.model.codings.counts import Counts
from spikeline.model.maps import Map
from spikeline.model.network import Connection, Layer, Network
from spikeline.model.neurons.neuron import Neuron
from spikeline.model.readouts import readout
from spikeline.model.synapses.causal import Causal
from spikeline.model.synapses.conv import Conv
from spikeline.model.synapses.dense import Dense
from spikeline.model.synapses.spaced import Spaced
from spikeline.model.views.pool import Pool
from spikeline.plan.cycles import work
from spikeline.plan.engines.map_line import MapLine
from spikeline.plan.engines.spaced import Spaced as Walk
from spikeline.plan.layout import Layout
from spikeline.plan.mapping import Mapping, delay_bits
from spikeline.plan.play import trace
from spikeline.plan.stages import Line as LineTwin
from spikeline.plan.stages import Player, Taker
from spikeline.plan.stages import Replay as ReplayTwin
from spikeline.plan.taps import Window
from spikeline.plan.unit import Unit
from spikeline.rtl.memory import Emission
from spikeline.rtl.synapses import SOURCES
from spikeline.rtl.synapses.line import Line
from spikeline.rtl.synapses.map_line import Replay

from .groups import each
from .maps import random_causal, random_conv, random_spaced
from .strategies import examples
from .streams import Bench, Trace, each_stall
from .test_rtl_line import flat, histories, sample
from .test_rtl_map_wheel import causal, conv, network, spaced
from .test_rtl_network import assert_equals
from .test_rtl_top import assert_cycles

PRE, WINDOW, BITS = 11, 5, 2


def lined(net: Network, lanes: tuple[int, ...] | None = None, **given) -> Mapping:
    """Lay a network out whose hidden layer is a line over a map."""
    mapping = Mapping.of(net, lanes, delay="line", **given)
    assert mapping.units["hidden"].engine == "map_line"
    return mapping


def random_law(rng: np.random.Generator) -> Conv | Causal | Spaced:
    """Draw synapses over a map that an engine walks."""
    before = Map(*(int(n) for n in (rng.integers(1, 4), *rng.integers(2, 5, 2))))
    kind = int(rng.integers(4))
    if kind < 2:
        return random_causal(rng, before, 5) if kind else random_conv(rng, before)
    while not Walk.suits(law := random_spaced(rng, before, 5)):
        pass
    return law


@examples(60)
@given(seed=st.integers(0, 1 << 20))
def test_ages_become_channels(seed):
    """What a layer without delays adds for events by age is what the layer with delays adds."""
    rng = np.random.default_rng(seed)
    law, late = random_law(rng), int(rng.integers(0, 3))
    engine = MapLine(Unit(law.post, 1, 1, channels=law.out), Window(law, 0, (), late, 3))
    s = rng.integers(0, 4, (7, 2, law.pre))
    wanted = np.zeros((7, 2, law.post), np.int64)
    wanted[late:] = law.current(s, 3)[: 7 - late]
    found = engine.unrolled.synapses.current(engine.rows(s), 3)
    assert np.array_equal(found, wanted)
    assert engine.unrolled.synapses.latest == 0


def test_an_age_has_the_taps_of_its_delay():
    """By hand: two outputs whose taps have delays 0, 2 and 2, and 2, 3 and 0; of a second input."""
    offsets = np.zeros((3, 2, 2, 3), int)
    offsets[0] = [[[0, 2, 2], [1, 1, 1]], [[2, 3, 0], [1, 1, 1]]]
    offsets[2] = [[[0, 1, 2], [0, 1, 2]], [[2, 1, 0], [0, 1, 2]]]
    weights = np.arange(1, 13).reshape(2, 2, 3) - 5
    law = Spaced(weights, offsets, 4, (4, 1, 3), (2, 1, 5))
    engine = MapLine(Unit(6, 2, 2, channels=2, map=(1, 3)), Window(law, 0, (), 0, 1))
    found = engine.unrolled
    assert found.ages == (0, 1, 2, 3)
    assert found.used is not None and found.used.tolist() == [1, 0, 2, 1, 0, 3, 0, 0]
    assert found.synapses.weights[0, 2, :2].tolist() == [-3, -2]
    assert found.synapses.offsets[2, 0, 2, :2].tolist() == [1, 2]
    # Two lanes at once: an event has as many additions as the output with the most taps.
    assert np.asarray(engine.cost)[:8].tolist() == [1, 0, 2, 1, 0, 3, 0, 0]


def test_steps_without_a_weight_are_not_walked():
    """Of a kernel of steps with delays 0, 1 and 2, the middle one is 0."""
    weights = np.ones((2, 1, 3, 1, 1), int)
    weights[:, :, 1] = 0
    engine = MapLine(Unit(8, 2, 2), Window(Causal(weights, 2, (1, 2, 2)), 0, (), 1, 1))
    assert engine.unrolled.ages == (1, 3)
    none = MapLine(Unit(8, 2, 2), Window(Causal(weights * 0, 2, (1, 2, 2)), 0, (), 0, 1))
    assert none.unrolled.ages == (0,)


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
    mapping = lined(net, (lanes, 3))
    x = np.random.default_rng(5).poisson(0.2, (2, 5, 24)).clip(0, 2)
    assert net.run(x, record=True).spikes["hidden"].any()
    assert_equals(net, mapping, x, stalls=stalls)
    if not any(stalls):
        assert_cycles(net, mapping, x)


@each("taps", ["row", "all"], quick=1)
def test_taps_of_an_age_are_added_at_once(taps):
    """A row of the plane of an age, or all of it, in a cycle."""
    net = network(causal())
    mapping = lined(net, taps=taps)
    assert mapping.units["hidden"].places == (3 if taps == "row" else 9)
    x = np.random.default_rng(6).poisson(0.3, (2, 5, 24)).clip(0, 2)
    assert_equals(net, mapping, x)
    assert_cycles(net, mapping, x)


def test_a_sweep_skips_what_no_event_reached():
    """An event that is sent again marks the places that it reaches then."""
    net = network(law := causal(steps=2))
    cells = Neuron(np.zeros(4, int), np.full(4, 5), once=True, places=law.after.places)
    hidden = replace(net.layers["hidden"], neuron=cells)
    net = replace(net, layers={**net.layers, "hidden": hidden})
    mapping = lined(net)
    assert Layout.of(net, mapping).parts["hidden"].skips
    x = np.zeros((3, 5, 24), int)
    x[0, 1, [3, 20]], x[1, 0], x[1, 3, 7] = 2, 1, 2
    spikes = net.run(x, record=True).spikes["hidden"]
    assert spikes[1:].any()
    assert_equals(net, mapping, x)
    assert_cycles(net, mapping, x)


def test_what_comes_back_is_a_step_less_late():
    """A causal kernel over the layer itself: its delays of 1 to 3 are 0 to 2 of what comes."""
    law = causal(2)
    net = network(law)
    before: Any = net.layers["hidden"].neuron
    hidden = replace(before, bias=np.full(2, 3), threshold=np.full(2, 4))
    layers = {
        "hidden": Layer((Connection(("hidden",), law, delay=1),), hidden),
        "out": net.layers["out"],
    }
    loop = Network(5, {"input": 24}, Counts(2), layers, readout("final-membrane"))
    mapping = lined(loop)
    assert mapping.taps(loop, "hidden").window == 3
    x = np.zeros((2, 5, 24), int)
    assert loop.run(x, record=True).spikes["hidden"].any()
    assert_equals(loop, mapping, x)
    assert_cycles(loop, mapping, x)


def pooled(limit: int) -> Network:
    """Make a network of two inputs whose events add, in windows of a pool."""
    law, net = causal(), network(causal())
    views = (Pool((2, 6, 4), (2, 1)),)
    fed = Layer((Connection(("left", "right"), law, views),), net.layers["hidden"].neuron)
    layers = {"hidden": fed, "out": net.layers["out"]}
    inputs = {"left": 48, "right": 48}
    return Network(5, inputs, Counts(limit), layers, readout("final-membrane"))


def test_events_of_a_step_add_up_in_the_line():
    """Two inputs and the places of a pool meet at one input: up to 8 in a step."""
    net = pooled(2)
    mapping = lined(net)
    taps = mapping.taps(net, "hidden")
    assert isinstance(taps, Window) and taps.limit == 8
    assert delay_bits(net, mapping.units)["hidden"]["line"] == 24 * (2 * 4 + 1) + 24 * (2 * 4 + 1)
    x = np.random.default_rng(7).poisson(0.05, (2, 5, 96)).clip(0, 2)
    x[0, 1, [0, 8, 48, 56]] = 2  # a window of either input
    assert_equals(net, mapping, x, stalls=(0.3, 0.3))
    assert_cycles(net, mapping, x)


def test_what_is_larger_than_a_byte_has_its_taps_written_out():
    """The prediction holds bytes; beyond, the line of a dense layer does as well."""
    for limit, engine in ((63, "map_line"), (64, "line")):
        assert Mapping.of(pooled(limit), delay="line").units["hidden"].engine == engine


def test_both_engines_give_the_same_results():
    """Lines and wheels differ in cycles and memory alone."""
    net = network(spaced(), 1)
    x = np.random.default_rng(8).poisson(0.3, (2, 5, 24)).clip(0, 2)
    line, wheel = (Mapping.of(net, (4, 3), delay=delay) for delay in ("line", "wheel"))
    assert [m.units["hidden"].engine for m in (line, wheel)] == ["map_line", "map_wheel"]
    found = [assert_equals(net, mapping, x) for mapping in (line, wheel)]
    assert found[0].results == found[1].results
    assert delay_bits(net, line.units) == delay_bits(net, wheel.units)


@each("synapses,lanes", [(causal(), 4), (spaced(), 2), (spaced(8, 2), 8)], quick=2)
def test_memory_is_what_the_mapping_predicts(synapses, lanes, monkeypatch):
    """The histories have the bits that the mapping tells: of 24 inputs, up to 2 in a step."""
    net = network(synapses)
    mapping = lined(net, (lanes, 3))
    source = SOURCES["map_line"](Layout.of(net, mapping).parts["hidden"], name="w")
    made = []

    class Noted(memory.Memory):
        def __init__(self, *, shape, depth, init, attrs=None):
            made.append(Shape.cast(shape).width * depth)
            super().__init__(shape=shape, depth=depth, init=init, attrs=attrs)

    monkeypatch.setattr(memory, "Memory", Noted)
    # As for emission: row memories are not among them.
    Fragment.get(source, Emission()).prepare()

    late = synapses.latest
    assert sum(made) == delay_bits(net, mapping.units)["hidden"]["line"] == 24 * (2 * late + 6)


def test_an_event_costs_its_taps_when_they_are_due():
    """A corner meets four of nine taps, in each step of the kernel that comes before the end."""
    net = network(causal())
    mapping = lined(net, (2, 3))
    x = np.zeros((2, 5, 24), int)
    x[0, 1, 0] = 2  # is due in steps 1, 2 and 3
    x[1, 3, 10] = 1  # beside the corner, in the next row; is due in steps 3 and 4
    assert work(net, mapping, net.run(x, record=True))["hidden"].tolist() == [
        2 * 3 * 4 * 2,
        2 * 9 * 2,
    ]


def replayed(s: np.ndarray, ages: tuple[int, ...]) -> list[tuple[int, int, int, int]]:
    """List the events of a sample by age, input by input, and the end of each step."""
    items = []
    for t in range(len(s)):
        for i in range(s.shape[1]):
            due = [(k, int(s[t - age, i])) for k, age in enumerate(ages) if age <= t]
            items += [(i * len(ages) + k, value, 0, 0) for k, value in due if value]
        items.append((0, 0, 1, int(t == len(s) - 1)))
    return items


@pytest.mark.parametrize("ages", [(0, 1, 4), (2,), (0, 1, 2, 3, 4)], ids=["some", "one", "all"])
@each_stall
def test_histories_are_cut_into_events(stalls, ages):
    """Every value of an age that is asked for comes once, in the cycle that the twin tells."""
    s = [sample(seed, 7, PRE, BITS) for seed in range(3)]
    items = [
        {"position": p, "lanes": lanes, "tick": tick, "last": last}
        for one in s
        for p, lanes, tick, last in histories(one, WINDOW, BITS)
    ]
    bench = Bench(part := Replay(PRE, WINDOW, BITS, ages), 1)
    expected = [item for one in s for item in replayed(one, ages)]
    source, sink = bench.put(part.i, items, stalls[0]), bench.get(part.o, stalls[1])
    ready = bench.sample(part.o.ready)
    bench.run(lambda: len(source.items) == len(items) and len(sink.items) >= len(expected))

    assert flat(sink.items) == expected
    assert_told(source, items, sink, ready, s, ages)


def assert_told(
    source: Trace,
    items: list[dict[str, int]],
    sink: Trace,
    ready: Any,
    s: list[np.ndarray],
    ages: tuple[int, ...],
) -> None:
    """Compare the cycles of what was taken and given with those of the twin."""
    offered = [
        (at, i["position"], i["lanes"] > 0, i["tick"] + 2 * i["last"])
        for at, i in zip(source.offered, items, strict=True)
    ]
    twin = [Player(offered), ReplayTwin(0, 0, PRE, ages), Taker(1, ready)]
    record = np.stack(s, axis=1).astype(np.uint8)
    taken = trace(twin, [record])
    assert taken[0] == source.cycles
    assert taken[2] == sink.cycles


def test_a_step_that_is_cut_short_counts_for_its_sample_alone():
    """The end of a sample without that of a step: the twin looks at the next sample from there."""
    s = [sample(seed, 4, PRE, BITS) for seed in (3, 4)]
    cut = [(*item[:3], 0) for item in histories(s[0][:2], WINDOW, BITS)] + [(0, 0, 0, 1)]
    items = [
        {"position": p, "lanes": lanes, "tick": tick, "last": last}
        for p, lanes, tick, last in cut + histories(s[1], WINDOW, BITS)
    ]
    ages = (0, 3)
    bench = Bench(part := Replay(PRE, WINDOW, BITS, ages))
    expected = [(*item[:3], 0) for item in replayed(s[0][:2], ages)] + [(0, 0, 0, 1)]
    expected += replayed(s[1], ages)
    source, sink = bench.put(part.i, items), bench.get(part.o)
    ready = bench.sample(part.o.ready)
    bench.run(lambda: len(sink.items) >= len(expected))

    assert flat(sink.items) == expected
    assert_told(source, items, sink, ready, s, ages)


@each_stall
def test_lines_add_the_events_of_an_input(stalls):
    """Inputs come several times in a step; their histories are of sums, and the cycles the same."""
    rng, window = np.random.default_rng(9), 3
    parts = rng.integers(0, 4, (6, 3, PRE))  # steps, events of an input, inputs
    items = []
    for step in parts:
        events = [(int(i), int(step[n, i])) for n, i in np.argwhere(step)]
        events = [events[n] for n in rng.permutation(len(events))]
        items += [{"position": i, "lanes": v, "tick": 0, "last": 0} for i, v in events]
        items.append({"position": 0, "lanes": 0, "tick": 1, "last": 0})
    items[-1]["last"] = 1
    s = parts.sum(axis=1)
    expected = histories(s, window, 4)
    bench = Bench(line := Line(PRE, window, 4, 2), 2)
    source, sink = bench.put(line.i, items, stalls[0]), bench.get(line.o, stalls[1])
    ready = bench.sample(line.o.ready)
    bench.run(lambda: len(source.items) == len(items) and len(sink.items) >= len(expected))

    assert flat(sink.items) == expected
    offered = [
        (at, i["position"], i["lanes"] > 0, i["tick"] + 2 * i["last"])
        for at, i in zip(source.offered, items, strict=True)
    ]
    taken = trace([Player(offered), LineTwin(0, PRE, window), Taker(1, ready)])
    assert taken[2] == sink.cycles


def dense_behind(law: Conv | Causal | Spaced, rng: np.random.Generator) -> Network:
    """Make a network of drawn synapses over a map, late by a step where they have no delays."""
    cells = Neuron(
        np.zeros(law.out, int), rng.integers(2, 12, law.out), (1, 1), places=law.after.places
    )
    out = Dense(rng.integers(-4, 8, (3, law.post)), 4)
    fed = Connection(("input",), law, delay=int(law.latest == 0))
    layers = {
        "hidden": Layer((fed,), cells),
        "out": Layer((Connection(("hidden",), out),), Neuron(np.zeros(3, int), np.full(3, 9))),
    }
    kind = str(rng.choice(["spike-count", "first-spike"]))  # a sample may be cut short
    return Network(6, {"input": law.pre}, Counts(2), layers, readout(kind))


@examples(4)
@given(seed=st.integers(0, 1 << 20), stalls=st.sampled_from([(0.0, 0.0), (0.4, 0.5)]))
def test_random_lines_over_maps_equal_the_golden_model(seed, stalls):
    """Any synapses over maps under any stalls: the golden spikes, and the cycles predicted."""
    rng = np.random.default_rng(seed)
    net = dense_behind(random_law(rng), rng)
    mapping = lined(net, taps=str(rng.choice(["one", "row"])))
    x = rng.poisson(0.15, (2, 6, net.width)).clip(0, 2)
    assert_equals(net, mapping, x, stalls=stalls)
    assert_cycles(net, mapping, x)
