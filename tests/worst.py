"""Inputs that drive a neuron to the end of its bounds."""

import numpy as np

from spikeline.model.network import Network

__all__ = ["worst"]


def worst(network: Network, name: str, neuron: int, high: bool) -> np.ndarray:
    """Find inputs that drive a neuron to an end of its bounds, where that is reached.

    It is reached where the layer's first connection, without views, is its only one, has one tap
    from every input, and the neuron has no reset; with a reset the lower end, without delays.
    Every input whose (first) weight has the fitting sign comes with its largest value: in every
    step, or, where inputs have a total, so that all arrive in the one step that goes furthest.

    Returns
    -------
    uint8 (steps, pre)
    """
    layer, steps = network.layers[name], network.steps
    n, connection = layer.neuron, layer.connections[0]
    synapses, values = connection.synapses, network.values(connection)
    w = synapses.weights.reshape(synapses.post, synapses.pre, -1)[neuron, :, 0]
    delays = np.full(len(w), connection.delay)
    if synapses.kind == "delayed":
        delays += synapses.delays[neuron if len(synapses.delays) > 1 else 0, :, 0]
    drives = np.flatnonzero(w > 0 if high else w < 0)
    s = np.zeros((steps, len(w)), np.uint8)
    if values.total is None:
        s[:, drives] = values.limit
        return s
    u, course = np.zeros(1, np.int64), []
    for t in range(steps):
        arrived = drives[delays[drives] <= t]
        u = n.decay(u) + n.bias[neuron]
        course.append(
            int(u[0]) + (int(w[arrived].sum(dtype=int)) * values.limit << connection.shift)
        )
        u = n.clamped(u)
    at = int(np.argmax(course) if high else np.argmin(course))
    drives = drives[delays[drives] <= at]
    s[at - delays[drives], drives] = values.limit
    return s
