"""An engine against the golden layer: every spike, every membrane."""

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikeline.model.neurons.neuron import Neuron
from spikeline.model.synapses.dense import Dense
from spikeline.plan.pipeline import reporting
from spikeline.plan.taps import merged
from spikeline.plan.unit import Unit
from spikeline.rtl.engine import Engine
from spikeline.rtl.memory import rows

from .builders import Law, bounds_of, network_of, part_of, random_events, worst
from .strategies import examples, layers
from .streams import Bench, Trace, each_stall, items_of, spikes_of

LEAKS = {
    "no-leak": (1, 0),
    "shift": (1, 3),
    "shift-subtract": (7, 3),
    "reduces": (6, 3),
    "multiply": (5, 3),
    "forgets": (0, 2),
}
CLAMPS = {"free": None, "clamped": (-9, 15), "at-zero": (0, 6)}
RESETS = ["none", "zero", "subtract", "once"]
UNITS = {
    "one-fold": lambda n: Unit(n, n, n),
    "groups": lambda n: Unit(n, n, n // 3 if n % 3 == 0 else 1),
    "two-folds": lambda n: Unit(n, (n + 1) // 2, (n + 1) // 2),
    "three-folds-uneven": lambda n: Unit(n, 4, 2),
    "many-folds": lambda n: Unit(n, 2, 2),
    "one-lane": lambda n: Unit(n, 1, 1),
}


def layer(
    seed: int, pre: int = 8, post: int = 9, bias: int = 3, silent: bool = False, **fields
) -> Law:
    """Make a layer of random weights, biases and thresholds; "once" counts as a reset."""
    rng = np.random.default_rng(seed)
    if fields.get("reset") == "once":
        fields |= {"reset": "none", "once": True}
    threshold, shift = None if silent else rng.integers(1, 12, post), fields.pop("shift", 0)
    return Law(
        Dense(rng.integers(-8, 8, (post, pre)), 4),
        Neuron(rng.integers(-bias, bias + 1, post), threshold, **fields),
        shift=shift,
    )


@dataclass
class Simulated:
    """What an engine gave: items, and per sample spikes and, of a last layer, membranes."""

    engine: Engine
    source: Trace
    sink: Trace
    spikes: list[np.ndarray]
    membranes: list[np.ndarray] = field(default_factory=list)


def simulate(
    law: Law,
    unit: Unit,
    s: np.ndarray,
    *,
    limit: int = 1,
    once: bool = False,
    measures: bool = False,
    stalls: tuple[float, float] = (0.0, 0.0),
    joined: bool = False,
    items: list[dict[str, int]] | None = None,
    seed: int = 0,
    quiet: int = 60,
) -> Simulated:
    """Run samples (steps, samples, pre), or `items` instead, through an engine."""
    steps, count = s.shape[:2]
    engine = Engine(part_of(law, unit, steps, limit, once, measures), name="w")
    out = engine.found if measures else engine.outs[0]
    if items is None:
        items = [item for n in range(count) for item in items_of(s[:, n], joined)]
    ends = sum(item["last"] for item in items)
    bench = Bench(engine, seed)
    source, sink = bench.put(engine.i, items, stalls[0]), bench.get(out, stalls[1])
    bench.run(lambda: sum(item["last"] for item in sink.items) >= ends, quiet=quiet)
    got = Simulated(engine, source, sink, spikes_of(sink.items, unit.sweep, unit.neurons))
    if measures:
        assert [i["position"] for i in sink.items if i["tick"] or not i["last"]] == list(
            range(unit.folds * unit.groups)
        ) * (len([i for i in sink.items if i["tick"]]))
        found = np.array([i["membranes"] for i in sink.items])
        found = found.reshape(count, steps, unit.folds * unit.lanes)[:, :, : unit.neurons]
        offsets = [engine.lanes.neuron.offset(n) for n in range(unit.neurons)]
        got.membranes = list(found + offsets)
    return got


def assert_equals(
    law: Law, unit: Unit, s: np.ndarray, limit: int = 1, hidden: bool = False, **options
) -> None:
    """Compare an engine's spikes and membranes with the golden ones, if `hidden` in both roles.

    What never fires has no layer behind it.
    """
    spikes, membranes = law.run(s, limit)
    for measures in (False, True)[not (hidden and law.neuron.fires) :]:
        got = simulate(law, unit, s, limit=limit, measures=measures, **options)
        assert len(got.spikes) == s.shape[1]
        for n, of_sample in enumerate(got.spikes):
            assert np.argwhere(of_sample != spikes[:, n]).tolist() == []
        for n, of_sample in enumerate(got.membranes):
            assert np.argwhere(of_sample != membranes[:, n]).tolist() == []


@pytest.mark.parametrize("reset", RESETS)
@pytest.mark.parametrize("leak", LEAKS.values(), ids=LEAKS.keys())
@pytest.mark.parametrize("clamp", CLAMPS.values(), ids=CLAMPS.keys())
def test_every_kind_of_neuron_equals_golden_model(leak, clamp, reset):
    """Every leak, clamp and reset gives the golden spikes and membranes, in folds and groups."""
    law = layer(3, leak=leak, clamp=clamp, reset=reset)
    s = random_events(5, 4, 3, 8)
    spikes, _ = law.run(s, 1)
    assert spikes.any() and not spikes.all()

    assert_equals(law, UNITS["three-folds-uneven"](9), s)


@pytest.mark.parametrize("reset", ["subtract", "once"])
@pytest.mark.parametrize("leak", [(1, 0), (7, 3), (5, 3)], ids=["rest-0", "rest-1", "rest-2"])
@pytest.mark.parametrize("unit", [u(9) for u in UNITS.values()], ids=UNITS.keys())
def test_every_layout_equals_golden_model(unit, leak, reset):
    """Folds, groups and lanes, whether or not they divide the neurons, change no spike."""
    law = layer(4, leak=leak, reset=reset)

    assert_equals(law, unit, random_events(6, 3, 2, 8))


@pytest.mark.parametrize("kind", [(1, 0), (7, 3), (5, 3)], ids=["rest-0", "rest-1", "rest-2"])
@pytest.mark.parametrize("joined", [False, True], ids=["bare-ticks", "ticks-on-events"])
@each_stall
def test_stalls_change_no_spike(stalls, kind, joined):
    """Source gaps, sink gaps and where the tick travels change nothing."""
    law = layer(7, leak=kind, reset="subtract")

    assert_equals(
        law,
        UNITS["three-folds-uneven"](9),
        random_events(8, 3, 2, 8),
        stalls=stalls,
        joined=joined,
        hidden=True,
    )


@pytest.mark.parametrize("unit", [u(9) for u in UNITS.values()], ids=UNITS.keys())
def test_counts_add_their_rows_so_often(unit):
    """Events of value up to 3 equal as many additions."""
    law = layer(9, reset="zero", bias=1)
    s = random_events(10, 3, 3, 8, limit=3)
    assert s.max() == 3

    assert_equals(law, unit, s, limit=3, joined=True)


@pytest.mark.parametrize("f", [0, 1, 5, 15])
@pytest.mark.parametrize("leak", [(1, 0), (7, 3)], ids=["no-leak", "leak"])
def test_current_is_shifted(f, leak):
    """The left shift of the current reaches the membrane."""
    law = layer(11, shift=f, leak=leak, reset="subtract")

    assert_equals(law, UNITS["two-folds"](9), random_events(12, 3, 2, 8))


@pytest.mark.parametrize("leak", [(1, 0), (7, 3)], ids=["no-leak", "leak"])
def test_silent_layer_keeps_its_membranes(leak):
    """A layer without thresholds never spikes; its membranes are the golden ones."""
    law = layer(13, silent=True, leak=leak)

    assert_equals(law, UNITS["two-folds"](9), random_events(14, 3, 2, 8))


@pytest.mark.parametrize("reset", RESETS)
@pytest.mark.parametrize("sizes", [(1, 1), (1, 5), (6, 1), (3, 2)], ids=str)
def test_smallest_layers_equal_golden_model(sizes, reset):
    """One input, one neuron, both: the golden spikes."""
    pre, post = sizes
    law = layer(15, pre, post, reset=reset)

    assert_equals(law, Unit(post, post, post), random_events(16, 4, 4, pre))


@pytest.mark.parametrize("unit", ["groups", "three-folds-uneven"])
@pytest.mark.parametrize("kind", [(1, 0), (7, 3), (5, 3)], ids=["rest-0", "rest-1", "rest-2"])
@pytest.mark.parametrize("reset", RESETS)
def test_nothing_is_left_from_the_sample_before(reset, kind, unit):
    """A sample after a loud one, and after one that was cut short, is as the first."""
    law = layer(17, bias=2, leak=kind, reset=reset)
    quiet_one = random_events(18, 3, 1, 8)[:, 0]
    loud = np.ones((3, 8), np.uint8)
    void = {"position": 0, "lanes": 0, "tick": 0, "last": 1}
    # One full step and half a second one, then the end without a tick.
    cut = [*items_of(loud)[:9], *items_of(loud)[9:13], void]
    items = [*items_of(loud), *items_of(quiet_one), *cut, *items_of(quiet_one)]
    unit = UNITS[unit](9)
    got = simulate(law, unit, quiet_one[:, None], items=items).spikes
    expected, _ = law.run(np.stack([loud, quiet_one], axis=1), 1)

    assert [len(steps) for steps in got] == [3, 3, 1, 3]
    assert np.array_equal(got[0], expected[:, 0])
    assert np.array_equal(got[1], expected[:, 1])
    assert np.array_equal(got[2], expected[:1, 0])
    assert np.array_equal(got[3], expected[:, 1])


@pytest.mark.parametrize("measures", [False, True], ids=["hidden", "last"])
def test_void_end_fires_nothing(measures):
    """The end of a sample without the end of a step makes one item, without spikes."""
    law = layer(19)
    loud = np.ones((1, 8), np.uint8)
    events, void = items_of(loud)[:8], {"position": 0, "lanes": 0, "tick": 0, "last": 1}
    unit = UNITS["three-folds-uneven"](9)
    engine = Engine(part_of(law, unit, 1, measures=measures), name="w")
    bench = Bench(engine)
    bench.put(engine.i, [*events, void])
    sink = bench.get(engine.found if measures else engine.outs[0])
    bench.run(lambda: len(sink.items) >= 1)

    assert [(i["lanes"], i["tick"], i["last"]) for i in sink.items] == [(0, 0, 1)]


@pytest.mark.parametrize("unit", [u(9) for u in UNITS.values()], ids=UNITS.keys())
def test_hidden_layers_send_no_empty_vectors(unit):
    """Items between layers have spikes, or are the end of a step."""
    got = simulate(layer(20), unit, random_events(21, 4, 3, 8))

    assert all(i["lanes"] or i["tick"] for i in got.sink.items)
    assert any(not i["tick"] for i in got.sink.items) or unit.folds * unit.groups == 1


@pytest.mark.parametrize("once", [False, True], ids=["every-step", "once"])
@pytest.mark.parametrize("leak", [(1, 0), (3, 2), (5, 3)], ids=["rest-0", "rest-1", "rest-2"])
@pytest.mark.parametrize("f", [0, 2])
def test_membranes_reach_their_proven_bounds(once, leak, f):
    """The worst inputs of every neuron drive membranes to both ends of their intervals, exactly."""
    law = layer(22, 6, 5, leak=leak, shift=f, silent=True)
    steps, limit = 4, 3
    net = network_of(law, steps, limit, once)
    s = np.stack(
        [worst(net, "layer0", n, high) for n in range(5) for high in (False, True)],
        axis=1,
    )
    proven = bounds_of(law, steps, limit, once).membrane
    got = simulate(law, Unit(5, 3, 3), s, limit=limit, once=once, measures=True)

    _, expected = law.run(s, limit)
    assert np.array_equal(np.array(got.membranes), expected.transpose(1, 0, 2))
    h = np.array(got.membranes)
    assert h.min(axis=(0, 1)).tolist() == np.minimum(proven[0], h.min(axis=(0, 1))).tolist()
    for n in range(5):
        assert h[2 * n, :, n].min() == proven[0][n]
        assert h[2 * n + 1, :, n].max() == proven[1][n]


@pytest.mark.parametrize("unit", [u(9) for u in UNITS.values()], ids=UNITS.keys())
@pytest.mark.parametrize("leak", [(1, 0), (7, 3), (5, 3)], ids=["rest-0", "rest-1", "rest-2"])
def test_cycles_are_those_of_the_contract(unit, leak):
    """An event takes value x folds cycles, a tick folds x groups + rest.

    It is offered four cycles on, later where the membranes of a group are picked first.
    """
    law = layer(23, leak=leak, reset="zero")
    s = random_events(24, 4, 2, 8, limit=3)
    got = simulate(law, unit, s, limit=3)
    rest, sweep = got.engine.lanes.rest, unit.folds * unit.groups
    cost = [i["lanes"] * unit.folds + i["tick"] * (sweep + rest) for i in got.source.items]
    taken = got.source.cycles

    assert [b - a for a, b in pairwise(taken)] == cost[:-1]
    ticks = [c for c, i in zip(taken, got.source.items, strict=True) if i["tick"]]
    assert [c for c, i in zip(got.sink.cycles, got.sink.items, strict=True) if i["tick"]] == [
        t + sweep + 3 + reporting(unit) for t in ticks
    ]


def test_a_weight_word_holds_the_lanes_of_a_fold():
    """Word pre * folds + fold, lane 0 lowest, two's complement; places of no neuron are 0."""
    law = Law(Dense(np.array([[1, -1], [2, -2], [3, -3]]), 4), Neuron(np.zeros(3, int), None))

    taps = merged(network_of(law, 1), "layer0")
    assert rows(taps, Unit(3, 2, 2)) == [0x21, 0x03, 0xEF, 0x0D]
    assert rows(taps, Unit(3, 3, 3)) == [0x321, 0xDEF]


@st.composite
def engines(draw) -> tuple[Law, Unit, int, bool, np.ndarray]:
    """Draw a layer, its layout, and input within a drawn declaration."""
    pre, post = draw(st.integers(1, 6)), draw(st.integers(1, 9))
    law = Law(*draw(layers(pre, post)), shift=draw(st.sampled_from([0, 0, 1, 3, 15])))
    lanes = draw(st.integers(1, post))
    sweep = draw(st.sampled_from([n for n in range(1, lanes + 1) if lanes % n == 0]))
    limit, once = draw(st.integers(1, 3)), draw(st.booleans())
    s = random_events(draw(st.integers(0, 999)), draw(st.integers(1, 5)), 3, pre, limit, once)
    return law, Unit(post, lanes, sweep), limit, once, s


@examples(20)
@given(engines(), st.sampled_from([0.0, 0.5]), st.sampled_from([0.0, 0.6]), st.booleans())
def test_random_engines_equal_golden_model(case, source, sink, joined):
    """Any layer in any layout under any stalls gives the golden spikes and membranes."""
    law, unit, limit, once, s = case

    assert_equals(law, unit, s, limit, hidden=True, once=once, stalls=(source, sink), joined=joined)
