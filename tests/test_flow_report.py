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
from spikeline.model.network import Connection, Layer, Network, chain
from spikeline.model.neurons.neuron import Neuron
from spikeline.model.neurons.parallel import Parallel
from spikeline.model.readouts.final_membrane import FinalMembrane
from spikeline.model.readouts.membranes import Membranes
from spikeline.model.readouts.protocol import Readout
from spikeline.model.readouts.spikes import Spikes
from spikeline.model.synapses.delayed import Delayed
from spikeline.model.synapses.dense import Dense
from spikeline.model.synapses.spaced import Spaced
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
    first = synapses, Neuron(np.array([0, 0]), np.array([5, 4]), reset="zero")
    last = Dense(np.array([[3, 1], [1, 3]]), 4), Neuron(np.array([0, 0]), None)
    return chain(8, 3, Counts(2), (first, last), FinalMembrane())


@pytest.fixture
def counts() -> Data:
    """Two samples of counts: input 0 at step 1 is class 0, input 2 at step 2 is class 1."""
    x = np.zeros((2, 6, 3), np.uint8)
    x[0, 1, 0] = x[1, 2, 2] = 1
    return Data(x, np.array([0, 1]), "spoken")


def make(
    network: Network,
    data: Data,
    mismatches: int = 0,
    lanes: tuple[int, ...] = (3, 5),
    scale: float | None = None,
) -> str:
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
    cost |= {"layers": [{"name": "readout", **part}], "fmax_mhz": 123.45, "device": "85k"}
    cost |= {"parts": [{"name": "readout", **part}], "fmax_mhz_seeds": [123.45]}
    run = SimpleNamespace(cycles=cycles, predicted=cycles, interval=cycles[1:])
    named = Named(network, "tiny <one>", "ab" * 32, "digits", scale=scale)
    evaluated = evaluate(network, data.x, data.y, scale=scale) | {"data": data.name}
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
    assert html.count("<svg") == 5


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
        "layer readout 4 321 22 3 1 readout 4 321 22 3 1 core 4 321 22 3 1",
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
    for bound in prove(tiny).values():
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
    assert html.count("<svg") == 5 + 3
    assert "wheel, delays to 3" in text(html)
    assert "<h2>Delays</h2>" not in make(tiny, data)


def test_page_shows_errors_of_regression(tiny: Network, data: Data) -> None:
    """Of a network without classes the page tells error and R2, of each output and on average."""
    network = replace(tiny, readout=Membranes())
    given = network.run(data.x).decision.score / 7
    y = given + np.random.default_rng(6).normal(0, 0.2, given.shape)
    y[:, 3] = 2
    html = make(network, replace(data, y=y), scale=7)
    said, result = text(html), evaluate(network, data.x, y, scale=7)
    assert "right" not in said and "Accuracy" not in said and "decided" not in said
    assert f"{result['mse']:.4g} mean squared error of 30 samples (digits); R2" in said
    for n, o in enumerate(result["outputs"]):
        r2 = "not defined" if n == 3 else f"{o['r2']:.4f}"
        assert f" {n} {o['mse']:.4g} {r2} " in said
    assert f"mean {result['mse']:.4g} {result['r2']:.4f} " in said
    assert "its outputs are divided by 7 " in said and ", of the first 8 outputs" in said
    assert html.count("<svg") == 5
    chosen = page_sample(network, replace(data, y=y))
    targets, outputs = (", ".join(f"{v:.4g}" for v in a[chosen][:8]) for a in (y, given))
    assert f"Sample {chosen}: the targets are {targets}, ..., the network gives {outputs}" in said


def page_sample(network: Network, data: Data) -> int:
    """Choose the sample with a median number of spikes, the first one."""
    spikes = np.sum(list(network.run(data.x).counts.values()), axis=0)
    return int(np.abs(spikes - np.median(spikes)).argmin())


