"""Memories as Yosys maps them to an ECP5: to block RAM, to LUTs, or to flip-flops.

Its pass memory_libmap gives each way a cost, and takes the cheapest one: what stands here is that
arithmetic, of lattice/brams_16kd.txt and lattice/lutrams_trellis.txt.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from math import ceil

__all__ = ["Cells", "Memory", "mapped"]

# Weights of multiplexers, of decoders and of emulation among the costs.
MUX, DEMUX, EMULATION = 0.5, 0.5, 2
BLOCK, DISTRIBUTED = 128, 4
# Width of a word -> number of words, of a block with a wide port, and of one with two equal ports.
WIDE = {9: 2048, 18: 1024, 36: 512}
EQUAL = {1: 16384, 2: 8192, 4: 4096, 9: 2048, 18: 1024}


@dataclass(frozen=True, slots=True)
class Memory:
    """A memory of one read port, and of one write port unless it is read-only.

    Parameters
    ----------
    depth, width : int
        Words, and their bits.
    sync : bool
        Whether what is read is there a cycle later, not at once.
    through : bool
        Whether what is being written is read, not what was there before.
    rom : bool
    part : int
        Bits that are written by themselves; 0 is all of a word.
    count : int
        How many of these there are.
    style : str
        "block" or "distributed", where it must be block RAM or LUTs; "" is what costs least.
    loose : bool
        Whether it does not matter what is read where it is being written.
    """

    depth: int
    width: int
    sync: bool = True
    through: bool = False
    rom: bool = False
    part: int = 0
    count: int = 1
    style: str = ""
    loose: bool = False


@dataclass(frozen=True, slots=True)
class Cells:
    """What memories become.

    Attributes
    ----------
    blocks : int
        Block RAM.
    luts : int
        Cells of 16 words of 4 bits in LUTs.
    bits : int
        In flip-flops.
    muxes : int
        Bits chosen among cells that lie behind one another, each time of two.
    emulated : int
        Bits that pass by a block RAM, as it does not tell what was there before a write.
    """

    blocks: int = 0
    luts: int = 0
    bits: int = 0
    muxes: int = 0
    emulated: int = 0

    def times(self, count: int) -> "Cells":
        """Take it several times."""
        return Cells(*(count * getattr(self, name) for name in self.__slots__))


@cache
def mapped(memory: Memory) -> Cells:
    """Tell what memories become; of ways that cost the same, the first one."""
    if not memory.width:
        return Cells()
    ways = dict(_ways(memory))
    return min(ways, key=ways.__getitem__).times(memory.count)


def _ways(memory: Memory) -> Iterator[tuple[Cells, float]]:
    """List the ways to map a memory, each with its cost."""
    depth, width = memory.depth, memory.width
    part = memory.part or width
    writes = 0 if memory.rom else width // part
    if not memory.rom and not memory.style:
        yield Cells(bits=depth * width), depth * width
    if memory.sync and memory.style != "distributed":
        emulation = 1 if memory.rom or memory.loose else 4 if memory.through else 7
        for kinds in (WIDE, EQUAL):
            for unit, words in kinds.items():
                behind = ceil(depth / words)
                padded = width if memory.rom else width // part * _up(part, min(unit, 9))
                blocks, muxes = ceil(behind * padded / unit), (behind - 1) * width
                cost = BLOCK * blocks + MUX * muxes + EMULATION * emulation
                cost += DEMUX * behind * writes if behind > 1 else 0
                yield Cells(blocks, muxes=muxes, emulated=width * (emulation > 1)), cost
    if memory.rom or memory.style == "block":
        return
    behind = ceil(depth / 16)
    cells, muxes = ceil(behind * (width // part) * _up(part, 4) / 4), (behind - 1) * width
    cost = DISTRIBUTED * cells + MUX * muxes + EMULATION * (1 + 3 * memory.through)
    cost += DEMUX * behind * writes if behind > 1 else 0
    yield Cells(luts=cells, muxes=muxes), cost


def _up(number: int, unit: int) -> int:
    return -(-number // unit) * unit
