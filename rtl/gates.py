"""Small circuits that several parts are made of."""

from typing import Any

from amaranth.hdl import Const, Module, Signal, Value

__all__ = ["advance", "later"]


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