@pytest.mark.parametrize("readout", [Spikes(), Membranes()])
def test_page_without_targets_tells_spikes(tiny: Network, data: Data, readout: Readout) -> None:
    """Where there is nothing to compare with, the page says so, and has all else."""
    html = make(replace(tiny, readout=readout), data)
    assert "30 samples run (digits)" in text(html)
    assert f"no targets to compare its {readout.kind} with" in text(html)
    assert html.count("<svg") == 4


def test_page_draws_error_by_delay(late: Network, counts: Data) -> None:
    """Delays of a network without classes are shown too, and their error where it is known."""
    network = replace(late, readout=Membranes())
    html = make(network, replace(counts, y=np.array([[1.0, 2], [3, 4]])), lanes=(2, 2), scale=2)
    assert html.count("<svg") == 5 + 3 and "Error of this network if longer" in text(html)
    html = make(network, counts, lanes=(2, 2))
    assert html.count("<svg") == 4 + 2 and "if longer delays" not in text(html)


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
    assert short.layers["layer0"].connections[0].synapses.latest == 1
    for network, step in ((short, 2), (late, 4)):
        spikes = network.run(counts.x[:1], record=True).spikes["layer0"]
        assert spikes[:, 0, 0].nonzero()[0].tolist() == [step]


def test_a_loop_is_told_of(late: Network, counts: Data) -> None:
    """The memory, the delays and the drawings of a recurrent layer hold its recurrent synapses."""
    back = Delayed(np.ones((2, 2, 1), int), np.array([[[1], [6]], [[2], [1]]]), 3, 7)
    net = looped(late, late.layers["layer0"].connections[0], Connection(("layer0",), back))
    row = layers(net, Mapping.of(net))[0]
    # Of 2 neurons, 3 inputs and 2 that recur, all as wide as the widest.
    assert (row["memory"], row["delays"]) == (2 * (3 + 2) * 4, 6)
    assert row["sources"] == "input, layer0 (recurrent)"
    drawn = pictures.delays(net, ())
    assert drawn is not None
    assert "delay from input to layer0" in drawn and "delay from layer0 to layer0" in drawn
    for largest, delays in ((3, [1, 3, 2, 1]), (0, [1, 1, 1, 1])):
        short: Any = pictures.shortened(net, largest).layers["layer0"].connections[1].synapses
        assert short.delays.ravel().tolist() == delays
    dense = Connection(("input",), Dense(np.ones((2, 3), int), 2))
    assert pictures.by_delay(looped(net, dense, Connection(("layer0",), back)), counts) is not None
    # A step is what a loop needs: nothing to be drawn.
    loop = Connection(("layer0",), Dense(np.ones((2, 2), int), 2), delay=1)
    assert pictures.by_delay(looped(net, dense, loop), counts) is None


def looped(network: Network, *connections: Connection) -> Network:
    """Feed the first layer by other connections."""
    first = replace(network.layers["layer0"], connections=connections)
    return replace(network, layers={**network.layers, "layer0": first})


def test_delays_of_connections_are_shortened_with_those_of_taps(late: Network) -> None:
    """What both add is made as long as asked for."""
    taps = late.layers["layer0"].connections[0].synapses
    net = looped(late, Connection(("input",), taps, delay=2))
    for largest, delay, latest in ((9, 2, 3), (4, 2, 2), (2, 2, 0), (1, 1, 0)):
        short = pictures.shortened(net, largest).layers["layer0"].connections[0]
        assert (short.delay, short.synapses.latest) == (delay, latest)


@pytest.fixture
def branched() -> Network:
    """Two inputs, one of which goes past a layer; the last layer comes back to the first."""

    def layer(size: int, *fed: tuple[str, int, int]) -> Layer:
        connections = [
            Connection((source,), Dense(np.ones((size, pre), int), 2), delay=delay)
            for source, pre, delay in fed
        ]
        return Layer(tuple(connections), Neuron(np.zeros(size, int), np.full(size, 3)))

    layers = {
        "one": layer(5, ("left", 2, 0), ("two", 4, 1), ("one", 5, 1)),
        "two": layer(4, ("one", 5, 0), ("right", 3, 0)),
    }
    return Network(4, {"left": 2, "right": 3}, Counts(1), layers, FinalMembrane())


