"""Losses: how wrong the spikes and membranes of the last layer are.

    loss            what is made small
    hazard          -log sum over t of w[t] P(first spike at t is of the label's class): at each
                    step a softmax over the membranes and, against them, the threshold; at T - 1
                    without it
    spikes          cross-entropy of sum over t of w[t] s[c, t]
    weighted        cross-entropy of sum over t of w[t] h[c, t] / sum of w
    every           mean over t of w[t] times the cross-entropy of the membranes at t
    count, final, maximum    cross-entropy of the spike count, the last and the largest membrane
    mse             mean squared error of scale times the last membranes
    spikes-mse      mean squared error of the spike counts

The last two are for readouts that give no class: they take targets in place of labels. w is the
temporal weighting, 1 at first: linear (T - t) / T, exponential gamma**-t, or even.

Source: temporal weighting: arXiv 2410.23619, equations 20-24 (as others read them). The hazard loss
is this project's.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, mse_loss, nll_loss

from ...model.check import choice
from ...model.errors import InputError

__all__ = ["LOSSES", "REGRESSION", "WEIGHTINGS", "crowd", "loss", "weighting"]

SHARP = 5.0  # logits per spike


WEIGHTINGS: dict[str, Callable[[np.ndarray, int, float], np.ndarray]] = {
    "even": lambda t, steps, gamma: np.ones(steps),
    "linear": lambda t, steps, gamma: (steps - t) / steps,
    "exponential": lambda t, steps, gamma: gamma ** -t.astype(float),
}


def weighting(kind: str, steps: int, gamma: float = 2.0) -> np.ndarray:
    """Weigh the steps, float64 (steps,), the first by 1, by a kind of `WEIGHTINGS`."""
    known = choice("Temporal weighting", kind, WEIGHTINGS)
    return WEIGHTINGS[known](np.arange(steps), steps, gamma)


@dataclass(frozen=True, slots=True)
class Scene:
    """What a loss may look at, beside spikes and membranes.

    Attributes
    ----------
    y : int64 (samples,), labels; float (samples, neurons), targets of `mse` and `spikes-mse`
    scale : float
        What a membrane is multiplied by to be a logit.
    theta : (1,) or None
        Threshold of the last layer, a whole number.
    w : (steps,), temporal weighting
    """

    y: Tensor
    scale: float
    theta: Tensor | None
    w: Tensor


def _hazard(s: Tensor, h: Tensor, at: Scene) -> Tensor:
    assert at.theta is not None
    logits = h * at.scale
    wait = (at.theta * at.scale).expand(*h.shape[:2], 1)
    p = torch.cat([logits, wait], 2)[:-1].log_softmax(2)
    p = torch.cat([p, torch.cat([logits[-1:].log_softmax(2), wait[-1:]], 2)])
    waited = torch.cat([torch.zeros_like(p[:1, :, -1]), p[:-1, :, -1].cumsum(0)])
    right = p.gather(2, at.y.expand(len(h), -1)[:, :, None])[:, :, 0]
    return -(right + waited + at.w.log()[:, None]).logsumexp(0).mean()


def _every(s: Tensor, h: Tensor, at: Scene) -> Tensor:
    p = (h * at.scale).log_softmax(2).flatten(0, 1)
    each = nll_loss(p, at.y.repeat(len(h)), reduction="none").view(len(h), -1).mean(1)
    return (each * at.w).sum() / at.w.sum()


def _spikes(s: Tensor, h: Tensor, at: Scene) -> Tensor:
    return cross_entropy((s * at.w[:, None, None]).sum(0) * SHARP, at.y)


def _weighted(s: Tensor, h: Tensor, at: Scene) -> Tensor:
    return cross_entropy((h * at.w[:, None, None]).sum(0) * (at.scale / at.w.sum()), at.y)


def _count(s: Tensor, h: Tensor, at: Scene) -> Tensor:
    return cross_entropy(s.sum(0) * (SHARP / len(h)), at.y)


def _final(s: Tensor, h: Tensor, at: Scene) -> Tensor:
    return cross_entropy(h[-1] * at.scale, at.y)


def _maximum(s: Tensor, h: Tensor, at: Scene) -> Tensor:
    return cross_entropy(h.max(0).values * at.scale, at.y)


def _mse(s: Tensor, h: Tensor, at: Scene) -> Tensor:
    return _error(h[-1] * at.scale, at.y)


def _spikes_mse(s: Tensor, h: Tensor, at: Scene) -> Tensor:
    return _error(s.sum(0), at.y)


def _error(found: Tensor, wanted: Tensor) -> Tensor:
    if found.shape != wanted.shape:
        shape, other = tuple(found.shape), tuple(wanted.shape)
        raise InputError(f"Targets must have the shape {shape}, one per neuron, not {other}")
    return mse_loss(found, wanted)


LOSSES: dict[str, Callable[[Tensor, Tensor, Scene], Tensor]] = {
    "hazard": _hazard,
    "spikes": _spikes,
    "weighted": _weighted,
    "every": _every,
    "count": _count,
    "final": _final,
    "maximum": _maximum,
    "mse": _mse,
    "spikes-mse": _spikes_mse,
}


# Those that compare with targets, real numbers, instead of labels.
REGRESSION = ("mse", "spikes-mse")
# Those that look at spikes, so the last layer must fire.
FIRING = ("hazard", "spikes", "count")


def loss(
    kind: str, s: Tensor, h: Tensor, y: Tensor, *, scale: float, theta: Tensor | None, w: Tensor
) -> Tensor:
    """Measure how wrong the last layer is.

    Parameters
    ----------
    kind : one of `LOSSES`
    s, h : (steps, samples, classes)
        Spikes and membranes; whole numbers.
    y : int64 (samples,), labels, or float (samples, neurons), targets
    scale, theta, w : as of `Scene`; losses of spikes must have a threshold
    """
    if kind == "hazard" and theta is not None and theta.numel() > 1:
        raise InputError("Loss hazard must have one threshold for all neurons of the last layer")
    if choice("Loss", kind, LOSSES) in FIRING and theta is None:
        raise InputError(f"Loss {kind} must have a threshold of the last layer")
    return LOSSES[kind](s, h, Scene(y, scale, theta, w))


def crowd(events: Tensor, spikes: list[Tensor], allowance: int) -> Tensor:
    """Measure by how many cycles beyond `allowance` waiting hidden spikes delay the answer.

    One event is added per cycle and layer. Spikes of step t queue behind those before them, beside
    the input events of the steps to come, so the sample ends late by the largest of: spikes since
    t, less input events since t + 1.

    Parameters
    ----------
    events : (steps, samples), input events
    spikes : per hidden layer (steps, samples, neurons)
    allowance : int, cycles
    """
    after = _since(events) - events
    waits = [(_since(s.sum(2)) - after).max(0).values for s in spikes]
    return sum(((w - allowance).relu().mean() for w in waits), events.new_zeros(()))


def _since(x: Tensor) -> Tensor:
    return x.flip(0).cumsum(0).flip(0)
