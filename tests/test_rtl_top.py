"""The core behind AXI4-Stream: packets, counted cycles, and the cycle model, exactly."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from amaranth.hdl import Module, Shape
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from hypothesis import given
from hypothesis import strategies as st

from spikeline.model.codings.counts import Counts
from spikeline.model.codings.latency import Latency
from spikeline.model.network import Network
from spikeline.model.readouts import KINDS
from spikeline.model.readouts.weighted_sum import WeightedSum
from spikeline.plan.cycles import predict
from spikeline.plan.layout import Layout
from spikeline.plan.mapping import Mapping
from spikeline.plan.pipeline import latency, reporting
from spikeline.rtl.accelerator import Accelerator, whole_bytes
from spikeline.rtl.codings.framer import beat
from spikeline.rtl.host.axi_stream import AxiStream

from .builders import (
    NEURONS,
    Law,
    chain_of,
    delayed_chain,
    random_chain,
    random_images,
    random_taps,
)
from .groups import each
from .strategies import chains, examples
from .streams import Bench, Trace, each_stall
from .test_rtl_network import each_delay, each_wide


class Axis(wiring.Component):
    """A top whose AXI4-Stream ports are streams of Amaranth."""

    def __init__(self, top: AxiStream) -> None:
        self.top = top
        super().__init__(
            {
                "i": In(stream.Signature(_packet_word(len(top.s_axis_tdata)))),
                "o": Out(stream.Signature(_packet_word(len(top.m_axis_tdata), signed=True))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.top = top = self.top
        m.d.comb += [
            top.s_axis_tdata.eq(self.i.p.data),
            top.s_axis_tlast.eq(self.i.p.last),
            top.s_axis_tvalid.eq(self.i.valid),
            self.i.ready.eq(top.s_axis_tready),
            self.o.p.data.eq(top.m_axis_tdata),
            self.o.p.last.eq(top.m_axis_tlast),
            self.o.valid.eq(top.m_axis_tvalid),
            top.m_axis_tready.eq(self.o.ready),
        ]
        return m


def _packet_word(bits: int, signed: bool = False) -> data.StructLayout:
    return data.StructLayout({"data": Shape(bits, signed), "last": 1})


def packet(net: Network, mapping: Mapping, s: np.ndarray, x: np.ndarray) -> list[dict]:
    """Make the beats of a sample: of its spikes s (steps, inputs), or of its pixels x."""
    if mapping.pixels:
        flat = x.ravel().tolist()
        flat += [0] * (-len(flat) % mapping.pixels)
        words = [
            int.from_bytes(bytes(flat[n : n + mapping.pixels]), "little")
            for n in range(0, len(flat), mapping.pixels)
        ]
    else:
        shape, words = beat(net), []
        for row in Layout.of(net, mapping).sent(s):
            for a in np.flatnonzero(row):
                words.append(shape.const({"address": int(a), "value": int(row[a])}).as_bits())
            words.append(shape.const({"tick": 1}).as_bits())
    return [{"data": w, "last": int(n == len(words) - 1)} for n, w in enumerate(words)]


@dataclass
class Simulated:
    """What a top gave: one list of words per packet, and when."""

    form: dict  # what the description says of packets
    packets: list[list[int]]
    decisions: list[tuple[int, int]]
    cycles: list[int]
    scores: list[list[int]]
    firsts: list[int]  # cycles in which the first beats were taken
    offers: list[int]  # cycles from which on the words that end the cycles were offered
    sink: Trace
    refused: list[int]


def simulate(
    net: Network,
    mapping: Mapping,
    packets: list[list[dict]],
    stalls: tuple[float, float] = (0.0, 0.0),
    starts: list[int] | None = None,
    resets: tuple[int, ...] = (),
    results: int | None = None,
    seed: int = 0,
) -> Simulated:
    """Send packets through a top; the first beat of each from the cycle in `starts` on."""
    bench = Bench(axis := Axis(AxiStream(Accelerator(net, mapping))), seed)
    begins = np.cumsum([0, *(len(p) for p in packets)])[:-1].tolist()
    after = dict(zip(begins, starts or [net.width + 60], strict=False))
    source = bench.put(axis.i, [b for p in packets for b in p], stalls[0], after)
    sink = bench.get(axis.o, stalls[1])
    refused = bench.sample(axis.top.refused)
    bench.reset(*resets)
    results = len(packets) if results is None else results
    count = sum(map(len, packets))
    bench.run(
        lambda: len(source.items) >= count and sum(i["last"] for i in sink.items) >= results,
        limit=60000,
        quiet=100,
    )
    words: list[list[int]] = [[]]
    offered: list[list[int]] = [[]]
    for item, cycle in zip(sink.items, sink.offered, strict=True):
        words[-1].append(item["data"])
        offered[-1].append(cycle)
        if item["last"]:
            words.append([])
            offered.append([])
    assert words.pop() == offered.pop() == []
    form = axis.top.accelerator.core.readout.describe()
    return Simulated(
        form,
        words,
        [(w[0] & 0xFFFF, w[0] >> 16) for w in words],
        [w[form["cycles_word"]] for w in words],
        [w[2:] for w in words],
        [source.cycles[n] for n in begins],
        [o[form["timed_word"]] for o in offered],
        sink,
        refused,
    )


def prepare(net: Network, mapping: Mapping, x: np.ndarray):
    """Run the golden model; returns the run and the packets."""
    run = net.run(x, record=True)
    assert run.input is not None
    return run, [packet(net, mapping, run.input[:, n], x[n]) for n in range(len(x))]


def assert_decided(run, got: Simulated) -> None:
    """Compare decisions and scores with the golden ones."""
    d = run.decision
    if got.form["result"] == "spikes":
        wanted = [
            [a | t << 16 for t, a in np.argwhere(s)]
            for s in list(run.spikes.values())[-1].swapaxes(0, 1)
        ]
        assert [words[:-1] for words in got.packets] == wanted
        return
    if got.form["result"] == "membranes":
        assert [words[1:] for words in got.packets] == d.score.tolist()
        return
    assert got.decisions == list(zip(d.label.tolist(), d.step.tolist(), strict=True))
    assert got.scores == d.score.tolist()


def assert_cycles(net: Network, mapping: Mapping, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Compare latency, core idle before, and interval, back to back, with the cycle model."""
    run, packets = prepare(net, mapping, x)
    latency, interval = predict(net, mapping, run)

    together = simulate(net, mapping, packets)
    assert_decided(run, together)
    assert np.diff(together.offers).tolist() == interval.tolist()
    # Each alone: the slowest has long gone when the next comes.
    space = int(latency.max() + interval.max(initial=0)) + max(map(len, packets)) + 200
    starts = [net.width + 60 + n * space for n in range(len(packets))]
    alone = simulate(net, mapping, packets, starts=starts)
    assert_decided(run, alone)
    measured = [end - start for start, end in zip(alone.firsts, alone.offers, strict=True)]
    assert measured == latency.tolist()
    assert alone.cycles == measured
    return latency, interval


