"""Joins: edges in their order, what comes back one step later, and only in this sample.

First a join alone, then recurrent layers and graphs as cores, beside the golden model.
"""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikeline.model.codings.counts import Counts
from spikeline.model.network import Connection, Layer, Network
from spikeline.model.neurons.neuron import Neuron
from spikeline.model.readouts import readout
from spikeline.model.synapses.delayed import Delayed
from spikeline.model.synapses.dense import Dense
from spikeline.model.views.crop import Crop
from spikeline.plan.layout import Layout, Part
from spikeline.plan.mapping import Mapping
from spikeline.plan.pipeline import latency, reporting
from spikeline.plan.taps import merged
from spikeline.plan.unit import Unit
from spikeline.rtl.join import Join
from spikeline.rtl.network import Network as Core

from .builders import (
    Law,
    chain_of,
    random_events,
    random_mapping,
    random_network,
    random_samples,
    random_taps,
    recurrent_chain,
    recurrent_layer,
)
from .groups import each
from .strategies import examples
from .streams import VOID, Bench, Trace, each_stall, items_of, spikes_of
from .test_rtl_network import assert_equals
from .test_rtl_top import assert_cycles

Item = dict[str, int]


def graph(seed: int = 0, kind: str = "spike-count") -> Network:
    """Make a graph whose layer `b` has two edges that come back and three that do not."""
    rng = np.random.default_rng(seed)

    def fed(source: str, pre: int, post: int, *views: Crop, **fields) -> Connection:
        return Connection((source,), Dense(rng.integers(-4, 8, (post, pre)), 4), views, **fields)

    def cells(count: int) -> Neuron:
        return Neuron(rng.integers(-1, 2, count), rng.integers(3, 12, count), reset="zero")

    back = Connection(("c",), random_taps(seed, 3, 4, 2, 3), delay=1)
    layers = {
        "a": Layer((fed("left", 3, 5),), cells(5)),
        "b": Layer(
            (
                fed("a", 5, 4),
                fed("right", 2, 4, Crop(1, 2)),
                back,
                fed("left", 3, 4, shift=1),
                fed("b", 4, 4, delay=1),
            ),
            cells(4),
        ),
        "c": Layer((fed("b", 4, 3), fed("a", 2, 3, Crop(3, 2))), cells(3)),
    }
    return Network(6, {"left": 3, "right": 4}, Counts(3), layers, readout(kind))


def part() -> Part:
    """Lay out the layer with five edges."""
    return Layout.of(graph(), Mapping.of(graph())).parts["b"]


class Sample:
    """What each edge of a part brings in a sample.

    Parameters
    ----------
    rng : Generator
    made : Part
    steps : int
        How many end.
    void : bool
        Whether the sample ends behind events of one more step, which does not end.
    """

    def __init__(self, rng: np.random.Generator, made: Part, steps: int, void: bool) -> None:
        self.made, self.steps, self.count = made, steps, steps + void
        self.streams: list[list[list[Item]]] = []  # by edge and step
        for edge in made.edges:
            s = rng.integers(1, edge.limit + 1, (self.count, edge.size))
            s = s * (rng.random(s.shape) < rng.choice([0, 0.3, 0.9], (self.count, 1)))
            self.streams.append([self._step(row, t, rng.random() < 0.5) for t, row in enumerate(s)])

    def _step(self, row: np.ndarray, t: int, joined: bool) -> list[Item]:
        *events, end = items_of(row[None], joined)
        return [*events, end | {"tick": int(t < self.steps), "last": int(t == self.count - 1)}]

    def items(self, edge: int) -> list[Item]:
        """List what an edge brings."""
        return [item for step in self.streams[edge] for item in step]

    def joined(self) -> list:
        """List what leaves the join: (input, value) of each event, (tick, last) of each end."""
        found = []
        for t in range(self.count):
            for edge, stream in zip(self.made.edges, self.streams, strict=True):
                taken = stream[t - edge.back] if t or not edge.back else []
                found += [(edge.base + i["position"], i["lanes"]) for i in taken if i["lanes"]]
            found.append((t < self.steps, t == self.count - 1))
        return found


def told(items: Sequence[Item]) -> list:
    """List events, and ends behind them, as `Sample.joined` does."""
    found = []
    for item in items:
        if item["lanes"]:
            found.append((item["position"], item["lanes"]))
        if item["tick"] or item["last"]:
            found.append((bool(item["tick"]), bool(item["last"])))
    return found


