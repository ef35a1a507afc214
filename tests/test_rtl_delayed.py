"""An engine of a layer with delays against the golden layer, by a wheel and by lines."""

from itertools import pairwise

import numpy as np
import pytest
from amaranth.hdl import Fragment, Shape
from amaranth.lib import memory
from hypothesis import given
from hypothesis import strategies as st

from spikeline.model.codings.counts import Counts
from spikeline.model.neurons.neuron import Neuron
from spikeline.model.readouts.spike_count import SpikeCount
from spikeline.model.synapses.delayed import Delayed
from spikeline.plan.cycles import reached
from spikeline.plan.layout import Layout
from spikeline.plan.mapping import Mapping, delay_bits, slot_widths
from spikeline.plan.pipeline import reporting, rest
from spikeline.plan.taps import merged
from spikeline.plan.unit import Unit
from spikeline.rtl.engine import Engine
from spikeline.rtl.memory import Emission, rows
from spikeline.rtl.synapses import SOURCES

from .builders import (
    Law,
    bounds_of,
    chain_of,
    network_of,
    part_of,
    random_events,
    random_taps,
    worst,
)
from .groups import each
from .strategies import delayed, examples, layers
from .streams import VOID, Bench, each_stall, items_of, spikes_of
from .test_rtl_dense import RESETS, assert_equals, simulate

ENGINES = ["line", "wheel"]
# Lanes and sweep for nine neurons.
UNITS = {
    "one-fold": (9, 3),
    "two-folds": (5, 5),
    "three-folds-uneven": (4, 2),
    "one-lane": (1, 1),
}
RESTS = {"rest-0": (1, 0), "rest-2": (5, 3)}
each_engine = pytest.mark.parametrize("engine", ENGINES)
each_unit = pytest.mark.parametrize("unit", UNITS.values(), ids=UNITS.keys())
each_rest = pytest.mark.parametrize("leak", RESTS.values(), ids=RESTS.keys())


def layer(
    seed: int,
    taps: int = 2,
    window: int = 3,
    axonal: bool = False,
    pre: int = 6,
    post: int = 9,
    silent: bool = False,
    **fields,
) -> Law:
    """Make a layer of random taps, biases and thresholds; "once" counts as a reset."""
    rng = np.random.default_rng(seed)
    if fields.get("reset") == "once":
        fields |= {"reset": "none", "once": True}
    threshold, shift = None if silent else rng.integers(1, 16, post), fields.pop("shift", 0)
    cells = Neuron(rng.integers(-3, 4, post), threshold, **fields)
    return Law(random_taps(seed, pre, post, taps, window, axonal), cells, shift=shift)


def unit_of(engine: str, lanes: int = 4, sweep: int = 2, neurons: int = 9) -> Unit:
    """Make a layout; in three folds by default, the last of which is not full."""
    return Unit(neurons, lanes, sweep, engine)


@each_engine
@each_unit
@pytest.mark.parametrize(
    ("window", "taps"), [(1, 1), (1, 3), (2, 1), (3, 2), (4, 1), (5, 3), (8, 2)]
)
def test_every_window_equals_golden_model(engine, window, taps, unit):
    """Any number of delays, a power of two or not, and of taps: the golden spikes and membranes."""
    law = layer(window, taps, window, reset="subtract", leak=(7, 3))
    s = random_events(2, 10, 2, 6)
    assert law.run(s, 1)[0].any()

    assert_equals(law, unit_of(engine, *unit), s)


@each_engine
@pytest.mark.parametrize("unit", [(9, 9), (4, 2)], ids=["one-fold", "three-folds"])
@pytest.mark.parametrize("limit", [1, 3, 5])
def test_axonal_delays_and_counts_equal_golden_model(engine, limit, unit):
    """One row of delays, and events of values up to 5, equal the golden layer."""
    law = layer(3, 2, 5, axonal=True, reset="zero")
    s = random_events(4, 8, 2, 6, limit)
    assert s.max() == limit

    assert_equals(law, unit_of(engine, *unit), s, limit, joined=True)


@each_engine
@pytest.mark.parametrize("reset", RESETS)
@pytest.mark.parametrize("leak", [(1, 0), (7, 3), (5, 3)], ids=["rest-0", "rest-1", "rest-2"])
@pytest.mark.parametrize("clamp", [None, (-9, 15)], ids=["free", "clamped"])
def test_every_kind_of_neuron_equals_golden_model(engine, clamp, leak, reset):
    """The neurons behind the terms are those of every layer, shifts of the current included."""
    law = layer(5, leak=leak, clamp=clamp, reset=reset, shift=1)

    assert_equals(law, unit_of(engine), random_events(6, 6, 2, 6))