@each_stall
@pytest.mark.parametrize("pixels", [0, 1, 4], ids=["events", "one-pixel", "four-pixels"])
def test_decisions_equal_golden_model(pixels, stalls):
    """Packets of any input come out as packets of the golden decisions and scores."""
    net = random_chain(1, (11, 7, 4))
    mapping = Mapping.of(net, (4, 4), None, pixels)
    run, packets = prepare(net, mapping, x := random_images(2, 8, 11))
    assert len(x) > 4

    got = simulate(net, mapping, packets, stalls)
    assert_decided(run, got)
    assert got.refused[-1] == 0


@each_stall
def test_a_packet_has_two_words_and_the_scores(stalls):
    """TLAST marks the last score alone; a packet is label and step, cycles, scores."""
    net = random_chain(3, (9, 6, 5), kind="weighted-sum", neurons=NEURONS["shift"])
    mapping = Mapping.of(net)
    run, packets = prepare(net, mapping, random_images(4, 5, 9))
    assert (run.decision.score < 0).any()

    got = simulate(net, mapping, packets, stalls)
    assert [len(words) for words in got.packets] == [7] * 5
    assert sum(i["last"] for i in got.sink.items) == 5
    assert_decided(run, got)


@each_stall
@pytest.mark.parametrize("kind", ["spikes", "membranes"])
@pytest.mark.parametrize("lanes", [None, (3, 2)], ids=["at-once", "folds"])
def test_packets_without_a_class(lanes, kind, stalls):
    """Every spike, or every membrane of the last step, leaves the chip under any stalls."""
    net = random_chain(4, (9, 7, 5), 4, kind, neurons=NEURONS["shift"])
    mapping = Mapping.of(net, lanes)
    run, packets = prepare(net, mapping, random_images(5, 8, 9))
    assert run.counts[net.output].max() > 4

    got = simulate(net, mapping, packets, stalls)
    assert_decided(run, got)
    if not stalls[1]:
        assert got.cycles == [b - a for a, b in zip(got.firsts, got.offers, strict=True)]


