"""Weights of a float network, taken into an integer one.

Of a layer, float weights W and a threshold theta become the integers

    w = round(W k)        theta' = round(theta k)        b' = round(b k)

with one k for all that a layer adds up. It is the one whose rounding and clipping errs least, in
the mean square over all weights of the layer. Nothing has to be known of the float network but its
weights, and whether it has spikes or activations.
"""

from collections.abc import Mapping, Sequence
from math import sqrt
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from ..model.bounds import prove as bounds
from ..model.check import instance, real, shown
from ..model.errors import InputError
from .network import Layer, Network
from .neurons.neuron import Neuron
from .state import snapshot
from .synapses.dense import Dense

__all__ = ["load_float"]

TRIED = 400  # scales per layer
CALIBRATED = 2000  # samples at most that thresholds are set from


def load_float(
    network: Network,
    state: Mapping[str, Tensor],
    names: Mapping[str, str] | None = None,
    *,
    samples: Any = None,
    firing: float = 0.2,
) -> dict[str, dict[str, float]]:
    """Take float weights into a network; they are no longer standardised.

    A threshold that was set in the architecture is one of the float network, and means there what
    it means here; after a normalisation, it stays one of deviations. Where the float network has
    activations in place of spikes, such as ReLU, `samples` are to be given: thresholds are then set
    from them, and what is said of biases is added up over the steps, not in each.

    Parameters
    ----------
    network : Network, as it was drawn
    state : dict of tensors
        A `state_dict` of torch. Its matrices, in order, are the weights of the connections, in
        order, a layer's own recurrence last. Where the name of one ends in ``weight``, the same
        with ``bias`` is the bias.
    names : dict or None
        Name in `state` of the weight of each layer, by the layer's name; ``layer0.1`` is the second
        connection of ``layer0``. All have to be named, then.
    samples : as the network takes them, or None
    firing : float
        Share of the samples in which a neuron is to fire on average.

    Returns
    -------
    dict by layer
        ``scale``, k; ``clipped``, share of its weights that are beyond the width; ``error``, root
        of the mean squared error of a weight, as a share of the root of its mean square.

    Raises
    ------
    InputError
        If a name is unknown, a matrix is missing, of another shape, or holds a NaN, or if a bias is
        given to a neuron without one.
    """
    instance("Network", network, Network, "one of spikeline.quant")
    real("Firing", firing, 1e-6, 0.999)
    keys = _weights(network, state, names)
    biases = _biases(network, state, keys)
    if samples is not None:
        samples = network.encoder.check(samples, network.steps, network.width)[:CALIBRATED]
        if not len(samples):
            raise InputError("Samples must number at least one, not 0")
    restore = snapshot(network)
    try:
        report = _take_all(network, state, keys, biases, samples)
        if samples is not None:
            _set_thresholds(network, samples, firing)
        network.export()
    except BaseException:
        restore()
        raise
    return report


@torch.no_grad()
def _take_all(
    network: Network,
    state: Mapping[str, Tensor],
    keys: Mapping[str, list[str]],
    biases: Mapping[str, Tensor],
    samples: Tensor | None,
) -> dict[str, dict[str, float]]:
    report = {}
    for name, layer in network.layers.items():
        report[name] = _take(layer, [state[key].detach().double().cpu() for key in keys[name]])
        if name in biases:
            spread = 1 if samples is None else network.steps
            scale = report[name]["scale"] / spread
            if float(biases[name].abs().max()) * scale >= 1 << 31:
                raise InputError(f"Float bias of layer {name} must fit 32 bits, once scaled")
            layer.neuron.bias.copy_(biases[name].double() * (scale / layer.neuron.unit))  # type: ignore[operator, union-attr]
    return report


def _weights(
    network: Network, state: Mapping[str, Tensor], names: Mapping[str, str] | None
) -> dict[str, list[str]]:
    """Find the names in `state` of the weights of each layer's connections."""
    if not isinstance(state, Mapping) or not all(isinstance(x, Tensor) for x in state.values()):
        raise InputError(f"Float weights must be a state_dict of torch, not {shown(state)}")
    places = [
        (name, n, connection.synapses)
        for name, layer in network.layers.items()
        for n, connection in enumerate(layer.connections)
    ]
    if len({synapses for *_, synapses in places}) < len(places):
        raise InputError("Float weights must be taken by a network that shares no synapses")
    matrices = [key for key, x in state.items() if x.ndim == 2]
    if names is None:
        known = {f"{key.removesuffix('weight')}bias" for key in matrices} | set(matrices)
        for key, x in state.items():
            if x.numel() > 1 and key not in known:
                raise InputError(
                    f"Float weights must be matrices and the biases beside them, not {key!r} of"
                    f" shape {tuple(x.shape)}: leave it out, or give names"
                )
        if len(matrices) != len(places):
            raise InputError(
                f"Float weights must be {len(places)} matrices, one per connection, not"
                f" {len(matrices)}: names tells which"
            )
        keys = dict(zip(((name, n) for name, n, _ in places), matrices, strict=True))
    else:
        instance("Names", names, Mapping, "a dict from layers to matrices")
        known = {f"{name}.{n}" if n else name: (name, n) for name, n, _ in places}
        for given, key in names.items():
            if given not in known or key not in matrices:
                what, there = (given, known) if given not in known else (key, matrices)
                raise InputError(
                    f"Names must lead from {', '.join(known)} to a matrix, not to or from {what!r};"
                    f" there are {', '.join(there)}"
                )
        missing = [given for given in known if given not in names]
        if missing:
            raise InputError(f"Names must tell the weight of {', '.join(missing)}, too")
        keys = {known[given]: key for given, key in names.items()}
    for name, n, synapses in places:
        w = state[keys[name, n]]
        if not isinstance(synapses, Dense):
            raise InputError(f"Layer {name} must have Linear synapses to take float weights")
        if w.shape != synapses.weight.shape:
            raise InputError(
                f"Float weight {keys[name, n]} must have the shape {tuple(synapses.weight.shape)}"
                f" for layer {name}, not {tuple(w.shape)}"
            )
        _refuse_unusual(f"Float weight {keys[name, n]}", w)
        if not w.isfinite().all():
            raise InputError(f"Float weight {keys[name, n]} must be finite, not NaN or infinite")
    found = {
        name: [keys[name, n] for n in range(len(layer.connections))]
        for name, layer in network.layers.items()
    }
    for name, of in found.items():
        if not any(state[key].any() for key in of):
            raise InputError(f"Float weights of layer {name} must not all be 0")
    return found