@each_engine
@pytest.mark.parametrize("unit", [(9, 9), (4, 2)], ids=["one-fold", "three-folds"])
@pytest.mark.parametrize("joined", [False, True], ids=["bare-ticks", "ticks-on-events"])
@each_stall
def test_stalls_change_no_spike(engine, stalls, joined, unit):
    """Source gaps, sink gaps and where the tick travels change nothing."""
    law = layer(7, leak=(5, 3), reset="subtract")
    s = random_events(8, 6, 2, 6, 2)

    assert_equals(law, unit_of(engine, *unit), s, 2, stalls=stalls, joined=joined, hidden=True)


@each_engine
@each_unit
@pytest.mark.parametrize("taps", [1, 2])
def test_equal_delays_add_up(engine, taps, unit):
    """Taps of one delay, and an input that comes in every step, hit one place at once."""
    ones = np.ones((9, 3, taps), int)
    law = Law(Delayed(ones, 2 * np.ones((1, 3, taps), int), 2, 3), Neuron(np.zeros(9, int), None))
    s = np.full((7, 2, 3), 3, np.uint8)

    assert_equals(law, unit_of(engine, *unit), s, 3, joined=True)


@each_engine
@pytest.mark.parametrize("sizes", [(1, 1), (1, 5), (6, 1), (9, 2)], ids=str)
@pytest.mark.parametrize("window", [1, 3])
def test_smallest_layers_equal_golden_model(engine, window, sizes):
    """One input, one neuron, both: the golden spikes."""
    pre, post = sizes
    law = layer(9, 1, window, pre=pre, post=post, reset="zero")

    assert_equals(law, Unit(post, post, post, engine), random_events(10, 6, 4, pre))


@each_engine
@each_unit
@each_rest
def test_nothing_is_left_from_the_sample_before(engine, leak, unit):
    """A sample after a loud one, and after ones that were cut short anywhere, is as the first."""
    law = layer(11, 2, 5, leak=leak, reset="subtract")
    quiet = random_events(12, 6, 1, 6)[:, 0]
    loud = np.ones((6, 6), np.uint8)
    cuts = [[*items_of(loud)[:n], VOID] for n in (0, 1, 6, 7, 10, 13)]
    items = [*items_of(loud), *items_of(quiet)]
    for cut in cuts:
        items += [*cut, *items_of(quiet)]
    got = simulate(law, unit_of(engine, *unit), quiet[:, None], items=items).spikes
    expected, _ = law.run(np.stack([loud, quiet], axis=1), 1)

    assert [len(steps) for steps in got] == [6, 6, 0, 6, 0, 6, 0, 6, 1, 6, 1, 6, 1, 6]
    assert np.array_equal(got[0], expected[:, 0])
    for n in range(1, 14, 2):
        assert np.array_equal(got[n], expected[:, 1])
    for n in range(2, 14, 2):
        assert np.array_equal(got[n], expected[: len(got[n]), 0])


@each_engine
@each_unit
@each("after", [5, 17, 0, 1, 30], quick=2)
def test_reset_in_mid_sample_starts_anew(engine, after, unit):
    """Whatever an engine holds at a reset is gone."""
    assert_starts_anew(layer(13, 2, 5), unit_of(engine, *unit), after)


def assert_starts_anew(law: Law, unit: Unit, after: int) -> None:
    """Reset an engine so long after cycle 60, in a loud sample; two samples follow at once."""
    at = 60 + after
    loud, s = items_of(np.ones((40, 6), np.uint8)), random_events(14, 6, 2, 6)
    items = [item for n in range(2) for item in items_of(s[:, n])]

    def start() -> tuple[Engine, Bench]:
        part = Engine(part_of(law, unit, 40), name="w")
        return part, Bench(part)

    # What is taken up to the reset.
    part, bench = start()
    source = bench.put(part.i, loud)
    bench.get(part.outs[0])
    bench.run(lambda: bench.cycle > at, quiet=0)
    taken = sum(c <= at for c in source.cycles)
    assert 0 < taken < len(loud)

    part, bench = start()
    bench.put(part.i, [*loud[:taken], *items], after={taken: at + 1})
    sink = bench.get(part.outs[0])
    bench.reset(at)
    behind: list[dict[str, int]] = []

    def done() -> bool:
        behind[:] = [i for c, i in zip(sink.cycles, sink.items, strict=True) if c > at]
        return sum(i["last"] for i in behind) >= 2

    bench.run(done)
    expected, _ = law.run(s, 1)
    got = spikes_of(behind, unit.sweep, 9)
    assert np.array_equal(np.array(got).transpose(1, 0, 2), expected)


