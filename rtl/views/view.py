"""What every view is in gates: events whose addresses are moved, or that are dropped."""

from abc import abstractmethod
from typing import Any

from amaranth.hdl import Module, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..stream import vector

__all__ = ["View"]


class View(wiring.Component):
    """Passes events on at their new addresses; of those that it drops the end they carry, if any.

    A kind gives `move`.

    Parameters
    ----------
    golden : model.views.View
    pre : int
        Addresses before it.
    bits : int
        Width of an event's value.

    Members
    -------
    i : In(stream.Signature(vector(pre, 1, bits)))
    o : Out(stream.Signature(vector(post, 1, bits)))

    Timing
    ------
    No latency; what is dropped takes one cycle.
    """

    i: stream.Interface
    o: stream.Interface

    def __init__(self, golden: Any, pre: int, bits: int) -> None:
        self.golden = golden
        self.pre = pre
        super().__init__(
            {
                "i": In(stream.Signature(vector(pre, 1, bits))),
                "o": Out(stream.Signature(vector(golden.size(pre), 1, bits))),
            }
        )

    @abstractmethod
    def move(self, address: Value) -> tuple[Value, Value]:
        """Tell whether an address is passed on, and where it is moved."""

    def elaborate(self, platform: object) -> Module:
        m = Module()
        i, o = self.i, self.o
        inside, address = self.move(i.p.position)
        ends, drops = i.p.tick | i.p.last, Signal()
        m.d.comb += [
            drops.eq(~inside & ~ends),
            o.valid.eq(i.valid & ~drops),
            i.ready.eq(o.ready | drops),
            o.p.position.eq(address),
            o.p.tick.eq(i.p.tick),
            o.p.last.eq(i.p.last),
        ]
        with m.If(inside):
            m.d.comb += o.p.lanes.eq(i.p.lanes)
        return m
