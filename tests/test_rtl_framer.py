"""The framer against a slow reading of its contract: what becomes of every beat."""

import random
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pytest

from spikeline.model.codings import Coding
from spikeline.model.codings.counts import Counts
from spikeline.model.codings.graded import Graded
from spikeline.model.codings.latency import Latency
from spikeline.model.network import Network
from spikeline.model.neurons.neuron import Neuron
from spikeline.model.readouts.first_spike import FirstSpike
from spikeline.model.synapses.dense import Dense
from spikeline.rtl.codings.framer import Framer

from .builders import Law, chain_of
from .streams import Bench, Trace, each_stall

TICK = (0, 0, 1)
# 5 inputs of 3 address bits; values up to 5 of 3 bits.
CODINGS = {
    "once": Latency(64),
    "every-step": Counts(5),
    "once-graded": Graded(6),
    "every-step-spikes": Counts(1),
    "held": Graded(6, every=True),
}
each_coding = pytest.mark.parametrize("coding", CODINGS.values(), ids=CODINGS.keys())


def network(coding: Coding = CODINGS["once"], steps: int = 3, inputs: int = 5) -> Network:
    """A network of which only the input matters."""
    layer = Law(Dense(np.ones((1, inputs), int), 2), Neuron(np.zeros(1, int), np.ones(1, int)))
    return chain_of(steps, inputs, coding, [layer], FirstSpike())


def beats_of(sample: list[tuple[int, int, int]], ends: bool = True) -> list[dict]:
    """Mark the last beat of a sample of (address, value, tick)."""
    return [
        {"beat": {"address": a, "value": v, "tick": t}, "last": int(ends and n == len(sample) - 1)}
        for n, (a, v, t) in enumerate(sample)
    ]


def framed(net: Network, samples: list) -> tuple[list[tuple], int]:
    """Frame samples slowly; returns items (position, value, tick, last), and how many refused.

    Values that are constant are held.
    """
    items, refused, limit = [], 0, net.coding.values.limit
    held = net.coding.values.constant
    for sample in samples:
        step, seen = 0, set()
        for address, value, tick in sample:
            if step == net.steps:
                refused += 1
            elif tick:
                step += 1
                items.append((None, 0, 1, int(step == net.steps)))
                seen = seen if net.coding.values.total else set()
            elif not 0 < value <= limit or address >= net.width or address in seen:
                refused += 1
            elif held and step:
                refused += 1
            else:
                seen.add(address)
                items.append((address, value, 0, 0))
        for t in range(step, net.steps):
            items.append((None, 0, 1, int(t == net.steps - 1)))
    return items, refused


@dataclass
class Framed:
    """A framer at work: samples are decided in the cycles `decides`, or as they end."""

    net: Network
    samples: list
    stalls: tuple[float, float] = (0.0, 0.0)
    decides: tuple[int, ...] = ()
    room: object = None
    resets: tuple[int, ...] = ()
    after: dict[int, int] = field(default_factory=dict)
    seed: int = 0
    broken: int = -1  # index of a sample without its end

    @property
    def held(self) -> bool:
        """Whether the input is held: here, wherever it can be."""
        return self.net.coding.values.constant

    def __post_init__(self) -> None:
        self.bench = Bench(component := Framer(self.net, self.held), self.seed)
        self.beats = [
            beat
            for n, sample in enumerate(self.samples)
            for beat in beats_of(sample, ends=n != self.broken)
        ]
        self.count = len(self.beats)
        self.source: Trace = self.bench.put(component.i, self.beats, self.stalls[0], self.after)
        self.sink: Trace = self.bench.get(component.o, self.stalls[1])
        self.refused = self.bench.sample(component.refused)
        self.starts = self.bench.sample(component.starts)

        def drive(ctx, cycle):
            if self.decides:
                decided = sum(d <= cycle for d in self.decides)
            else:
                since = max((r for r in self.resets if r <= cycle), default=-1)
                ends = zip(self.sink.items, self.sink.cycles, strict=True)
                decided = sum(i["last"] for i, c in ends if c > since)
            ctx.set(component.decided, decided % 8)
            ctx.set(component.room, 1 if self.room is None else self.room(cycle))

        self.bench.each(drive)
        self.bench.reset(*self.resets)

    def run(self, ends: int | None = None, limit: int = 20_000) -> "Framed":
        """Simulate until every beat is taken and `ends` samples have ended."""
        ends = len(self.samples) if ends is None else ends
        self.bench.run(
            lambda: (
                len(self.source.items) >= self.count
                and sum(i["last"] for i in self.sink.items) >= ends
            ),
            limit,
        )
        return self

    @property
    def items(self) -> list[tuple]:
        """Items that mean something: position (None without event), value, tick, last."""
        return [
            (i["position"] if i["lanes"] else None, i["lanes"], i["tick"], i["last"])
            for i in self.sink.items
            if i["lanes"] or i["tick"] or i["last"]
        ]


