"""A published network, equal to its reference, spike by spike.

The Oxford network of lava-dl (BSD-3; 200-256-200), where SPIKELINE_SAMPLES names a folder that
holds it below checkpoints/lava-dl/.
"""

import os
from pathlib import Path

import h5py
import numpy as np
import pytest

from spikeline.model.codings.counts import Counts
from spikeline.model.network import Connection, Layer, Network
from spikeline.model.neurons.neuron import Neuron
from spikeline.model.readouts.spike_count import SpikeCount
from spikeline.model.synapses.dense import Dense

__all__ = ["oxford"]

FOLDER = Path(os.environ.get("SPIKELINE_SAMPLES", "")) / "checkpoints" / "lava-dl"
pytestmark = pytest.mark.skipif(
    "SPIKELINE_SAMPLES" not in os.environ, reason="SPIKELINE_SAMPLES names no folder"
)
STEPS = 1892


def oxford(rounding: str = "zero") -> tuple[Network, np.ndarray, np.ndarray]:
    """Read the network, its sample and its reference.

    Weights come as whole floats; lava-dl shifts them by 6 bits, and the threshold's mantissa, too.
    A decay of d keeps (4096 - d) / 4096. Every layer adds one step of delay. Its input comes at
    times in steps of 1 ms, rounded, several spikes in a step being one.

    Returns
    -------
    network : Network
        Its output layer is the last one; the readout has no part in it.
    samples : int (1, steps, 200)
    reference : bool (steps, 200)
        Spikes of the output layer.
    """
    layers, source = {}, "input"
    with h5py.File(FOLDER / "oxford_network.net") as file:
        for n in range(2):
            entry = file[f"layer/{n}"]
            neuron = {name: entry[f"neuron/{name}"][()] for name in ("iDecay", "vDecay", "vThMant")}
            assert neuron["iDecay"] == 4096  # no memory of the current
            weights = entry["weight"][()]
            cells = Neuron(
                np.zeros(len(weights), int),
                np.full(len(weights), int(neuron["vThMant"]) << 6),
                (4096 - int(neuron["vDecay"]), 12),
                reset="zero",
                rounding=rounding,
            )
            synapses = Dense(weights.astype(int), 9)
            assert (synapses.weights == weights).all()
            layers[f"layer{n}"] = Layer((Connection((source,), synapses, (), 1, 6),), cells)
            source = f"layer{n}"
    network = Network(STEPS, {"input": 200}, Counts(1), layers, SpikeCount())
    given, expected = (np.load(FOLDER / f"oxford_{x}.npy") for x in ("input", "ground_truth"))
    samples = np.zeros((1, STEPS, 200), np.uint8)
    samples[0, np.rint(given[:, 2]).astype(int), given[:, 0].astype(int)] = 1
    reference = np.zeros((STEPS, 200), bool)
    reference[expected[:, 2].astype(int), expected[:, 0].astype(int)] = True
    assert reference.sum() == len(expected)
    return network, samples, reference


def test_all_spikes_are_those_of_the_reference():
    """10,178 of 10,178 spikes come at their step, and none extra."""
    network, samples, reference = oxford()

    spikes = network.run(samples, record=True).spikes["layer1"][:, 0]

    assert reference.sum() == 10_178
    assert np.array_equal(spikes, reference)


def test_rounding_down_would_differ():
    """With the leak rounded toward minus infinity only 8,742 spikes of the reference come."""
    network, samples, reference = oxford("floor")

    spikes = network.run(samples, record=True).spikes["layer1"][:, 0]

    assert (spikes & reference).sum() == 8_742
