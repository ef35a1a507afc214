"""The weight memory answers after two cycles, from the first cycle on."""

import random

import pytest

from spikeline.rtl.memory import Rom

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