def random_samples(seed: int, count: int, steps: int = 3) -> list:
    """Draw samples with everything wrong there can be, and everything right."""
    rng = random.Random(seed)
    samples = []
    for _ in range(count):
        sample = []
        for _ in range(rng.choice([1, steps - 1, steps, steps, steps, steps + 1])):
            for _ in range(rng.randrange(5)):
                sample.append((rng.randrange(8), rng.choice([0, 1, 1, 1, 3, 5, 6]), 0))
            sample.append((rng.randrange(8), rng.randrange(8), 1))
        cut = rng.randrange(3)
        samples.append(sample[: len(sample) - cut] or [TICK])
    return samples


def fitted(net: Network, samples: list) -> list:
    """Keep to the bits that a value has."""
    mask = (1 << net.coding.values.limit.bit_length()) - 1
    return [[(a, v & mask, t) for a, v, t in sample] for sample in samples]


@each_coding
@each_stall
def test_random_beats_become_the_items_of_the_contract(coding, stalls):
    """Each sample has its lawful events once, T ticks and one end; the rest is counted."""
    net = network(coding)
    samples = fitted(net, random_samples(3, 25))
    items, refused = framed(net, samples)
    assert refused > 20
    got = Framed(net, samples, stalls, room=lambda c: c % 5 != 2).run()

    assert got.items == items
    assert got.refused[-1] == refused


def test_lawful_beats_pass_one_per_cycle_two_cycles_later():
    """After the memory is cleared, a beat is taken in every cycle and offered two cycles later."""
    sample = [(0, 1, 0), (3, 1, 0), TICK, (1, 1, 0), TICK, TICK]
    got = Framed(network(), [sample, sample]).run()

    assert got.items == framed(network(), [sample, sample])[0]
    assert got.source.cycles == list(range(5, 17))
    assert got.sink.cycles == list(range(7, 19))
    assert got.refused[-1] == 0


@pytest.mark.parametrize(
    "sample",
    [
        [(2, 1, 0)],
        [TICK],
        [(2, 1, 0), TICK],
        [(2, 1, 0), TICK, TICK, (1, 1, 0)],
        [(7, 1, 0)],
        [(2, 0, 0)],
        [TICK, TICK],
    ],
    ids=[
        "event-first",
        "tick-first",
        "tick",
        "event-in-last-step",
        "address-beyond-first",
        "value-0-first",
        "two-ticks",
    ],
)
def test_missing_ticks_are_added(sample):
    """Wherever TLAST comes, on the first beat, an event, a tick or a refused beat, T ticks come."""
    whole = [(4, 1, 0), TICK, TICK, TICK]
    got = Framed(network(), [sample, whole]).run()

    assert got.items == framed(network(), [sample, whole])[0]
    assert sum(tick for _, _, tick, _ in got.items) == 6


def test_beats_after_the_last_step_are_dropped_and_counted():
    """Events, and ticks, at t >= T make no item; each counts; the next sample is right."""
    whole = [(4, 1, 0), TICK, TICK, TICK]
    late = [*whole, (1, 1, 0), (2, 1, 0), TICK, (3, 1, 0)]
    got = Framed(network(), [late, whole]).run()

    assert got.items == framed(network(), [whole, whole])[0]
    assert got.refused[-1] == 4


@pytest.mark.slow
def test_count_of_refused_beats_stays_at_its_end():
    """Behind 65,535 refused beats it counts no more, and the next sample is right."""
    whole = [(4, 1, 0), TICK, TICK, TICK]
    got = Framed(network(), [[*whole, *[(1, 1, 0)] * 65_540], whole]).run(limit=70_000)

    assert got.items == framed(network(), [whole, whole])[0]
    assert sorted(set(got.refused)) == list(range(65_536))
    assert got.refused == sorted(got.refused)


@pytest.mark.parametrize(
    ("coding", "event"),
    [("once", (5, 1, 0)), ("once", (7, 1, 0)), ("once", (0, 0, 0)), ("every-step", (0, 6, 0))],
    ids=["first-address-beyond", "last-address-beyond", "value-0", "value-beyond"],
)
def test_events_beyond_the_declaration_are_refused(coding, event):
    """An address that no input has, a value of 0 or above the limit makes no item, and counts."""
    net = network(CODINGS[coding])
    got = Framed(net, [[event, (4, 1, 0), TICK, event, TICK, TICK]]).run()

    assert got.items == framed(net, [[(4, 1, 0), TICK, TICK, TICK]])[0]
    assert got.refused[-1] == 2