@pytest.mark.parametrize("pixels", [0, 4], ids=["events", "pixels"])
@pytest.mark.parametrize("gap", [0.0, 0.6], ids=["eager", "slow-source"])
def test_counted_cycles_are_measured_cycles(pixels, gap):
    """Word 1 is the number of cycles from the first beat taken to word 0 offered, back to back."""
    net = random_chain(5, (11, 7, 4), 5)
    mapping = Mapping.of(net, (3, 2), None, pixels)
    _, packets = prepare(net, mapping, random_images(6, 8, 11))

    got = simulate(net, mapping, packets, (gap, 0.0))
    assert got.cycles == [b - a for a, b in zip(got.firsts, got.offers, strict=True)]


def test_samples_under_way_are_limited():
    """While results are refused, four samples are taken behind the one that is decided."""
    net = random_chain(7, (4, 3, 2), 1)
    mapping = Mapping.of(net)
    _, packets = prepare(net, mapping, random_images(8, 9, 4))
    bench = Bench(axis := Axis(AxiStream(Accelerator(net, mapping))))
    source = bench.put(axis.i, [b for p in packets for b in p])
    bench.get(axis.o, 1.0)
    bench.run(lambda: bench.cycle >= 300)

    # Word 0 of the first result has left for the skid buffer.
    assert sum(i["last"] for i in source.items) == 5


@pytest.mark.parametrize("pixels", [0, 3], ids=["events", "pixels"])
@pytest.mark.parametrize("taken", [1, 2, 4])
def test_reset_in_mid_sample_forgets_that_sample(pixels, taken):
    """After a reset the next beat begins a sample, which is decided as ever."""
    net = random_chain(9, (14, 7, 4))
    mapping = Mapping.of(net, None, None, pixels)
    x = random_images(10, 3, 14)
    x[0] = 255
    _, (broken, *packets) = prepare(net, mapping, x)
    run = net.run(x[1:])
    assert taken < len(broken)
    # Of the broken packet nothing more comes when reset is over.
    starts = [100, 301, 302]
    got = simulate(
        net, mapping, [broken[:taken], *packets], starts=starts, resets=(150, 151), results=2
    )

    assert_decided(run, got)
    assert got.refused[-1] == 0


def test_refused_beats_are_counted():
    """What breaks the declaration is counted at the port, and changes no decision."""
    net = random_chain(11, (9, 6, 4))
    mapping = Mapping.of(net)
    run, packets = prepare(net, mapping, random_images(12, 3, 9))
    wrong = {"data": beat(net).const({"address": 15, "value": 1}).as_bits(), "last": 0}
    got = simulate(net, mapping, [[wrong, *p] for p in packets])

    assert_decided(run, got)
    assert got.refused[-1] == 3


