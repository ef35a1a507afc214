"""Lines: every step adds the rows of all inputs that had an event in the window.

The delay of a tap picks a field of its input's history, the value that came so many steps ago.
"""

from amaranth.hdl import Array, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ...model.width import signed_width
from ...plan.layout import Part
from ..gates import RELAYED, later, relays
from ..memory import Rom, row, rows
from ..sequencer import operation
from ..stream import vector
from ..walk import Rows
from .line import Line

__all__ = ["Gather"]

LOW = 2  # bits of a delay by which values are chosen first


class Gather(wiring.Component):
    """The histories of the inputs, and the terms that they give with the rows.

    Parameters
    ----------
    part : Part
    name : str
        Name of the row memory's module.

    Members
    -------
    i : In(stream.Signature(vector(inputs, 1, value_bits)))
    o : Out(stream.Signature(vector(inputs, 1)))
        Inputs with an event in the window, for the soma.
    op : In(operation(part, walk))
        Of the soma.
    terms : Out(data.ArrayLayout(signed(bits), lanes))
        Weight times delayed value, wide enough for any, of the operation five cycles before.
    initialized : Out(1)
        Always: nothing has to be cleared.
    idle : Out(1)
        Nothing of a step is in the line.
    """

    i: stream.Interface
    o: stream.Interface
    op: data.View
    terms: data.View
    initialized: Signal
    idle: Signal

    paced = False

    def __init__(self, part: Part, *, name: str) -> None:
        taps, unit, limit = part.taps, part.unit, part.limit
        self.unit = unit
        self.line = Line(taps.pre, taps.window, limit.bit_length())
        self.rom = Rom(name, row(taps, unit), rows(taps, unit))
        self.walk, self.limit = Rows(unit, taps.pre, taps.taps), 1
        self.bits = signed_width(-limit << (taps.bits - 1), 0)
        super().__init__(
            {
                "i": In(stream.Signature(self.line.i.p.shape())),
                "o": Out(stream.Signature(vector(taps.pre, 1))),
                "op": In(operation(part, self.walk)),
                "terms": Out(data.ArrayLayout(signed(self.bits), unit.lanes)),
                "initialized": Out(1),
                "idle": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.line = line = self.line
        m.submodules.rom = rom = self.rom
        wiring.connect(m, wiring.flipped(self.i), line.i)

        # The history stays behind while the soma adds its rows.
        found, o = line.o.p, self.o
        m.d.comb += [
            o.valid.eq(line.o.valid),
            line.o.ready.eq(o.ready),
            o.p.position.eq(found.position),
            o.p.lanes.eq(~(found.tick | found.last)),
            o.p.tick.eq(found.tick),
            o.p.last.eq(found.last),
            rom.address.eq(self.op.row),
            self.initialized.eq(1),
            self.idle.eq(line.idle),
        ]
        history = Signal.like(found.lanes, reset_less=True)
        with m.If(o.valid & o.ready):
            m.d.sync += history.eq(found.lanes)

        # The row is there two cycles later; values are chosen by the lower bits of delays, then by
        # the others, then multiplied.
        past = later(m, history, reset_less=True)
        pasts = relays(m, past, len(rom.data.delays), "past", reset_less=True)
        values = [
            self._choose(m, pasts[n // RELAYED], delay) for n, delay in enumerate(rom.data.delays)
        ]
        for lane in range(self.unit.lanes):
            weight = later(m, rom.data.weights[lane], 2, reset_less=True)
            term = _times(weight, values[lane % len(values)])
            m.d.comb += self.terms[lane].eq(later(m, term, reset_less=True))
        return m

    def _choose(self, m: Module, past: Value, delay: Value) -> Value:
        """Choose the value that came `delay` steps ago, in two cycles."""
        size = self.line.bits << LOW
        chosen = [
            later(m, past[n : n + size].word_select(delay[:LOW], self.line.bits), reset_less=True)
            for n in range(0, len(past), size)
        ]
        return later(m, Array(chosen)[later(m, delay[LOW:], reset_less=True)], reset_less=True)


def _times(weight: Value, value: Value) -> Value:
    """Multiply by adding, as values are short: a single bit is a choice."""
    product: Value = Const(0, signed(1))
    for k, bit in enumerate(value):
        product = product + (Mux(bit, weight, 0) << k)
    return product
