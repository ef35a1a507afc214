"""The delay line: what every input was in the last steps. The law is in model/delayed.py."""

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out

from .stream import vector

__all__ = ["Line"]

# Inputs that share a word of values and one of flags: 2 ** LANE_BITS.
LANE_BITS = 3
CHUNK = 1 << LANE_BITS


class Line(wiring.Component):
    """Turns the events of a step into an item for every input that has an event in the window.

    The item's value is the input's history: field d is its value d steps ago, field 0 lowest.
    Inputs come in ascending order, then the end of the step or sample in an item of its own; of a
    step that was cut short by the end of the sample comes that alone. The events of the next step
    are taken meanwhile.

    Nothing in memory is ever cleared: a flip-flop per word tells whether it counts.

    Parameters
    ----------
    pre : int
        Inputs; each has at most one event per step.
    window : int
        D, steps of a history, the present one included.
    bits : int
        Width of an event's value.

    Members
    -------
    i : In(stream.Signature(vector(pre, 1, bits)))
    o : Out(stream.Signature(vector(pre, 1, window * bits)))

    Timing
    ------
    Latency 6 cycles, from the end of a step to its first item; one item per cycle. A step of n
    inputs takes n + 4 cycles. `i.ready` follows from registers alone.
    """

    i: stream.Interface
    o: stream.Interface

    def __init__(self, pre: int, window: int, bits: int) -> None:
        self.pre = pre
        self.window = window
        self.bits = bits
        self.chunks = -(-pre // CHUNK)
        self.end = data.StructLayout({"tick": 1, "last": 1})
        self.values = data.ArrayLayout(bits, CHUNK)
        super().__init__(
            {
                "i": In(stream.Signature(vector(pre, 1, bits))),
                "o": Out(stream.Signature(vector(pre, 1, window * bits))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.values = values = memory.Memory(
            shape=self.values, depth=2 * self.chunks, init=[]
        )
        m.submodules.flags = flags = memory.Memory(shape=CHUNK, depth=self.chunks, init=[])
        # The step at hand: its end, the bank of its values, the words that count.
        step, bank = Signal(self.end), Signal()
        arrived, active = Signal(self.chunks), Signal(self.chunks)

        turns = Signal()
        end, came = self._collect(m, turns, values, ~bank)
        chosen, scans = self._choose(m, turns, step, arrived | active)
        read = values.read_port(domain="comb"), flags.read_port(domain="comb")
        m.d.comb += [
            read[0].addr.eq(Cat(bank, chosen.p.chunk)),
            read[1].addr.eq(chosen.p.chunk),
        ]
        opened = self._open(
            m,
            chosen,
            Mux(arrived.bit_select(chosen.p.chunk, 1), Value.cast(read[0].data), 0),
            Mux(active.bit_select(chosen.p.chunk, 1), read[1].data, 0),
        )
        self._recall(m, opened, flags.write_port(), active, ~step.last)

        # The next step turns up when no more than the last word of this one is left to be written.
        m.d.comb += turns.eq((end.tick | end.last) & ~scans & ~chosen.valid & ~opened.valid)
        with m.If(turns):
            m.d.sync += [bank.eq(~bank), step.eq(end), arrived.eq(came)]
            with m.If(~end.tick):
                m.d.sync += [arrived.eq(0), active.eq(0)]
        return m

    def _collect(
        self, m: Module, turns: Value, values: memory.Memory, bank: Value
    ) -> tuple[Any, Value]:
        """Keep the events of the next step; returns its end, and the words that they came to."""
        item, end = Signal.like(self.i.p), Signal(self.end)  # 0 is none
        lane, chunk = item.position[:LANE_BITS], item.position[LANE_BITS:]
        came = Signal(self.chunks)
        came_now = Signal(self.chunks)
        m.d.comb += [
            end.eq(Cat(item.tick, item.last)),
            self.i.ready.eq(~(item.tick | item.last) | turns),
            came_now.eq(came | (item.lanes.any() << chunk)),
        ]
        m.d.sync += came.eq(Mux(turns, 0, came_now))
        with m.If(self.i.ready):
            m.d.sync += item.eq(Mux(self.i.valid, Value.cast(self.i.p), 0))

        # An event joins those of its word that have come before.
        r, w = values.read_port(domain="comb"), values.write_port()
        m.d.comb += [
            r.addr.eq(Cat(bank, chunk)),
            w.addr.eq(Cat(bank, chunk)),
            w.data.eq(Mux(came.bit_select(chunk, 1), Value.cast(r.data), 0)),
            w.data[lane].eq(item.lanes),
            w.en.eq(item.lanes.any()),
        ]
        return end, came_now

    def _choose(self, m: Module, turns: Value, step: Any, left: Value) -> tuple[Any, Value]:
        """Offer the chunks that are left, then the end; returns also whether it is yet to come."""
        chosen: Any = stream.Signature(
            data.StructLayout({"chunk": range(self.chunks), "end": self.end})
        ).create(path=("chosen",))
        scans, done = Signal(), Signal(self.chunks)
        some, lowest = _lowest(left & ~done)
        with m.If(~chosen.valid | chosen.ready):
            m.d.sync += [
                chosen.valid.eq(scans),
                chosen.p.chunk.eq(lowest),
                chosen.p.end.eq(Mux(some, 0, Value.cast(step))),
                done.bit_select(lowest, 1).eq(1),
                scans.eq(scans & some),
            ]
        with m.If(turns):
            m.d.sync += [scans.eq(1), done.eq(0)]
        return chosen, scans

    def _open(self, m: Module, chosen: Any, new: Value, old: Value) -> Any:
        """Offer the inputs of a chunk that have a value or a past, one after the other."""
        opened: Any = stream.Signature(
            data.StructLayout(
                {
                    "position": range(self.chunks * CHUNK),
                    "end": self.end,
                    "new": self.bits,
                    "old": 1,
                    "closes": 1,  # the last one of its chunk
                }
            )
        ).create(path=("opened",))
        held = Signal.like(chosen.p)
        news, olds, left = Signal(self.values), Signal(CHUNK), Signal(CHUNK)
        _, lane = _lowest(left)
        rest = left & (left - 1)
        m.d.comb += [
            opened.p.position.eq(Cat(lane, held.chunk)),
            opened.p.end.eq(held.end),
            opened.p.new.eq(news[lane]),
            opened.p.old.eq(olds.bit_select(lane, 1)),
            opened.p.closes.eq(~rest.any()),
            chosen.ready.eq(~opened.valid | (opened.ready & opened.p.closes)),
        ]
        with m.If(opened.ready):
            m.d.sync += left.eq(rest)
        with m.If(chosen.ready):
            m.d.sync += [opened.valid.eq(chosen.valid), held.eq(chosen.p)]
            m.d.sync += [news.eq(0), olds.eq(0), left.eq(0)]
            with m.If(~(chosen.p.end.tick | chosen.p.end.last)):
                came = data.View(self.values, new)
                m.d.sync += [
                    news.eq(new),
                    olds.eq(old),
                    left.eq(old | Cat(came[lane].any() for lane in range(CHUNK))),
                ]
        return opened

    def _recall(
        self, m: Module, opened: Any, flags: memory.WritePort, active: Signal, stays: Value
    ) -> None:
        """Add the value of an input to its history, send that and keep it for the next step."""
        o = self.o
        kept = (self.window - 1) * self.bits  # the oldest value is not needed again
        looked, full = Signal.like(opened.p), Signal()
        position, closes, writes = Signal.like(opened.p.position), Signal(), Signal()
        past: Value = Const(0, 0)
        if kept:
            m.submodules.history = history = memory.Memory(shape=kept, depth=self.pre, init=[])
            r, w = history.read_port(), history.write_port()
            m.d.comb += [
                r.addr.eq(opened.p.position),
                r.en.eq(opened.ready),
                w.addr.eq(position),
                w.data.eq(o.p.lanes),
                w.en.eq(writes),
            ]
            past = Mux(looked.old, r.data, 0)
        m.d.comb += opened.ready.eq(~full | ~o.valid | o.ready)
        with m.If(opened.ready):
            m.d.sync += [full.eq(opened.valid), looked.eq(opened.p)]
        with m.If(~o.valid | o.ready):
            m.d.sync += [
                o.valid.eq(full),
                o.p.position.eq(looked.position),
                o.p.lanes.eq(Cat(looked.new, past)),
                o.p.tick.eq(looked.end.tick),
                o.p.last.eq(looked.end.last),
                position.eq(looked.position),
                closes.eq(looked.closes),
            ]

        # In its first cycle at the output: will there still be an event in the next window?
        ends = looked.end.tick | looked.end.last
        m.d.sync += writes.eq(full & ~ends & (~o.valid | o.ready))
        found, found_now = Signal(CHUNK), Signal(CHUNK)
        chunk = position[LANE_BITS:]
        still = o.p.lanes[:kept].any() & stays
        m.d.comb += [
            found_now.eq(found | (still << position[:LANE_BITS])),
            flags.addr.eq(chunk),
            flags.data.eq(found_now),
            flags.en.eq(writes & closes),
        ]
        with m.If(writes):
            m.d.sync += found.eq(Mux(closes, 0, found_now))
        with m.If(flags.en):
            m.d.sync += active.bit_select(chunk, 1).eq(found_now.any())


def _lowest(bits: Value) -> tuple[Value, Value]:
    """Whether a bit is set, and the index of the lowest."""
    if len(bits) == 1:
        return bits, Const(0, 0)
    half = 1 << (len(bits) - 1).bit_length() - 1
    (low, index), (high, above) = _lowest(bits[:half]), _lowest(bits[half:])
    return low | high, Cat(Mux(low, index, above), ~low)