@pytest.mark.parametrize(("pixels", "bits"), [(0, 8), (1, 8), (5, 40)])
def test_ports_are_whole_bytes(pixels, bits):
    """Beats take whole bytes, words at least 32 bits."""
    net = random_chain(13)
    top = AxiStream(Accelerator(net, Mapping.of(net, None, None, pixels)))
    Bench(Axis(top)).run(lambda: True, quiet=0)

    assert (len(top.s_axis_tdata), len(top.m_axis_tdata)) == (bits, 32)
    assert [whole_bytes(n) for n in (1, 8, 9, 33)] == [8, 8, 16, 40]


def test_wide_scores_are_whole():
    """Scores of more than 32 bits come whole, sign included."""
    net = random_chain(14, (6, 3), 3, kind="weighted-sum", coding=Counts(3), theta=(1, 9))
    big = WeightedSum(np.array([1 << 30, -(1 << 31), (1 << 31) - 1]))
    net = replace(net, readout=big)
    mapping = Mapping.of(net)
    run, packets = prepare(net, mapping, np.random.default_rng(15).integers(0, 4, (4, 3, 6)))
    assert np.abs(run.decision.score).max() >= 1 << 32

    got = simulate(net, mapping, packets)
    assert_decided(run, got)


@pytest.mark.parametrize("neurons", NEURONS.values(), ids=NEURONS.keys())
@pytest.mark.parametrize(
    ("lanes", "sweep"),
    [(None, None), ((4, 2), None), ((1, 1), None), ((6, 4), (2, 1))],
    ids=["at-once", "folds", "one-lane", "groups"],
)
def test_cycles_of_every_layout_are_predicted(lanes, sweep, neurons):
    """Latency and interval are the cycle model's, for every rest, fold and group."""
    net = random_chain(16, (9, 7, 5), neurons=neurons)

    assert_cycles(net, Mapping.of(net, lanes, sweep), random_images(17, 4, 9))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("sweep", [(7, 6), (7, 3)], ids=["pairs", "groups"])
def test_cycles_of_every_readout_are_predicted(kind, sweep):
    """Latency and interval are the cycle model's, for every readout and its scan."""
    net = random_chain(18, (9, 7, 6), kind=kind, neurons=NEURONS["shift"])

    assert_cycles(net, Mapping.of(net, None, sweep), random_images(19, 4, 9))


@pytest.mark.parametrize("lanes", [None, (3, 7, 2, 3)], ids=["at-once", "mixed"])
@pytest.mark.parametrize("steps", [1, 4])
@pytest.mark.parametrize("neurons", ["once", "multiply"])
def test_cycles_of_deep_networks_are_predicted(neurons, steps, lanes):
    """Latency and interval are the cycle model's, for four layers, and for one step."""
    net = random_chain(20, (8, 9, 7, 6, 3), steps, neurons=NEURONS[neurons], theta=(1, 6))

    assert_cycles(net, Mapping.of(net, lanes), random_images(21, 4, 8))


@each_wide
def test_cycles_of_wide_vectors_are_predicted(sizes, lanes, sweep):
    """Latency and interval are the cycle model's where vectors are wide."""
    net = random_chain(22, sizes, 4, neurons={"reset": "zero"}, theta=(1, 12))

    assert_cycles(net, Mapping.of(net, lanes, sweep), random_images(23, 3, 3))


@pytest.mark.parametrize("seed", [2, 9])
def test_cycles_are_predicted_where_queues_fill(seed):
    """Latency and interval are the cycle model's where few events make many hidden spikes."""
    net = random_chain(seed, (3, 29, 4, 3), 5, "spike-count", {}, Counts(1), theta=(1, 4))
    mapping = Mapping.of(net, (1, 1, 3))
    x = (np.random.default_rng(seed).random((4, 5, 3)) < 0.5).astype(int)
    latency, _ = assert_cycles(net, mapping, x)

    # With more room behind the engines some sample would be sooner.
    roomy = Mapping.of(net, (1, 1, 3), queue=400)
    sooner, _ = predict(net, roomy, net.run(x, record=True))
    assert (sooner < latency).any()


