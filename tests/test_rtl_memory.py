"""The weight memory answers after two cycles, from the first cycle on."""

import random

import pytest
from amaranth.hdl import Module

from spikeline.rtl.memory import Rom, Shared

from .streams import Bench


@pytest.mark.parametrize("words", [1, 2, 5, 16], ids=lambda n: f"{n}-words")
def test_data_is_the_word_of_two_cycles_before(words):
    """Every address, in any order and held or not, gives its word two cycles later."""
    rng = random.Random(words)
    contents = [rng.getrandbits(70) for _ in range(words)]
    asked = [*range(words), *(rng.randrange(words) for _ in range(40))]
    bench = Bench(rom := Rom("rom", 70, contents))
    seen = bench.sample(rom.data)
    bench.each(lambda ctx, cycle: ctx.set(rom.address, asked[min(cycle, len(asked) - 1)]))
    bench.run(lambda: bench.cycle >= len(asked), quiet=2)

    assert seen[2 : len(asked) + 2] == [contents[a] for a in asked]


def test_an_address_in_reset_is_answered():
    """An address given while reset is asserted, and in the first cycle after it, is answered."""
    contents = [3, 5, 9, 12]
    asked = [1, 2, 3, 0, 1, 1, 1]
    bench = Bench(rom := Rom("rom", 4, contents))
    seen = bench.sample(rom.data)
    bench.each(lambda ctx, cycle: ctx.set(rom.address, asked[min(cycle, 6)]))
    bench.reset(0, 1)
    bench.run(lambda: bench.cycle >= 7, quiet=1)

    # Cycle 2 is the first after reset.
    assert seen[3:7] == [contents[a] for a in asked[1:5]]


def test_two_that_share_a_memory_read_apart():
    """Each gets the words of its own addresses, whatever the other asks for."""
    rng = random.Random(3)
    contents = [rng.getrandbits(9) for _ in range(13)]
    asked = [[rng.randrange(13) for _ in range(40)] for _ in range(2)]
    roms = [Rom(name, 9, contents) for name in ("first", "second")]
    m = Module()
    m.submodules += [*roms, Shared(*roms)]
    bench = Bench(m)
    seen = [bench.sample(rom.data) for rom in roms]

    def ask(ctx, cycle):
        for rom, addresses in zip(roms, asked, strict=True):
            ctx.set(rom.address, addresses[min(cycle, 39)])

    bench.each(ask)
    bench.run(lambda: bench.cycle >= 40, quiet=2)

    for data, addresses in zip(seen, asked, strict=True):
        assert data[2:42] == [contents[a] for a in addresses]
