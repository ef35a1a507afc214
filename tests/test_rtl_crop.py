"""Views in gates: which events pass, where to, and that no end is lost."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikeline.model.views import KINDS as GOLDEN
from spikeline.model.views.crop import Crop as Golden
from spikeline.rtl.views import KINDS
from spikeline.rtl.views.crop import Crop

from .strategies import examples
from .streams import Bench, Trace, each_stall, items_of

PRE, BITS = 11, 2
RANGES = {
    "middle": (3, 5),
    "begin": (0, 4),
    "end": (7, 4),
    "one": (5, 1),
    "all": (0, PRE),
    "none": (0, 0),
    "none-at-the-end": (PRE, 0),
}
each_range = pytest.mark.parametrize("view", RANGES.values(), ids=RANGES.keys())

Item = dict[str, int]


def values(seed: int, steps: int) -> np.ndarray:
    """Make values (steps, addresses), few and many, in some steps none."""
    rng = np.random.default_rng(seed)
    return rng.integers(0, 1 << BITS, (steps, PRE)) * (rng.random((steps, 1)) < 0.8)


def play(
    view: Golden, items: list[Item], stalls: tuple[float, float] = (0.0, 0.0), seed: int = 0
) -> tuple[Trace, Trace]:
    """Send items through a view."""
    bench = Bench(crop := Crop(view, PRE, BITS), seed)
    source, sink = bench.put(crop.i, items, stalls[0]), bench.get(crop.o, stalls[1])
    bench.run(lambda: len(source.items) == len(items))
    return source, sink


def told(items: list[Item]) -> list:
    """List events, and the ends behind them."""
    found = []
    for item in items:
        if item["lanes"]:
            found.append((item["position"], item["lanes"]))
        if item["tick"] or item["last"]:
            found.append((bool(item["tick"]), bool(item["last"])))
    return found


@each_range
@pytest.mark.parametrize("joined", [False, True], ids=["bare-ticks", "ticks-on-events"])
@each_stall
def test_events_are_those_that_the_model_sees(view, joined, stalls):
    """Events of the range come from 0 on, in their order; every end comes, on whatever event."""
    golden, s = Golden(*view), values(1, 12)
    _, sink = play(golden, items_of(s, joined), stalls)

    assert told(sink.items) == told(items_of(golden.apply(s), joined))


@each_range
def test_an_end_that_fires_nothing_passes(view):
    """The end of a sample that was decided early comes, alone or on an event."""
    void = {"position": 0, "lanes": 0, "tick": 0, "last": 1}
    items = [*items_of(values(2, 3)), void]
    items += [{"position": n, "lanes": 3, "tick": 0, "last": 1} for n in range(PRE)]
    _, sink = play(Golden(*view), items)

    assert sum(item["last"] for item in sink.items) == 1 + 1 + PRE
    assert [i["last"] for i in sink.items if i["last"] and not i["tick"]] == [1] * (1 + PRE)


def test_there_is_no_latency():
    """An event passes in the cycle in which it is offered; what is dropped takes a cycle."""
    items = items_of(values(3, 6))
    source, sink = play(Golden(3, 5), items)

    assert source.cycles == list(range(source.cycles[0], source.cycles[0] + len(items)))
    passed = [c for c, i in zip(source.cycles, items, strict=True) if i["tick"] or _inside(i)]
    assert sink.cycles == passed


def _inside(item: Item) -> bool:
    return 3 <= item["position"] < 8


def test_every_kind_is_built_or_moves_nothing():
    """A kind of view has gates, unless each of its addresses stays."""
    for kind, golden in GOLDEN.items():
        if kind not in KINDS:
            assert np.array_equal(golden().table(PRE), np.arange(PRE)[:, None])
    assert not set(KINDS) - set(GOLDEN)


@examples(60)
@given(st.data())
def test_random_ranges(data):
    """Any range and any stream under any stalls."""
    start = data.draw(st.integers(0, PRE))
    golden = Golden(start, data.draw(st.integers(0, PRE - start)))
    s = values(data.draw(st.integers(0, 999)), data.draw(st.integers(1, 6)))
    stalls, joined = (
        data.draw(st.tuples(*[st.sampled_from([0.0, 0.5])] * 2)),
        data.draw(st.booleans()),
    )
    _, sink = play(golden, items_of(s, joined), stalls)

    assert told(sink.items) == told(items_of(golden.apply(s), joined))
    assert np.array_equal(golden.apply(s), s[:, golden.table(PRE)[:, 0] >= 0])
