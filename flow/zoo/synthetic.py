"""Synthetic networks: random integers in published sizes, to build hardware of before training.

    shd-256    140-256-256-20, one tap, delays to 24       Spiking Heidelberg Digits
    ssc-512    140-512-512-512-35, two taps, delays to 30  Spiking Speech Commands

Weights are normal, clipped to 8 bits; delays are uniform; each hidden layer has one threshold, the
one at which `RATE` of its neurons spike in a step of `events`. The same integers come from a name
with every NumPy whose random numbers are those of constraints.txt; the hash tells. The recipes of
these names (quant/recipes/) have the same shapes, taps and delays, other steps and counts.

Source: sizes, taps, delays, leaks: arXiv 2306.17670 (SNN-delays).
"""

from dataclasses import dataclass

import numpy as np

from ...model.codings.counts import Counts
from ...model.network import Network, chain
from ...model.neurons.neuron import Neuron
from ...model.readouts.max_membrane import MaxMembrane
from ...model.synapses.delayed import Delayed

__all__ = ["SYNTHETIC", "Synthetic", "events", "network"]

STEPS = 100
INPUTS = 140
LIMIT = 3
EVENTS = 8500  # a sample, about; of SHD some 8,000
RATE = 0.07  # share of the hidden neurons that spike in a step
DEVIATION = 127 / 2.6
CALIBRATION = 4  # samples


@dataclass(frozen=True, slots=True)
class Synthetic:
    """Sizes of a network.

    Parameters
    ----------
    shape : (inputs, hidden, ..., classes)
    taps : int
    window : int
    leak : (m, k)
    """

    shape: tuple[int, ...]
    taps: int
    window: int
    leak: tuple[int, int]


SYNTHETIC = {
    # tau = 1.005 and 1.5 steps: 1 - 1 / tau = 0.004975 and 1/3.
    "shd-256": Synthetic((INPUTS, 256, 256, 20), 1, 25, (5, 10)),
    "ssc-512": Synthetic((INPUTS, 512, 512, 512, 35), 2, 31, (85, 8)),
}


def events(samples: int, seed: int = 1) -> np.ndarray:
    """Draw samples with event counts like those of SHD: slow, uneven, some 8,500 in all.

    Returns
    -------
    uint8 (samples, STEPS, INPUTS), at most `LIMIT`
    """
    random = np.random.default_rng(seed)
    drawn = []
    for _ in range(samples):
        coarse = random.gamma(1.0, size=(STEPS // 5, INPUTS // 10))
        rate = coarse.repeat(5, axis=0).repeat(10, axis=1)
        # Clipped counts add up to less than the rates do; 1.08 makes up for it.
        drawn.append(random.poisson(rate * (1.08 * EVENTS / rate.sum())))
    return np.minimum(drawn, LIMIT).astype(np.uint8)


def network(name: str) -> Network:
    """Make the network of a name of `SYNTHETIC`."""
    sizes, random = SYNTHETIC[name], np.random.default_rng(1)
    s = Counts(LIMIT).encode(events(CALIBRATION), STEPS, INPUTS)
    stack, limit = [], LIMIT
    for i, (pre, post) in enumerate(zip(sizes.shape, sizes.shape[1:], strict=False)):
        w = random.normal(0, DEVIATION, (post, pre, sizes.taps)).round().clip(-127, 127)
        delays = random.integers(0, sizes.window, w.shape)
        synapses = Delayed(w.astype(np.int64), delays, 8, sizes.window)
        if i == len(sizes.shape) - 2:
            stack.append((synapses, Neuron(np.zeros(post, np.int64), None, sizes.leak)))
        else:
            current = synapses.current(s, limit)
            stack.append((synapses, _calibrated(current, sizes.leak)))
            s, limit = _spikes(stack[-1][1], current), 1
    return chain(STEPS, INPUTS, Counts(LIMIT), stack, MaxMembrane())


def _calibrated(current: np.ndarray, leak: tuple[int, int]) -> Neuron:
    """Find the least threshold at which at most `RATE` of the neurons spike, by bisection."""
    zero = np.zeros(current.shape[2], np.int64)
    low, high = 1, int(current.max()) * STEPS
    while low < high:
        theta = (low + high) // 2
        fired = _spikes(Neuron(zero, zero + theta, leak, reset="zero"), current).sum()
        low, high = (low, theta) if fired <= RATE * current.size else (theta + 1, high)
    return Neuron(zero, zero + low, leak, reset="zero")


def _spikes(neuron: Neuron, current: np.ndarray) -> np.ndarray:
    """Run neurons on the currents (steps, samples, neurons) of a layer, bool likewise."""
    state, spikes = neuron.start(current.shape[1]), np.empty(current.shape, bool)
    for t, now in enumerate(current):
        spikes[t], _, state = neuron.step(state, now)
    return spikes