def play(
    made: Part, drawn: Sequence[Sample], gaps: Sequence[float], gap: float = 0.0, seed: int = 0
) -> tuple[list[Trace], Trace]:
    """Send samples through a join, with gaps in each edge, and in what takes them."""
    bench = Bench(join := Join(made), seed)
    sources = [
        bench.put(i, [item for one in drawn for item in one.items(n)], gaps[n])
        for n, i in enumerate(join.i)
    ]
    sink = bench.get(join.o, gap)
    bench.run(lambda: sum(item["last"] for item in sink.items) >= len(drawn), quiet=200)
    return sources, sink


def assert_joins(made: Part, drawn: Sequence[Sample], *gaps, **options) -> None:
    """Compare what leaves a join with the law; nothing is left in any edge."""
    sources, sink = play(made, drawn, *gaps, **options)

    assert told(sink.items) == [x for sample in drawn for x in sample.joined()]
    for n, source in enumerate(sources):
        assert source.items == [item for sample in drawn for item in sample.items(n)]


def draw_samples(seed: int, made: Part, *shapes: tuple[int, bool]) -> list[Sample]:
    """Make samples of so many steps, and with an end that fires nothing or without."""
    rng = np.random.default_rng(seed)
    return [Sample(rng, made, *shape) for shape in shapes]


def test_edges_come_in_the_order_of_their_sources():
    """First what comes back, then the input, then layers; each has inputs of its own."""
    made = part()

    assert [(e.source, e.base, e.size, e.back) for e in made.edges] == [
        ("b", 13, 4, True),
        ("c", 7, 3, True),
        ("", 5, 2, False),
        ("", 10, 3, False),
        ("a", 0, 5, False),
    ]


@each_stall
def test_edges_are_taken_one_after_another(stalls):
    """In each step every edge up to its end, moved to its inputs; one end is passed on."""
    made = part()
    drawn = draw_samples(1, made, *[(6, False)] * 4)

    assert_joins(made, drawn, [stalls[0]] * 5, stalls[1])


@pytest.mark.parametrize("slow", range(5))
def test_a_slow_edge_is_waited_for(slow):
    """Whichever edge is late, the order stays."""
    made = part()
    drawn = draw_samples(2, made, (6, False), (3, True), (6, False))

    assert_joins(made, drawn, [0.9 * (n == slow) for n in range(5)], 0.1)


@each_stall
@pytest.mark.parametrize("steps", range(6))
def test_what_comes_back_from_a_sample_cut_short_is_dropped(steps, stalls):
    """However early a sample ends, the next one's first step takes nothing from it."""
    made = part()
    drawn = draw_samples(3 + steps, made, (steps, True), (steps, True), (6, False))

    assert_joins(made, drawn, [stalls[0]] * 5, stalls[1])


def test_samples_of_one_step_take_nothing_back():
    """What comes back from the only step is dropped."""
    made = part()

    assert_joins(made, draw_samples(9, made, *[(1, False)] * 5), [0.0] * 5)


@examples(60)
@given(st.data())
def test_random_streams_are_joined(data):
    """Any samples, whole or cut short, under any stalls."""
    made = part()
    shape = st.tuples(st.integers(1, 6), st.booleans()) | st.just((0, True))
    shapes = data.draw(st.lists(shape, min_size=1, max_size=4))
    gap = st.sampled_from([0.0, 0.5, 0.9])
    gaps, sink = data.draw(st.lists(gap, min_size=5, max_size=5)), data.draw(gap)
    drawn = draw_samples(data.draw(st.integers(0, 999)), made, *shapes)

    assert_joins(made, drawn, gaps, sink, seed=data.draw(st.integers(0, 9)))


def test_there_is_no_latency():
    """An event is taken where it is offered; a bare end of all edges but the last takes a cycle."""
    made = part()
    drawn = draw_samples(10, made, *[(6, False)] * 3)
    sources, sink = play(made, drawn, [0.0] * 5)

    assert sorted(c for source in sources for c in source.cycles) == list(
        range(sources[2].cycles[0], sources[2].cycles[0] + sum(len(s.items) for s in sources))
    )
    assert set(sink.cycles) <= {c for source in sources for c in source.cycles}


