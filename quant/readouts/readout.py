"""Readouts while training: logits and losses; the decision in torch is the model's.

    loss            what is made small
    hazard          -log sum over t of w[t] P(first spike at t is of the label's class): at each
                    step a softmax over the membranes and, against them, the threshold; at T - 1
                    without it
    spikes          cross-entropy of sum over t of w[t] s[c, t]
    weighted        cross-entropy of sum over t of w[t] h[c, t] / sum of w
    every           mean over t of w[t] times the cross-entropy of the membranes at t
    count, final, maximum    cross-entropy of the spike count, the last and the largest membrane

w is the temporal weighting, 1 at first: linear (T - t) / T, exponential gamma**-t, or even.

Source: temporal weighting: arXiv 2410.23619, equations 20-24 (as others read them). The hazard loss
is this project's.
"""

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, nll_loss

from ...model.readouts import readout as golden
from ...model.refuse import Refused

__all__ = ["LOSSES", "choose_threshold", "crowd", "decide", "loss", "weighting"]

LOSSES = ("hazard", "spikes", "weighted", "every", "count", "final", "maximum")
SHARP = 5.0  # logits per spike


def weighting(kind: str, steps: int, gamma: float = 2.0) -> np.ndarray:
    """Weigh the steps, float64 (steps,), the first by 1: `linear`, `exponential` or `even`."""
    t = np.arange(steps)
    if kind == "linear":
        return (steps - t) / steps
    if kind == "exponential":
        return gamma ** -t.astype(float)
    if kind == "even":
        return np.ones(steps)
    raise Refused(f"Temporal weighting must be linear, exponential or even, not {kind!r}")


def loss(
    kind: str, s: Tensor, h: Tensor, y: Tensor, *, scale: float, theta: Tensor | None, w: Tensor
) -> Tensor:
    """Measure how wrong the last layer is.

    Parameters
    ----------
    kind : one of `LOSSES`
    s, h : (steps, samples, classes)
        Spikes and membranes; whole numbers.
    y : int64 (samples,), labels
    scale : float
        What a membrane is multiplied by to be a logit.
    theta : (1,) or None
        Threshold of the first spike, as a whole number; `hazard` must have one.
    w : (steps,), temporal weighting
    """
    steps = len(h)
    if kind == "hazard" and theta is not None:
        logits = h * scale
        wait = (theta * scale).expand(*h.shape[:2], 1)
        p = torch.cat([logits, wait], 2)[:-1].log_softmax(2)
        p = torch.cat([p, torch.cat([logits[-1:].log_softmax(2), wait[-1:]], 2)])
        waited = torch.cat([torch.zeros_like(p[:1, :, -1]), p[:-1, :, -1].cumsum(0)])
        right = p.gather(2, y.expand(steps, -1)[:, :, None])[:, :, 0]
        return -(right + waited + w.log()[:, None]).logsumexp(0).mean()
    if kind == "every":
        p = (h * scale).log_softmax(2).flatten(0, 1)
        each = nll_loss(p, y.repeat(steps), reduction="none").view(steps, -1).mean(1)
        return (each * w).sum() / w.sum()
    if kind == "spikes":
        return cross_entropy((s * w[:, None, None]).sum(0) * SHARP, y)
    if kind == "weighted":
        return cross_entropy((h * w[:, None, None]).sum(0) * (scale / w.sum()), y)
    if kind == "count":
        return cross_entropy(s.sum(0) * (SHARP / steps), y)
    if kind == "final":
        return cross_entropy(h[-1] * scale, y)
    if kind == "maximum":
        return cross_entropy(h.max(0).values * scale, y)
    raise Refused(f"Loss must be one of {', '.join(LOSSES)}, not {kind!r}")


def crowd(events: Tensor, spikes: list[Tensor], spare: int) -> Tensor:
    """Measure by how many cycles hidden spikes that wait in line delay the answer, beyond `spare`.

    One event is added per cycle and layer. Spikes of step t queue behind those before them, beside
    the input events of the steps to come, so the sample ends late by the largest of: spikes since
    t, less input events since t + 1.

    Parameters
    ----------
    events : (steps, samples), input events
    spikes : per hidden layer (steps, samples, neurons)
    spare : int, cycles
    """
    after = _since(events) - events
    waits = [(_since(s.sum(2)) - after).max(0).values for s in spikes]
    return sum(((w - spare).relu().mean() for w in waits), events.new_zeros(()))


def _since(x: Tensor) -> Tensor:
    return x.flip(0).cumsum(0).flip(0)


def decide(readout: golden.Readout, s: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
    """Decide a batch as model/readouts/readout.py does.

    Parameters
    ----------
    s, h : (steps, samples, classes)
        Spikes of each step, and membranes.

    Returns
    -------
    label, step : int64 (samples,)
    """
    steps, samples, _ = h.shape
    step = torch.full((samples,), steps - 1, device=h.device)
    if readout.kind == "first-spike":
        fires = s.bool().any(2)
        step = torch.where(fires.any(0), fires.int().argmax(0), step)
        row = torch.arange(samples, device=h.device)
        spike = s[step, row].bool()
        takes_part = spike | ~spike.any(1, keepdim=True)
        score = h[step, row].masked_fill(~takes_part, -torch.inf)
    elif readout.kind == "weighted-sum":
        assert readout.weights is not None
        w = torch.from_numpy(readout.weights.astype(np.float64)).to(h)
        score = (h * w[:, None, None]).sum(0)
    elif readout.kind == "spike-count":
        score = s.sum(0)
    else:
        score = h.max(0).values if readout.kind == "max-membrane" else h[-1]
    return lowest_best(score), step


def lowest_best(score: Tensor) -> Tensor:
    """Find the lowest index of the largest score; torch's argmax does not promise it."""
    classes = torch.arange(score.shape[1], device=score.device)
    best = score == score.max(1, keepdim=True).values
    return torch.where(best, classes, score.shape[1]).min(1).values


def choose_threshold(
    h: np.ndarray, y: np.ndarray, *, slack: float, steps: float
) -> tuple[int, float, float]:
    """Choose the one threshold of the output layer for first-spike, on held-out data.

    Of the thresholds that use at most `steps` steps on average (of all where none does) and whose
    accuracy is at most `slack` below the best one's of these, the one that decides earliest.

    Parameters
    ----------
    h : int (steps, samples, classes)
    y : int (samples,)

    Returns
    -------
    threshold : int
    accuracy : float
    used : float, mean steps used (index + 1)
    """
    rule, tried = golden.Readout("first-spike"), []
    for theta in range(1, max(1, int(h.max())) + 1):
        found = rule.decide(h >= theta, h)
        tried.append((theta, float((found.label == y).mean()), float(found.step.mean()) + 1))
    allowed = [x for x in tried if x[2] <= steps] or tried
    best = max(accuracy for _, accuracy, _ in allowed)
    good = [x for x in allowed if x[1] >= best - slack]
    return min(good, key=lambda x: (x[2], -x[1]))
