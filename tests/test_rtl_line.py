"""The delay line: the history of every input with an event in the window, to the cycle."""

import random
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikeline.plan.cycles import reached
from spikeline.plan.play import trace
from spikeline.plan.stages import Line as Twin
from spikeline.plan.stages import Player, Taker
from spikeline.rtl.synapses.line import Line

from .strategies import examples
from .streams import Bench, Trace, each_stall, items_of

# Inputs, window, bits of a value.
SHAPES = {
    "no-past": (9, 1, 2),
    "one-input": (1, 3, 1),
    "two-steps": (3, 2, 1),
    "one-chunk": (8, 4, 3),
    "odd-window": (13, 5, 1),
    "chunks": (24, 8, 2),
    "many-chunks": (70, 6, 1),
}
each_shape = pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES.keys())


def sample(seed: int, steps: int, pre: int, bits: int) -> np.ndarray:
    """Make events of all densities, steps and inputs without any, inputs that never rest."""
    rng = np.random.default_rng(seed)
    density = rng.choice([0, 0.1, 0.4], (steps, 1)) + rng.choice([0, 0, 0, 1], pre)
    return (rng.random((steps, pre)) < density) * rng.integers(1, 1 << bits, (steps, pre))


def histories(s: np.ndarray, window: int, bits: int) -> list[tuple[int, int, int, int]]:
    """List the items of a sample: inputs whose history is not 0, and the end of each step."""
    items = []
    for t in range(len(s)):
        past = s[max(t + 1 - window, 0) : t + 1][::-1].astype(object)
        words = sum(row << d * bits for d, row in enumerate(past))
        items += [(i, int(words[i]), 0, 0) for i in np.flatnonzero(words)]
        items += [(0, 0, 1, int(t == len(s) - 1))]
    return items


def cut(s: np.ndarray, joined: bool) -> list[dict[str, int]]:
    """List a sample's items; it ends within its last step."""
    *items, end = items_of(s, joined)
    return [*items, end | {"tick": 0, "last": 1}]


def told(s: np.ndarray, window: int, bits: int, is_cut: bool) -> list[tuple[int, int, int, int]]:
    """List the items of a sample that may end within its last step."""
    items = histories(s, window, bits)
    if is_cut:
        items = histories(s[:-1], window, bits)
        items = [(*item[:3], 0) for item in items] + [(0, 0, 0, 1)]
    return items


def flat(items: list[dict[str, int]]) -> list[tuple[int, int, int, int]]:
    """Make items comparable; the position of an item without a value means nothing."""
    return [(i["position"] * (i["lanes"] > 0), i["lanes"], i["tick"], i["last"]) for i in items]


def play(
    shape: tuple[int, int, int],
    items: list[dict[str, int]],
    count: int,
    stalls: tuple[float, float] = (0.0, 0.0),
    seed: int = 0,
) -> tuple[Trace, Trace]:
    """Run items through a delay line that should give `count`; the twin tells when, exactly."""
    bench = Bench(line := Line(*shape), seed)
    source, sink = bench.put(line.i, items, stalls[0]), bench.get(line.o, stalls[1])
    ready = bench.sample(line.o.ready)
    bench.run(lambda: len(source.items) == len(items) and len(sink.items) >= count)

    offered = [
        (at, i["position"], i["lanes"] > 0, i["tick"] + 2 * i["last"])
        for at, i in zip(source.offered, items, strict=True)
    ]
    taken = trace([Player(offered), Twin(0, *shape[:2]), Taker(1, ready)])
    assert taken[0] == source.cycles
    assert taken[2] == sink.cycles
    return source, sink


def rows_of(items: list[dict[str, int]]) -> list[int]:
    """Count the items before each end."""
    ends = [n for n, i in enumerate(items) if i["tick"] or i["last"]]
    return [b - a - 1 for a, b in pairwise([-1, *ends])]


@each_shape
@each_stall
def test_every_item_is_a_history(stalls, shape):
    """Inputs with an event in the window come with their history, then the end; nothing more."""
    pre, window, bits = shape
    s = [sample(seed, 9, pre, bits) for seed in range(4)]
    items = [item for n, one in enumerate(s) for item in items_of(one, joined=n % 2 == 1)]
    expected = [item for one in s for item in histories(one, window, bits)]
    _, sink = play(shape, items, len(expected), stalls)

    assert flat(sink.items) == expected
    assert rows_of(sink.items) == [n for one in s for n in reached(one, window).tolist()]


@each_shape
@each_stall
def test_nothing_is_left_of_a_sample_that_is_cut_short(stalls, shape):
    """An end without a tick comes alone, and the next sample is as the first, again and again."""
    pre, window, bits = shape
    full, short = np.full((3, pre), 1), sample(7, 4, pre, bits)
    items, expected = [], []
    for one, joined in ((full, True), (short, False), (short, True), (full, False)):
        items += cut(one, joined) + items_of(short, joined)
        expected += told(one, window, bits, True) + told(short, window, bits, False)
    _, sink = play(shape, items, len(expected), stalls)

    assert flat(sink.items) == expected


