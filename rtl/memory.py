"""Weight memories, and their words: rows of weights and delays."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from amaranth.hdl import (
    ClockSignal,
    Const,
    Elaboratable,
    Instance,
    Module,
    Shape,
    ShapeLike,
    Signal,
    signed,
)
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out

from ..plan.taps import Taps
from ..plan.unit import Unit
from .gates import later

__all__ = ["Emission", "Rom", "Shared", "packed", "row", "rows"]


class Emission:
    """The platform of Verilog emission: read-only memories become instances, and are noted here."""

    def __init__(self) -> None:
        self.roms: dict[str, Rom] = {}


class Rom(wiring.Component):
    """A read-only memory of wide words.

    In Amaranth's simulator it is a memory; at emission (`Emission` as platform) an instance of a
    module of its own, so that its contents can be a file. Of two that are `Shared` there is one.

    Parameters
    ----------
    name : str
        Name of the Verilog module.
    shape : ShapeLike
    words : sequence of int

    Attributes
    ----------
    readers : int
        Who read what it builds: 1, or 2 of a memory that is shared.

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
        self.readers = 1
        self.shared = False
        super().__init__({"address": In(range(len(words))), "data": Out(shape)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        if not self.shared:
            self.build(m, platform, [self])
        return m

    def build(self, m: Module, platform: object, readers: Sequence["Rom"]) -> None:
        """Build the memory, with a port for each of those that read it."""
        if isinstance(platform, Emission):
            platform.roms[self.name] = self
            ports = {}
            for n, rom in enumerate(readers):
                # A memory of one word has no address, its module's port has one bit.
                address = rom.address if len(rom.address) else Const(0, 1)
                ports |= {f"i_address{n or ''}": address, f"o_data{n or ''}": rom.data}
            m.submodules.rom = Instance(self.name, i_clk=ClockSignal(), **ports)
            return
        m.submodules.memory = mem = memory.Memory(
            shape=self.width, depth=len(self.words), init=self.words
        )
        for rom in readers:
            port = mem.read_port()
            m.d.comb += port.addr.eq(rom.address)
            m.d.comb += rom.data.eq(later(m, port.data, reset_less=True))


class Shared(Elaboratable):
    """The memory of two that hold the same words: each has a port of it.

    Block memories have two, so that it takes no more of them than one does where it is deep; where
    it is wide, their width decides, which two ports share.

    Parameters
    ----------
    first, second : Rom
        Neither is elaborated yet; the module bears the name of the first.
    """

    def __init__(self, first: Rom, second: Rom) -> None:
        self.first, self.second = first, second
        first.readers, first.shared, second.shared = 2, True, True

    def elaborate(self, platform: object) -> Module:
        m = Module()
        self.first.build(m, platform, [self.first, self.second])
        return m


def row(taps: Taps, unit: Unit) -> data.StructLayout:
    """Make the layout of a word of the row memory; axonal delays come once, not once per lane."""
    delays = unit.lanes if len(taps.delays) > 1 else 1
    return data.StructLayout(
        {
            "weights": data.ArrayLayout(signed(taps.bits), unit.lanes),
            "delays": data.ArrayLayout(range(taps.window), delays),
        }
    )


def rows(taps: Taps, unit: Unit) -> list[int]:
    """Pack weights and delays.

    Word ``(pre * taps + tap) * folds + fold`` is of `row`, lane 0 is neuron ``fold * lanes``.
    """
    folds = unit.folds
    shape = (taps.pre, taps.taps)
    w = np.zeros((folds * unit.lanes, *shape), np.int64)
    w[: unit.neurons] = taps.weights.reshape(unit.neurons, *shape)
    d = np.zeros_like(w)
    d[: unit.neurons] = taps.delays
    if len(taps.delays) == 1:
        d = d[:: unit.lanes]
    bits = (taps.bits, (taps.window - 1).bit_length())
    digits = np.concatenate(
        [_digits(x.reshape(folds, -1, w[0].size), b) for x, b in zip((w, d), bits, strict=True)],
        axis=1,
    )
    return _words(digits)


def packed(fields: np.ndarray, bits: int) -> list[int]:
    """Pack fields (words, lanes) of `bits` bits each, lane 0 lowest."""
    return _words(_digits(fields.T[None], bits))


def _words(digits: np.ndarray) -> list[int]:
    """Make numbers of their binary digits (words, bits), the lowest first."""
    words = np.packbits(digits, axis=1, bitorder="little")
    return [int.from_bytes(word.tobytes(), "little") for word in words]


def _digits(fields: np.ndarray, bits: int) -> np.ndarray:
    """Write fields (folds, lanes, rows) in two's complement, uint8 (rows * folds, lanes * bits)."""
    words = fields.transpose(2, 0, 1).reshape(-1, fields.shape[1], 1)
    return (words >> np.arange(bits) & 1).astype(np.uint8).reshape(len(words), -1)
