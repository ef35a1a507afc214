"""Handwritten digits by two branches whose spikes add, one of them skipping a layer.

spikeline train examples/residual.py --seed 1 --out r.safetensors
spikeline cosim r.safetensors --samples 100
"""

from spikeline.model.codings.latency import Latency
from spikeline.model.readouts.first_spike import FirstSpike
from spikeline.quant.network import Connection, Layer, Network
from spikeline.quant.neurons.neuron import Neuron
from spikeline.quant.synapses.dense import Dense
from spikeline.quant.training import Training

DATA = "digits"
STEPS, WIDTH = 6, 64


def layer(*sources: str, pre: int = WIDTH, post: int = WIDTH) -> Layer:
    """Fully connected neurons that fire once, on the sum of what the sources fire."""
    synapses = Dense(pre, post, bits=4, steps=STEPS)
    return Layer([Connection(sources, synapses)], Neuron(post, threshold=1.0, once=True))


def network() -> Network:
    """input -> stem -> branch, and stem + branch -> out."""
    layers = {
        "stem": layer("input"),
        "branch": layer("stem"),
        "out": layer("stem", "branch", post=10),
    }
    return Network(STEPS, {"input": 64}, Latency(16), layers, FirstSpike())


def training() -> Training:
    """Every step counts; the decision may take 0.6 of them."""
    return Training(epochs=40, batch=64, rate=1e-2, held=0.15, slack=0.006, used=0.6)