@pytest.mark.parametrize("at", range(5, 60, 6))
def test_reset_begins_a_sample(at):
    """Behind a reset the first forward edge is taken: nothing is there to come back."""
    made = part()
    drawn = draw_samples(11, made, (6, False), (2, True))
    before = Sample(np.random.default_rng(12), made, 6, False)
    bench = Bench(join := Join(made))
    cut = [len(t.items) for t in _taken_until(made, before, at)]
    for n, i in enumerate(join.i):
        after = [item for one in drawn for item in one.items(n)]
        bench.put(i, [*before.items(n)[: cut[n]], *after], after={cut[n]: at + 1})
    sink = bench.get(join.o)
    bench.reset(at)
    behind: list[Item] = []

    def done() -> bool:
        behind[:] = [x for c, x in zip(sink.cycles, sink.items, strict=True) if c > at]
        return sum(item["last"] for item in behind) >= len(drawn)

    bench.run(done)
    assert told(behind) == [x for sample in drawn for x in sample.joined()]


def _taken_until(made: Part, sample: Sample, at: int) -> list[Trace]:
    """Find what a join has taken of a sample up to a cycle."""
    bench = Bench(join := Join(made))
    sources = [bench.put(i, sample.items(n)) for n, i in enumerate(join.i)]
    bench.get(join.o)
    bench.run(lambda: bench.cycle > at, quiet=0)
    return sources


# What a layer's synapses are, and the longest delay of its recurrent ones: what it becomes.
KINDS = {
    "dense": (1, 1, 1),
    "one-delay": (1, 1, 4),
    "delays": (2, 3, 2),
    "delays-of-three-taps": (3, 5, 6),
}
# Lanes and sweep for nine neurons.
UNITS = {
    "one-fold": (9, 9),
    "two-folds": (5, 5),
    "three-folds-uneven": (4, 2),
    "one-lane": (1, 1),
}
each_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS.keys())
each_unit = pytest.mark.parametrize("unit", UNITS.values(), ids=UNITS.keys())
each_engine = pytest.mark.parametrize("engine", ["dense", "line", "wheel"])


def looped(
    law: Law, engine: str, unit: tuple[int, int], steps: int = 8, limit: int = 1
) -> tuple[Network, Mapping]:
    """Make a network of a recurrent layer; without any delay left its engine is always the same."""
    net = chain_of(steps, law.synapses.pre, Counts(limit), [law], readout("spike-count"))
    kind = engine if merged(net, "layer0").delayed else "dense"
    return net, Mapping({"layer0": Unit(law.neuron.size, *unit, kind)})


@pytest.mark.parametrize("engine", ["line", "wheel"])
@each_kind
@each_unit
def test_recurrent_layers_equal_the_golden_model(engine, kind, unit):
    """Any layout, with and without delays of the inputs: the golden spikes and membranes."""
    law = recurrent_layer(1, kind, reset="zero")
    s = random_events(2, 8, 3, 6, 2)
    alone, _ = Law(law.synapses, law.neuron).run(s, 2)
    assert (law.run(s, 2)[0] != alone).any()

    assert_equals(*looped(law, engine, unit, 8, 2), s.transpose(1, 0, 2))


@pytest.mark.parametrize("joined", [False, True], ids=["bare-ticks", "ticks-on-events"])
@each_engine
@each_stall
def test_stalls_change_no_spike(engine, stalls, joined):
    """Source gaps, sink gaps and where the tick travels change nothing."""
    law = recurrent_layer(
        3, KINDS["dense" if engine == "dense" else "delays"], leak=(5, 3), reset="subtract"
    )
    x = random_events(4, 8, 2, 6, 2).transpose(1, 0, 2)

    assert_equals(*looped(law, engine, (4, 2), 8, 2), x, stalls=stalls, joined=joined)


