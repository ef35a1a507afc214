"""Frozen networks, thawed: what is trained on is what was frozen."""

import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, reject
from hypothesis import strategies as st

from spikeline import quant as q
from spikeline.model.errors import InputError
from spikeline.model.network import Connection, Layer, Network
from spikeline.model.neurons.neuron import Neuron
from spikeline.model.neurons.parallel import Parallel
from spikeline.model.synapses.delayed import Delayed
from spikeline.model.synapses.dense import Dense

from .builders import Law, network_of, random_network
from .maps import random_maps
from .strategies import examples
from .twins import assert_equal, samples


def assert_thaws(network: Network, seed: int) -> None:
    """Compare a thawed network with what it was made of: arrays, spikes and membranes."""
    try:
        thawed = q.thaw(network).eval()
    except InputError as error:
        assert re.search("trained on must be below|delays must be below", str(error))
        reject()
    x = samples(thawed, seed, 3)
    run, wanted = assert_equal(thawed, x), network.run(x, record=True)
    for name, layer in network.layers.items():
        assert np.array_equal(run.membranes[name], wanted.membranes[name])
        assert np.array_equal(run.spikes[name], wanted.spikes[name])
        again = thawed.export().layers[name]
        for field in ("bias", "threshold"):
            was, found = (getattr(x.neuron, field) for x in (layer, again))
            assert np.array_equal(was if was is None else np.broadcast_to(was, found.shape), found)
        for c, own in zip(layer.connections, again.connections, strict=True):
            if c.synapses.kind in ("dense", "conv", "causal"):
                assert np.array_equal(c.synapses.weights, own.synapses.weights)


def whole(network: Network) -> Network:
    """Give parallel neurons the largest weight of a width, which trainable ones have."""
    layers = {}
    for name, layer in network.layers.items():
        neuron = layer.neuron
        if isinstance(neuron, Parallel):
            weight = neuron.weight.copy()
            weight.flat[0] = (1 << neuron.gain.bit_length()) - 1 if neuron.gain < 128 else 127
            weight = np.maximum(weight, -127)
            neuron = replace(neuron, weight=weight)
        layers[name] = replace(layer, neuron=neuron)
    return replace(network, layers=layers)


@examples(40)
@given(seed=st.integers(0, 1 << 20))
def test_random_graphs_thaw(seed):
    """Graphs of dense layers and delays, loops, and every law of neurons."""
    assert_thaws(whole(random_network(np.random.default_rng(seed), bits=(2, 9))), seed)


@examples(25)
@given(seed=st.integers(0, 1 << 20))
def test_random_maps_thaw(seed):
    """Convolutions, learned spacings, pools and shared kernels."""
    assert_thaws(whole(random_maps(np.random.default_rng(seed))), seed)


def test_the_smallest_weight_takes_a_bit_more():
    """Trainable weights of 4 bits lie in -7..7, so -8 makes them 5 bits wide."""
    for least, bits in ((-7, 4), (-8, 5)):
        network = network_of(Law(Dense(np.array([[3, least]]), 4), cell()), 3)
        assert q.thaw(network).export().layers["layer0"].connections[0].synapses.bits == bits


def cell() -> Neuron:
    """Make one neuron that integrates and fires."""
    return Neuron(np.zeros(1, int), np.array([9]), reset="zero")


def test_thawed_networks_learn():
    """A step of a loss changes weights, thresholds and what is exported."""
    torch.manual_seed(0)
    layers = (q.Linear(8), q.LIF(leak=3 / 4), q.Linear(3), q.LI())
    how = {"inputs": 5, "steps": 4, "coding": q.Counts(3), "readout": "final-membrane"}
    network = q.Sequential(*layers, **how)
    frozen = network.export()
    thawed = q.thaw(frozen).train()
    optimiser = torch.optim.SGD(thawed.parameters(), lr=30.0)
    x = torch.randint(0, 4, (16, 4, 5))
    loss = torch.nn.functional.cross_entropy(thawed(x).logits, torch.arange(16) % 3)
    loss.backward()
    optimiser.step()
    first = thawed.eval().export().layers["layer0"].connections[0].synapses.weights
    assert not np.array_equal(first, frozen.layers["layer0"].connections[0].synapses.weights)


def test_what_cannot_be_held_is_refused():
    """The sentence names the layer and what it lacks."""
    theta, weight = np.ones((1, 1), int), np.full((1, 1, 2), 5)
    law = Law(Dense(np.ones((1, 2), int), 2), Parallel(np.zeros(1, int), theta, weight))
    with pytest.raises(InputError) as error:
        q.thaw(network_of(law, 3))
    assert str(error.value) == (
        "Layer layer0: Parallel weights that are trained on must have a largest one of 1, 3, 7, 15,"
        " 31, 63 or 127, not 5"
    )
    wide = Delayed(np.full((1, 2, 1), -32768), np.ones((1, 2, 1), int), 16, 2)
    layer = Layer((Connection(("input",), wide),), cell())
    plain = network_of(law, 3)
    with pytest.raises(InputError, match=r"^Layer layer0: Weights that are trained on must be ab"):
        q.thaw(replace(plain, layers={"layer0": layer}))
    with pytest.raises(InputError, match=r"^Network must be one of the model, such as load"):
        q.thaw("mine.safetensors")
