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
from .layout import INPUT, Layout, Part
from .mapping import Mapping
from .pipeline import pause, settles
from .play import play
from .streams import streams

__all__ = ["predict", "reached", "sweeps", "work"]


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
    stages = streams(layout)
    events = layout.sent(recorded(run))
    records = [events]
    for name, part in layout.parts.items():
        s = run.spikes[name]
        if part.unit.places > 1:
            s = np.where(part.unit.order < 0, 0, s[..., part.unit.order]).astype(s.dtype)
        records.append(s)
    for part in layout.parts.values():
        if ENGINES[part.unit.engine].recalls:
            records.append(_arriving(part, run, events).astype(np.uint8))
        if part.skips:
            records.append(np.repeat(_touched(part, run, events), part.unit.groups, axis=-1))
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
    layout = Layout.of(network, mapping)
    events = layout.sent(recorded(run))
    return {
        name: ENGINES[part.unit.engine](part.unit, part.taps).work(_arriving(part, run, events))
        for name, part in layout.parts.items()
    }


def sweeps(network: Network, mapping: Mapping, run: Run) -> dict[str, np.ndarray]:
    """Count the cycles in which each layer sweeps, of whole samples, int64 (samples,), by layer.

    All groups of all folds in every step; where folds are skipped, of those that an event of the
    step reached, and a cycle to look for them. Then a sweep rests until it is written.

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
        unit, (steps, samples) = part.unit, events.shape[:2]
        folds = np.full((steps, samples), unit.folds)
        if part.skips:
            folds = np.maximum(_touched(part, run, events).sum(axis=-1), 1)
        ends = pause(part.layer.neuron, unit, part.skips) + settles(unit, part.skips)
        found[name] = (folds * unit.groups + ends).sum(axis=0)
    return found


def _touched(part: Part, run: Run, events: np.ndarray) -> np.ndarray:
    """Tell which folds of a layer the events of each step reach, bool (steps, samples, folds)."""
    engine = ENGINES[part.unit.engine](part.unit, part.taps)
    return engine.touched(_arriving(part, run, events))


def _arriving(part: Part, run: Run, events: np.ndarray) -> np.ndarray:
    """Sum what comes to the inputs of a layer, int64 (steps, samples, inputs)."""
    s = np.zeros((*events.shape[:2], part.taps.pre), np.int64)
    for edge in part.edges:
        seen = events if edge.source == INPUT else run.spikes[edge.source]
        seen = seen.astype(np.int64)  # as views add events
        for view in edge.views:
            seen = view.apply(seen)
        place = s[..., edge.base : edge.base + edge.size]
        if edge.back:
            place[1:] += seen[:-1]
        else:
            place += seen
    return s


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
