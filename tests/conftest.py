"""What all tests share: hypothesis profiles, a small network, the command line in-process."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

from spikeline.model.codings.latency import Latency
from spikeline.model.network import Network, chain
from spikeline.model.neurons.neuron import Neuron
from spikeline.model.readouts.first_spike import FirstSpike
from spikeline.model.synapses.dense import Dense

from .groups import group_of

# quick: the same examples each time; fuzz: new ones, 10 times as many (make fuzz).
# A test that wants another number than these says so by profiles.examples, never by settings.
settings.register_profile("quick", deadline=None, derandomize=True, max_examples=25)
settings.register_profile("fuzz", deadline=None, max_examples=10 * 25)
settings.load_profile("quick")
# Tests never reach out for data.
os.environ.pop("SPIKELINE_DATA", None)


@pytest.hookimpl(tryfirst=True)  # before -m selects
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test with its group."""
    for item in items:
        item.add_marker(group_of(item.nodeid, {mark.name for mark in item.iter_markers()}))


@pytest.fixture
def tiny() -> Network:
    """A network of 64-6-10 with fixed random weights, whose neurons fire once."""
    random = np.random.default_rng(1)

    def layer(pre: int, post: int) -> tuple[Dense, Neuron]:
        weights = random.integers(-8, 8, (post, pre))
        bias, threshold = random.integers(-2, 3, post), random.integers(5, 20, post)
        return Dense(weights, 4), Neuron(bias, threshold, once=True)

    return chain(4, 64, Latency(64), (layer(64, 6), layer(6, 10)), FirstSpike())


@pytest.fixture
def spikeline(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[int, str, str]]:
    """The command line, run in an empty folder: words in; exit code, stdout and stderr out."""
    from spikeline.flow.cli.main import main

    monkeypatch.chdir(tmp_path)

    def run(*words: object) -> tuple[int, str, str]:
        capfd.readouterr()
        code = main([str(word) for word in words])
        out, err = capfd.readouterr()
        return code, out, err

    return run
