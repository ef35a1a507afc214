"""The cycle model: how many cycles every sample takes, exactly.

Two figures per sample: **latency**, from its first beat to its result with the core idle before,
and **interval**, between its result and the one before, back to back; source and sink never stall.
The hardware must meet both exactly.

Every stage of the hardware has its twin in plan/stages.py; plan/kernel.py plays them cycle by
cycle, on the spikes of a recorded run."""

from collections.abc import Iterator, Sequence

import numpy as np

from ..model.network import Layer, Network, Run
from .chain import chain, engine
from .engines.line import in_window
from .mapping import Mapping
from .play import play

__all__ = [
    "predict",
    "reached",
    "work",
]


def predict(network: Network, mapping: Mapping, run: Run) -> tuple[np.ndarray, np.ndarray]:
    """Predict latency and interval of every sample of a recorded run.

    Parameters
    ----------
    network : Network
    mapping : Mapping
    run : Run
        Recorded.

    Returns
    -------
    latency : int64 (samples,), cycles
    interval : int64 (samples - 1,), cycles
    """
    assert run.input is not None
    stages, records = chain(network, mapping), [run.input, *run.spikes]
    starts, ends = play(stages, records, alone=True)
    _, streamed = play(stages, records, alone=False)
    return ends - starts, np.diff(streamed)


def work(network: Network, mapping: Mapping, run: Run) -> np.ndarray:
    """Count the cycles in which each layer adds, of whole samples, int64 (layers, samples).

    A row of every event, as often as its value says; of lines, of every input with an event in the
    window of a step; times taps and folds. No sample is quicker than its busiest layer, unless it
    is decided early: what comes behind the decision is not added.

    Parameters
    ----------
    network : Network
    mapping : Mapping
    run : Run
        Recorded.
    """
    unrolled = [layer.unrolled() for layer in network.layers]
    inputs = _inputs(run, unrolled)
    layers = zip(inputs, unrolled, mapping.units, strict=True)
    return np.array([engine(layer, unit).work(s) for s, layer, unit in layers])


def _inputs(run: Run, unrolled: Sequence[Layer]) -> Iterator[np.ndarray]:
    """Give the input of each layer (steps, samples, inputs), the spikes that come back with it."""
    assert run.input is not None
    for s, own, layer in zip([run.input, *run.spikes[:-1]], run.spikes, unrolled, strict=True):
        if layer.synapses.pre == s.shape[-1]:
            yield s
        else:
            yield np.concatenate([s, np.concatenate([own[:1] & False, own[:-1]])], axis=-1)


def reached(s: np.ndarray, window: int) -> np.ndarray:
    """Count the inputs that have an event in the window of each step.

    Parameters
    ----------
    s : (steps, ..., inputs)
    window : int

    Returns
    -------
    int64 (steps, ...)
    """
    return in_window(s, window).sum(axis=-1)
