"""The report: one page that holds what was measured and needs no other file."""

import re
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from spikeline.flow.data.data import Data
from spikeline.flow.experiments.evaluate import evaluate
from spikeline.flow.report import pictures
from spikeline.flow.report.page import layers, page
from spikeline.flow.zoo.zoo import Named
from spikeline.model.bounds import prove
from spikeline.model.codings.counts import Counts
from spikeline.model.network import Layer, Network
from spikeline.model.neurons.neuron import Neuron
from spikeline.model.readouts.final_membrane import FinalMembrane
from spikeline.model.synapses.delayed import Delayed
from spikeline.model.synapses.dense import Dense
from spikeline.plan.mapping import Mapping


@pytest.fixture
def data() -> Data:
    """Thirty random samples of 8 x 8."""
    random = np.random.default_rng(4)
    x = (random.integers(0, 256, (30, 64)) * (random.random((30, 64)) < 0.4)).astype(np.uint8)
    return Data(x, random.integers(0, 10, 30), "digits")


@pytest.fixture
def late() -> Network:
    """A network of 3-2-2: input 0 reaches neuron 0 after 3 steps, input 2 neuron 1 after 1."""
    synapses = Delayed(
        np.array([[[5], [0], [-2]], [[0], [0], [4]]]),
        np.array([[[3], [0], [2]], [[0], [0], [1]]]),
        4,
        5,
    )
    first = Layer(synapses, Neuron(np.array([0, 0]), np.array([5, 4]), reset="zero"))
    last = Layer(Dense(np.array([[3, 1], [1, 3]]), 4), Neuron(np.array([0, 0]), None))
    return Network(8, 3, Counts(2), (first, last), FinalMembrane())


@pytest.fixture
def counts() -> Data:
    """Two samples of counts: input 0 at step 1 is class 0, input 2 at step 2 is class 1."""
    x = np.zeros((2, 6, 3), np.uint8)
    x[0, 1, 0] = x[1, 2, 2] = 1
    return Data(x, np.array([0, 1]), "spoken")


def make(network: Network, data: Data, mismatches: int = 0, lanes: tuple[int, ...] = (3, 5)) -> str:
    """Write the page of a network, with made-up cycles and costs."""
    cycles = np.arange(30) + 41
    spread: dict[str, Any] = {"min": 41, "median": 55, "max": 70}
    simulated = {
        "samples": 30,
        "spikes_compared": 98765,
        "mismatches": mismatches,
        "cycles": spread,
        "interval": spread,
        "cycles_predicted_wrong": 0,
    }
    part = {"lut": 4321, "ff": 22, "bram": 3, "dsp": 1}
    cost = {"target": "ecp5", **part, "core": part, "wrapper": part | {"lut": 87}}
    cost |= {"layers": [{"name": "layer0", **part}], "fmax_mhz": 123.45, "device": "85k"}
    cost |= {"fmax_mhz_seeds": [123.45]}
    run = SimpleNamespace(cycles=cycles, predicted=cycles, interval=cycles[1:])
    named = Named(network, "tiny <one>", "ab" * 32, "digits")
    evaluated = evaluate(network, data.x, data.y)
    return page(named, Mapping.of(network, lanes), data, evaluated, simulated, run, [cost])


