"""The readout against the golden one: label, step, every score, and when."""

from dataclasses import dataclass
from itertools import product

import numpy as np
import pytest

from spikeline.model.bounds import Bounds
from spikeline.model.codings.latency import Latency
from spikeline.model.errors import InputError
from spikeline.model.network import Network
from spikeline.model.neurons.neuron import Neuron
from spikeline.model.readouts import KINDS, readout
from spikeline.model.readouts.protocol import Readout
from spikeline.model.synapses.dense import Dense
from spikeline.plan.unit import Unit
from spikeline.rtl.readouts import readout as component_of
from spikeline.rtl.readouts.protocol import Readout as Component

from .builders import Law, chain_of
from .streams import STALLS, Bench, Trace, items_of

UNITS = {
    "at-once": lambda n: Unit(n, n, n),
    "folds": lambda n: Unit(n, 2, 2),
    "groups": lambda n: Unit(n, n, 1),
    "folds-and-groups": lambda n: Unit(n, min(n, 4), 2) if n > 1 else Unit(1, 1, 1),
    "one-lane": lambda n: Unit(n, 1, 1),
}
each_unit = pytest.mark.parametrize("layout", UNITS.values(), ids=UNITS.keys())
each_kind = pytest.mark.parametrize("kind", [k for k, of in KINDS.items() if of.classifies])
WIDTH = 8


@dataclass
class Readable:
    """A readout's component, and the network it is for; the layer before it is a stub."""

    network: Network
    unit: Unit
    component: Component

    @classmethod
    def of(cls, kind: str, classes: int, steps: int, layout, leaks: bool = False) -> "Readable":
        weights = np.array([7, -2, 3, 1, 5, -4])[:steps] if kind == "weighted-sum" else None
        # The accumulators of neurons that only integrate lie below h by their thresholds.
        thresholds = 1 + np.arange(classes) * 3 % 7
        neuron = Neuron(np.zeros(classes, int), thresholds, (3, 2) if leaks else (1, 0))
        layer = Law(Dense(np.zeros((classes, 1), int), 2), neuron)
        network = chain_of(steps, 1, Latency(), [layer], readout(kind, weights))
        ends = np.full(classes, -(1 << WIDTH - 1)), np.full(classes, (1 << WIDTH - 1) - 1)
        unit = layout(classes)
        return cls(network, unit, component_of(network, unit, Bounds(ends, ends, ends), WIDTH + 2))

    def items(self, s: np.ndarray, h: np.ndarray, cut: int | None = None) -> list[dict]:
        """List what the layer sends for a sample (steps, classes); `cut` steps, then a void end."""
        unit, neuron = self.unit, self.component.neuron
        places = unit.folds * unit.groups
        lanes = places * unit.sweep
        rng = np.random.default_rng(1)
        items = []
        for t in range(len(s) if cut is None else cut):
            final = int(t == len(s) - 1)
            # Lanes without a neuron hold anything, but never spike.
            membranes = rng.integers(-99, 99, lanes)
            membranes[: unit.neurons] = h[t] - [neuron.offset(n) for n in range(unit.neurons)]
            spikes = np.zeros(lanes, int)
            spikes[: unit.neurons] = s[t]
            for position in range(places):
                mine = slice(position * unit.sweep, (position + 1) * unit.sweep)
                end = int(position == places - 1)
                items.append(
                    {
                        "position": position,
                        "lanes": sum(int(x) << n for n, x in enumerate(spikes[mine])),
                        "tick": end,
                        "last": final & end,
                        "final": final,
                        "membranes": membranes[mine].tolist(),
                    }
                )
        if cut is not None:
            blank = {"position": 0, "lanes": 0, "tick": 0, "last": 1, "final": 0}
            items.append(blank | {"membranes": rng.integers(-99, 99, unit.sweep).tolist()})
        return items


def results_of(items: list[dict]) -> list:
    """Gather results: label, step, scores; of spikes their steps and neurons; membranes."""
    results, parts = [], []
    for item in items:
        if "score" in item:
            parts.append(item["score"])
        elif "value" in item:
            parts.append(item["value"])
        elif not item["last"]:
            parts.append((item["step"], item["neuron"]))
        if item["last"]:
            results.append((item["label"], item["step"], parts) if "score" in item else parts)
            parts = []
    assert not parts
    return results


