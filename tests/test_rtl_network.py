"""The core against the golden model: every decision, every spike, every last membrane."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikeline.model.bounds import prove
from spikeline.model.codings.counts import Counts
from spikeline.model.codings.graded import Graded
from spikeline.model.errors import InputError
from spikeline.model.network import Network, chain
from spikeline.model.neurons.neuron import Neuron
from spikeline.model.readouts import KINDS
from spikeline.model.synapses.dense import Dense
from spikeline.plan.mapping import Mapping
from spikeline.rtl.network import Network as Core

from .builders import (
    NEURONS,
    Law,
    chain_of,
    delayed_chain,
    random_chain,
    random_images,
    worst,
)
from .groups import each
from .strategies import chains, examples
from .streams import Bench, Trace, each_stall, items_of, spikes_of
from .test_rtl_readout import results_of, results_wanted


@dataclass
class Simulated:
    """What a core gave for samples (steps, samples, inputs) of spikes."""

    core: Core
    source: Trace
    results: list
    layers: dict[str, Trace]

    def spikes(self, layer: str) -> list[np.ndarray]:
        """The spikes of a layer, per sample bool (steps, neurons)."""
        unit = self.core.engines[layer].part.unit
        return spikes_of(self.layers[layer].items, unit.sweep, unit.neurons, unit.offsets)

    def membranes(self) -> np.ndarray:
        """h of the last layer, (all steps of all samples, neurons)."""
        name, engine = list(self.core.engines.items())[-1]
        unit = engine.part.unit
        n, places = unit.neurons, unit.folds * unit.groups
        found = np.array([i["membranes"] for i in self.layers[name].items])
        offsets = [engine.lanes.neuron.offset(k) for k in range(n)]
        return found.reshape(len(found) // places, -1)[:, :n] + offsets


def simulate(
    net: Network,
    mapping: Mapping,
    s: np.ndarray,
    stalls: tuple[float, float] = (0.0, 0.0),
    joined: bool = False,
    seed: int = 0,
) -> Simulated:
    """Run encoded samples through a core; every stream in it obeys the stream rules."""
    bench = Bench(core := Core(net, mapping), seed)
    s = core.layout.sent(s)
    items = [item for n in range(s.shape[1]) for item in items_of(s[:, n], joined)]
    source = bench.put(core.i, items, stalls[0])
    sink = bench.get(core.o, stalls[1])
    watched = {
        name: bench.watch(engine.found if engine.part.last else engine.outs[0])
        for name, engine in core.engines.items()
    }
    bench.run(
        lambda: (
            sum(i["last"] for i in sink.items) >= s.shape[1]
            and all(sum(i["last"] for i in t.items) >= s.shape[1] for t in watched.values())
        ),
        limit=60000,
        quiet=100,
    )
    return Simulated(core, source, results_of(sink.items), watched)


def assert_equals(net: Network, mapping: Mapping, x: np.ndarray, **options) -> Simulated:
    """Compare decisions, all spikes and the last membranes with the golden run."""
    run = net.run(x, record=True)
    assert run.input is not None
    got = simulate(net, mapping, run.input, **options)
    spikes, membranes = run.spikes[net.output], run.membranes[net.output]
    assert got.results == results_wanted(net.readout, spikes, membranes)
    for name, golden in run.spikes.items():
        assert np.argwhere(np.array(got.spikes(name)).transpose(1, 0, 2) != golden).tolist() == []
    if got.core.engines[net.output].part.measures:
        h = membranes.transpose(1, 0, 2)
        assert np.array_equal(got.membranes(), h.reshape(-1, net.classes))
    return got


@pytest.mark.parametrize("neurons", NEURONS.values(), ids=NEURONS.keys())
@pytest.mark.parametrize("lanes", [None, (3, 2), (1, 1)], ids=["at-once", "folds", "one-lane"])
@each_stall
def test_every_kind_equals_golden_model(stalls, lanes, neurons):
    """Every kind of neuron, layout and stall pattern gives the golden spikes and decisions."""
    net = random_chain(1, neurons=neurons)

    assert_equals(net, Mapping.of(net, lanes), random_images(2, 3, 9), stalls=stalls)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("sweep", [(7, 4), (1, 2)], ids=["at-once", "groups"])
def test_every_readout_equals_golden_model(kind, sweep):
    """Every readout decides as the golden one does."""
    net = random_chain(3, kind=kind, neurons=NEURONS["shift"])

    assert_equals(net, Mapping.of(net, None, sweep), random_images(4, 5, 9), stalls=(0.3, 0.3))


@pytest.mark.parametrize(
    "coding",
    [Counts(3), Graded(5), Graded(6, every=True)],
    ids=["counts", "graded", "graded-every"],
)
@pytest.mark.parametrize("joined", [False, True], ids=["bare-ticks", "ticks-on-events"])
def test_every_coding_equals_golden_model(coding, joined):
    """Values larger than one pass the core, with ticks alone or on events."""
    net = random_chain(5, coding=coding, neurons=NEURONS["shift"], theta=(5, 30))
    x = random_images(6, 4, 9)
    if isinstance(coding, Counts):
        x = np.random.default_rng(7).integers(0, 4, (4, 4, 9))

    assert_equals(net, Mapping.of(net, (3, 2)), x, joined=joined)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("lanes", [None, (3, 2)], ids=["at-once", "folds"])
def test_samples_without_a_spike(kind, lanes):
    """Dark samples, ticks alone, are decided like any, and leave nothing for the next."""
    net = random_chain(8, kind=kind)
    x = random_images(9, 6, 9)
    x[[0, 2, 3, 5]] = 0

    assert_equals(net, Mapping.of(net, lanes), x)


@pytest.mark.parametrize("lanes", [None, (3, 2)], ids=["at-once", "folds"])
@pytest.mark.parametrize("kind", ["first-spike", "spike-count"])
def test_every_neuron_spikes_at_once(kind, lanes):
    """All inputs and all neurons spike in one step, step after step."""
    net = random_chain(10, kind=kind, neurons={"reset": "zero"}, coding=Graded(7, every=True))
    ones = [
        Law(Dense(np.ones((post, pre), int), 4), Neuron(one, one, reset="zero"))
        for pre, post in ((9, 7), (7, 4))
        for one in [np.ones(post, int)]
    ]
    net = chain_of(net.steps, 9, net.coding, ones, net.readout)
    x = np.full((3, 9), 255, np.uint8)
    assert all(s.all() for s in net.run(x, record=True).spikes.values())

    assert_equals(net, Mapping.of(net, lanes), x, stalls=(0.0, 0.3))


@pytest.mark.parametrize("sizes", [(1, 1), (1, 1, 1), (3, 1, 2), (2, 5, 1)], ids=str)
@pytest.mark.parametrize("steps", [1, 3])
def test_smallest_networks(sizes, steps):
    """One input, one neuron, one class, one step."""
    net = random_chain(11, sizes, steps, theta=(1, 4))

    assert_equals(net, Mapping.of(net), random_images(12, 5, sizes[0]))


def test_deep_network():
    """Four layers, each in a layout of its own."""
    net = random_chain(13, (8, 9, 6, 5, 3), 3, neurons=NEURONS["zero"])

    assert_equals(net, Mapping.of(net, (9, 3, 5, 2), (3, 1, 5, 2)), random_images(14, 4, 8))


# Sizes, lanes, sweep: vectors that are cut in two stages, or, where nothing divides them, in one.
WIDE = {
    "uneven": ((3, 33, 3), None, None),
    "even": ((3, 48, 3), None, None),
    "two-layers": ((3, 40, 17, 3), None, None),
    "folds": ((3, 40, 3), (20, 3), None),
    "folds-of-a-prime": ((3, 34, 3), (17, 3), None),
    "groups": ((3, 40, 3), None, (20, 3)),
    "folds-in-groups": ((3, 68, 3), (34, 3), (17, 3)),
    "output": ((3, 20), None, None),
    "output-in-groups": ((3, 16, 34), None, (16, 17)),
}
each_wide = pytest.mark.parametrize(("sizes", "lanes", "sweep"), WIDE.values(), ids=WIDE.keys())


@each_wide
@each("neurons", ["multiply", "zero"], quick=1)
@pytest.mark.parametrize("stalls", [(0.0, 0.0), (0.3, 0.5)], ids=["eager", "random"])
def test_wide_vectors_lose_nothing(sizes, lanes, sweep, neurons, stalls):
    """Vectors that are looked through in a cycle of their own, and serialized, lose no spike."""
    net = random_chain(15, sizes, 3, neurons=NEURONS[neurons], theta=(4, 20))

    assert_equals(net, Mapping.of(net, lanes, sweep), random_images(16, 3, 3), stalls=stalls)


@pytest.mark.parametrize("neurons", NEURONS.values(), ids=NEURONS.keys())
def test_nothing_is_left_from_the_sample_before(neurons):
    """A sample's result, spikes and membranes do not depend on what came before it."""
    net = random_chain(17, neurons=neurons)
    mapping, x = Mapping.of(net, (3, 2)), random_images(18, 4, 9)
    x[0] = 255
    alone = [simulate(net, mapping, net.encode(x[n : n + 1])) for n in range(4)]
    together = simulate(net, mapping, net.encode(x))

    assert together.results == [one.results[0] for one in alone]
    for layer in net.layers:
        expected = [one.spikes(layer)[0] for one in alone]
        assert np.array_equal(together.spikes(layer), expected)
    assert np.array_equal(together.membranes(), np.concatenate([a.membranes() for a in alone]))


