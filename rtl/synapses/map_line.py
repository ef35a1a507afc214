"""The line over maps: in every step the taps are walked that have the age of an event.

A line keeps the histories of the inputs, as in line.py. Of each, what has an age that taps have is
sent again, as an event of an address of its own (plan/engines/map_line.py); behind that stands the
source of a layer without delays (rtl/synapses/conv.py, spaced.py).
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ...plan.engines.map_line import MapLine as Engine
from ...plan.layout import Part
from ...plan.taps import Window
from ..gates import first, later, lowest, pick, several, times
from ..stream import vector
from .conv import Conv
from .line import Line
from .spaced import Spaced

__all__ = ["MapLine", "Replay"]

SOURCES: dict[str, Any] = {"conv": Conv, "spaced": Spaced}


class Replay(wiring.Component):
    """Cuts histories into events, one for each age that has one, the youngest first.

    Parameters
    ----------
    pre, window, bits : int
        As of `Line`, whose items it takes.
    ages : sequence of int
        Steps ago, in ascending order. Values of other ages are dropped.

    Members
    -------
    i : In(stream.Signature(vector(pre, 1, window * bits)))
    o : Out(stream.Signature(vector(pre * len(ages), 1, bits)))
        Age k of input i has the position i * len(ages) + k. The position of an end means nothing.
    idle : Out(1)
        Nothing is in it.

    Timing
    ------
    Latency 1 cycle; one event per cycle, and a cycle for a history without any.
    """

    i: stream.Interface
    o: stream.Interface
    idle: Signal

    def __init__(self, pre: int, window: int, bits: int, ages: Sequence[int]) -> None:
        self.ages, self.bits = ages, bits
        super().__init__(
            {
                "i": In(stream.Signature(vector(pre, 1, window * bits))),
                "o": Out(stream.Signature(vector(pre * len(ages), 1, bits))),
                "idle": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        i, o, count = self.i, self.o, len(self.ages)
        base = Signal.like(o.p.position, reset_less=True)
        kept, left = Signal(count * self.bits, reset_less=True), Signal(count)
        values = [i.p.lanes.word_select(age, self.bits) for age in self.ages]
        due = Cat(value.any() for value in values)
        m.d.comb += [
            o.p.position.eq(base + lowest(left)[1]),
            o.p.lanes.eq(pick(first(left), kept)),
            i.ready.eq(~o.valid | (o.ready & ~several(left)[1])),
            self.idle.eq(~o.valid),
        ]
        with m.If(o.ready):
            m.d.sync += left.eq(left & ~first(left))
        with m.If(i.ready):
            m.d.sync += [
                o.valid.eq(i.valid & (due.any() | i.p.tick | i.p.last)),
                o.p.tick.eq(i.p.tick),
                o.p.last.eq(i.p.last),
                base.eq(times(i.p.position, count)),
                kept.eq(Cat(values)),
                left.eq(due),
            ]
        return m


class MapLine(wiring.Component):
    """The histories of the inputs, and the walks of their events.

    Parameters
    ----------
    part : Part
        Its taps are a `Window`.
    name : str
        Name of the row memory's module.

    Members
    -------
    i : In(stream.Signature(vector(inputs, 1, value_bits)))
    o, op, at : those of the source without delays
    terms : Out(data.ArrayLayout(signed(bits), lanes))
        Weights of the operation three cycles before.
    initialized : Out(1)
        Always: nothing has to be cleared.
    idle : Out(1)
        Nothing of a step is in it.
    """

    i: stream.Interface
    o: stream.Interface
    op: data.View
    terms: data.View
    at: data.View
    initialized: Signal
    idle: Signal

    paced = False

    def __init__(self, part: Part, *, name: str) -> None:
        assert isinstance(part.taps, Window)
        engine, taps = Engine(part.unit, part.taps), part.taps
        plain = engine.walk
        self.source = source = SOURCES[plain.kind](
            replace(part, taps=plain.taps, limit=taps.limit), name=name
        )
        self.rom, self.walk, self.bits = source.rom, source.walk, source.bits
        self.limit, self.late = taps.limit, engine.latency - plain.latency
        events, shape = part.limit.bit_length(), (taps.pre, taps.window, taps.limit.bit_length())
        self.line = Line(*shape, events)
        self.replay = Replay(*shape, engine.unrolled.ages)
        members = source.signature.members
        super().__init__(
            {
                "i": In(stream.Signature(vector(taps.pre, 1, events))),
                **{name: members[name] for name in ("o", "op", "terms", "initialized", "idle")},
                **({"at": members["at"]} if self.walk.addresses else {}),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.line = line = self.line
        m.submodules.replay = replay = self.replay
        m.submodules.source = source = self.source
        wiring.connect(m, wiring.flipped(self.i), line.i)
        wiring.connect(m, line.o, replay.i)
        wiring.connect(m, replay.o, source.i)
        wiring.connect(m, source.o, wiring.flipped(self.o))
        m.d.comb += [
            source.op.eq(self.op),
            self.terms.eq(later(m, source.terms, self.late, reset_less=True)),
            self.initialized.eq(source.initialized),
            self.idle.eq(line.idle & replay.idle & source.idle),
        ]
        if self.walk.addresses:
            m.d.comb += self.at.eq(source.at)
        return m
