"""Flags of what was added to: listed by the step, forgotten by the sample."""

import pytest
from amaranth.sim import Simulator
from hypothesis import given
from hypothesis import strategies as st

from spikeline.rtl.touched import Touched

from .strategies import examples

# Steps of a sample: in each the addresses of every bank in turn, or None for a bank that is idle.
marks = st.lists(st.lists(st.none() | st.integers(0, 99), max_size=12), min_size=1, max_size=4)


@pytest.mark.parametrize(("depth", "banks"), [(5, 1), (16, 1), (100, 1), (100, 3)])
@examples(10)
@given(samples=st.lists(marks, min_size=1, max_size=3), pauses=st.integers(0, 1 << 20))
def test_what_is_added_to_is_listed_once_and_fresh_once(depth, banks, samples, pauses):
    """A sweep lists the addresses of its step; one is fresh until its bank adds there."""
    component = Touched(depth, banks)
    found, fresh = [], []

    async def bench(ctx):
        for sample in samples:
            for step, ats in enumerate(sample):
                for n, at in enumerate(ats):
                    if at is None:
                        continue
                    bank = n % banks
                    ctx.set(component.at[bank], at % depth)
                    ctx.set(component.marks[bank], 1)
                    fresh.append(ctx.get(component.fresh[bank]))
                    await ctx.tick()
                    ctx.set(component.marks[bank], 0)
                ctx.set(component.begins, 1)
                await ctx.tick()
                ctx.set(component.begins, 0)
                listed: list[int] = []
                while True:
                    if pauses >> len(listed) & 1:  # the sweep may wait
                        await ctx.tick()
                    if not ctx.get(component.none):
                        listed.append(ctx.get(component.found))
                    end = ctx.get(component.end)
                    ctx.set(component.next, 1)
                    ctx.set(component.clears, end and step == len(sample) - 1)
                    await ctx.tick()
                    ctx.set(component.next, 0)
                    if end:
                        break
                ctx.set(component.clears, 0)
                found.append(listed)

    simulator = Simulator(component)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()

    wanted, expected = [], []
    for sample in samples:
        seen: set[tuple[int, int]] = set()
        for ats in sample:
            places = [(n % banks, at % depth) for n, at in enumerate(ats) if at is not None]
            for place in places:
                expected.append(int(place not in seen))
                seen.add(place)
            wanted.append(sorted({at for _, at in places}))
    assert (found, fresh) == (wanted, expected)


def test_a_step_that_was_cut_short_lists_nothing():
    """Its flags are dropped, and those of the step behind it stand alone."""
    component, found = Touched(40), []

    async def bench(ctx):
        for at, drops in ((3, 1), (35, 0)):
            ctx.set(component.at[0], at)
            ctx.set(component.marks[0], 1)
            await ctx.tick()
            ctx.set(component.marks[0], 0)
            ctx.set(component.begins, 1)
            ctx.set(component.drops, drops)
            await ctx.tick()
            ctx.set(component.begins, 0)
            ctx.set(component.drops, 0)
            found.append((ctx.get(component.none), ctx.get(component.end)))
            ctx.set(component.next, 1)
            ctx.set(component.clears, 1)
            found.append(ctx.get(component.found) if not found[-1][0] else None)
            await ctx.tick()
            ctx.set(component.next, 0)
            ctx.set(component.clears, 0)

    simulator = Simulator(component)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    assert found == [(1, 1), None, (0, 1), 35]
