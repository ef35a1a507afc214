"""What every view is in gates: events whose addresses are moved, or that are dropped."""

from abc import abstractmethod
from typing import Any

from amaranth.hdl import Const, Module, Mux, ShapeLike, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ...plan.pipeline import DIVIDING
from ..gates import divided, table
from ..stream import Skid, vector

__all__ = ["OfMap", "View"]


class View(wiring.Component):
    """Passes events on at their new addresses; of those that it drops the end they carry, if any.

    A kind gives `move`, and `offsets`, where an event becomes several: the end comes with the last
    one. One that divides addresses (plan/pipeline.py) gives `digits`, too, and has
    registers behind the division, and behind itself.

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
    idle : Out(1)
        Nothing is in it.

    Timing
    ------
    No latency, or, where addresses are divided, 2 cycles; what is dropped takes one cycle, what
    becomes n events, n.
    """

    i: stream.Interface
    o: stream.Interface
    idle: Signal

    def __init__(self, golden: Any, pre: int, bits: int) -> None:
        self.golden = golden
        self.pre = pre
        self.bits = bits
        super().__init__(
            {
                "i": In(stream.Signature(vector(pre, 1, bits))),
                "o": Out(stream.Signature(vector(golden.size(pre), 1, bits))),
                "idle": Out(1),
            }
        )

    def digits(self, address: Value) -> dict[str, tuple[ShapeLike, Value]]:
        """Take an address apart: each digit with its shape, by name."""
        return {"address": (range(self.pre), address)}

    @property
    def offsets(self) -> list[int]:
        """How far the events that one becomes lie behind the address that it is moved to."""
        return [0]

    @abstractmethod
    def move(self, digits: dict[str, Value]) -> tuple[Value, Value]:
        """Tell whether an address is passed on, and where it is moved."""

    def elaborate(self, platform: object) -> Module:
        m = Module()
        i, o = self.i, self.o
        digits = self.digits(i.p.position)
        if self.golden.kind not in DIVIDING:
            m.d.comb += self.idle.eq(1)
            self._pass(m, i, {name: value for name, (_, value) in digits.items()}, o)
            return m
        ends: dict[str, ShapeLike] = {"lanes": self.bits, "tick": 1, "last": 1}
        shape = data.StructLayout({name: shape for name, (shape, _) in digits.items()} | ends)
        m.submodules.divided = divided = Skid(shape)
        m.submodules.moved = moved = Skid(o.p.shape())
        m.d.comb += [
            divided.i.valid.eq(i.valid),
            i.ready.eq(divided.i.ready),
            *(divided.i.p[name].eq(value) for name, (_, value) in digits.items()),
            *(divided.i.p[name].eq(i.p[name]) for name in ends),
            self.idle.eq(divided.idle & moved.idle),
        ]
        self._pass(m, divided.o, {name: divided.o.p[name] for name in digits}, moved.i)
        wiring.connect(m, moved.o, wiring.flipped(o))
        return m

    def _pass(self, m: Module, i: Any, digits: dict[str, Value], o: Any) -> None:
        """Pass on what is to be seen."""
        inside, address = self.move(digits)
        ends, drops = i.p.tick | i.p.last, Signal()
        more, offset = self._again(m, inside & i.p.lanes.any(), o)
        m.d.comb += [
            drops.eq(~inside & ~ends),
            o.valid.eq(i.valid & ~drops),
            i.ready.eq((o.ready & ~more) | drops),
            o.p.position.eq(address + offset),
            o.p.tick.eq(i.p.tick & ~more),
            o.p.last.eq(i.p.last & ~more),
        ]
        with m.If(inside):
            m.d.comb += o.p.lanes.eq(i.p.lanes)

    def _again(self, m: Module, event: Value, o: Any) -> tuple[Value, Value]:
        """Count the events that one becomes: do more come, and how far behind does this one lie?"""
        offsets = self.offsets
        if len(offsets) == 1:
            return Const(0, 1), Const(0, 1)
        count, more = Signal(range(len(offsets))), Signal()
        m.d.comb += more.eq(event & (count != len(offsets) - 1))
        with m.If(o.valid & o.ready):
            m.d.sync += count.eq(Mux(more, count + 1, 0))
        return more, table(offsets, count)


class OfMap(View):
    """A view of a map, `golden.before`: digits are row, column and channel."""

    def digits(self, address: Value) -> dict[str, tuple[ShapeLike, Value]]:
        before = self.golden.before
        place, channel = divided(address, before.channels, self.pre)
        y, x = divided(place, before.columns, before.places)
        return {
            "y": (range(before.rows), y),
            "x": (range(before.columns), x),
            "channel": (range(before.channels), channel),
        }