def results_wanted(readout: Readout, s: np.ndarray, h: np.ndarray) -> list:
    """List the same of the golden spikes and membranes (steps, samples, neurons)."""
    d = readout.decide(s, h)
    if readout.kind == "spikes":
        return [[tuple(x) for x in np.argwhere(s[:, n]).tolist()] for n in range(s.shape[1])]
    if readout.kind == "membranes":
        return d.score.tolist()
    return [(int(a), int(b), c.tolist()) for a, b, c in zip(d.label, d.step, d.score, strict=True)]


def decide(
    readable: Readable,
    s: np.ndarray,
    h: np.ndarray,
    stalls: tuple[float, float] = (0.0, 0.0),
    cut: bool = False,
    seed: int = 0,
) -> tuple[list, Trace]:
    """Send samples (steps, samples, classes) through a readout, if `cut` up to each decision."""
    component, count = readable.component, s.shape[1]
    until = readable.network.readout.decide(s, h).step + 1
    items = [
        item
        for n in range(count)
        for item in readable.items(
            s[:, n], h[:, n], int(until[n]) if cut and until[n] < len(s) else None
        )
    ]
    bench = Bench(component, seed)
    source = bench.put(component.i, items, stalls[0])
    sink = bench.get(component.o, stalls[1])
    bench.run(
        lambda: len(source.items) == len(items) and sum(i["last"] for i in sink.items) >= count,
        limit=60000,
    )
    return results_of(sink.items), sink


def expected(readable: Readable, s: np.ndarray, h: np.ndarray) -> list:
    """The golden decisions."""
    return results_wanted(readable.network.readout, s, h)


def random_case(
    seed: int, steps: int, count: int, classes: int, density: float = 0.15
) -> tuple[np.ndarray, np.ndarray]:
    """Draw spikes and membranes, of a narrow range in half of the samples so that many tie."""
    rng = np.random.default_rng(seed)
    high = np.where(np.arange(count) % 2, 2, 1 << WIDTH - 1)[:, None]
    h = rng.integers(-high, high, (steps, count, classes))
    return rng.random(h.shape) < density, h


@each_kind
@each_unit
@pytest.mark.parametrize("stalls", [STALLS["eager"], STALLS["random-both"]], ids=["eager", "busy"])
def test_decisions_equal_golden_model(kind, layout, stalls):
    """Every label, step and score is the golden one, in every layout, stalled or not."""
    readable = Readable.of(kind, 5, 4, layout)
    s, h = random_case(1, 4, 12, 5)

    got, _ = decide(readable, s, h, stalls)
    assert got == expected(readable, s, h)


@each_kind
@pytest.mark.parametrize("leaks", [False, True], ids=["offset", "no-offset"])
@pytest.mark.parametrize("classes", [1, 2, 3, 10])
def test_any_number_of_classes(kind, classes, leaks):
    """One class, two, odd and even numbers of them, whether or not accumulators have offsets."""
    readable = Readable.of(kind, classes, 3, UNITS["at-once"], leaks)
    s, h = random_case(classes, 3, 8, classes)

    got, _ = decide(readable, s, h)
    assert got == expected(readable, s, h)


@each_kind
@pytest.mark.parametrize("layout", ["at-once", "folds", "one-lane"])
def test_every_order_of_ties(kind, layout):
    """For three classes, all membranes in 0..2 and all spikes of a step decide as the law says."""
    readable = Readable.of(kind, 3, 1, UNITS[layout])
    h = np.array(list(product(range(3), repeat=3)))
    s = np.array(list(product([False, True], repeat=3)))
    h, s = np.repeat(h, 8, axis=0)[None], np.tile(s, (27, 1))[None]

    got, _ = decide(readable, s, h)
    assert got == expected(readable, s, h)


@each_unit
@pytest.mark.parametrize("cut", [False, True], ids=["rest-follows", "cut-short"])
def test_rest_of_a_decided_sample_changes_nothing(layout, cut):
    """After an early decision later spikes, or the bare end, leave the next sample alone."""
    readable = Readable.of("first-spike", 4, 5, layout)
    s, h = random_case(3, 5, 14, 4, density=0.12)
    steps = {step for _, step, _ in expected(readable, s, h)}
    assert len(steps) > 3 and s.any(axis=2).sum() > 20

    got, _ = decide(readable, s, h, cut=cut)
    assert got == expected(readable, s, h)