@each_engine
@each_unit
def test_nothing_comes_back_in_the_next_sample(engine, unit):
    """After a sample in which all fired, also one that was cut short, the next is as the first."""
    law = recurrent_layer(5, KINDS["dense" if engine == "dense" else "delays"], reset="zero")
    loud, s = np.ones((6, 6), np.uint8), random_events(6, 6, 1, 6)
    items = []
    for n in (0, 1, 7, 10):
        items += [*items_of(loud), *items_of(s[:, 0]), *items_of(loud)[:n], VOID]
    bench = Bench(core := Core(*looped(law, engine, unit, 6)))
    bench.put(core.i, items)
    bench.get(core.o)
    found = bench.watch(core.engines["layer0"].found)
    bench.run(lambda: sum(item["last"] for item in found.items) >= 12)
    got = spikes_of(found.items, unit[1], 9)
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
    cells = Neuron(np.array([0]), np.array([1]), reset="zero")
    law = Law(Dense(one, 2), cells, Delayed(one[..., None], one[..., None], 2, 2))
    net, mapping = looped(law, "dense", (1, 1), 5)
    bench = Bench(core := Core(net, mapping))
    source = bench.put(core.i, items_of(np.ones((5, 1), np.uint8), joined))
    bench.get(core.o)
    found = bench.watch(core.engines["layer0"].found)
    bench.run(lambda: sum(item["last"] for item in found.items) >= 1)

    assert spikes_of(found.items, 1, 1)[0].ravel().tolist() == [1] * 5
    taken = list(zip(source.cycles, source.items, strict=True))
    ends, events = ([c for c, i in taken if i[what]] for what in ("tick", "lanes"))
    unit = mapping.units["layer0"]
    # A sweep that begins a cycle behind its item, one more where the item is an event, is offered
    # `latency` + `reporting` + 1 cycles later; the event of the next step is taken a cycle behind.
    round_trip = 1 + joined + latency(unit) + reporting(unit) + 1 + 1
    assert [b - a for a, b in zip(ends[:-1], events[1:], strict=True)] == [round_trip] * 4


def test_inputs_of_a_recurrent_layer_are_those_and_its_neurons():
    """The core takes the inputs alone; the layer's rows are those of inputs and neurons."""
    core = Core(*looped(recurrent_layer(7, KINDS["dense"]), "dense", (9, 9)))

    assert len(core.i.p.position) == 3  # 6 inputs
    assert len(core.engines["layer0"].source.rom.words) == 6 + 9


@each("lanes", [(5, 3), None, (1, 1)], quick=1, ids=["folds", "at-once", "one-lane"])
@pytest.mark.parametrize("delay", ["line", "wheel"])
@pytest.mark.parametrize("kind", ["spike-count", "first-spike"])
def test_cycles_of_recurrent_layers_are_predicted(kind, delay, lanes):
    """Latency and interval are the cycle model's, also where a sample is decided early."""
    net = recurrent_chain(8, (6, 9, 4), kind)
    x = np.random.default_rng(9).poisson(0.4, (5, 7, 6))
    run = net.run(x, record=True)
    assert all(s.any() for s in run.spikes.values())
    assert kind == "spike-count" or (run.decision.step < 5).any()

    assert_cycles(net, Mapping.of(net, lanes, None, 0, delay), x)


@each("neurons, lanes", [(34, 34), (20, 20), (40, 18)], quick=1)
def test_cycles_of_wide_layers_are_predicted(neurons, lanes):
    """Vectors of many lanes come back through two stages of serialization, in folds too."""
    net = recurrent_chain(10, (4, neurons, 5))
    x = np.random.default_rng(11).poisson(0.4, (4, 7, 4))
    assert net.run(x).counts["layer0"].min() > 10

    assert_cycles(net, Mapping.of(net, (lanes, 5)), x)


@each_engine
@each_unit
@each("after", [17, 5, 0, 30], quick=2)
def test_reset_in_mid_sample_starts_anew(engine, after, unit):
    """Whatever is on its way back at a reset is gone."""
    law = recurrent_layer(13, KINDS["dense" if engine == "dense" else "delays"], reset="zero")
    net, mapping = looped(law, engine, unit, 6)
    at = 60 + after
    loud, s = items_of(np.ones((40, 6), np.uint8)), random_events(14, 6, 2, 6)

    # What is taken up to the reset.
    bench = Bench(core := Core(net, mapping))
    source = bench.put(core.i, loud)
    bench.get(core.o)
    bench.run(lambda: bench.cycle > at, quiet=0)
    taken = sum(c <= at for c in source.cycles)
    assert 0 < taken < len(loud)

    bench = Bench(core := Core(net, mapping))
    items = [item for n in range(2) for item in items_of(s[:, n])]
    bench.put(core.i, [*loud[:taken], *items], after={taken: at + 1})
    bench.get(core.o)
    found = bench.watch(core.engines["layer0"].found)
    bench.reset(at)
    behind: list[Item] = []

    def done() -> bool:
        behind[:] = [x for c, x in zip(found.cycles, found.items, strict=True) if c > at]
        return sum(item["last"] for item in behind) >= 2

    bench.run(done)
    expected, _ = law.run(s, 1)
    assert np.array_equal(np.array(spikes_of(behind, unit[1], 9)).transpose(1, 0, 2), expected)