def _biases(
    network: Network, state: Mapping[str, Tensor], keys: Mapping[str, list[str]]
) -> dict[str, Tensor]:
    """Find the biases beside the weights, by layer; those of a layer's connections are added."""
    biases = {}
    for name, layer in network.layers.items():
        beside = (k.removesuffix("weight") + "bias" for k in keys[name] if k.endswith("weight"))
        found = [state[key] for key in beside if key in state]
        if not found:
            continue
        if getattr(layer.neuron, "bias", None) is None:
            raise InputError(f"Layer {name} must have neurons with bias=True to take a bias")
        for bias in found:
            _refuse_unusual(f"Float bias of layer {name}", bias)
            if bias.shape != (layer.neuron.size,) or not bias.isfinite().all():
                raise InputError(
                    f"Float bias of layer {name} must be {layer.neuron.size} finite numbers, not"
                    f" of shape {tuple(bias.shape)}"
                )
        biases[name] = sum(found[1:], found[0])
    return biases


def _refuse_unusual(what: str, x: Tensor) -> None:
    kinds = {"complex": x.is_complex(), "sparse": x.layout != torch.strided, "meta": x.is_meta}
    for kind, found in kinds.items():
        if found:
            raise InputError(f"{what} must be a dense tensor of real numbers, not a {kind} one")


def _take(layer: Layer, weights: Sequence[Tensor]) -> dict[str, float]:
    """Take the weights of a layer; returns what `load_float` tells of it."""
    # `_weights` has seen that all of them are Dense.
    synapses = [(cast(Dense, c.synapses), c.scale) for c in layer.connections]
    weights = [w * x.connected.double().cpu() for w, (x, _) in zip(weights, synapses, strict=True)]
    largest = max(
        float(w.abs().max()) / (x.high * step)
        for w, (x, step) in zip(weights, synapses, strict=True)
    )

    def rounded(scale: float) -> list[Tensor]:
        """Make the integers."""
        return [
            (w * (scale / step)).round().clamp(x.low, x.high)
            for w, (x, step) in zip(weights, synapses, strict=True)
        ]

    def error(scale: float) -> float:
        """Sum the squared errors."""
        back = (i * (step / scale) for i, (_, step) in zip(rounded(scale), synapses, strict=True))
        return sum(float(((b - w) ** 2).sum()) for b, w in zip(back, weights, strict=True))

    scale = min(np.geomspace(1, 16, TRIED) / largest, key=error)
    clipped = 0
    for w, (x, step) in zip(weights, synapses, strict=True):
        clipped += int((w.abs() * (scale / step) >= x.high + 0.5).sum())
        x.take(w * (scale / step))
    if isinstance(layer.neuron, Neuron):
        layer.neuron.measure(float(scale))
    count, power = sum(w.numel() for w in weights), sum(float((w**2).sum()) for w in weights)
    return {
        "scale": float(scale),
        "clipped": clipped / count,
        "error": sqrt(error(scale) / power),
    }


@torch.no_grad()
def _set_thresholds(network: Network, x: Tensor, firing: float) -> None:
    """Set thresholds, layer by layer, at what a share of neurons and samples reach."""
    was = network.training
    network.eval()
    for name, layer in network.layers.items():
        if layer.neuron.theta() is None or layer.neuron.norms():  # those stay in deviations
            continue
        # Beyond reach, so that no reset hides what a sample comes to.
        layer.neuron.place(int(1.01 * bounds(network.export())[name].membrane[1].max()) + 2)
        highest = network(x).membranes[name].max(0).values.flatten()
        at = highest.sort().values[int((1 - firing) * (len(highest) - 1))]
        layer.neuron.place(max(1, int(at)))
        if isinstance(layer.neuron, Neuron):
            layer.neuron.width = max(1, int(at)) / layer.neuron.unit
    network.train(was)