def test_graph_is_drawn_as_it_is(branched: Network) -> None:
    """A box for each input and layer, with size and engine; an arrow for each source of each."""
    drawn = pictures.graph(branched, Mapping.of(branched))
    assert re.findall(r'id="box-(\w+)"', drawn) == ["left", "right", "one", "two"]
    said = re.findall(r"<text[^>]*>([^<]*)</text>|<tspan[^>]*>([^<]*)</tspan>", drawn)
    words = [word for pair in said for word in pair if word]
    assert {"left", "2", "right", "3", "one", "5", "two", "4", "dense"} <= set(words)
    arrows = re.findall(r'<g id="edge-(\w+)-(\w+)">(.*?)</g>', drawn, flags=re.DOTALL)
    assert {(source, target): "dasharray" in path for source, target, path in arrows} == {
        ("left", "one"): False,
        ("two", "one"): True,
        ("one", "one"): True,
        ("one", "two"): False,
        ("right", "two"): False,
    }


def test_boxes_of_a_graph_do_not_meet(branched: Network) -> None:
    """A layer stands behind all that feed it, and no two stand at one place."""
    at = pictures.places(branched)
    assert at == {"left": (0, 0), "right": (0, 1), "one": (1, 0), "two": (2, 0)}


def test_chain_is_drawn_as_a_row(tiny: Network) -> None:
    """Layers that follow one another stand beside each other."""
    places = pictures.places(tiny)
    assert places == {"input": (0, 0), "layer0": (1, 0), "layer1": (2, 0)}
    drawn = pictures.graph(tiny, Mapping.of(tiny))
    assert re.findall(r'id="edge-(\w+)-(\w+)"', drawn) == [
        ("input", "layer0"),
        ("layer0", "layer1"),
    ]


def test_raster_has_a_band_for_each_input_and_layer(branched: Network) -> None:
    """Inputs are told apart by their names."""
    drawn = pictures.raster(branched, np.ones((4, 5), np.uint8))
    for name in (*branched.inputs, *branched.layers):
        assert f">{name}<" in drawn


def test_raster_draws_every_spike(tiny: Network, data: Data) -> None:
    """The drawing holds one mark for each spike of input and layers."""
    sample = data.x[3]
    run = tiny.run(sample[None])
    marks = re.findall(r"<use [^>]*style=\"fill: #(?:0969da|c8d1da)", pictures.raster(tiny, sample))
    assert len(marks) == sum(int(count.sum()) for count in run.counts.values())


def test_cycles_of_a_broken_core_are_drawn() -> None:
    """Where the core answered fewer samples than were predicted, those it answered are drawn."""
    for answered in (3, 1):
        run = SimpleNamespace(cycles=np.arange(answered) + 41, predicted=np.arange(5) + 41)
        drawn = pictures.agreement(run)
        assert drawn is not None
        assert len(re.findall(r"<use [^>]*style=\"fill: #0969da", drawn)) == answered
    assert pictures.agreement(SimpleNamespace(cycles=[], predicted=[41])) is None


def spaced_maps() -> Network:
    """A map of two channels by learned spacings, four taps at places of their own, and a sum."""
    offsets = np.zeros((3, 2, 1, 2), int)
    offsets[1, 1, 0], offsets[2, :, 0, 1] = 2, 1
    law = Spaced(np.full((2, 1, 2), 3), offsets, 4, (1, 3, 3), (1, 4, 5), padding=(1, 1))
    cells = Neuron(np.zeros(2, int), np.full(2, 3), once=True, places=20)
    out = Layer((Connection(("map",), Dense(np.ones((2, 40), int), 2)),), Neuron([0, 0], None))
    layers = {"map": Layer((Connection(("input",), law),), cells), "out": out}
    return Network(3, {"input": 20}, Counts(1), layers, FinalMembrane())


