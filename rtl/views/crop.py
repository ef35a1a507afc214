"""A range of addresses, in gates. The law is in model/views/crop.py."""

from amaranth.hdl import Const, Module, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ...model.views.crop import Crop as Golden
from ..stream import vector

__all__ = ["Crop"]


class Crop(wiring.Component):
    """Passes the events of a range on, numbered from 0; of others the end they carry, if any.

    Parameters
    ----------
    golden : model.views.crop.Crop
    pre : int
        Addresses before it.
    bits : int
        Width of an event's value.

    Members
    -------
    i : In(stream.Signature(vector(pre, 1, bits)))
    o : Out(stream.Signature(vector(count, 1, bits)))

    Timing
    ------
    No latency; what is dropped takes one cycle.
    """

    i: stream.Interface
    o: stream.Interface

    def __init__(self, golden: Golden, pre: int, bits: int) -> None:
        self.golden = golden
        self.pre = pre
        super().__init__(
            {
                "i": In(stream.Signature(vector(pre, 1, bits))),
                "o": Out(stream.Signature(vector(golden.count, 1, bits))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        i, o, first, end = self.i, self.o, self.golden.start, self.golden.start + self.golden.count
        inside: Value = Const(1)
        if first:
            inside = inside & (i.p.position >= first)
        if end < self.pre:
            inside = inside & (i.p.position < end)
        ends, drops = i.p.tick | i.p.last, Signal()
        m.d.comb += [
            drops.eq(~inside & ~ends),
            o.valid.eq(i.valid & ~drops),
            i.ready.eq(o.ready | drops),
            o.p.position.eq(i.p.position - first),
            o.p.tick.eq(i.p.tick),
            o.p.last.eq(i.p.last),
        ]
        with m.If(inside):
            m.d.comb += o.p.lanes.eq(i.p.lanes)
        return m
