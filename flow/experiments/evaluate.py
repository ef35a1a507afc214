"""Evaluation: what a network decides on a data set, by every readout, and what early exit costs; or
how far what it gives is from targets."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ...model.answers import answers, suit
from ...model.check import array
from ...model.errors import InputError
from ...model.network import Network, Run, batches
from ...model.readouts import KINDS
from ...model.readouts.final_membrane import FinalMembrane
from ...model.readouts.protocol import Readout
from ..zoo.zoo import checked_scale

__all__ = ["errors", "evaluate"]


def evaluate(
    network: Network,
    x: np.ndarray,
    y: np.ndarray,
    on_progress: Callable[[int], object] | None = None,
    *,
    scale: float | None = None,
) -> dict[str, Any]:
    """Run the golden model over samples.

    Parameters
    ----------
    network : Network
    x : (samples, ...), what its coding takes
    y : labels int (samples,), or targets float (samples, outputs), for networks without classes
    on_progress : callable, called with the number of samples done
    scale : float
        The integer output for a target of 1, where `y` are targets: predictions are the output
        divided by it.

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

        Without classes ``accuracy`` is None and ``readouts`` is empty; with targets there are
        ``scale``; ``outputs``: of each one ``mse``, mean squared error, and ``r2``, the share of
        the targets' variance that is explained, None where they have none; ``mse, r2``, the means.
    """
    x = array("Samples", x)
    y = answers(y, len(x) if x.ndim else 0)
    suit(y, network.classes, network.readout.classifies)
    if not len(x):
        raise InputError("Samples must number at least one, not 0")
    classifies, targets = network.readout.classifies, y.dtype.kind == "f"
    if targets:
        if scale is None:
            raise InputError(
                "Scale must be given (--scale X) for targets: the integer output for a target of 1"
            )
        scale = checked_scale(scale)
    readouts = _readouts(network) if classifies else {}
    right = dict.fromkeys(readouts, 0)
    same = 0
    labels, steps, spikes, scores = [], [], [], []
    for xs in batches(x, 500):
        run = network.run(xs, record=True)
        ys = y[sum(map(len, labels)) :][: len(xs)]
        s, h = run.spikes[network.output], run.membranes[network.output]
        for kind, readout in readouts.items():
            right[kind] += int((readout.decide(s, h).label == ys).sum())
        labels.append(run.decision.label)
        steps.append(run.decision.step)
        spikes.append(_spikes(network, run))
        scores.append(run.decision.score)
        if network.readout.early:
            same += int((_early(network, run) == run.decision.label).sum())
        if on_progress:
            on_progress(len(xs))
    total = len(x)
    accuracy = float((np.concatenate(labels) == y).mean()) if classifies else None
    before, hidden, decided = np.concatenate(spikes, axis=1).mean(axis=1)
    result = {
        "samples": total,
        "accuracy": accuracy,
        "readout": network.readout.kind,
        "readouts": {kind: n / total for kind, n in right.items()},
        "steps": network.steps,
        "early_exit": None,
        "input_spikes": round(float(before), 2),
        "hidden_spikes": round(float(hidden), 2),
        "hidden_spikes_decided": round(float(decided), 2),
    }
    if accuracy is not None and network.readout.early:
        final, step = right[FinalMembrane.kind] / total, float(np.concatenate(steps).mean())
        result["early_exit"] = {
            "same": same,
            "mean_step": round(step, 4),
            "mean_steps_used": round(step + 1, 4),
            "used": round((step + 1) / network.steps, 4),
            "final_membrane": final,
            "loss": round(final - accuracy, 6),
        }
    if targets:
        result |= {"scale": scale} | errors(np.concatenate(scores) / scale, y)
    return result


def errors(predicted: np.ndarray, targets: np.ndarray) -> dict[str, Any]:
    """Measure how far predictions (samples, outputs) are from targets; see `evaluate`."""
    mse = ((predicted - targets) ** 2).mean(axis=0)
    outputs = [
        {"mse": float(e), "r2": 1 - float(e / v) if v else None}
        for e, v in zip(mse, targets.var(axis=0), strict=True)
    ]
    explained = [o["r2"] for o in outputs if o["r2"] is not None]
    return {
        "mse": float(mse.mean()),
        "r2": float(np.mean(explained)) if explained else None,
        "outputs": outputs,
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
