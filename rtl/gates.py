"""Small circuits that several parts are made of."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from amaranth.hdl import Array, Cat, Const, Module, Mux, ShapeLike, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..plan.division import reciprocal

__all__ = [
    "RELAYED",
    "Relay",
    "advance",
    "divided",
    "first",
    "index",
    "later",
    "lowest",
    "pick",
    "relays",
    "several",
    "table",
    "times",
]

RELAYED = 16  # lanes that share a relay


def advance(m: Module, *counters: tuple[Signal, int | Value]) -> Value:
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


def first(bits: Value) -> Value:
    """Keep the lowest bit that is set, and clear all others."""
    return Cat(bit & ~bits[:n].any() for n, bit in enumerate(bits))


def index(bits: Value) -> Value:
    """Tell the index of the only bit that is set; 0 if none is."""
    return Cat(
        Cat(bit for n, bit in enumerate(bits) if n >> k & 1).any()
        for k in range((len(bits) - 1).bit_length())
    )


def lowest(bits: Value) -> tuple[Value, Value]:
    """Whether a bit is set, and the index of the lowest, which means nothing if none is."""
    if len(bits) == 1:
        return bits, Const(0, 0)
    half = 1 << (len(bits) - 1).bit_length() - 1
    (low, below), (high, above) = lowest(bits[:half]), lowest(bits[half:])
    return low | high, Cat(Mux(low, below, above), ~low)


def pick(bits: Value, values: Value) -> Value:
    """Pick of as many values, side by side, the one whose bit is set; 0 if none is."""
    width = len(values) // len(bits)
    return Cat(
        (bits & Cat(values[n * width + k] for n in range(len(bits)))).any() for k in range(width)
    )


def several(bits: Value) -> tuple[Value, Value]:
    """Tell whether a bit is set, and whether several are; a tree, as this is a long way."""
    if len(bits) == 1:
        return bits, Const(0)
    half = len(bits) // 2
    (a, two), (b, others) = several(bits[:half]), several(bits[half:])
    return a | b, two | others | (a & b)


def times(value: Value, number: int) -> Value:
    """Multiply by a constant, by shifts, additions and subtractions: no multiplier is made."""
    total: Value = Const(0)
    k = 0
    while number:
        if number & 1:
            digit = 2 - (number & 3)  # 1, or -1 in place of a run of ones
            part = value << k
            total = total + part if digit > 0 else total - part
            number -= digit
        number >>= 1
        k += 1
    return total


def divided(value: Value, by: int, end: int) -> tuple[Value, Value]:
    """Divide values in 0..end - 1 by a constant; returns quotient and remainder."""
    if by >= end:
        return Const(0), value
    if by & (by - 1) == 0:
        k = by.bit_length() - 1
        return value[k:], value[:k]
    m, k = reciprocal(by, end)
    quotient = (times(value, m) >> k)[: ((end - 1) // by).bit_length()]
    return quotient, (value - times(quotient, by))[: (by - 1).bit_length()]


def table(values: Sequence[int] | np.ndarray, index: Value) -> Value:
    """Look a number up."""
    values = [int(n) for n in values]
    if len(set(values)) == 1:
        return Const(values[0])
    return Array([Const(n, range(max(values) + 1)) for n in values])[index]


def later(m: Module, value: Any, cycles: int = 1, *, reset_less: bool = False) -> Any:
    """Delay a value by registers.

    `reset_less` is for data that a bit with a reset goes along with: nobody looks at them before.
    """
    for _ in range(cycles):
        m.d.sync += (delayed := Signal.like(value, reset_less=reset_less)).eq(value)
        value = delayed
    return value


class Relay(wiring.Component):
    """A register on the way to some of many lanes, so that it can lie near them.

    Equal registers would be made one. flow/synth/synth.py keeps the modules whose names hold
    ``.relay`` apart; whoever synthesises by other means keeps their hierarchy too, or loses some
    speed.

    Members
    -------
    i : In(shape)
    o : Out(shape)
        `i` of the cycle before.
    """

    i: Any
    o: Any

    def __init__(self, shape: ShapeLike, *, reset_less: bool = False) -> None:
        self.reset_less = reset_less
        super().__init__({"i": In(shape), "o": Out(shape)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.d.comb += self.o.eq(later(m, self.i, reset_less=self.reset_less))
        return m


def relays(m: Module, value: Any, lanes: int, name: str, *, reset_less: bool = False) -> list[Any]:
    """Delay a value by a relay for every `RELAYED` lanes; returns one value for each of these.

    `name` tells these relays from others. One alone is a plain register, and a constant stays.
    """
    relayed = range(-(-lanes // RELAYED))
    if isinstance(value, Const):
        return [value] * len(relayed)
    if len(relayed) == 1:
        return [later(m, value, reset_less=reset_less)]
    found: list[Any] = []
    for n in relayed:
        relay = Relay(value.shape(), reset_less=reset_less)
        m.submodules[f"relay_{name}{n}"] = relay
        m.d.comb += relay.i.eq(value)
        found.append(relay.o)
    return found