@pytest.mark.parametrize("lanes", [None, (3, 2)], ids=["at-once", "folds"])
def test_cycles_of_counts_are_predicted(lanes):
    """Latency and interval are the cycle model's where events have values up to 3."""
    net = random_chain(25, coding=Counts(3), neurons=NEURONS["zero"], theta=(5, 30))
    x = np.random.default_rng(26).poisson(1.0, (6, 4, 9))

    assert_cycles(net, Mapping.of(net, lanes), x)


@pytest.mark.parametrize(
    ("pixels", "lanes"),
    [(1, None), (2, (3, 2)), (4, None), (4, (3, 2)), (16, None)],
    ids=["1-at-once", "2-folds", "4-at-once", "4-folds", "all-at-once"],
)
@pytest.mark.parametrize("kind", ["first-spike", "final-membrane"])
def test_cycles_of_pixels_are_predicted(pixels, lanes, kind):
    """Latency and interval are the cycle model's where the core encodes packed pixels itself."""
    net = random_chain(27, (14, 7, 4), 4, kind)

    assert_cycles(net, Mapping.of(net, lanes, None, pixels), random_images(28, 4, 14))


@each_delay
@pytest.mark.parametrize("lanes", [None, (5, 3, 2)], ids=["at-once", "folds"])
@each("neurons", ["multiply", "once"], quick=1)
def test_cycles_of_delays_are_predicted(neurons, lanes, delay):
    """Latency and interval are the cycle model's for lines and wheels, idle or back to back."""
    net = delayed_chain(30, neurons=neurons)
    x = np.random.default_rng(31).poisson(0.4, (4, 7, 9))

    assert_cycles(net, Mapping.of(net, lanes, None, 0, delay), x)


@each_delay
@each("lanes", [(5, 3, 2), None], quick=1, ids=["folds", "at-once"])
def test_early_decisions_leave_no_delayed_spike(lanes, delay):
    """A sample that was decided early, in the middle of a step, leaves nothing to the next."""
    net = delayed_chain(32, "first-spike", "once")
    x = np.random.default_rng(33).poisson(0.6, (6, 7, 9))
    assert (net.run(x).decision.step < 5).sum() > 2

    assert_cycles(net, Mapping.of(net, lanes, None, 0, delay), x)


@pytest.mark.parametrize("delay", ["dense", "line", "wheel"])
def test_the_first_sample_waits_until_all_is_clear(delay):
    """A beat that is offered in reset is taken when every engine has cleared itself, not before."""
    net = random_chain(34, (3, 40, 4), 3, "spike-count", NEURONS["zero"])
    if delay != "dense":
        first, last = net.layers.values()
        hidden = Law(random_taps(35, 3, 40, 1, 3), first.neuron)
        behind = Law(last.connections[0].synapses, last.neuron)
        net = chain_of(3, 3, net.coding, [hidden, behind], net.readout)
    mapping = Mapping.of(net, (2, 4), None, 0, "auto" if delay == "dense" else delay)
    run, packets = prepare(net, mapping, random_images(36, 2, 3))
    got = simulate(net, mapping, packets, starts=[0])

    assert_decided(run, got)
    assert got.cycles[0] == predict(net, mapping, run)[0][0]
    # Twenty folds, the way of the last to the queue, a cycle back, a register behind; of a wheel
    # four slots of each; and a register that holds the source.
    unit = mapping.units["layer0"]
    sweep = 20 + latency(unit) + reporting(unit) + 2
    assert got.firsts[0] == max(sweep, 4 * 20 if delay == "wheel" else 0) + 1


@examples(10)
@given(chains(), st.integers(0, 5), st.integers(0, 99))
def test_cycles_of_random_networks_are_predicted(case, pixels, seed):
    """Latency and interval of any network in any layout are the cycle model's."""
    net, mapping, x = case
    if isinstance(net.coding, Latency):
        mapping = Mapping(mapping.units, pixels)
        x = random_images(seed, 6, net.width)

    assert_cycles(net, mapping, x)
