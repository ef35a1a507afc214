"""First spike, see model/readouts/first_spike.py, and its threshold."""

import numpy as np
import torch
from torch import Tensor

from ...model.readouts import first_spike as golden
from .protocol import Readout, lowest_best

__all__ = ["FirstSpike", "choose_threshold"]


class FirstSpike(Readout):
    """Decides at the first step with a spike."""

    loss = "every"

    def decide(self, s: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        """Decide a batch."""
        fires, row = s.bool().any(2), torch.arange(s.shape[1], device=h.device)
        step = torch.where(fires.any(0), fires.int().argmax(0), len(h) - 1)
        spike = s[step, row].bool()
        takes_part = spike | ~spike.any(1, keepdim=True)
        return lowest_best(h[step, row].masked_fill(~takes_part, -torch.inf)), step

    def logits(self, s: Tensor, h: Tensor, unit: float) -> Tensor:
        """Give the mean membrane over the steps: who rises first has more of it."""
        return h.mean(0) / unit


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
    steps_used : float, mean of the steps up to the decision, it included
    """
    rule, tried = golden.FirstSpike(), []
    # Decisions change only where a threshold passes what the largest membrane of a step is.
    largest = np.unique(h.max(axis=2))
    for theta in (1, *(largest[(largest >= 1) & (largest < h.max())] + 1).tolist()):
        found = rule.decide(h >= theta, h)
        tried.append((theta, float((found.label == y).mean()), float(found.step.mean()) + 1))
    allowed = [x for x in tried if x[2] <= steps] or tried
    best = max(accuracy for _, accuracy, _ in allowed)
    good = [x for x in allowed if x[1] >= best - slack]
    return min(good, key=lambda x: (x[2], -x[1]))
