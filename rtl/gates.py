"""Small circuits that several parts are made of."""

from typing import Any

from amaranth.hdl import Const, Module, ShapeLike, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["RELAYED", "Relay", "advance", "later", "relays"]

RELAYED = 16  # lanes that share a relay


def advance(m: Module, *counters: tuple[Signal, int]) -> Value:
    """Advance nested counters, each with its size, the innermost first.

    Returns whether they are at their end, and so begin anew.
    """
    ends: Value = Const(1)
    for counter, size in counters:
        is_end = counter == size - 1
        with m.If(ends):
            m.d.sync += counter.eq(counter + 1)
            with m.If(is_end):
                m.d.sync += counter.eq(0)
        ends = ends & is_end
    return ends


def later(m: Module, value: Any, cycles: int = 1, *, reset_less: bool = False) -> Any:
    """Delay a value by registers; data that nothing looks at before it counts need no reset."""
    for _ in range(cycles):
        m.d.sync += (delayed := Signal.like(value, reset_less=reset_less)).eq(value)
        value = delayed
    return value


class Relay(wiring.Component):
    """A register on the way to some of many lanes, so that it can lie near them.

    Equal registers would be made one; flow/synth.py keeps the modules of this name apart.

    Members
    -------
    i : In(shape)
    o : Out(shape)
        `i` of the cycle before.
    """

    i: Any
    o: Any

    def __init__(self, shape: ShapeLike) -> None:
        super().__init__({"i": In(shape), "o": Out(shape)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.d.sync += self.o.eq(self.i)
        return m


def relays(m: Module, value: Any, lanes: int) -> list[Any]:
    """Delay a value by a relay for every `RELAYED` lanes; returns one value for each of these."""
    found: list[Any] = []
    for n in range(-(-lanes // RELAYED)):
        m.submodules[f"relay{n}"] = relay = Relay(value.shape())
        m.d.comb += relay.i.eq(value)
        found.append(relay.o)
    return found
