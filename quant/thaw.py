"""Frozen networks, to be trained on: the way back from a network file.

A trainable network is made that computes what the frozen one does; training goes on from there. Its
weights are not standardised and its currents not normalised, as what is frozen has both in its
integers. It has biases where the frozen one has some, and one threshold for a layer whose neurons
all have the same. Of taps that lie at one place, one is left, with the sum of their weights.
"""

import numpy as np

from ..model import network as golden
from ..model.check import instance, real
from ..model.errors import InputError
from .architecture import naming
from .network import Connection, Layer, Network
from .neurons import KINDS as NEURONS
from .synapses import KINDS as SYNAPSES
from .synapses import Synapses

__all__ = ["thaw"]

LARGEST = 1 << 22  # of constants that parameters in float32 hold exactly, measured in any unit


def thaw(network: golden.Network, *, dropout: float = 0.0) -> Network:
    """Make a trainable network of a frozen one.

    Parameters
    ----------
    network : Network of the model
        Such as `model.store.load` gives.
    dropout : float
        As of the trainable network.

    Raises
    ------
    InputError
        If a kind, or a value, is none that can be trained on; it names the layer.
    """
    instance("Network", network, golden.Network, "one of the model, such as load() gives")
    real("Network dropout", dropout, 0, 1)
    kernels: dict[int, Synapses] = {}
    layers = {}
    for name, layer in network.layers.items():
        with naming(name):
            connections = []
            for c in layer.connections:
                if id(c.synapses) not in kernels:
                    kind = SYNAPSES.get(c.synapses.kind, Synapses)
                    kernels[id(c.synapses)] = kind.thaw(c.synapses, network.steps)
                own = kernels[id(c.synapses)]
                connections.append(Connection(c.sources, own, c.views, c.delay, c.shift))
            for field in layer.neuron.arrays:
                constants = getattr(layer.neuron, field)
                most = 0 if constants is None else int(np.abs(constants.astype(np.int64)).max())
                if most >= LARGEST:
                    raise InputError(
                        f"A {field} that is trained on must be below {LARGEST} to be exact, not"
                        f" {most}"
                    )
            neuron = NEURONS[layer.neuron.kind].thaw(layer.neuron, network.steps)
            layers[name] = Layer(connections, neuron)
            neuron.take(layer.neuron)
    return Network(network.steps, network.inputs, network.coding, layers, network.readout, dropout)