@pytest.mark.parametrize(("window", "delay"), [(2, 1), (3, 1), (9, 1), (9, 8)])
def test_a_recurrent_layer_has_the_delays_it_uses(window, delay):
    """A declared window costs nothing: what comes back in the next step needs no delays."""
    one = np.ones((3, 3, 1), int)
    cells = Neuron(np.zeros(3, int), np.ones(3, int))
    law = Law(Dense(one[..., 0], 2), cells, Delayed(one, delay * one, 2, window))
    net = chain_of(10, 3, Counts(), [law], readout("spike-count"))

    assert merged(net, "layer0").window == delay
    assert Mapping.of(net).units["layer0"].engine == ("dense" if delay == 1 else "wheel")


GRAPHS = {
    "at-once": (None, "auto"),
    "folds-of-lines": ((3, 2, 2), "line"),
    "one-lane-wheels": ((1, 1, 1), "wheel"),
}
each_graph = pytest.mark.parametrize(("lanes", "delay"), GRAPHS.values(), ids=GRAPHS.keys())


@each_graph
@each_stall
def test_graphs_equal_the_golden_model(lanes, delay, stalls):
    """Forks, joins, views and what comes back from a later layer: the golden spikes."""
    net = graph(15)
    x = np.random.default_rng(16).poisson(0.4, (4, 6, 7))
    assert all(s.any() for s in net.run(x, record=True).spikes.values())

    assert_equals(net, Mapping.of(net, lanes, None, 0, delay, queue=(1, 2, 1)), x, stalls=stalls)


@each_graph
@each("kind", ["first-spike", "spike-count"], quick=1)
def test_cycles_of_graphs_are_predicted(kind, lanes, delay):
    """Latency and interval are the cycle model's, also where a sample is decided early."""
    net = graph(17, kind)
    x = np.random.default_rng(18).poisson(0.4, (5, 6, 7))
    assert kind == "spike-count" or (net.run(x).decision.step < 4).any()

    assert_cycles(net, Mapping.of(net, lanes, None, 0, delay), x)


@each_stall
def test_a_layer_that_only_later_ones_feed_ends_its_steps(stalls):
    """Where nothing but what comes back feeds a layer, the input tells when its steps end."""
    rng = np.random.default_rng(19)

    def cells(count: int) -> Neuron:
        return Neuron(rng.integers(0, 2, count), rng.integers(2, 5, count), reset="zero")

    def fed(source: str, pre: int, post: int, delay: int = 0) -> Connection:
        return Connection((source,), Dense(rng.integers(-3, 6, (post, pre)), 4), delay=delay)

    layers = {
        "echo": Layer((fed("out", 3, 4, 1),), cells(4)),
        "out": Layer((fed("input", 5, 3), fed("echo", 4, 3)), cells(3)),
    }
    net = Network(6, {"input": 5}, Counts(2), layers, readout("spike-count"))
    x = np.random.default_rng(20).poisson(0.5, (4, 6, 5))
    assert net.run(x).counts["echo"].all()

    assert_equals(net, Mapping.of(net), x, stalls=stalls)
    assert_cycles(net, Mapping.of(net), x)


@examples(15)
@given(st.integers(0, 1 << 20), st.sampled_from([0.0, 0.5]), st.sampled_from([0.0, 0.6]))
def test_random_graphs_equal_the_golden_model(seed, source, sink):
    """Any graph in any layout under stalls: the golden spikes, and every stream keeps its rules."""
    rng = np.random.default_rng(seed)
    net = random_network(rng, codings=("latency",))
    mapping, x = random_mapping(rng, net), random_samples(rng, net, 3)

    assert_equals(net, mapping, x, stalls=(source, sink), joined=bool(seed % 2))
