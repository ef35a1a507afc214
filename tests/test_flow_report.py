"""The report: one page that holds what was measured and needs no other file."""

import re
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from spikeline.flow.data import Data
from spikeline.flow.evaluate import evaluate
from spikeline.flow.report import page
from spikeline.flow.zoo import Named
from spikeline.model.mapping import Mapping
from spikeline.model.network import Network
from spikeline.model.width import prove


@pytest.fixture
def data() -> Data:
    """Thirty random samples of 8 x 8."""
    random = np.random.default_rng(4)
    x = (random.integers(0, 256, (30, 64)) * (random.random((30, 64)) < 0.4)).astype(np.uint8)
    return Data(x, random.integers(0, 10, 30), "digits")


def make(network: Network, data: Data, mismatches: int = 0) -> str:
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
    return page(named, Mapping.of(network, (3, 5)), data, evaluated, simulated, run, [cost])


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
        "98 765 spikes compared",
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


def test_raster_draws_every_spike(tiny: Network, data: Data) -> None:
    """The drawing holds one mark for each spike of input and layers."""
    from spikeline.flow.report import raster

    sample = data.x[3]
    run = tiny.run(sample[None])
    marks = re.findall(r"<use [^>]*style=\"fill: #(?:0969da|c8d1da)", raster(tiny, sample))
    assert len(marks) == int(run.counts.sum())


def test_cycles_of_a_broken_core_are_drawn() -> None:
    """Where the core answered fewer samples than were predicted, those it answered are drawn."""
    from spikeline.flow.report import agreement

    for answered in (3, 1):
        run = SimpleNamespace(cycles=np.arange(answered) + 41, predicted=np.arange(5) + 41)
        drawn = agreement(run)
        assert drawn is not None
        assert len(re.findall(r"<use [^>]*style=\"fill: #0969da", drawn)) == answered
    assert agreement(SimpleNamespace(cycles=[], predicted=[41])) is None
