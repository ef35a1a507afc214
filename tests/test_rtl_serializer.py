"""The serializer: chunks in order, no tick lost, no empty chunk passed on."""

import random

import pytest

from spikeline.rtl.serializer import Serializer

from .streams import Bench, each_stall

# Positions, lanes, chunk, registered.
SHAPES = {
    "serial": (3, 5, 1, False),
    "chunks": (2, 12, 4, True),
    "uneven": (1, 11, 4, True),
    "uneven-combinational": (1, 11, 4, False),
    "one-lane": (4, 1, 1, False),
    "one-chunk": (3, 4, 4, True),
}
each_shape = pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES.keys())


def vectors(positions: int, lanes: int, count: int, seed: int) -> list[dict[str, int]]:
    """Make vectors of all densities, most without the end of a step; none means nothing."""
    rng = random.Random(seed)
    items = []
    while len(items) < count:
        spikes = sum((rng.random() < rng.choice([0, 0.1, 0.5, 1])) << n for n in range(lanes))
        tick = rng.random() < 0.4
        items.append(
            {
                "position": rng.randrange(positions),
                "lanes": spikes,
                "tick": int(tick),
                "last": int(rng.random() < 0.3 if tick else rng.random() < 0.1),
            }
        )
        if not any(items[-1][name] for name in ("lanes", "tick", "last")):
            items.pop()
    return items


def cut(items: list[dict[str, int]], lanes: int, chunk: int) -> list[dict[str, int]]:
    """Cut vectors as the serializer should."""
    chunks, out = -(-lanes // chunk), []
    for item in items:
        parts = [item["lanes"] >> c * chunk & ((1 << chunk) - 1) for c in range(chunks)]
        kept = [(c, part) for c, part in enumerate(parts) if part]
        if not kept and (item["tick"] or item["last"]):
            kept = [(None, 0)]
        for n, (c, part) in enumerate(kept):
            end = n == len(kept) - 1
            position = None if c is None else item["position"] * chunks + c
            out.append((position, part, item["tick"] & end, item["last"] & end))
    return out


def flat(items: list[dict[str, int]]) -> list[tuple]:
    """Make items comparable; the position of an item without spikes means nothing."""
    return [
        (i["position"] if i["lanes"] else None, i["lanes"], i["tick"], i["last"]) for i in items
    ]


@each_shape
@each_stall
def test_chunks_are_those_with_spikes(shape, stalls):
    """Every chunk with spikes comes once, in order; ends travel with the last; nothing more."""
    positions, lanes, chunk, registered = shape
    items = vectors(positions, lanes, 60, seed=lanes)
    expected = cut(items, lanes, chunk)
    bench = Bench(serializer := Serializer(positions, lanes, chunk, registered=registered), seed=2)
    source, sink = bench.put(serializer.i, items, stalls[0]), bench.get(serializer.o, stalls[1])
    bench.run(lambda: len(source.items) == 60 and len(sink.items) >= len(expected))

    assert flat(sink.items) == expected


def test_empty_vector_keeps_its_tick():
    """The end of a step, of a sample or of both passes without any spike."""
    ends = [(1, 0), (0, 1), (1, 1)]
    items = [{"position": 0, "lanes": 0, "tick": t, "last": e} for t, e in ends]
    bench = Bench(serializer := Serializer(1, 4, 1))
    bench.put(serializer.i, items)
    sink = bench.get(serializer.o)
    bench.run(lambda: len(sink.items) >= 3)

    assert flat(sink.items) == [(None, 0, 1, 0), (None, 0, 0, 1), (None, 0, 1, 1)]


@pytest.mark.parametrize("registered", [False, True], ids=["combinational", "registered"])
def test_one_chunk_per_cycle(registered):
    """Full vectors of three lanes take three cycles each, four if registered; latency is 2."""
    items = [{"position": n, "lanes": 7, "tick": 1, "last": 0} for n in range(4)]
    bench = Bench(serializer := Serializer(4, 3, 1, registered=registered))
    source, sink = bench.put(serializer.i, items), bench.get(serializer.o)
    bench.run(lambda: len(sink.items) >= 12)

    period = 3 + registered
    assert source.cycles == [period * n for n in range(4)]
    assert sink.cycles == [2 + period * n + k for n in range(4) for k in range(3)]


@pytest.mark.parametrize("registered", [False, True], ids=["combinational", "registered"])
def test_registered_ready_does_not_follow_the_sink(registered):
    """Only with `registered` is ready free of the sink's ready."""
    items = [{"position": 0, "lanes": 1 << n % 3, "tick": 0, "last": 0} for n in range(40)]
    bench = Bench(serializer := Serializer(1, 3, 1, registered=registered))
    bench.put(serializer.i, items)
    follows = []

    def toggle(ctx, cycle):
        levels = []
        for level in (0, 1):
            ctx.set(serializer.o.ready, level)
            levels.append(ctx.get(serializer.i.ready))
        follows.append(levels[0] != levels[1])

    bench.each(toggle)
    bench.run(lambda: bench.cycle >= 30)

    assert any(follows) != registered


def test_positions_count_chunks():
    """Chunk c of position p is position p * chunks + c, up to the last one there is."""
    items = [{"position": p, "lanes": 0xFFF, "tick": 0, "last": 0} for p in range(3)]
    bench = Bench(serializer := Serializer(3, 12, 4))
    bench.put(serializer.i, items)
    sink = bench.get(serializer.o)
    bench.run(lambda: len(sink.items) >= 9)

    assert [i["position"] for i in sink.items] == list(range(9))
