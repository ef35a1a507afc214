"""The sequencer: which operations an item becomes, in which order, and when they wait."""

import random
from itertools import pairwise

import numpy as np
import pytest

from spikeline.model.neurons.neuron import Neuron
from spikeline.model.synapses.dense import Dense
from spikeline.plan.layout import Part
from spikeline.plan.unit import Unit
from spikeline.rtl.sequencer import Sequencer
from spikeline.rtl.walk import Rows

from .builders import Law, part_of
from .streams import Bench, Trace, each_stall

# Neurons, lanes, sweep.
UNITS = {
    "one-fold": Unit(4, 4, 4),
    "groups": Unit(6, 6, 2),
    "folds": Unit(7, 3, 3),
    "folds-and-groups": Unit(10, 4, 2),
    "one-neuron": Unit(1, 1, 1),
}
each_unit = pytest.mark.parametrize("unit", UNITS.values(), ids=UNITS.keys())
each_rest = pytest.mark.parametrize("rest", [0, 1, 2], ids=lambda r: f"rest-{r}")
INPUTS = 5
BITS = 2


def random_items(count: int, seed: int) -> list[dict[str, int]]:
    """Make items of every value, with and without ends."""
    rng = random.Random(seed)
    return [
        {
            "position": rng.randrange(INPUTS),
            "lanes": rng.randrange(1 << BITS),
            "tick": int(rng.random() < 0.3),
            "last": int(rng.random() < 0.2),
        }
        for _ in range(count)
    ]


def operations(item: dict[str, int], unit: Unit) -> list[dict[str, int]]:
    """List the operations of an item."""
    adds = [
        {"add": 1, "row": item["position"] * unit.folds + f, "fold": f}
        for _ in range(item["lanes"])
        for f in range(unit.folds)
    ]
    sweeps = [
        {"sweep": 1, "fold": f, "group": g, "fire": item["tick"], "last": item["last"], "end": 0}
        for f in range(unit.folds)
        for g in range(unit.groups)
    ]
    sweeps[-1]["end"] = 1
    return adds + (sweeps if item["tick"] or item["last"] else [])


def clearing(unit: Unit) -> list[dict[str, int]]:
    """List the operations after reset."""
    item = {"position": 0, "lanes": 0, "tick": 0, "last": 1}
    return [op | {"end": 0} for op in operations(item, unit)]


def part(unit: Unit) -> Part:
    """Lay out a layer by a unit."""
    neurons = Neuron(np.zeros(unit.neurons, int), np.ones(unit.neurons, int))
    return part_of(Law(Dense(np.ones((unit.neurons, INPUTS), int), 2), neurons), unit, 4)


class Run:
    """What a sequencer did with items; room comes back `returns_after` cycles after a sweep."""

    def __init__(self, unit, rest, items, gap=0.0, *, depth=4, returns_after=1, seed=0):
        self.bench = Bench(Sequencer(part(unit), Rows(unit, INPUTS), BITS, (depth,), rest), seed)
        component = self.bench.component
        self.source: Trace = self.bench.put(component.i, items, gap)
        self.trace = self.bench.sample(component.o)
        due: list[int] = []

        def give_back(ctx, cycle):
            if self.trace and self.trace[-1]["sweep"] and returns_after:
                due.append(cycle - 1 + returns_after)
            n = min(2, sum(d <= cycle for d in due))
            del due[:n]
            ctx.set(component.returned[0], n)

        self.bench.each(give_back)
        self.items = items

    def finish(self, quiet: int = 100) -> "Run":
        """Simulate until every item is taken, and longer."""
        self.bench.run(lambda: len(self.source.items) == len(self.items), quiet=quiet)
        return self

    @property
    def done(self) -> list[dict[str, int]]:
        """The operations, in order."""
        return [op for op in self.trace if op["add"] or op["sweep"]]

    @property
    def cycles(self) -> list[int]:
        """The cycles of the operations."""
        return [c for c, op in enumerate(self.trace) if op["add"] or op["sweep"]]


def same(done: list[dict[str, int]], expected: list[dict[str, int]]) -> bool:
    """Whether operations are those expected; fields that mean nothing do not count."""
    return len(done) == len(expected) and all(
        all(op[name] == value for name, value in wanted.items())
        and (op["add"], op["sweep"]) == (wanted.get("add", 0), wanted.get("sweep", 0))
        for op, wanted in zip(done, expected, strict=True)
    )


@each_unit
@each_rest
@each_stall
def test_items_become_their_operations_in_order(unit, rest, stalls):
    """Value x folds additions, then a sweep where something ends; nothing else, after clearing."""
    items = random_items(40, seed=unit.neurons + rest)
    run = Run(unit, rest, items, stalls[0], returns_after=1 + int(9 * stalls[1])).finish()

    assert same(run.done, clearing(unit) + [op for i in items for op in operations(i, unit)])


