"""The search for layouts."""

from collections.abc import Callable

import numpy as np
import pytest

from spikeline.flow.zoo.zoo import resolve
from spikeline.model.errors import InputError
from spikeline.model.network import Network, Run
from spikeline.plan import search as module
from spikeline.plan.area import Area
from spikeline.plan.cycles import predict
from spikeline.plan.mapping import Mapping
from spikeline.plan.search import KNOBS, Found, delay, lanes, search, settings, taps, tried

from .builders import delayed_chain, random_samples


def recorded(network: Network, samples: int = 3) -> Run:
    """Run random samples."""
    return network.run(random_samples(np.random.default_rng(1), network, samples), record=True)


def test_lanes_that_are_tried_are_halves_that_the_engine_takes() -> None:
    """All neurons, or all channels, and halves of that, rounded up; maps take divisors alone."""
    assert lanes(resolve("digits-ttfs").network, "layer0") == [1, 2, 3, 6, 12, 24, 48, 96]
    assert lanes(resolve("digits-ttfs").network, "layer1") == [1, 2, 3, 5, 10]
    assert lanes(resolve("digits-cnn").network, "layer1") == [1, 2, 4, 8, 16, 32]


def test_engines_are_tried_where_there_are_delays() -> None:
    """Both engines of a layer with delays; of others the one they have."""
    assert delay(resolve("digits-spoken").network, "layer0") == ["line", "wheel"]
    assert delay(resolve("digits-ttfs").network, "layer0") == ["auto"]


def test_taps_are_tried_where_they_take_banks() -> None:
    """One, a row or all taps of a convolution, with a lane for each channel; else one."""
    network = resolve("digits-cnn").network
    assert [taps(network, name) for name in network.layers] == [["one", "row", "all"]] * 2 + [
        ["one"]
    ]
    found = [(one["lanes"], one["taps"]) for one in tried(network, "layer0")]
    assert found == [(1, "one"), (2, "one"), (4, "one"), (8, "one")] + [
        (16, word) for word in ("one", "row", "all")
    ]


def test_options_leave_out_what_is_so_anyway() -> None:
    """Taps and engines of delays are asked for only where there is something to ask for."""
    settings = {"lanes": (16, 32, 10), "delay": ("auto",) * 3, "taps": ("one",) * 3}
    assert Found(settings, Area(1, 1, 1), 1, 1).options == "--lanes 16,32,10"
    settings["taps"] = ("one", "row", "one")
    assert Found(settings, Area(1, 1, 1), 1, 1).options == "--lanes 16,32,10 --taps one,row,one"


@pytest.mark.parametrize("make", [lambda: delayed_chain(3), lambda: resolve("digits-cnn").network])
def test_cycles_are_those_of_the_prediction(make: Callable[[], Network]) -> None:
    """What is told of a layout is what its options give; the fastest comes first."""
    network = make()
    run = recorded(network)
    found = search(network, run)
    assert found == sorted(found, key=Found.order)
    for one in (found[0], found[-1]):
        latency, interval = predict(network, Mapping.of(network, **one.settings), run)
        assert (one.latency, one.interval) == (np.median(latency), np.median(interval))


def test_the_fastest_and_the_smallest_are_among_them() -> None:
    """All neurons at once, and one lane a layer."""
    network = resolve("digits-ttfs").network
    tried = settings(network, recorded(network), "ecp5")
    assert tried[0]["lanes"] == (96, 10)
    assert (1, 1) in [values["lanes"] for values in tried] or tried[-1]["lanes"] < (12, 2)


def test_no_more_are_predicted_than_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where more are worth it, they are taken evenly, both ends among them."""
    network = resolve("digits-ttfs").network
    run = recorded(network)
    every = settings(network, run, "ecp5")
    monkeypatch.setattr(module, "MOST", 3)
    few = settings(network, run, "ecp5")
    assert len(every) > 3 and few == [every[0], every[len(every) // 2], every[-1]]


def test_another_knob_is_a_line_in_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """What Mapping.of takes for each layer can be searched."""
    monkeypatch.setitem(KNOBS, "queue", lambda network, name: [4, 16])
    network = resolve("digits-ttfs").network
    (queue, *_) = {values["queue"] for values in settings(network, recorded(network), "ecp5")}
    assert len(queue) == 2 and set(queue) <= {4, 16}


def test_runs_of_one_sample_or_without_record_are_refused() -> None:
    """The interval is between samples, and cycles are counted on spikes that were recorded."""
    network = resolve("digits-ttfs").network
    with pytest.raises(InputError) as error:
        search(network, recorded(network, 1))
    assert str(error.value) == "Samples must be 2 or more to count cycles back to back, not 1"
    with pytest.raises(InputError):
        search(network, network.run(random_samples(np.random.default_rng(1), network, 2)))