@pytest.mark.parametrize("lanes", [None, (3, 2)], ids=["at-once", "folds"])
@pytest.mark.parametrize("neurons", ["once", "multiply"])
@pytest.mark.parametrize("sent", [1, 6, 11, 16, 30])
def test_reset_in_mid_sample_starts_anew(sent, neurons, lanes):
    """Whatever was under way at a reset is gone; the samples behind it are as ever."""
    net = random_chain(19, neurons=NEURONS[neurons])
    x = random_images(20, 3, 9)
    x[0] = 255
    run = net.run(x[1:], record=True)
    assert run.input is not None
    loud = [item for _ in range(3) for item in items_of(net.encode(x[:1])[:, 0])][:sent]
    items = loud + [item for n in range(2) for item in items_of(run.input[:, n])]
    bench = Bench(core := Core(net, Mapping.of(net, lanes)))
    bench.put(core.i, items, after={sent: 201})
    sink = bench.get(core.o)
    layer = bench.watch(core.engines[net.output].found)
    decided = bench.sample(core.decided)
    # Reset as the last of the items before it is being worked on.
    bench.reset(*range(_taken_at(net, lanes, loud) + 2, 201))
    bench.run(
        lambda: (
            sum(c > 201 and i["last"] for c, i in zip(sink.cycles, sink.items, strict=True)) >= 2
        )
    )

    behind = [i for c, i in zip(sink.cycles, sink.items, strict=True) if c > 200]
    d = run.decision
    assert results_of(behind) == [
        (int(a), int(b), c.tolist()) for a, b, c in zip(d.label, d.step, d.score, strict=True)
    ]
    after = [i for c, i in zip(layer.cycles, layer.items, strict=True) if c > 200]
    unit = core.engines[net.output].part.unit
    spikes = np.array(spikes_of(after, unit.sweep, unit.neurons)).transpose(1, 0, 2)
    assert np.array_equal(spikes, run.spikes[net.output])
    assert decided[201] == 0 and decided[-1] == 2


