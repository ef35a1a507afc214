"""The source of a dense layer: events as they come, and rows of weights."""

from amaranth.hdl import Module, Signal, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ...plan.layout import Part
from ..memory import Rom, row, rows
from ..sequencer import operation
from ..stream import vector
from ..walk import Rows

__all__ = ["Dense"]


class Dense(wiring.Component):
    """The rows of weights, which are the terms.

    Parameters
    ----------
    part : Part
    name : str
        Name of the row memory's module.

    Members
    -------
    i : In(stream.Signature(vector(inputs, 1, value_bits)))
    o : Out(stream.Signature(vector(inputs, 1, value_bits)))
        The same, for the soma.
    op : In(operation(part, walk))
        Of the soma.
    terms : Out(data.ArrayLayout(signed(bits), lanes))
        Weights, as wide as the layer's, of the operation two cycles before.
    initialized : Out(1)
        Always: nothing has to be cleared.
    idle : Out(1)
        Always: nothing is kept.
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
        self.walk, self.limit, self.bits = Rows(unit, taps.pre), limit, taps.bits
        self.rom = Rom(name, row(taps, unit), rows(taps, unit))
        items = stream.Signature(vector(taps.pre, 1, limit.bit_length()))
        super().__init__(
            {
                "i": In(items),
                "o": Out(items),
                "op": In(operation(part, self.walk)),
                "terms": Out(data.ArrayLayout(signed(self.bits), unit.lanes)),
                "initialized": Out(1),
                "idle": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.rom = rom = self.rom
        wiring.connect(m, wiring.flipped(self.i), wiring.flipped(self.o))
        m.d.comb += [
            rom.address.eq(self.op.row),
            self.terms.eq(rom.data.weights),
            self.initialized.eq(1),
            self.idle.eq(1),
        ]
        return m