@pytest.mark.parametrize("gap", [0, 1, 2, 3], ids=lambda n: f"{n}-between")
def test_repetition_is_refused_at_any_distance(gap):
    """An input's second event is refused, next to the first or with events between."""
    between = [(1 + n, 1, 0) for n in range(gap)]
    sample = [(0, 1, 0), *between, (0, 1, 0), (0, 1, 0), TICK, TICK, TICK]
    got = Framed(network(), [sample]).run()

    assert got.items == framed(network(), [[(0, 1, 0), *between, TICK, TICK, TICK]])[0]
    assert got.refused[-1] == 2


def test_repetition_counts_per_sample_where_inputs_come_once():
    """With a once-only coding, an event in a later step repeats; in the next sample it does not."""
    sample = [(0, 1, 0), TICK, (0, 1, 0), TICK, TICK]
    got = Framed(network(), [sample, sample]).run()

    assert [i[0] for i in got.items if i[1]] == [0, 0]
    assert got.refused[-1] == 2


def test_repetition_counts_per_step_elsewhere():
    """With counts, an input may come once in every step."""
    sample = [(0, 2, 0), (0, 3, 0), TICK, (0, 1, 0), TICK, TICK]
    got = Framed(network(CODINGS["every-step"]), [sample]).run()

    assert [i[:2] for i in got.items if i[1]] == [(0, 2), (0, 1)]
    assert got.refused[-1] == 1


@pytest.mark.parametrize("inputs", [1, 2, 3, 4, 5, 8])
@pytest.mark.parametrize("coding", ["once", "every-step"])
@each_stall
def test_generations_may_wrap(coding, inputs, stalls):
    """However long ago an input came, it is neither refused for that nor let in twice."""
    net = network(CODINGS[coding], inputs=inputs)
    rng = random.Random(5)
    samples = []
    for _ in range(40):
        sample = []
        for _ in range(3):
            sample += [(a, 1, 0) for a in range(inputs) if rng.random() < 0.3]
            sample += sample[-1:] * (rng.random() < 0.3)
            sample.append(TICK)
        samples.append(sample)
    items, refused = framed(net, samples)
    got = Framed(net, samples, stalls).run()

    assert got.items == items
    assert got.refused[-1] == refused


@pytest.mark.parametrize("inputs", [1, 2, 3, 4, 5])
def test_input_may_come_again_after_any_number_of_samples(inputs):
    """An input that was silent for n samples is not refused, for every n around the wrap."""
    samples = []
    for address in range(inputs):
        for silent in range(2 * (1 << inputs.bit_length()) + 1):
            samples += [[(address, 1, 0), TICK, TICK, TICK]] + [[TICK] * 3] * silent
    got = Framed(network(inputs=inputs), samples).run()

    assert got.refused[-1] == 0
    assert got.items == framed(network(inputs=inputs), samples)[0]


@each_coding
def test_no_generation_costs_a_cycle(coding):
    """Many more steps than generations: the framer takes a beat in every cycle."""
    sample = [(0, 1, 0), TICK, (1, 1, 0), TICK, TICK]
    got = Framed(network(coding), [sample] * 40).run()

    taken = got.source.cycles
    assert [b - a for a, b in pairwise(taken)] == [1] * (5 * 40 - 1)


def test_decided_sample_is_dropped_and_ended_once():
    """After a decision nothing of the sample passes but a bare end, at its last beat."""
    sample = [(0, 1, 0), TICK, (1, 1, 0), (2, 1, 0), TICK, (3, 1, 0), TICK]
    whole = [(4, 1, 0), TICK, TICK, TICK]
    # The first beat is taken in cycle 5; the third is the first to see the decision.
    got = Framed(network(), [sample, whole], decides=(7,)).run()

    assert (
        got.items
        == [(0, 1, 0, 0), (None, 0, 1, 0), (None, 0, 0, 1)] + framed(network(), [whole])[0]
    )
    assert got.sink.cycles[2] == got.source.cycles[6] + 2
    assert got.refused[-1] == 0