def _taken_at(net: Network, lanes, items: list) -> int:
    """The cycle in which the last of these items is taken."""
    bench = Bench(core := Core(net, Mapping.of(net, lanes)))
    source = bench.put(core.i, items)
    bench.get(core.o)
    bench.run(lambda: len(source.items) == len(items), quiet=0)
    return source.cycles[-1]


@pytest.mark.parametrize("kind", ["weighted-sum", "max-membrane"])
@pytest.mark.parametrize("leak", [(1, 0), (7, 3), (5, 3)], ids=["rest-0", "rest-1", "rest-2"])
def test_membranes_and_scores_reach_their_proven_bounds(kind, leak):
    """The inputs that drive a membrane to either end of its interval give exact membranes."""
    net = random_chain(21, (6, 4), 4, kind, {"leak": leak}, Counts(3), theta=(1, 99))
    x = np.array([worst(net, "layer0", n, high) for n in range(4) for high in (False, True)])
    low, high = prove(net)["layer0"].membrane
    h = net.run(x, record=True).membranes["layer0"]
    assert h.min(axis=(0, 1)).tolist() == low.tolist()
    assert h.max(axis=(0, 1)).tolist() == high.tolist()

    assert_equals(net, Mapping.of(net), x)


def test_early_decision_sends_its_result_before_the_sample_ends():
    """A first-spike result comes while items of its sample are still waited for."""
    net = random_chain(22, steps=4)
    x = random_images(23, 4, 9)
    x[:] = 255  # all in the first step
    d = net.run(x).decision
    assert (d.step == 0).all()
    s = net.encode(x[:1])
    items = items_of(s[:, 0])
    bench = Bench(core := Core(net, Mapping.of(net)))
    bench.put(core.i, items[:10])  # nine events and the first tick
    sink = bench.get(core.o)
    bench.run(lambda: len(sink.items) >= net.classes)

    assert results_of(sink.items) == [(int(d.label[0]), 0, d.score[0].tolist())]


