"""Where several edges meet, one after another in every step. Their order: plan/layout.py."""

from typing import Any

from amaranth.hdl import Const, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..plan.layout import Part
from .stream import vector

__all__ = ["Join"]


class Join(wiring.Component):
    """Puts the events of several edges into one stream.

    In each step it takes the edges in their order, each up to its end of the step; the last one's
    end is passed on. What comes back carries the step before: in a sample's first step it is taken
    up to the end of the sample before, and dropped.

    Parameters
    ----------
    part : Part

    Members
    -------
    i0, i1, ... : In(stream.Signature(vector(size, 1, bits))), one per edge
    o : Out(stream.Signature(vector(pre, 1, bits)))

    Timing
    ------
    No latency. An end that is not passed on takes a cycle where it brings no event.
    """

    o: stream.Interface

    def __init__(self, part: Part) -> None:
        self.part = part
        self.edges = part.edges
        ports = {
            f"i{n}": In(stream.Signature(vector(e.size, 1, e.limit.bit_length())))
            for n, e in enumerate(part.edges)
        }
        shape = vector(part.taps.pre, 1, part.limit.bit_length())
        super().__init__({**ports, "o": Out(stream.Signature(shape))})

    @property
    def i(self) -> list[Any]:
        """The edges' streams, in their order."""
        return [getattr(self, f"i{n}") for n in range(len(self.edges))]

    def elaborate(self, platform: object) -> Module:
        m = Module()
        o, final = self.o, len(self.edges) - 1
        # After reset there is nothing to come back.
        taken = Signal(range(len(self.edges)), init=sum(edge.back for edge in self.edges))
        fresh = Signal(init=1)  # in the first step of a sample
        with m.Switch(taken):
            for n, (edge, i) in enumerate(zip(self.edges, self.i, strict=True)):
                with m.Case(n):
                    event, end = i.p.lanes.any(), i.p.tick | i.p.last
                    m.d.comb += [
                        o.p.position.eq(edge.base + i.p.position),
                        o.p.lanes.eq(i.p.lanes),
                    ]
                    if n == final:
                        m.d.comb += [
                            o.valid.eq(i.valid),
                            i.ready.eq(o.ready),
                            o.p.tick.eq(i.p.tick),
                            o.p.last.eq(i.p.last),
                        ]
                        with m.If(i.valid & i.ready & end):
                            m.d.sync += [taken.eq(0), fresh.eq(i.p.last)]
                        continue
                    # Of a sample that is over, what comes back is dropped, up to its end.
                    drops = fresh if edge.back else Const(0)
                    passed = Mux(drops, i.p.last, end)
                    m.d.comb += [
                        o.valid.eq(i.valid & event & ~drops),
                        i.ready.eq(o.ready | ~event | drops),
                    ]
                    with m.If(i.valid & i.ready & passed):
                        m.d.sync += taken.eq(n + 1)
        return m
