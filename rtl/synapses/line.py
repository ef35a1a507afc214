"""The delay line: the values of every input in the last steps (law: model/synapses/delayed.py)."""

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out

from ...plan.mapping import line_lanes
from ..gates import first, lowest, pick, several
from ..stream import vector

__all__ = ["Line"]


class Line(wiring.Component):
    """Turns the events of a step into an item for every input that has an event in the window.

    The item's value is the input's history: field d is its value d steps ago, field 0 lowest.
    Inputs come in ascending order, then the end of the step or sample in an item of its own; of a
    step that was cut short by the end of the sample comes that alone. The events of the next step
    are taken meanwhile.

    Inputs are kept in chunks, about as many chunks as each has lanes. Nothing in memory is ever
    cleared: a flip-flop per word tells whether it counts.

    Parameters
    ----------
    pre : int
        Inputs; each has at most one event per step, unless they add up.
    window : int
        D, steps of a history, the present one included.
    bits : int
        Width of a value.
    event_bits : int, optional
        Width of an event's value, where an input may have several in a step: these add up.

    Members
    -------
    i : In(stream.Signature(vector(pre, 1, event_bits)))
    o : Out(stream.Signature(vector(pre, 1, window * bits)))
        The position of an end means nothing.
    idle : Out(1)
        Nothing of a step is in it; histories are not told.

    Timing
    ------
    Latency 6 cycles, from the end of a step to its first item; one item per cycle. A step of n
    inputs takes n + 4 cycles. `i.ready` follows from registers alone.
    """

    i: stream.Interface
    o: stream.Interface
    idle: Signal

    def __init__(self, pre: int, window: int, bits: int, event_bits: int | None = None) -> None:
        self.pre = pre
        self.window = window
        self.bits = bits
        self.adds = event_bits is not None
        self.lanes = line_lanes(pre)
        self.lane_bits = self.lanes.bit_length() - 1
        self.chunks = -(-pre // self.lanes)
        self.end = data.StructLayout({"tick": 1, "last": 1})
        super().__init__(
            {
                "i": In(stream.Signature(vector(pre, 1, event_bits or bits))),
                "o": Out(stream.Signature(vector(pre, 1, window * bits))),
                "idle": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        # Values that came, in a bank per step; whether the input has a past that is not 0.
        m.submodules.values = values = memory.Memory(
            shape=data.ArrayLayout(self.bits, self.lanes), depth=2 * self.chunks, init=[]
        )
        m.submodules.flags = flags = memory.Memory(shape=self.lanes, depth=self.chunks, init=[])
        bank, begins, step = Signal(), Signal(), Signal(self.end)
        came, active = Signal(self.chunks), Signal(self.chunks)  # words that count
        left, scans = Signal(self.chunks), Signal()  # chunks to come, and then the end

        end, came_next = self._collect(m, values, ~bank, begins)
        chosen = self._choose(m, left, scans, step)
        opened = self._open(m, chosen, values, bank, came, flags, active)
        active_next, full = self._recall(m, opened, flags, active, step.last)
        m.d.comb += self.idle.eq(
            ~(end.tick | end.last | scans | chosen.valid | opened.valid | full | self.o.valid)
        )

        # The next step begins as the last word of the one before is written.
        m.d.comb += begins.eq((end.tick | end.last) & ~scans & ~chosen.valid & ~opened.valid)
        m.d.sync += active.eq(active_next)
        with m.If(begins):
            m.d.sync += [
                bank.eq(~bank),
                step.eq(end),
                scans.eq(1),
                came.eq(came_next),
                left.eq(came_next | active_next),
            ]
            with m.If(~end.tick):
                m.d.sync += [left.eq(0), active.eq(0)]
        return m

    def _collect(
        self, m: Module, values: memory.Memory, bank: Value, begins: Value
    ) -> tuple[Any, Value]:
        """Keep the events of the next step; returns its end, and the words that count."""
        i, item = self.i, Signal.like(self.i.p)  # an item of 0 is none
        at, came = Signal(self.chunks), Signal(self.chunks)
        end = data.View(self.end, Cat(item.tick, item.last))
        m.d.comb += i.ready.eq(~(end.tick | end.last) | begins)
        m.d.sync += came.eq(Mux(begins, 0, came | at))
        is_event, here = i.valid & i.p.lanes.any(), i.p.position[self.lane_bits :]
        with m.If(i.ready):
            m.d.sync += [
                item.eq(Mux(i.valid, Value.cast(i.p), 0)),
                # Bit by bit: the position of what is no event may be unknown.
                at.eq(Cat(is_event & (here == n) for n in range(self.chunks))),
            ]

        # The first event of a word writes all of it, the others their own value.
        lane, chunk = item.position[: self.lane_bits], item.position[self.lane_bits :]
        first = ~(came & at).any()
        write = values.write_port(granularity=1)
        m.d.comb += write.addr.eq(Cat(bank, chunk))
        value: Value = item.lanes
        if self.adds:
            kept = values.read_port(domain="comb")
            m.d.comb += kept.addr.eq(write.addr)
            value = value + Mux(first, 0, kept.data[lane])
        for n in range(self.lanes):
            m.d.comb += [
                write.data[n].eq(Mux(lane == n, value, 0)),
                write.en[n].eq(at.any() & (first | (lane == n))),
            ]
        return end, came | at

    def _choose(self, m: Module, left: Signal, scans: Signal, step: Any) -> Any:
        """Offer the chunks that are left, then the end."""
        layout = data.StructLayout({"chunk": range(self.chunks), "end": self.end})
        chosen: Any = stream.Signature(layout).create(path=("chosen",))
        some, chunk = lowest(left)
        with m.If(~chosen.valid | chosen.ready):
            m.d.sync += [
                chosen.valid.eq(scans),
                chosen.p.chunk.eq(chunk),
                chosen.p.end.eq(Mux(some, 0, Value.cast(step))),
                left.eq(left & ~first(left)),
                scans.eq(scans & some),
            ]
        return chosen

    def _open(
        self,
        m: Module,
        chosen: Any,
        values: memory.Memory,
        bank: Value,
        came: Value,
        flags: memory.Memory,
        active: Value,
    ) -> Any:
        """Offer the inputs of a chunk that have a value or a past."""
        layout = data.StructLayout(
            {
                "chunk": range(self.chunks),
                "lane": self.lane_bits,
                "end": self.end,
                "new": self.bits,
                "old": 1,  # whether its past counts
                "closes": 1,  # the last one of the chunk
            }
        )
        opened: Any = stream.Signature(layout).create(path=("opened",))
        new, old = values.read_port(domain="comb"), flags.read_port(domain="comb")
        is_chunk = ~(chosen.p.end.tick | chosen.p.end.last)
        new_counts = is_chunk & came.bit_select(chosen.p.chunk, 1)
        old_counts = is_chunk & active.bit_select(chosen.p.chunk, 1)
        news = [Mux(new_counts, new.data[n], 0) for n in range(self.lanes)]
        olds = Mux(old_counts, old.data, 0)
        m.d.comb += [new.addr.eq(Cat(bank, chosen.p.chunk)), old.addr.eq(chosen.p.chunk)]

        held = Signal.like(chosen.p)
        held_news, held_olds = Signal(self.lanes * self.bits), Signal(self.lanes)
        left = Signal(self.lanes)
        is_next = first(left)
        m.d.comb += [
            opened.p.chunk.eq(held.chunk),
            opened.p.lane.eq(lowest(left)[1]),
            opened.p.end.eq(held.end),
            opened.p.new.eq(pick(is_next, held_news)),
            opened.p.old.eq((is_next & held_olds).any()),
            opened.p.closes.eq(~several(left)[1]),
            chosen.ready.eq(~opened.valid | (opened.ready & opened.p.closes)),
        ]
        with m.If(opened.ready):
            m.d.sync += left.eq(left & ~is_next)
        with m.If(chosen.ready):
            m.d.sync += [
                opened.valid.eq(chosen.valid),
                held.eq(chosen.p),
                held_news.eq(Cat(news)),
                held_olds.eq(olds),
                left.eq(olds | Cat(value.any() for value in news)),
            ]
        return opened

    def _recall(
        self, m: Module, opened: Any, flags: memory.Memory, active: Value, last: Value
    ) -> tuple[Value, Value]:
        """Send a value with its past, and keep both.

        Returns which words of flags count then, and whether something is on its way to `o`.
        """
        o, sends = self.o, Signal()
        looked, full = Signal.like(opened.p), Signal()
        sent, writes, remains = Signal.like(opened.p), Signal(), Signal()
        past, past_remains = self._remember(m, opened, sent, writes)
        m.d.comb += [sends.eq(~o.valid | o.ready), opened.ready.eq(~full | sends)]
        m.d.sync += writes.eq(full & sends & ~(looked.end.tick | looked.end.last))
        with m.If(opened.ready):
            m.d.sync += [full.eq(opened.valid), looked.eq(opened.p)]
        with m.If(sends):
            m.d.sync += [
                o.valid.eq(full),
                o.p.position.eq(Cat(looked.lane, looked.chunk)),
                o.p.lanes.eq(Cat(looked.new, Mux(looked.old, past, 0))),
                o.p.tick.eq(looked.end.tick),
                o.p.last.eq(looked.end.last),
                sent.eq(looked),
                # An input without a past has a value.
                remains.eq(looked.new.any() | past_remains),
            ]

        # In its first cycle at the output: will its past count in the next step?
        found = Signal(self.lanes)
        stays = remains & ~last if self.window > 1 else Const(0)
        found_next = found | (stays << sent.lane)
        write = flags.write_port()
        m.d.comb += [
            write.addr.eq(sent.chunk),
            write.data.eq(found_next),
            write.en.eq(writes & sent.closes),
        ]
        with m.If(writes):
            m.d.sync += found.eq(Mux(sent.closes, 0, found_next))
        counts = found_next.any()
        return Cat(
            Mux(write.en & (sent.chunk == n), counts, active[n]) for n in range(self.chunks)
        ), full

    def _remember(self, m: Module, opened: Any, sent: Any, writes: Value) -> tuple[Value, Value]:
        """Keep histories; returns the one looked for, and whether it lasts another step."""
        past = (self.window - 1) * self.bits  # the oldest value is not needed again
        if not past:
            return Const(0, 0), Const(0)
        word = data.StructLayout({"past": past, "remains": 1})
        m.submodules.history = history = memory.Memory(shape=word, depth=self.pre, init=[])
        read, write = history.read_port(), history.write_port()
        m.d.comb += [
            read.addr.eq(Cat(opened.p.lane, opened.p.chunk)),
            read.en.eq(opened.ready),
            write.addr.eq(Cat(sent.lane, sent.chunk)),
            write.data.past.eq(self.o.p.lanes),
            write.data.remains.eq(self.o.p.lanes[: past - self.bits].any()),
            write.en.eq(writes),
        ]
        return read.data.past, read.data.remains
