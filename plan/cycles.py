"""The cycle model: how many cycles every sample takes, exactly.

Two figures per sample: **latency**, from its first beat to its result with the core idle before,
and **interval**, between its result and the one before, back to back; source and sink never stall.
The hardware must meet both exactly.

Every stage of the hardware has its twin in plan/stages.py; plan/kernel.py plays them cycle by
cycle, on the spikes of a recorded run.
"""

import numpy as np

from ..model.network import Network, Run, recorded
from .engines import ENGINES
from .engines.line import in_window
from .layout import INPUT, Layout
from .mapping import Mapping
from .play import play
from .streams import streams

__all__ = ["predict", "reached", "work"]


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
    layout = Layout.of(network, mapping)
    stages, events = streams(layout), layout.sent(recorded(run))
    records = [events, *(run.spikes[name] for name in network.layers)]
    starts, ends = play(stages, records, alone=True)
    _, streamed = play(stages, records, alone=False)
    return ends - starts, np.diff(streamed)


def work(network: Network, mapping: Mapping, run: Run) -> dict[str, np.ndarray]:
    """Count the cycles in which each layer adds, of whole samples, int64 (samples,), by layer.

    A row of every event, as often as its value says; of lines, of every input with an event in the
    window of a step; times taps and folds. What is held, is added once. No sample is quicker than
    its busiest layer, unless it is decided early: what comes behind the decision is not added.

    Parameters
    ----------
    network : Network
    mapping : Mapping
    run : Run
        Recorded.
    """
    layout, found = Layout.of(network, mapping), {}
    events = layout.sent(recorded(run))
    for name, part in layout.parts.items():
        steps, samples = events.shape[:2]
        s = np.zeros((steps, samples, part.taps.pre), np.int64)
        for edge in part.edges:
            seen = events if edge.source == INPUT else run.spikes[edge.source]
            for view in edge.views:
                seen = view.apply(seen)
            place = s[..., edge.base : edge.base + edge.size]
            if edge.back:
                place[1:] += seen[:-1]
            else:
                place += seen
        found[name] = ENGINES[part.unit.engine](part.unit, part.taps).work(s)
    return found


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