def test_maps_are_drawn_where_there_are_some(tiny: Network) -> None:
    """A mosaic for each layer over maps, told with its spikes; none for a chain of dense layers."""
    net = spaced_maps()
    x = np.zeros((3, 20), np.uint8)
    x[1, 7] = 1
    fired = net.run(x[None], record=True).spikes["map"].sum()
    drawn = pictures.maps(net, x)
    assert drawn is not None
    assert f"{fired} spikes" in drawn
    assert drawn.count("data:image/png;base64,") == 1
    assert pictures.maps(tiny, np.zeros(64, np.uint8)) is None


def test_places_of_taps_are_counted(tiny: Network) -> None:
    """Each place of the window with its number of taps."""
    drawn = pictures.spacings(spaced_maps())
    assert drawn is not None
    found = [
        int(n) for n in re.findall(r"<text[^>]*fill: #(?:ffffff|1b1f24)[^>]*>(\d)</text>", drawn)
    ]
    assert found == [1, 1, 0, 0, 0, 0, 1, 1, 0]
    assert pictures.spacings(tiny) is None


FORMS = {
    "sliding": ((1, 1, 3), 1, False, "parallel, sliding, taps 3"),
    "dilated": ((2, 1, 2), 3, False, "parallel, sliding, taps 2, 3 steps apart"),
    "masked": ((1, 5, 2), 1, False, "parallel, masked, taps 2"),
    "whole": ((2, 5, 5), 1, True, "parallel, whole sample"),
}


def parallel_chain(shape: tuple[int, int, int], dilation: int, whole: bool) -> Network:
    """Make a chain of 3-2-2, whose first neurons are parallel ones of random weights."""
    weight = np.random.default_rng(0).integers(-9, 10, shape)
    theta = np.full((2, shape[1]), 5)
    cells = Parallel(np.zeros(2, int), theta, weight, dilation, whole)
    first = Dense(np.array([[3, 1, 2], [1, 3, 1]]), 4), cells
    last = Dense(np.array([[3, 1], [1, 3]]), 4), Neuron(np.array([0, 0]), None)
    return chain(5, 3, Counts(2), (first, last), FinalMembrane())


@pytest.mark.parametrize(("shape", "dilation", "whole", "words"), FORMS.values(), ids=FORMS)
def test_filters_of_parallel_neurons_are_told_and_drawn(
    shape: tuple[int, int, int], dilation: int, whole: bool, words: str, tiny: Network
) -> None:
    """The form of each filter is told, and a figure of its weights drawn, in the page, too."""
    net = parallel_chain(shape, dilation, whole)
    row = layers(net, Mapping.of(net))[0]
    assert (row["kind"], row["leak"], row["reset"]) == (words, "none", "none")
    drawn = pictures.filters(net)
    assert drawn is not None
    assert ">layer0<" in drawn and ">layer1<" not in drawn
    assert (">step of the membrane<" in drawn) == (shape[1] > 1)
    x = np.random.default_rng(1).integers(0, 3, (30, 5, 3)).astype(np.uint8)
    html = make(net, Data(x, np.zeros(30, int), "own"), lanes=(2, 2))
    assert drawn in html
    assert pictures.filters(tiny) is None


def test_masked_weights_lie_at_the_steps_that_they_weigh() -> None:
    """Row t of the picture has w[t, j] at step t - j times the dilation."""
    weight = np.arange(1, 9).reshape(1, 4, 2)
    cells = Parallel(np.zeros(1, int), np.zeros((1, 4), int), weight, 2)
    wanted = [[1, 0, 0, 0], [0, 3, 0, 0], [6, 0, 5, 0], [0, 8, 0, 7]]
    assert pictures.by_step(cells).tolist() == wanted