@pytest.mark.parametrize("cycle", range(4, 25))
def test_decision_at_any_time_ends_the_sample_once(cycle):
    """Whenever the decision comes, the sample ends once, and the next one is whole."""
    sample = [(0, 1, 0), TICK, (1, 1, 0), TICK]  # one tick is missing
    whole = [(4, 1, 0), TICK, (0, 1, 0), TICK, TICK]
    after = {4: 26}
    got = Framed(network(), [sample, whole], decides=(cycle,), after=after).run()
    first, rest = framed(network(), [sample])[0], framed(network(), [whole])[0]

    ends = [n for n, item in enumerate(got.items) if item[3]]
    assert len(ends) == 2
    assert got.items[ends[0] + 1 :] == rest
    head = got.items[: ends[0]]
    assert head == first[: len(head)]
    assert got.items[ends[0]] in ((None, 0, 0, 1), first[-1])
    assert got.refused[-1] == 0


def test_more_than_eight_samples_are_told_apart():
    """The decision of every sample, each early, ends that sample and no other."""
    sample = [(0, 1, 0), TICK, (1, 1, 0), TICK, TICK]
    count = 20
    starts = [40 * n + 10 for n in range(count)]
    after = {5 * n: start for n, start in enumerate(starts)}
    after |= {5 * n + 2: start + 10 for n, start in enumerate(starts)}
    got = Framed(
        network(), [sample] * count, after=after, decides=tuple(s + 5 for s in starts)
    ).run()

    assert got.items == [(0, 1, 0, 0), (None, 0, 1, 0), (None, 0, 0, 1)] * count


@pytest.mark.parametrize("stall", [0.0, 0.5], ids=["eager", "slow-sink"])
@pytest.mark.parametrize("beats", range(1, 8))
def test_the_beat_after_a_reset_begins_a_sample(beats, stall):
    """A reset after any beat forgets that sample; the next beat begins one, which passes whole."""
    broken = [(0, 1, 0), TICK, (1, 1, 0), TICK, (2, 1, 0), (3, 1, 0), TICK][:beats]
    whole = [(0, 1, 0), (4, 1, 0), TICK, TICK, TICK]
    after = {beats: 40}
    got = Framed(
        network(),
        [broken, whole],
        (0.0, stall),
        resets=(30, 31),
        after=after,
        seed=beats,
        broken=0,
    )
    got.run(ends=1 + (beats == 7))

    behind = [i for i, c in zip(got.sink.items, got.sink.cycles, strict=True) if c > 30]
    expected = framed(network(), [whole])[0]
    assert len(behind) == len(expected)
    assert got.items[beats:] == expected
    assert got.refused[-1] == 0
    assert [c for c, s in enumerate(got.starts) if s] == [5, 40]


@pytest.mark.parametrize("stall", [0.0, 0.5], ids=["eager", "slow-sink"])
@pytest.mark.parametrize("reset", range(20))
def test_reset_in_the_midst_of_traffic(reset, stall):
    """A reset at any cycle, clearing included: what the source then sends is right, and whole."""
    samples = [[(n % 5, 1, 0), TICK, ((n + 1) % 5, 1, 0), TICK, TICK] for n in range(6)]
    got = Framed(network(), samples, (0.0, stall), resets=(reset,), seed=reset)
    got.run(ends=0)

    behind = [
        (i["position"] if i["lanes"] else None, i["lanes"], i["tick"], i["last"])
        for i, c in zip(got.sink.items, got.sink.cycles, strict=True)
        if c > reset
    ]
    taken = sum(c <= reset for c in got.source.cycles)
    # What is left of the sample at hand is a sample.
    left = [samples[taken // 5][taken % 5 :], *samples[taken // 5 + 1 :]]
    assert behind == framed(network(), left)[0]


def test_no_room_holds_the_first_beat():
    """Without room a sample's first beat waits; the beats within a sample do not."""
    sample = [(0, 1, 0), TICK, (1, 1, 0), TICK, TICK]
    got = Framed(network(), [sample, sample], room=lambda c: c in (12, 30)).run()

    assert got.source.cycles == [12, 13, 14, 15, 16, 30, 31, 32, 33, 34]
    assert [c for c, s in enumerate(got.starts) if s] == [12, 30]
    assert got.items == framed(network(), [sample, sample])[0]


@pytest.mark.parametrize("inputs", [1, 2, 4, 5])
def test_any_number_of_inputs(inputs):
    """One input, powers of two and others: the lawful addresses pass, each once."""
    net = network(inputs=inputs)
    every = range(1 << max(inputs - 1, 0).bit_length())
    sample = [(a, 1, 0) for a in every] * 2 + [TICK, TICK, TICK]
    got = Framed(net, [sample]).run()

    assert got.items == framed(net, [sample])[0]
    assert got.refused[-1] == 2 * len(every) - inputs
