"""Trainable networks for tests: their parameters at random, samples, the comparison with the model.

`trainable` makes a twin of any frozen network: the same graph, and parameters of its own.
"""

from typing import Any

import numpy as np
import torch

from spikeline.model import network as golden
from spikeline.model.synapses import causal as golden_causal
from spikeline.model.synapses import conv as golden_conv
from spikeline.model.synapses import spaced as golden_spaced
from spikeline.quant.network import Connection, Layer, Network
from spikeline.quant.neurons import Neurons
from spikeline.quant.neurons.neuron import Neuron
from spikeline.quant.neurons.parallel import Parallel
from spikeline.quant.synapses import Synapses
from spikeline.quant.synapses.causal import Causal
from spikeline.quant.synapses.conv import Conv
from spikeline.quant.synapses.delayed import Delayed
from spikeline.quant.synapses.dense import Dense
from spikeline.quant.synapses.spaced import Spaced

__all__ = ["assert_equal", "samples", "scatter", "trainable"]


def trainable(law: golden.Network, seed: int, norm: bool = False, **options: object) -> Network:
    """Make a trainable network of the same graph.

    Parameters
    ----------
    seed : int, of the parameters
    norm : bool
        Whether neurons are normalised that are fed from outside their loop.
    **options : of all neurons
    """
    torch.manual_seed(seed)
    fed = [(name, c) for name, layer in law.layers.items() for c in layer.connections]
    loops = {name: set(block) for block in law.blocks() for name in block}
    kernels: dict[int, Synapses] = {}
    for _, c in fed:
        users = [(n, x) for n, x in fed if x.synapses is c.synapses]
        if id(c.synapses) not in kernels:
            late = max(x.delay for _, x in users)
            least = max(law.recurs(n, x.sources[0]) and not x.delay for n, x in users)
            window = (min(c.synapses.latest + 1, law.steps - late) + 1) // 2 * 2 - 1
            size = c.synapses.pre, c.synapses.post, c.synapses.bits, law.steps
            if isinstance(c.synapses, golden_conv.Conv | golden_causal.Causal):
                kernels[id(c.synapses)] = conv(c.synapses, law.steps, seed)
                continue
            if isinstance(c.synapses, golden_spaced.Spaced):
                kernels[id(c.synapses)] = spaced(c.synapses, law.steps, seed)
                continue
            kernels[id(c.synapses)] = (
                Delayed(*size, window=window, least=int(least), taps=1 + seed % 2)
                if c.synapses.kind == "delayed" and window > int(least) + 1
                else Dense(*size, standardise=["row", "layer", "none"][seed % 3])
            )
    layers = {}
    for name, layer in law.layers.items():
        connections = []
        for c in layer.connections:
            own = kernels[id(c.synapses)]
            recurs = law.recurs(name, c.sources[0])
            delay = max(c.delay, int(recurs) - own.least)
            connections.append(Connection(c.sources, own, c.views, delay, c.shift))
        n = layer.neuron
        outside = any(not loops[name] & set(c.sources) for c in layer.connections)
        neuron: Neurons = (
            parallel(law, n, norm and outside, seed)
            if n.kind == "parallel"
            else Neuron(
                n.channels,
                n.size // n.channels,
                threshold=0.5 if n.fires else None,
                leak=n.leak,
                clamp=n.clamp,
                reset=n.reset,
                once=n.once,
                rounding=n.rounding,
                norm=norm and outside,
                **options,  # type: ignore[arg-type]
            )
        )
        layers[name] = Layer(connections, neuron)
    net = Network(law.steps, law.inputs, law.coding, layers, law.readout)
    scatter(net)
    return net.eval()


def parallel(law: golden.Network, n: Any, norm: bool, seed: int) -> Parallel:
    """Make trainable parallel neurons of the same form."""
    kernels, rows, taps = n.weight.shape
    return Parallel(
        n.channels,
        n.places,
        steps=law.steps,
        taps=taps,
        rows=rows > 1 or n.whole,
        dilation=n.dilation,
        whole=n.whole,
        threshold=0.5,
        bits=2 + seed % 7,
        powers=seed % 3 == 0,
        shared=kernels == 1,
        bias=bool(seed % 2),
        norm=norm,
        decays=seed % 5 == 0 and (rows == 1 or n.whole),
    )


def conv(law: golden_conv.Conv | golden_causal.Causal, steps: int, seed: int) -> Synapses:
    """Make a trainable kernel of the same shape."""
    out, _, *kernel = law.weights.shape
    kind: Any = Conv if isinstance(law, golden_conv.Conv) else Causal
    return kind(
        law.before,
        out,
        tuple(kernel),
        law.bits,
        steps,
        stride=law.stride,
        padding=law.padding,
        dilation=law.dilation,
        groups=law.groups,
        standardise=["row", "layer", "none"][seed % 3],
    )


def spaced(law: golden_spaced.Spaced, steps: int, seed: int) -> Spaced:
    """Make trainable taps in the same window, their positions all over it."""
    out, _, taps = law.weights.shape
    made = Spaced(
        law.before,
        out,
        taps,
        law.extent,
        law.bits,
        steps,
        stride=law.stride,
        padding=law.padding,
        groups=law.groups,
        shared=bool(seed % 2),
        standardise=["row", "layer", "none"][seed % 3],
    )
    with torch.no_grad():
        made.position.mul_(5)
    made.clamp()
    return made


def scatter(net: Network) -> None:
    """Move thresholds, biases, gains and statistics at random."""
    with torch.no_grad():
        for name, p in net.named_parameters():
            if "threshold" in name or "bias" in name or "offset" in name:
                p += torch.randn_like(p) * 0.3
            elif "gain" in name:
                p *= torch.where(torch.rand_like(p) < 0.3, -1.0, 1.0) * (0.5 + torch.rand_like(p))
        for layer in net.layers.values():
            for norm in layer.neuron.norms():
                norm.mean += torch.randn_like(norm.mean) * 3
                norm.variance *= 0.5 + torch.rand_like(norm.mean)


def samples(net: Network, seed: int, n: int = 7) -> np.ndarray:
    """Draw samples that the network's coding takes."""
    random = np.random.default_rng(seed)
    if net.coding.kind == "counts":
        return random.integers(0, 5, (n, net.steps, net.width))
    return random.integers(0, 256, (n, net.width)).astype(np.uint8)


def assert_equal(net: Network, x: np.ndarray) -> golden.Run:
    """Compare all that happens in `net` with the golden run of its export; returns the run."""
    with torch.no_grad():
        trace, decided = net(torch.from_numpy(x)), net.decide(torch.from_numpy(x))
    run = net.export().run(x, record=True)
    assert run.input is not None
    assert np.array_equal(trace.events, run.input.sum(axis=2))
    assert list(trace.spikes) == list(trace.membranes) == list(run.spikes) == list(net.layers)
    for name in net.layers:
        assert np.array_equal(trace.spikes[name].numpy(), run.spikes[name])
        assert np.array_equal(trace.membranes[name].numpy(), run.membranes[name])
    assert np.array_equal(decided[0], run.decision.label)
    assert np.array_equal(decided[1], run.decision.step)
    return run