@each_unit
@each_rest
def test_an_item_takes_its_operations_and_rest(unit, rest):
    """An eager source is asked for an item every value x folds, plus folds x groups + rest."""
    items = random_items(40, seed=3)
    run = Run(unit, rest, items, depth=32).finish()

    sweep = unit.folds * unit.groups + rest
    lengths = [i["lanes"] * unit.folds + (i["tick"] | i["last"]) * sweep for i in items]
    # An item that wants nothing is taken, and the next one a cycle later.
    lengths = [max(n, 1) for n in lengths]
    taken = run.source.cycles
    assert taken[0] == sweep - 1
    assert [b - a for a, b in pairwise(taken)] == lengths[:-1]


def test_the_first_operation_comes_a_cycle_after_its_item():
    """Latency is one cycle."""
    items = [{"position": 2, "lanes": 1, "tick": 0, "last": 0}]
    run = Run(UNITS["one-fold"], 0, items).finish()

    assert run.cycles[-1] == run.source.cycles[0] + 1


@pytest.mark.parametrize("value", range(4))
def test_every_value_adds_its_row_so_often(value):
    """An event of value n adds each of its rows n times, 0 included, up to the limit."""
    unit = UNITS["folds"]
    items = [{"position": 3, "lanes": value, "tick": 0, "last": 0}]
    run = Run(unit, 0, items).finish()

    rows = [op["row"] for op in run.done if op["add"]]
    assert rows == [9, 10, 11] * value


def test_void_end_does_not_fire():
    """An end of the sample without the end of a step sweeps without firing, and clears."""
    unit = UNITS["folds-and-groups"]
    items = [{"position": 0, "lanes": 1, "tick": 0, "last": 1}]
    run = Run(unit, 2, items).finish()

    sweeps = [op for op in run.done if op["sweep"]][-unit.folds * unit.groups :]
    assert all((op["fire"], op["last"]) == (0, 1) for op in sweeps)
    assert [op["end"] for op in sweeps] == [0] * (len(sweeps) - 1) + [1]


@pytest.mark.parametrize("depth", [1, 2, 4, 6])
def test_sweeps_stop_when_the_room_is_used_up(depth):
    """Of sweeps whose room never comes back exactly `depth` happen; additions go on before them."""
    unit = UNITS["one-fold"]
    items = [{"position": 0, "lanes": 1, "tick": 1, "last": 0} for _ in range(10)]
    run = Run(unit, 0, items, depth=depth, returns_after=0)
    run.bench.run(lambda: run.bench.cycle > 60)

    # One of the rooms goes to clearing.
    assert sum(op["sweep"] for op in run.done) == depth
    assert sum(op["add"] for op in run.done) == depth


def test_room_that_comes_back_is_used_a_cycle_later():
    """A sweep that waits for room happens the cycle after room came back."""
    items = [{"position": 0, "lanes": 0, "tick": 1, "last": 0} for _ in range(6)]
    run = Run(UNITS["one-fold"], 0, items, depth=1, returns_after=7).finish()

    assert [b - a for a, b in pairwise(run.cycles)] == [8] * 6


def test_two_places_come_back_at_once():
    """Two vectors returned in one cycle make room for two."""
    bench = Bench(
        sequencer := Sequencer(
            part(UNITS["one-fold"]), Rows(UNITS["one-fold"], INPUTS), BITS, (2,), 0
        )
    )
    bench.put(sequencer.i, [{"position": 0, "lanes": 0, "tick": 1, "last": 0}] * 9)
    trace = bench.sample(sequencer.o)
    bench.each(lambda ctx, cycle: ctx.set(sequencer.returned[0], 2 * (cycle == 20)))
    bench.run(lambda: bench.cycle > 50)

    cycles = [c for c, op in enumerate(trace) if op["sweep"]]
    assert len(cycles) == 4
    assert cycles[2:] == [21, 22]


@pytest.mark.parametrize("depths", [(3, 5), (5, 3), (4, 3, 6)])
def test_a_sweep_waits_for_room_in_every_queue(depths):
    """The smallest queue says how often is swept; room elsewhere changes nothing."""
    bench = Bench(
        sequencer := Sequencer(
            part(UNITS["one-fold"]), Rows(UNITS["one-fold"], INPUTS), BITS, depths, 0
        )
    )
    bench.put(sequencer.i, [{"position": 0, "lanes": 0, "tick": 1, "last": 0}] * 9)
    trace, least = bench.sample(sequencer.o), depths.index(min(depths))

    def give_back(ctx, cycle):
        for n in range(len(depths)):
            ctx.set(sequencer.returned[n], cycle == (30 if n == least else 20))

    bench.each(give_back)
    bench.run(lambda: bench.cycle > 50)

    cycles = [c for c, op in enumerate(trace) if op["sweep"]]
    assert len(cycles) == 4
    assert cycles[3] == 31
