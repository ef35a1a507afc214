"""Weight memories."""

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import ClockSignal, Const, Instance, Module, Shape, ShapeLike, Signal
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

__all__ = ["Emission", "Rom"]


class Emission:
    """The platform of Verilog emission: read-only memories become instances, and are noted here."""

    def __init__(self) -> None:
        self.roms: dict[str, Rom] = {}


class Rom(wiring.Component):
    """A read-only memory of wide words.

    In Amaranth's simulator it is a memory; at emission (`Emission` as platform) an instance of a
    module of its own, so that its contents can be a file.

    Parameters
    ----------
    name : str
        Name of the Verilog module.
    shape : ShapeLike
    words : sequence of int

    Members
    -------
    address : In(range(len(words)))
    data : Out(shape)

    Timing
    ------
    `data` is the word of `address` two cycles before.
    """

    address: Signal
    data: Any

    def __init__(self, name: str, shape: ShapeLike, words: Sequence[int]) -> None:
        self.name = name
        self.width = Shape.cast(shape).width
        self.words = words
        super().__init__({"address": In(range(len(words))), "data": Out(shape)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        if isinstance(platform, Emission):
            platform.roms[self.name] = self
            m.submodules.rom = Instance(
                self.name,
                i_clk=ClockSignal(),
                # A memory of one word has no address, its module's port has one bit.
                i_address=self.address if len(self.address) else Const(0, 1),
                o_data=self.data,
            )
            return m
        m.submodules.memory = mem = memory.Memory(
            shape=self.width, depth=len(self.words), init=self.words
        )
        port = mem.read_port()
        m.d.comb += port.addr.eq(self.address)
        m.d.sync += self.data.eq(port.data)
        return m
