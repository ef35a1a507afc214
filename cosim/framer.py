"""Bench of the framer (rtl/codings/framer.py)."""

import random
from typing import Any

import cocotb

from ..rtl.codings.framer import Framer
from .engine import INPUTS, LIMIT, STEPS, network
from .stream import STALLS, Monitor, Sink, Source, Wires, begin, until

__all__ = ["frame", "frames_any_beats", "parts"]

Beat = tuple[int, int, int]  # address, value, tick
Item = tuple[int, int, int, int]  # position, value, tick, last


def parts() -> dict[str, Framer]:
    """Make the part under test."""
    return {"framer": Framer(network())}


def frame(beats: list[Beat]) -> tuple[list[Item], int]:
    """Make the items of a sample, T ends of steps exactly, and count the beats refused."""
    items: list[Item] = []
    step = refused = 0
    seen: set[int] = set()
    for address, value, tick in beats:
        if step == STEPS:
            refused += 1
        elif tick:
            step += 1
            items.append((0, 0, 1, int(step == STEPS)))
            seen.clear()
        elif address >= INPUTS or not 1 <= value <= LIMIT or address in seen:
            refused += 1
        else:
            seen.add(address)
            items.append((address, value, 0, 0))
    items += [(0, 0, 1, int(t == STEPS - 1)) for t in range(step, STEPS)]
    return items, refused


@cocotb.test()
@cocotb.parametrize(source=list(STALLS), sink=list(STALLS))
async def frames_any_beats(dut: Any, source: str, sink: str) -> None:
    """Legal or not, too many or too few: a sample has T steps, and what was refused is counted."""
    part, rng = parts()["framer"], random.Random(f"{source} {sink}")
    # As many as may be framed before one is decided.
    samples = [
        [
            (rng.randrange(16), rng.randrange(LIMIT + 1), int(rng.random() < 0.15))
            for _ in range(rng.choice([1, 5, 40, 80]))
        ]
        for _ in range(6)
    ]
    shape = part.i.p.shape()
    payloads = [
        shape.const(
            {"beat": {"address": a, "value": v, "tick": t}, "last": int(n == len(beats) - 1)}
        ).as_bits()
        for beats in samples
        for n, (a, v, t) in enumerate(beats)
    ]
    framed = [frame(beats) for beats in samples]
    want = [item for items, _ in framed for item in items]

    await begin(dut)
    i, o = Wires.of(dut, "framer_i"), Wires.of(dut, "framer_o")
    feed = Source(i, payloads, STALLS[source](1))
    taken, watch = Sink(o, STALLS[sink](2)), Monitor(o)
    dut.framer_room.value = 1
    dut.framer_decided.value = 0
    await until(
        dut, lambda: not feed.left and sum(x >> len(o.payload[0]) - 1 for x in taken.got) == 6
    )
    got = [part.o.p.shape().from_bits(x) for x in taken.got]
    # A repetition passes as an item without an event.
    made = [
        (0 if x.tick else x.position, x.lanes, x.tick, x.last) for x in got if x.lanes or x.tick
    ]
    assert made == want
    assert int(dut.framer_refused.value) == sum(refused for _, refused in framed)
    assert not watch.faults