@each_engine
def test_void_end_fires_nothing(engine):
    """The end of a sample without the end of a step makes one item, without spikes."""
    law = layer(15)
    items = [*items_of(np.ones((1, 6), np.uint8))[:6], VOID]
    got = simulate(law, unit_of(engine), np.zeros((3, 1, 6), np.uint8), items=items)

    assert [(i["lanes"], i["tick"], i["last"]) for i in got.sink.items] == [(0, 0, 1)]


@each_engine
@pytest.mark.parametrize("once", [False, True], ids=["every-step", "once"])
@pytest.mark.parametrize("f", [0, 2])
@each_rest
def test_membranes_reach_their_proven_bounds(engine, leak, f, once):
    """The worst inputs of every neuron drive membranes to both ends of their intervals, exactly."""
    law = layer(16, 1, 3, pre=6, post=5, leak=leak, shift=f, silent=True)
    steps, limit = 5, 3
    net = network_of(law, steps, limit, once)
    s = np.stack(
        [worst(net, "layer0", n, high) for n in range(5) for high in (False, True)],
        axis=1,
    )
    proven = bounds_of(law, steps, limit, once)
    got = simulate(law, Unit(5, 3, 3, engine), s, limit=limit, once=once, measures=True)

    _, expected = law.run(s, limit)
    assert np.array_equal(np.array(got.membranes), expected.transpose(1, 0, 2))
    h = np.array(got.membranes)
    for n in range(5):
        assert h[2 * n, :, n].min() == proven.membrane[0][n]
        assert h[2 * n + 1, :, n].max() == proven.membrane[1][n]


@pytest.mark.parametrize("axonal", [False, True])
def test_slots_are_as_wide_as_their_currents(axonal):
    """A lane's slots hold the largest and the smallest current of its neurons, and no bit more."""
    law = layer(17, 2, 4, axonal)
    proven, unit = bounds_of(law, 6, 3), unit_of("wheel")
    s = np.full((6, 2, 6), 3, np.uint8)
    low, high = proven.current
    taps = merged(network_of(law, 6, 3), "layer0")
    for lane, width in enumerate(slot_widths(taps, unit, proven)):
        ends = [(int(low[n]), int(high[n])) for n in range(lane, 9, 4)]
        fits = [-(1 << width - 1) <= a and b < 1 << width - 1 for a, b in ends]
        tight = [-(1 << width - 2) <= a and b < 1 << width - 2 for a, b in ends]
        assert all(fits) and not all(tight)
    assert_equals(law, unit, s, 3)


@each_unit
@each_rest
@pytest.mark.parametrize("taps", [1, 3])
def test_cycles_of_a_wheel_are_those_of_the_contract(taps, leak, unit):
    """An event takes value x taps x folds cycles, the end of a step folds + 1 more.

    The end of a sample takes slots x folds more, and a sweep is offered seven cycles on, later
    where the membranes of a group are picked first.
    """
    law, unit = layer(18, taps, 5, leak=leak, reset="zero"), unit_of("wheel", *unit)
    s = random_events(19, 6, 2, 6, 3)
    s[:, :, 0] = 3  # the soma is never what is waited for
    s[:, :, 1:] |= s[:, :, 1:] == 0
    got = simulate(law, unit, s, limit=3)
    sweep, folds = unit.folds * unit.groups, unit.folds
    cost = [
        i["lanes"] * taps * folds or 1 + folds + i["last"] * 8 * folds for i in got.source.items
    ]
    # Two items wait before the wheel: the one behind them comes as it has taken one.
    taken = [c - 1 for c in got.source.cycles[2:]]

    assert [b - a for a, b in pairwise(taken)] == cost[: len(taken) - 1]
    ticks = [c for c, i in zip(taken, got.source.items, strict=False) if i["tick"]]
    ends = [c for c, i in zip(got.sink.cycles, got.sink.items, strict=True) if i["tick"]]
    assert ends[: len(ticks)] == [t + 1 + folds + sweep + 6 + reporting(unit) for t in ticks]