def text(html: str) -> str:
    """Strip the drawings, the style and the tags from a page."""
    html = re.sub(r"<svg.*?</svg>|<style.*?</style>", " ", html, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def test_page_needs_no_other_file(tiny: Network, data: Data) -> None:
    """Nothing is loaded from elsewhere: every picture is in the page."""
    html = make(tiny, data)
    sources = re.findall(r"""\b(?:src|xlink:href|href|url)\s*[=(]\s*["']?([^"')>\s]+)""", html)
    assert sources
    assert all(source.startswith(("data:image/png;base64,", "#")) for source in sources)
    assert "<script" not in html
    assert html.count("<svg") == 4


def test_page_is_the_same_each_time(tiny: Network, data: Data) -> None:
    """The same results give the same bytes."""
    assert make(tiny, data) == make(tiny, data)


def test_page_tells_what_was_measured(tiny: Network, data: Data) -> None:
    """Accuracy, spikes, cycles, cost and clock are on the page; names are escaped."""
    html = make(tiny, data)
    said = text(html)
    accuracy = evaluate(tiny, data.x, data.y)["accuracy"]
    for fact in (
        f"{100 * accuracy:.2f} %",
        "0 differ",
        "98 765 neuron values compared",
        "55 cycles",
        "4 321 LUT",
        "123.45 MHz",
        "AXI4-Stream wrapper 87",
        "predicted 0 of 59 latencies and intervals wrong",
        "ab" * 32,
    ):
        assert fact in said
    assert "tiny &lt;one&gt;" in html
    assert "tiny <one>" not in html


def test_page_shows_the_proven_bounds(tiny: Network, data: Data) -> None:
    """Each bound on the page is the one that the proof gives, with its width."""
    said = text(make(tiny, data)).partition("Widths, proven")[2]
    for bound in prove(tiny):
        low, high = int(bound.membrane[0].min()), int(bound.membrane[1].max())
        assert f"membrane {low} {high} {bound.width('membrane')}" in said


def test_page_shows_a_mismatch_in_red(tiny: Network, data: Data) -> None:
    """A design that differs from its model is not shown as good."""
    assert 'class="tile good"' in make(tiny, data)
    html = make(tiny, data, mismatches=7)
    assert 'class="tile bad"' in html
    assert "7 differ" in text(html)


def test_page_shows_delays(late: Network, counts: Data, tiny: Network, data: Data) -> None:
    """A network with delays has their three drawings more, and its engine; one without has none."""
    html = make(late, counts, lanes=(2, 2))
    assert html.count("<svg") == 4 + 3
    assert "wheel, delays to 4" in text(html)
    assert "<h2>Delays</h2>" not in make(tiny, data)


def test_delays_are_drawn_before_during_and_after(late: Network) -> None:
    """With the history of training there are three drawings in one, else what there is."""
    history = [{"delays": [[n, 6 - n, 0, 0, 0]]} for n in range(5)]
    with_it, without = pictures.delays(late, history), pictures.delays(late, ())
    assert with_it is not None and without is not None
    assert all(name in with_it for name in ("before", "after 2 epochs", "after training"))
    assert "before" not in without


def test_journeys_begin_at_the_spikes_that_arrived(late: Network, counts: Data) -> None:
    """Of one spike that was 3 steps under way there is one line, from its step to the neuron's."""
    drawn = pictures.journeys(late, counts.x[0])
    assert drawn is not None
    assert "for neuron 0" in drawn
    lines = re.findall(r'<g id="LineCollection_1">.*?</g>', drawn, flags=re.DOTALL)
    assert [1] == [len(re.findall("<path d=", x)) for x in lines]
    assert pictures.journeys(late, np.zeros((6, 3), np.uint8)) is None


def test_shortened_delays_are_at_most_that(late: Network, counts: Data) -> None:
    """Delays of 3, 2 and 1 become 1, and the spike of step 1 arrives at step 2 instead of 4."""
    short = pictures.shortened(late, 1)
    assert short.layers[0].synapses.delays.max() == 1
    assert short.run(counts.x[:1], record=True).spikes[0][:, 0, 0].nonzero()[0].tolist() == [2]
    assert late.run(counts.x[:1], record=True).spikes[0][:, 0, 0].nonzero()[0].tolist() == [4]


def test_a_loop_is_told_of(late: Network, counts: Data) -> None:
    """The memory, the delays and the drawings of a recurrent layer hold its recurrent synapses."""
    back = Delayed(np.ones((2, 2, 1), int), np.array([[[1], [6]], [[2], [1]]]), 3, 7)
    first, last = late.layers
    net = replace(late, layers=(replace(first, recurrent=back), last))
    row = layers(net, Mapping.of(net))[0]
    assert (row["memory"], row["delays"]) == (6 * 4 + 4 * 3, 6)
    assert row["kind"] == "integrate-and-fire, recurrent"
    drawn = pictures.delays(net, ())
    assert drawn is not None and "delay in the loop of layer 0" in drawn
    for largest, delays in ((3, [1, 3, 2, 1]), (0, [1, 1, 1, 1])):
        short = pictures.shortened(net, largest).layers[0].recurrent
        assert short is not None and short.delays.ravel().tolist() == delays
    dense = Layer(Dense(np.ones((2, 3), int), 2), first.neuron, back)
    assert pictures.by_delay(replace(net, layers=(dense, last)), counts) is not None


def test_raster_draws_every_spike(tiny: Network, data: Data) -> None:
    """The drawing holds one mark for each spike of input and layers."""
    sample = data.x[3]
    run = tiny.run(sample[None])
    marks = re.findall(r"<use [^>]*style=\"fill: #(?:0969da|c8d1da)", pictures.raster(tiny, sample))
    assert len(marks) == int(run.counts.sum())


def test_cycles_of_a_broken_core_are_drawn() -> None:
    """Where the core answered fewer samples than were predicted, those it answered are drawn."""
    for answered in (3, 1):
        run = SimpleNamespace(cycles=np.arange(answered) + 41, predicted=np.arange(5) + 41)
        drawn = pictures.agreement(run)
        assert drawn is not None
        assert len(re.findall(r"<use [^>]*style=\"fill: #0969da", drawn)) == answered
    assert pictures.agreement(SimpleNamespace(cycles=[], predicted=[41])) is None