@pytest.mark.parametrize("window", [1, 2, 3, 4, 7, 8, 9])
def test_an_event_lives_for_a_window(window):
    """A single event moves one field up per step, and is gone after the window's last."""
    s = np.zeros((window + 3, 5), int)
    s[1, 4] = 2
    _, sink = play((5, window, 2), items_of(s), window + len(s))

    assert [i["lanes"] for i in sink.items if i["lanes"]] == [2 << 2 * d for d in range(window)]
    assert rows_of(sink.items) == [0] + [1] * window + [0, 0]


@pytest.mark.parametrize("bits", [1, 2])
@pytest.mark.parametrize("pre", [1, 2, 9])
def test_words_may_change_in_every_step(pre, bits):
    """Steps as short as can be, each of which changes the same words, overtake no write."""
    rng = np.random.default_rng(pre)
    s = np.zeros((40, pre), int)
    s[:, -1] = rng.integers(0, 1 << bits, 40)
    expected = histories(s, 6, bits)
    _, sink = play((pre, 6, bits), items_of(s, joined=True), len(expected))

    assert flat(sink.items) == expected


def test_events_are_taken_while_the_step_before_is_sent():
    """The events of a step, in any order, are taken at once, and its end too; no other is."""
    first, second = range(20), random.Random(1).sample(range(20), 20)
    items = [{"position": n, "lanes": 1, "tick": 0, "last": 0} for n in (*first, *second, *first)]
    items[19]["tick"] = items[39]["tick"] = items[59]["tick"] = 1
    bench = Bench(line := Line(20, 3, 1))
    source, sink = bench.put(line.i, items), bench.get(line.o)
    ready = bench.sample(line.o.ready)
    bench.each(lambda ctx, cycle: ctx.set(line.o.ready, cycle >= 100))
    bench.run(lambda: len(sink.items) >= 63)

    assert sum(ready[:100]) == 0
    assert source.cycles[:40] == list(range(40))
    assert source.cycles[40] > 100
    words = [i["lanes"] for i in sink.items if i["lanes"]]
    assert words == [1] * 20 + [3] * 20 + [7] * 20


def test_cycles_are_those_of_the_contract():
    """The first item comes 6 cycles after the end is taken; a step of n items takes n + 4."""
    s = np.zeros((12, 30), int)
    s[0, :25] = s[5, 4] = 1
    count = reached(s, 4)
    source, sink = play((30, 4, 1), items_of(s, joined=True), len(s) + count.sum())

    assert sink.offered[0] == source.cycles[24] + 6
    ticks = [c for c, i in zip(sink.cycles, sink.items, strict=True) if i["tick"]]
    assert [b - a for a, b in pairwise(ticks)] == (count[1:] + 4).tolist()
    assert {0, 1, 25} <= set(count[1:].tolist())


def test_ready_does_not_follow_the_sink():
    """Whether an item is taken has nothing to do with the sink in the same cycle."""
    items = [item for item in items_of(np.ones((6, 9), int), joined=True)]
    bench = Bench(line := Line(9, 3, 1))
    bench.put(line.i, items)
    follows, levels = [], []

    def toggle(ctx, cycle):
        ready = []
        for level in (0, 1):
            ctx.set(line.o.ready, level)
            ready.append(ctx.get(line.i.ready))
        follows.append(ready[0] != ready[1])
        levels.append(ready[1])

    bench.each(toggle)
    bench.run(lambda: bench.cycle >= 100)

    assert not any(follows)
    assert any(levels) and not all(levels)


@pytest.mark.parametrize("at", range(54, 84, 3))
def test_reset_forgets_everything(at):
    """After a reset, wherever it was in a step, the next sample is as the first."""
    pre, window, bits = shape = (20, 5, 2)
    s = sample(3, 6, pre, bits)
    before = items_of(np.full((3, pre), 3), joined=True)[:45]
    bench = Bench(line := Line(*shape))
    source = bench.put(line.i, before + items_of(s), after={45: at + 1})
    sink, expected = bench.get(line.o), histories(s, window, bits)
    bench.reset(at)
    bench.run(lambda: any(i["last"] for i in sink.items))

    assert source.cycles[44] < at
    after = [i for c, i in zip(sink.cycles, sink.items, strict=True) if c > at]
    assert len(after) < len(sink.items)
    assert flat(after) == expected


@st.composite
def lines(draw) -> tuple[tuple[int, int, int], list[tuple[np.ndarray, bool, bool]]]:
    """Draw a delay line, and samples: whether each is cut short, and its ends on events."""
    shape = draw(st.integers(1, 30)), draw(st.integers(1, 9)), draw(st.integers(1, 3))
    one = st.builds(
        lambda seed, steps: sample(seed, steps, shape[0], shape[2]),
        st.integers(0, 999),
        st.integers(1, 7),
    )
    samples = st.lists(st.tuples(one, st.booleans(), st.booleans()), min_size=1, max_size=4)
    return shape, draw(samples)


@examples(40)
@given(lines(), st.sampled_from([0.0, 0.5]), st.sampled_from([0.0, 0.6]))
def test_random_lines_give_histories(case, source, sink):
    """Any samples, whole or cut short, under any stalls come out as the law says."""
    shape, samples = case
    items, expected = [], []
    for s, is_cut, joined in samples:
        items += cut(s, joined) if is_cut else items_of(s, joined)
        expected += told(s, *shape[1:], is_cut)
    _, sent = play(shape, items, len(expected), (source, sink))

    assert flat(sent.items) == expected
