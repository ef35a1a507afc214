"""The wheel over maps: the taps that an event meets are added to the slots of the steps they reach.

What finds the taps, and their rows of weights, is the source of a layer without delays
(rtl/synapses/conv.py, spaced.py). What it would add to accumulators goes to slots instead, as in
wheel.py; the soma adds those of each step. Lanes that add at the same place share a memory.
"""

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out

from ...plan.engines.map_wheel import MapWheel as Engine
from ...plan.layout import Part
from ...plan.mapping import slot_widths
from ...plan.unit import DEEP
from ..gates import RELAYED, later, relays
from ..walk import Rows
from .conv import Conv
from .spaced import Spaced
from .wheel import Scatter

__all__ = ["MapWheel"]

SOURCES: dict[str, Any] = {"conv": Conv, "spaced": Spaced}


class MapWheel(wiring.Component):
    """The slots of every lane at every place, and what adds to them.

    Parameters
    ----------
    part : Part
        Its taps are a `Window`.
    name : str
        Name of the row memory's module.

    Members
    -------
    i : In(stream.Signature(vector(inputs, 1, value_bits)))
    o : Out(stream.Signature(vector(1, 1)))
        Ends of steps and samples, for the soma.
    terms : Out(data.ArrayLayout(signed(bits), lanes))
        The slots taken five cycles before, as wide as the widest.
    initialized : Out(1)
        The slots are clear after reset.
    idle : Out(1)
        Nothing is in it, and the slots are clear.
    """

    i: stream.Interface
    o: stream.Interface
    terms: data.View
    initialized: Signal
    idle: Signal

    paced = True

    def __init__(self, part: Part, *, name: str) -> None:
        self.unit, engine = part.unit, Engine(part.unit, part.taps)
        widths = slot_widths(part.taps, self.unit, part.bounds)
        self.slots, self.groups = engine.slots, engine.groups(widths)
        self.source = SOURCES[engine.walk.kind](part, name=name)
        self.rom = self.source.rom
        self.walk, self.limit, self.bits = Rows(self.unit, 1), 1, max(widths)
        self.scatter = Scatter(self.source.walk, part.limit.bit_length(), self.slots)
        super().__init__(
            {
                "i": In(stream.Signature(self.source.i.p.shape())),
                "o": Out(stream.Signature(self.scatter.o.p.shape())),
                "terms": Out(data.ArrayLayout(signed(self.bits), self.unit.lanes)),
                "initialized": Out(1),
                "idle": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.source = source = self.source
        m.submodules.scatter = scatter = self.scatter
        wiring.connect(m, wiring.flipped(self.i), source.i)
        wiring.connect(m, source.o, scatter.i)
        wiring.connect(m, scatter.o, wiring.flipped(self.o))
        m.d.comb += [
            self.idle.eq(source.idle & scatter.idle),
            self.initialized.eq(scatter.initialized),
            *(source.op[name].eq(scatter.op[name]) for name in ("add", "row", "at")),
        ]
        # The row is there two cycles later; then the wheel moves.
        row = later(m, scatter.op, 2)
        now = Signal(range(self.slots))
        with m.If(row.take & (row.at == source.walk.last)):
            m.d.sync += now.eq(now + 1)
        layout = {"now": now.shape(), "add": 1, "write": 1}
        near = Signal(data.StructLayout(layout))
        m.d.comb += [near.now.eq(now), near.add.eq(row.add), near.write.eq(row.add | row.take)]
        ops = relays(m, near, len(self.groups), "op")
        writes = [later(m, op) for op in ops]
        # Terms come as many cycles behind the row as the source takes for them.
        late = 1 if source.walk.addresses else 2
        terms = later(m, source.terms, late, reset_less=True)
        places = source.at if source.walk.addresses else [row.at]
        for n, place in enumerate(places):
            op, write = ops[n // RELAYED], writes[n // RELAYED]
            delay = later(m, Mux(row.add, self.rom.data.delays[n], 0), reset_less=True)
            slot = Signal.like(now, name=f"slot{n}")
            m.d.comb += slot.eq(op.now + delay)
            address = Cat(slot, later(m, place, reset_less=True))
            lanes = range(n, self.unit.lanes, len(places))
            words = self._group(m, n, address, write, [terms[lane] for lane in lanes])
            for lane, word in zip(lanes, words, strict=True):
                m.d.comb += self.terms[lane].eq(later(m, word.as_signed(), reset_less=True))
        return m

    def _group(
        self, m: Module, n: int, address: Value, op: data.View, weights: list[Value]
    ) -> list[Value]:
        """Make the slots of lanes that add at one place; returns the words of `address`.

        `address` is that of the operation behind `op`.
        """
        lanes, width = self.groups[n]
        depth = self.slots * self.source.walk.depth
        mem = memory.Memory(
            shape=data.ArrayLayout(signed(width), lanes),
            depth=depth,
            init=[],
            attrs={"ram_style": "block"} if depth > DEEP else None,
        )
        m.submodules[f"group{n}"] = mem
        write = mem.write_port()
        # Additions that follow at once may be to the same place.
        deep = self.source.walk.depth > 1
        read = mem.read_port(transparent_for=[write]) if deep else mem.read_port(domain="comb")
        m.d.comb += [
            write.addr.eq(later(m, address, reset_less=True)),
            read.addr.eq(address if deep else write.addr),
            write.en.eq(op.write),
        ]
        words = [read.data[k] for k in range(lanes)]
        for k, (word, weight) in enumerate(zip(words, weights, strict=True)):
            m.d.comb += write.data[k].eq(Mux(op.add, word + weight, 0))
        return words