@each_kind
def test_single_step(kind):
    """With T = 1 the first step is the last, sample after sample."""
    readable = Readable.of(kind, 4, 1, UNITS["at-once"])
    s, h = random_case(4, 1, 10, 4)

    got, _ = decide(readable, s, h)
    assert got == expected(readable, s, h)


@each_kind
@pytest.mark.parametrize("extreme", [-(1 << WIDTH - 1), (1 << WIDTH - 1) - 1], ids=["low", "high"])
def test_scores_hold_their_extremes(kind, extreme):
    """Membranes at the end of their range in every step give exact scores."""
    readable = Readable.of(kind, 3, 4, UNITS["at-once"])
    s, h = np.ones((4, 2, 3), bool), np.full((4, 2, 3), extreme)

    got, _ = decide(readable, s, h)
    assert got == expected(readable, s, h)


@each_kind
@each_unit
def test_decided_counts_with_the_first_offer(kind, layout):
    """The counter rises a cycle after a result is first offered, however long it is refused."""
    readable = Readable.of(kind, 4, 2, layout)
    s, h = random_case(5, 2, 10, 4)
    bench = Bench(component := readable.component, 3)
    bench.put(component.i, [i for n in range(10) for i in readable.items(s[:, n], h[:, n])])
    decided = bench.sample(component.decided)
    sink = bench.get(component.o, 0.7)
    bench.run(lambda: sum(i["last"] for i in sink.items) >= 10)

    firsts = sink.offered[::4]
    rises = [c for c in range(1, len(decided)) if decided[c] != decided[c - 1]]
    assert rises == [c + 1 for c in firsts]
    assert [decided[c] for c in rises] == [n % 8 for n in range(1, 11)]


@each_kind
@each_unit
def test_a_result_comes_when_the_contract_says(kind, layout):
    """A result is offered three cycles after the scan of the deciding step's last item.

    Four where scores build on those of earlier steps.
    """
    readable = Readable.of(kind, 6, 2, layout)
    unit = readable.unit
    scan = unit.sweep // (2 if unit.sweep % 2 == 0 else 1)
    s, h = random_case(6, 2, 6, 6)
    s[0] = False  # decided at the last step
    bench = Bench(component := readable.component)
    items = [i for n in range(6) for i in readable.items(s[:, n], h[:, n])]
    source = bench.put(component.i, items)
    sink = bench.get(component.o)
    bench.run(lambda: sum(i["last"] for i in sink.items) >= 6)

    ends = [c for c, i in zip(source.cycles, source.items, strict=True) if i["final"] and i["tick"]]
    settled = scan + (3 if kind in ("first-spike", "final-membrane") else 4)
    assert sink.offered[::6] == [c + settled for c in ends]
    # One class a cycle, then the next item.
    assert [c for n, c in enumerate(sink.cycles) if n % 6 == 5] == [c + settled + 5 for c in ends]
    places = unit.folds * unit.groups
    assert source.cycles[2 * places :: 2 * places] == [c + settled + 6 for c in ends[:-1]]


@each_unit
@pytest.mark.parametrize("leaks", [False, True], ids=["offset", "no-offset"])
@pytest.mark.parametrize("stalls", STALLS.values(), ids=STALLS.keys())
def test_membranes_are_those_of_the_last_step(layout, leaks, stalls):
    """Every membrane of the last step comes in order, in every layout, stalled or not."""
    readable = Readable.of("membranes", 5, 3, layout, leaks)
    s, h = random_case(9, 3, 8, 5)

    got, _ = decide(readable, s, h, stalls)
    assert got == h[-1].tolist()


