"""Bench of the serializer (rtl/serializer.py)."""

import random
from typing import Any

import cocotb

from ..rtl.serializer import Serializer
from .stream import STALLS, Monitor, Sink, Source, Wires, begin, until

__all__ = ["chunks", "parts", "passes_every_spike"]

Item = tuple[int | None, ...]  # position (none that means something), lanes, tick, last


def parts() -> dict[str, Serializer]:
    """Make the parts under test."""
    return {
        "serializer_events": Serializer(3, 7, 1),
        "serializer_chunks": Serializer(3, 8, 4, registered=True),
    }


def chunks(item: tuple[int, int, int, int], lanes: int, chunk: int) -> list[Item]:
    """Cut an item: its chunks that are not empty, the last of which ends the step."""
    position, spikes, tick, last = item
    count = -(-lanes // chunk)
    cut = [(c, spikes >> c * chunk & ((1 << chunk) - 1)) for c in range(count)]
    found: list[Item] = [(position * count + c, bits, 0, 0) for c, bits in cut if bits]
    if tick or last:
        found.append((*(found.pop()[:2] if found else (None, 0)), tick, last))
    return found


@cocotb.test()
@cocotb.parametrize(source=list(STALLS), sink=list(STALLS), name=list(parts()))
async def passes_every_spike(dut: Any, source: str, sink: str, name: str) -> None:
    """Every chunk with spikes comes once, in order, the end of the step with the last."""
    part = parts()[name]
    shape, cut = part.i.p.shape(), part.o.p.shape()
    rng = random.Random(f"{source} {sink}")
    items = [
        (
            rng.randrange(3),
            rng.choice([0, 1, rng.getrandbits(part.lanes), (1 << part.lanes) - 1]),
            rng.getrandbits(1),
            rng.getrandbits(1),
        )
        for _ in range(100)
    ]
    # None has neither a spike nor an end.
    items = [(at, spikes, tick | (not spikes), last) for at, spikes, tick, last in items]
    names = ("position", "lanes", "tick", "last")
    payloads = [shape.const(dict(zip(names, x, strict=True))).as_bits() for x in items]
    want = [c for item in items for c in chunks(item, part.lanes, part.chunk)]

    await begin(dut)
    i, o = Wires.of(dut, f"{name}_i"), Wires.of(dut, f"{name}_o")
    feed = Source(i, payloads, STALLS[source](1))
    taken, watch = Sink(o, STALLS[sink](2)), Monitor(o)
    await until(dut, lambda: not feed.left and len(taken.got) >= len(want))
    got = [cut.from_bits(x) for x in taken.got]
    # The place of a chunk without spikes means nothing.
    assert [(x.position if x.lanes else None, x.lanes, x.tick, x.last) for x in got] == want
    assert not watch.faults
