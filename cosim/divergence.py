"""The first divergence, in words: whose value, what it should be, and the operands it comes from."""

from typing import Any

import numpy as np

from ..model.network import Network, Run

__all__ = ["explain"]


def explain(network: Network, run: Run, first: dict[str, Any]) -> str:
    """Describe a difference that the bench found.

    Parameters
    ----------
    network : Network
    run : Run
        Recorded golden run of the same samples.
    first : dict
        As cosim/bench.py `differences` yields it.
    """
    place = ", ".join(
        f"{k} {first[k]}" for k in ("sample", "layer", "step", "neuron") if k in first
    )
    text = f"{place}: {first['what']} must be {first['expected']}, not {first['actual']}"
    if not all(k in first for k in ("layer", "step", "neuron")):
        return text
    n, layer, t, j = (first[k] for k in ("sample", "layer", "step", "neuron"))
    assert run.input is not None
    synapses, neuron = network.layers[layer].dense, network.layers[layer].neuron
    source = run.input if layer == 0 else run.spikes[layer - 1]
    s = source[t, n].astype(int)
    active = np.flatnonzero(s)
    w = synapses.weights[j, active].astype(int)
    terms = " ".join(f"{x:+d}*s[{i}]={s[i]}" for x, i in zip(w, active, strict=True))
    before = int(run.membranes[layer][t - 1, n, j]) if t else 0
    theta = None if neuron.threshold is None else int(neuron.threshold[j])
    fired = bool(run.spikes[layer][:t, n, j].any())
    return (
        f"{text}\n  h[{t}] = {int(run.membranes[layer][t, n, j])}, h[{t - 1}] = {before},"
        f" theta = {theta}, b = {int(neuron.bias[j])}, fired before: {fired}"
        f"\n  I[{t}] = {int((w * s[active]).sum())} = {terms or '0 (no input)'}"
    )