DELAYS = {
    "lines": ("line", "line", "line"),
    "wheels": ("wheel", "wheel", "wheel"),
    "mixed": ("wheel", "line", "wheel"),
}
each_delay = pytest.mark.parametrize("delay", DELAYS.values(), ids=DELAYS.keys())


@each_delay
@pytest.mark.parametrize("lanes", [None, (5, 3, 2)], ids=["at-once", "folds"])
@each_stall
def test_delays_equal_golden_model(stalls, lanes, delay):
    """Lines and wheels give the same spikes: those of the golden model."""
    net = delayed_chain(24)
    x = np.random.default_rng(25).poisson(0.4, (4, 7, 9))
    assert all(s.any() for s in net.run(x, record=True).spikes.values())

    assert_equals(net, Mapping.of(net, lanes, None, 0, delay), x, stalls=stalls)


@examples(20)
@given(chains(), st.sampled_from([0.0, 0.5]), st.sampled_from([0.0, 0.6]), st.booleans())
def test_random_networks_equal_golden_model(case, source, sink, joined):
    """Any network in any layout under random stalls gives the golden spikes and decisions."""
    net, mapping, x = case

    assert_equals(net, mapping, x, stalls=(source, sink), joined=joined)


@examples(30)
@given(
    chains(delays=True),
    st.sampled_from([0.0, 0.5]),
    st.sampled_from([0.0, 0.6]),
    st.booleans(),
)
def test_lines_and_wheels_equal_golden_model(case, source, sink, joined):
    """Any network with delays: as drawn, and with every line a wheel and every wheel a line."""
    net, mapping, x = case
    other = {"line": "wheel", "wheel": "line", "dense": "dense"}
    swapped = Mapping(
        {name: replace(u, engine=other[u.engine]) for name, u in mapping.units.items()}
    )

    for way in (mapping, swapped):
        assert_equals(net, way, x, stalls=(source, sink), joined=joined)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_more_classes_than_a_word_can_name_are_refused_at_once(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What no result could say is refused before anything is built; membranes have no names."""

    def built(*_: object, **__: object) -> None:
        raise NotImplementedError

    monkeypatch.setattr("spikeline.rtl.network.Engine", built)
    wide = Dense(np.zeros((65_537, 1), int), 2), Neuron(np.zeros(65_537, int), np.ones(65_537, int))
    net = chain(1, 1, Counts(1), [wide], KINDS[kind].default(1))
    error = NotImplementedError if kind == "membranes" else InputError
    with pytest.raises(error) as refused:
        Core(net, Mapping.of(net))
    if kind != "membranes":
        told = f"Readout {kind} must follow at most 65536 neurons, as a word has 16 bits for them,"
        assert str(refused.value) == f"{told} not 65537"