@pytest.mark.parametrize(("taps", "unit"), [(1, (9, 9)), (2, (9, 9)), (2, (4, 2))], ids=str)
def test_cycles_of_lines_are_those_of_the_contract(taps, unit):
    """A step of n inputs takes n + 4 cycles, or n x taps x folds and the sweep if that is more."""
    law, unit = layer(24, taps, 3, pre=130, leak=(5, 3)), unit_of("line", *unit)
    s = (np.random.default_rng(25).random((6, 1, 130)) < 0.3).astype(np.uint8)
    got = simulate(law, unit, s)
    ends = [c for c, i in zip(got.sink.cycles, got.sink.items, strict=True) if i["tick"]]
    rows = reached(s, 3)[:, 0]
    assert rows.max() > 60

    sweep = unit.folds * unit.groups + rest(law.neuron, unit)
    cost = [max(n + 4, n * taps * unit.folds + sweep) for n in rows.tolist()]
    assert [b - a for a, b in pairwise(ends)] == cost[1:]


def test_a_row_holds_the_weights_and_delays_of_a_fold():
    """Word (pre * taps + tap) * folds + fold: weights, then delays, lane 0 lowest."""
    w = np.array([[[1, 2]], [[3, -4]], [[5, -6]]])
    d = np.array([[[0, 1]], [[2, 3]], [[4, 0]]])
    cells = Neuron(np.zeros(3, int), None)
    law = Law(Delayed(w, d, 4, 5), cells)
    # Delays have 3 bits: 4-bit weights of two lanes, then 2 x 3 bits.
    assert rows(merged(network_of(law, 9), "layer0"), Unit(3, 2, 2, "wheel")) == [
        0x31 | (0 | 2 << 3) << 8,
        0x05 | 4 << 8,
        0xC2 | (1 | 3 << 3) << 8,
        0x0A,
    ]
    axonal = Law(Delayed(w, d[2:], 4, 5), cells)
    taps = merged(network_of(axonal, 9), "layer0")
    assert rows(taps, Unit(3, 2, 2, "wheel")) == [0x31 | 4 << 8, 0x05 | 4 << 8, 0xC2, 0x0A]


@each_engine
@pytest.mark.parametrize("limit", [1, 3])
@pytest.mark.parametrize("unit", [(9, 9), (4, 2)], ids=["one-fold", "three-folds"])
def test_memory_is_what_the_mapping_predicts(engine, unit, limit, monkeypatch):
    """The memories of either engine, weights and accumulators apart, have the predicted bits."""
    law, unit = layer(20, 2, 5, pre=11), unit_of(engine, *unit)
    net = chain_of(6, 11, Counts(limit), [law], SpikeCount())
    part = Layout.of(net, Mapping({"layer0": unit})).parts["layer0"]
    source = SOURCES[engine](part, name="w")
    made = []

    class Noted(memory.Memory):
        def __init__(self, *, shape, depth, init):
            made.append(Shape.cast(shape).width * depth)
            super().__init__(shape=shape, depth=depth, init=init)

    monkeypatch.setattr(memory, "Memory", Noted)
    # As for emission: row memories are not among them.
    Fragment.get(source, Emission()).prepare()

    assert sum(made) == delay_bits(net, {"layer0": unit})["layer0"][engine]


@st.composite
def engines(draw) -> tuple[Law, Unit, int, bool, np.ndarray]:
    """Draw a layer, its layout, and input within a drawn declaration."""
    pre, post, steps = draw(st.integers(1, 12)), draw(st.integers(1, 9)), draw(st.integers(1, 8))
    shift = draw(st.sampled_from([0, 0, 1, 3, 15]))
    law = draw(delayed(Law(*draw(layers(pre, post)), shift=shift), steps))
    lanes = draw(st.integers(1, post))
    sweep = draw(st.sampled_from([n for n in range(1, lanes + 1) if lanes % n == 0]))
    limit, once = draw(st.integers(1, 3)), draw(st.booleans())
    s = random_events(draw(st.integers(0, 999)), steps, 3, pre, limit, once)
    return law, Unit(post, lanes, sweep, draw(st.sampled_from(ENGINES))), limit, once, s


@examples(40)
@given(engines(), st.sampled_from([0.0, 0.5]), st.sampled_from([0.0, 0.6]), st.booleans())
def test_random_engines_equal_golden_model(case, source, sink, joined):
    """Any layer with delays in any layout under any stalls: the golden spikes and membranes."""
    law, unit, limit, once, s = case

    assert_equals(law, unit, s, limit, hidden=True, once=once, stalls=(source, sink), joined=joined)
