"""The two buffers keep order, contents and the stream rules."""

from itertools import pairwise

import pytest

from spikeline.rtl.stream import Queue, Skid

from .streams import Bench, each_stall

ITEMS = [(37 * n + 11) % 256 for n in range(60)]


@each_stall
def test_skid_passes_everything_in_order(stalls):
    """What goes in comes out, once, in order, and nothing more."""
    bench = Bench(skid := Skid(8), seed=1)
    source, sink = bench.put(skid.i, ITEMS, stalls[0]), bench.get(skid.o, stalls[1])
    bench.run(lambda: len(sink.items) >= len(ITEMS))

    assert source.items == ITEMS
    assert sink.items == ITEMS


def test_skid_takes_one_cycle_and_one_item_per_cycle():
    """An item is offered one cycle after it was taken, one in every cycle."""
    bench = Bench(skid := Skid(8))
    source, sink = bench.put(skid.i, ITEMS), bench.get(skid.o)
    bench.run(lambda: len(sink.items) >= len(ITEMS))

    assert source.cycles == list(range(len(ITEMS)))
    assert sink.cycles == list(range(1, len(ITEMS) + 1))


def test_skid_takes_two_items_while_refused():
    """A refusing sink leaves room for two items; ready falls only then, and holds no path."""
    bench = Bench(skid := Skid(8))
    source = bench.put(skid.i, ITEMS[:5])
    ready = bench.sample(skid.i.ready)
    sink = bench.get(skid.o, 1.0)
    bench.run(lambda: bench.cycle >= 10)

    assert source.items == ITEMS[:2]
    assert sink.items == []
    assert ready == [1, 1] + [0] * (len(ready) - 2)


def test_skid_ready_does_not_follow_the_sink():
    """Ready is a register: it depends on the cycles before alone."""
    bench = Bench(skid := Skid(8))
    bench.put(skid.i, ITEMS)
    seen = []

    def toggle(ctx, cycle):
        for level in (0, 1, cycle % 3 == 0):
            ctx.set(skid.o.ready, level)
            seen.append((cycle, ctx.get(skid.i.ready)))

    bench.each(toggle)
    bench.run(lambda: bench.cycle >= 50)

    by_cycle = {c: {r for d, r in seen if d == c} for c, _ in seen}
    assert all(len(levels) == 1 for levels in by_cycle.values())
    assert {0, 1} == set.union(*by_cycle.values())


@pytest.mark.parametrize("depth", [1, 2, 4, 5])
@pytest.mark.parametrize("gap", [0.0, 0.6], ids=["eager", "slow-sink"])
def test_queue_keeps_depth_items_in_order(depth, gap):
    """A queue whose writer counts its room holds `depth` items and loses none."""
    bench = Bench(queue := Queue(8, depth), seed=depth)
    sink = bench.get(queue.o, gap)
    written = []

    def write(ctx, cycle):
        may = len(written) < len(ITEMS) and len(written) - len(sink.items) < depth
        ctx.set(queue.write, may)
        ctx.set(queue.payload, ITEMS[len(written)] if may else 0xEE)
        written.extend(ITEMS[len(written) :][:may])

    bench.each(write)
    bench.run(lambda: len(sink.items) >= len(ITEMS))

    assert sink.items == ITEMS


def test_queue_is_full_at_its_depth():
    """With the sink refusing, all of `depth` items are kept for later."""
    bench = Bench(queue := Queue(8, 4))
    taken = []

    def drive(ctx, cycle):
        ctx.set(queue.write, cycle < 4)
        ctx.set(queue.payload, ITEMS[cycle % 60])
        ctx.set(queue.o.ready, cycle >= 10)
        if cycle >= 10 and ctx.get(queue.o.valid):
            taken.append(ctx.get(queue.o.p))

    bench.each(drive)
    bench.run(lambda: bench.cycle >= 20)

    assert taken == ITEMS[:4]


def test_queue_takes_one_cycle_and_one_item_per_cycle():
    """An item is offered one cycle after it was written, one in every cycle."""
    bench = Bench(queue := Queue(8, 2))
    sink = bench.get(queue.o)

    def write(ctx, cycle):
        ctx.set(queue.write, cycle < 20)
        ctx.set(queue.payload, cycle)

    bench.each(write)
    bench.run(lambda: len(sink.items) >= 20)

    assert sink.items == list(range(20))
    assert sink.cycles == list(range(1, 21))
    assert all(b == a + 1 for a, b in pairwise(sink.offered))
