"""Evaluation: what a network decides on a data set, by every readout, and what early exit costs."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ...model.errors import InputError
from ...model.network import Network, Run, batches
from ...model.readouts import KINDS
from ...model.readouts.final_membrane import FinalMembrane
from ...model.readouts.protocol import Readout

__all__ = ["evaluate"]


def evaluate(
    network: Network, x: np.ndarray, y: np.ndarray, tick: Callable[[int], object] | None = None
) -> dict[str, Any]:
    """Run the golden model over samples.

    Returns
    -------
    dict
        ``samples, accuracy``; ``readouts``: the accuracy by every readout the last layer allows
        (where the network has no weights of its own, the weighted sum takes T - t); ``steps`` T;
        ``early_exit``, None where only the last step decides; ``input_spikes, hidden_spikes,
        hidden_spikes_decided``: means per sample, the last one up to the step of decision.
        ``early_exit``: ``same``, how many decisions made from the steps up to the decision alone
        equal those of the full run; ``mean_step``, from 0; ``mean_steps_used``, the same and one;
        ``used``, that as a share of T; ``final_membrane``, the accuracy of the largest final
        membrane; ``loss``, that minus the accuracy.
    """
    if not network.readout.classifies:
        raise InputError(f"Network readout must give a class, not {network.readout.kind}")
    readouts = _readouts(network)
    right = dict.fromkeys(readouts, 0)
    same = 0
    hits, steps, spikes = [], [], []
    if not len(x):
        raise InputError("Samples must number at least one, not 0")
    for xs, ys in zip(batches(x, 500), batches(y, 500), strict=True):
        run = network.run(xs, record=True)
        s, h = run.spikes[network.output], run.membranes[network.output]
        for kind, readout in readouts.items():
            right[kind] += int((readout.decide(s, h).label == ys).sum())
        hits.append(run.decision.label == ys)
        steps.append(run.decision.step)
        spikes.append(_spikes(network, run))
        same += int((_early(network, run) == run.decision.label).sum())
        if tick:
            tick(len(xs))
    step, total = np.concatenate(steps), len(x)
    accuracy, final = float(np.concatenate(hits).mean()), right[FinalMembrane.kind] / total
    before, hidden, decided = np.concatenate(spikes, axis=1).mean(axis=1)
    return {
        "samples": total,
        "accuracy": accuracy,
        "readout": network.readout.kind,
        "readouts": {kind: n / total for kind, n in right.items()},
        "steps": network.steps,
        "early_exit": {
            "same": same,
            "mean_step": round(float(step.mean()), 4),
            "mean_steps_used": round(float(step.mean()) + 1, 4),
            "used": round((float(step.mean()) + 1) / network.steps, 4),
            "final_membrane": final,
            "loss": round(final - accuracy, 6),
        }
        if network.readout.early
        else None,
        "input_spikes": round(float(before), 2),
        "hidden_spikes": round(float(hidden), 2),
        "hidden_spikes_decided": round(float(decided), 2),
    }


def _readouts(network: Network) -> dict[str, Readout]:
    fires = network.last.neuron.fires
    allowed = [of for of in KINDS.values() if of.classifies and (fires or not of.needs_threshold)]
    found = {of.kind: of.default(network.steps) for of in allowed}
    return found | {network.readout.kind: network.readout}


def _early(network: Network, run: Run) -> np.ndarray:
    """Decide each sample from its steps up to the decision alone; returns labels (samples,)."""
    labels, output = run.decision.label.copy(), network.output
    for t in np.unique(run.decision.step):
        chosen = run.decision.step == t
        s, h = run.spikes[output][: t + 1, chosen], run.membranes[output][: t + 1, chosen]
        labels[chosen] = network.readout.decide(s, h).label
    return labels


def _spikes(network: Network, run: Run) -> np.ndarray:
    """Count spikes (3, samples): of the inputs, hidden, and hidden up to the decision."""
    until = np.arange(network.steps)[:, None] <= run.decision.step
    hidden = (s.sum(axis=2) for name, s in run.spikes.items() if name != network.output)
    per_step = sum(hidden, np.zeros(until.shape, np.int64))
    return np.array([run.events, per_step.sum(axis=0), (per_step * until).sum(axis=0)])
