"""What every readout is while training: it decides in torch as the one in model/readouts/ does."""

from typing import Any, ClassVar

import torch
from torch import Tensor

__all__ = ["Readout", "Scored", "lowest_best"]


class Readout:
    """What the last layer says; no class, unless a kind decides for one.

    Parameters
    ----------
    golden : the readout of the same kind in model/readouts/

    Attributes
    ----------
    loss : str
        The loss that goes with it, of `LOSSES` in losses.py.
    """

    loss: ClassVar[str]

    def __init__(self, golden: Any) -> None:
        self.golden = golden

    def decide(self, s: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        """Decide a batch.

        Parameters
        ----------
        s, h : (steps, samples, classes)
            Spikes of each step, and membranes.

        Returns
        -------
        label, step : int64 (samples,)
            The label is -1 where the result is no class.
        """
        samples = h.shape[1]
        step = torch.full((samples,), len(h) - 1, device=h.device)
        return torch.full_like(step, -1), step

    def reach(self, membrane: int) -> int:
        """Bound what is computed of membranes up to `membrane`, beyond these."""
        return membrane

    def per_logit(self, unit: float) -> float:
        """Tell how many integers of the score are 1.0 of a logit; `unit` as of `logits`."""
        return unit

    def logits(self, s: Tensor, h: Tensor, unit: float) -> Tensor:
        """Give what a loss compares with targets, real numbers (samples, neurons).

        Parameters
        ----------
        s, h : (steps, samples, neurons)
        unit : float
            Integers of a membrane per real 1.
        """
        return h[-1] / unit


class Scored(Readout):
    """Decides for the largest score at the last step."""

    def score(self, s: Tensor, h: Tensor) -> Tensor:
        """Score each class, (samples, classes)."""
        raise NotImplementedError

    def logits(self, s: Tensor, h: Tensor, unit: float) -> Tensor:
        """Give the scores."""
        return self.score(s, h) / unit

    def decide(self, s: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        """Decide a batch."""
        step = torch.full((h.shape[1],), len(h) - 1, device=h.device)
        return lowest_best(self.score(s, h)), step


def lowest_best(score: Tensor) -> Tensor:
    """Find the lowest index of the largest score; torch's argmax does not promise it."""
    classes = torch.arange(score.shape[1], device=score.device)
    best = score == score.max(1, keepdim=True).values
    return torch.where(best, classes, score.shape[1]).min(1).values
