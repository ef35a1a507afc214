"""Streams under cocotb: sources, sinks, and a monitor of their one rule.

A pattern of stalls is any iterable of truth values, one per cycle, in which a true one stalls:
`itertools.cycle([1, 1, 1, 0])` lets every fourth cycle through; what ends stalls no more. A payload
is an integer, also where several wires carry it: the first in the lowest bits.
"""

import random
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import cycle, repeat
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge

__all__ = ["STALLS", "Monitor", "Sink", "Source", "Wires", "begin", "until"]


def at_random(seed: int, share: float = 0.5) -> Iterator[bool]:
    """Stall in a share of the cycles."""
    rng = random.Random(seed)
    while True:
        yield rng.random() < share


# Patterns by name, made from a seed.
STALLS: dict[str, Callable[[int], Iterable[int]]] = {
    "never": lambda _: repeat(0),
    "random": at_random,
    "slow": lambda _: cycle([1, 1, 1, 0]),
}


@dataclass(slots=True)
class Wires:
    """The wires of a stream.

    Attributes
    ----------
    clk, valid, ready : handles
    payload : tuple of handles, the lowest bits first
    """

    clk: Any
    valid: Any
    ready: Any
    payload: tuple[Any, ...]

    @classmethod
    def of(cls, dut: Any, name: str) -> "Wires":
        """Find a stream of emitted parts: ``part_i`` is part_i_valid, _ready and _payload."""
        valid, ready, payload = (
            getattr(dut, f"{name}_{wire}") for wire in ("valid", "ready", "payload")
        )
        return cls(dut.clk, valid, ready, (payload,))

    @classmethod
    def axi(cls, dut: Any, name: str) -> "Wires":
        """Find an AXI4-Stream: ``s_axis`` is s_axis_tvalid, ...; tlast is the highest bit."""
        valid, ready, data, last = (
            getattr(dut, f"{name}_t{wire}") for wire in ("valid", "ready", "data", "last")
        )
        return cls(dut.clk, valid, ready, (data, last))

    @property
    def width(self) -> int:
        """Bits of the payload."""
        return sum(len(wire) for wire in self.payload)

    def read(self) -> int:
        """Read the payload."""
        value = at = 0
        for wire in self.payload:
            value |= int(wire.value) << at
            at += len(wire)
        return value

    def write(self, value: int) -> None:
        """Drive the payload."""
        for wire in self.payload:
            wire.value = value & ((1 << len(wire)) - 1)
            value >>= len(wire)


class Source:
    """Offers payloads one after the other, and noise between them.

    Parameters
    ----------
    wires : Wires
    payloads : iterable of int
    stalls : iterable
        While it stalls, nothing new is offered; what is offered stays.
    """

    def __init__(
        self, wires: Wires, payloads: Iterable[int] = (), stalls: Iterable[int] = ()
    ) -> None:
        self.wires = wires
        self.left = deque(payloads)
        self.stalls = iter(stalls)
        wires.valid.value = 0
        cocotb.start_soon(self._run())

    async def _run(self) -> None:
        noise = random.Random(self.wires.width)
        offers = False
        while True:
            await RisingEdge(self.wires.clk)
            if offers and self.wires.ready.value:
                self.left.popleft()
                offers = False
            if not offers:
                stalls = next(self.stalls, 0)
                offers = bool(self.left) and not stalls
                self.wires.write(self.left[0] if offers else noise.getrandbits(self.wires.width))
                self.wires.valid.value = int(offers)


class Sink:
    """Takes what is offered.

    Parameters
    ----------
    wires : Wires
    stalls : iterable

    Attributes
    ----------
    got : list of int
        Payloads taken so far.
    """

    def __init__(self, wires: Wires, stalls: Iterable[int] = ()) -> None:
        self.wires = wires
        self.stalls = iter(stalls)
        self.got: list[int] = []
        wires.ready.value = 0
        cocotb.start_soon(self._run())

    async def _run(self) -> None:
        takes = False
        while True:
            await RisingEdge(self.wires.clk)
            if takes and self.wires.valid.value:
                self.got.append(self.wires.read())
            takes = not next(self.stalls, 0)
            self.wires.ready.value = int(takes)


class Monitor:
    """Watches that what is offered is held until it is taken.

    Parameters
    ----------
    wires : Wires

    Attributes
    ----------
    faults : list of str
    """

    def __init__(self, wires: Wires) -> None:
        self.wires = wires
        self.faults: list[str] = []
        cocotb.start_soon(self._run())

    async def _run(self) -> None:
        held = None
        while True:
            await RisingEdge(self.wires.clk)
            payload = self.wires.read() if self.wires.valid.value else None
            if held is not None and payload is None:
                self.faults.append(f"{held:#x} was taken back")
            elif held is not None and payload != held:
                self.faults.append(f"{held:#x} changed into {payload:#x}")
            held = None if self.wires.ready.value else payload


async def begin(dut: Any) -> None:
    """Start the clock, and reset."""
    Clock(dut.clk, 2, "ns", impl="gpi").start(start_high=False)
    dut.rst.value = 1
    await ClockCycles(dut.clk, 2)
    dut.rst.value = 0


async def until(
    dut: Any, done: Callable[[], bool], *, limit: int = 50_000, quiet: int = 100
) -> None:
    """Wait until `done`, then for some cycles in which nothing more should come.

    Raises
    ------
    TimeoutError
        If that takes more than `limit` cycles.
    """
    for _ in range(limit):
        await RisingEdge(dut.clk)
        if done():
            await ClockCycles(dut.clk, quiet)
            return
    raise TimeoutError(f"not done after {limit} cycles")