@each_unit
def test_membranes_come_when_the_contract_says(layout):
    """They are offered from the cycle after their item on, one a cycle; other items take one."""
    readable = Readable.of("membranes", 6, 2, layout)
    unit = readable.unit
    s, h = random_case(10, 2, 4, 6)
    bench = Bench(component := readable.component)
    items = [i for n in range(4) for i in readable.items(s[:, n], h[:, n])]
    source = bench.put(component.i, items)
    sink = bench.get(component.o)
    decided = bench.sample(component.decided)
    bench.run(lambda: len(sink.items) >= 24)

    places, at, offers, ends = unit.folds * unit.groups, 0, [], []
    for n in range(4 * 2 * places):
        assert source.cycles[n] == at
        at += 1
        if n % (2 * places) >= places:
            first = n % places * unit.sweep
            neurons = max(min(6 - first, unit.sweep), 0)
            offers += range(at, at + neurons)
            at += neurons
            ends += [at] if neurons and first + neurons == 6 else []
    assert sink.offered == offers
    assert [decided[c] for c in ends] == [1, 2, 3, 4]
    assert [decided[c - 1] for c in ends] == [0, 1, 2, 3]


def serial(s: np.ndarray) -> list[dict]:
    """List the spikes of samples (steps, samples, neurons) one by one, ends on the last of them."""
    return [item for n in range(s.shape[1]) for item in items_of(s[:, n].astype(int), joined=True)]


@pytest.mark.parametrize("density", [0.0, 0.2, 1.0])
@pytest.mark.parametrize("steps", [1, 4])
@pytest.mark.parametrize("stalls", STALLS.values(), ids=STALLS.keys())
def test_every_spike_comes_out(stalls, steps, density):
    """Every spike with its step, by step, then neuron, and one end per sample, under any stalls."""
    readable = Readable.of("spikes", 5, steps, UNITS["at-once"])
    s, h = random_case(11, steps, 9, 5, density)
    bench = Bench(component := readable.component)
    bench.put(component.i, serial(s), stalls[0])
    sink = bench.get(component.o, stalls[1])
    bench.run(lambda: sum(i["last"] for i in sink.items) >= 9)

    assert results_of(sink.items) == expected(readable, s, h)


def test_spikes_pass_at_once():
    """An item is offered and taken in the cycle in which it comes; the end behind a spike waits."""
    readable = Readable.of("spikes", 3, 2, UNITS["at-once"])
    # Spikes 0 and 2, the second with the tick; then a spike that ends the sample; a silent sample.
    s = np.array([[[1, 0, 1], [0, 0, 0]], [[0, 1, 0], [0, 0, 0]]], bool)
    bench = Bench(component := readable.component)
    source = bench.put(component.i, serial(s))
    sink = bench.get(component.o)
    decided = bench.sample(component.decided)
    bench.run(lambda: sum(i["last"] for i in sink.items) >= 2)

    assert source.cycles == [0, 1, 3, 4, 5]
    assert sink.offered == sink.cycles == [0, 1, 2, 3, 5]
    assert decided[:7] == [0, 0, 0, 0, 1, 1, 2]


@pytest.mark.parametrize("kind", ["spikes", "first-spike", "max-membrane"])
def test_more_neurons_than_a_word_can_name_are_refused(kind):
    """A word has 16 bits for the neuron, or the class."""
    with pytest.raises(InputError) as refused:
        Readable.of(kind, (1 << 16) + 1, 2, UNITS["at-once"])
    told = f"Readout {kind} must follow at most 65536 neurons, as a word has 16 bits for them,"
    assert str(refused.value) == f"{told} not 65537"


def test_items_not_worth_a_scan_take_one_cycle():
    """Steps without a spike pass a first-spike readout of one position in one cycle each."""
    readable = Readable.of("first-spike", 4, 6, UNITS["at-once"])
    s, h = random_case(7, 6, 1, 4, density=0)
    bench = Bench(component := readable.component)
    source = bench.put(component.i, readable.items(s[:, 0], h[:, 0]))
    sink = bench.get(component.o)
    bench.run(lambda: len(sink.items) >= 4)

    assert source.cycles == list(range(6))


def test_refused_result_waits_unchanged():
    """While the sink refuses, label, step and score stay, and no further item is taken."""
    readable = Readable.of("final-membrane", 3, 1, UNITS["at-once"])
    s, h = random_case(8, 1, 2, 3)
    bench = Bench(component := readable.component)
    source = bench.put(component.i, [i for n in range(2) for i in readable.items(s[:, n], h[:, n])])
    sink = bench.get(component.o, 1.0)
    bench.run(lambda: bench.cycle >= 40)

    assert len(source.items) == 1
    assert sink.items == [] and len(sink.offered) == 1
