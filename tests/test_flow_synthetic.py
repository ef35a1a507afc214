"""Networks of random integers: the same everywhere, with the activity that they promise."""

import numpy as np
import pytest

from spikeline.flow.zoo.synthetic import SYNTHETIC, events, network
from spikeline.flow.zoo.zoo import resolve


def test_events_are_counts_like_those_of_shd() -> None:
    """Some 8,500 a sample, at most 3 at once, in every step; the same for the same seed."""
    x = events(20)
    assert (x.shape, x.dtype, int(x.max())) == ((20, 100, 140), np.uint8, 3)
    assert 8000 < x.sum(axis=(1, 2)).mean() < 9200
    assert x.any(axis=2).all()
    assert np.array_equal(events(20), x)
    assert not np.array_equal(events(20, seed=2), x)


def test_network_has_the_published_sizes_and_activity() -> None:
    """Of the hidden neurons of shd-256, 5 to 10 % spike in a step, on samples it was not set by."""
    found = network("shd-256")
    assert found.shape == "140-256-256-20"
    synapses = [c.synapses for layer in found.layers.values() for c in layer.connections]
    assert [(x.weights.shape[2], x.window, x.bits) for x in synapses] == [(1, 25, 8)] * 3
    run = found.run(events(6)[4:], record=True)
    assert all(0.05 <= s.mean() <= 0.10 for s in list(run.spikes.values())[:-1])


def test_same_name_same_integers() -> None:
    """The integers of a name never change: cycles and gates that were measured stay true."""
    assert resolve("shd-256").hash.startswith("3bd10835eef61840")


@pytest.mark.parametrize("name", SYNTHETIC)
def test_sizes_fit_their_recipes(name: str) -> None:
    """The recipe of the same name trains a network of the same sizes."""
    from spikeline.quant.recipes import recipe

    made, sizes = recipe(name).architecture.build().export(), SYNTHETIC[name]
    layers = list(made.layers.values())
    assert made.shape == "-".join(map(str, sizes.shape))
    assert {layer.neuron.leak for layer in layers} == {sizes.leak}  # type: ignore[attr-defined]
    delays = [layer.connections[0].synapses for layer in layers]
    assert {(x.weights.shape[2], x.window) for x in delays} == {(sizes.taps, sizes.window)}  # type: ignore[attr-defined]
