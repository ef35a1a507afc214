"""Readouts: from the spikes and membranes of the last layer to a class.

    kind            score[c]                              step of decision
    first-spike     h[c] at the step of decision          the first step with a spike, else T - 1
    weighted-sum    sum over t of w[t] * h[c, t]          T - 1
    spike-count     number of spikes of c                 T - 1
    max-membrane    maximum over t of h[c, t]             T - 1
    final-membrane  h[c, T - 1]                           T - 1

The class of the largest score wins, the lowest index where scores are equal. With first-spike only
the classes that spike at the step of decision take part (all of them where none ever spikes):
earliest step, then higher membrane at that step, then lowest index.

Source: temporal weighting: "Efficiently training time-to-first-spike spiking neural networks from
scratch" (arXiv 2410.23619); with one spike per class and falling w, the earliest spike wins
whatever w is.
"""

from dataclasses import dataclass

import numpy as np

from ..refuse import Refused, integers

__all__ = ["KINDS", "Decision", "Readout"]

KINDS = ("first-spike", "weighted-sum", "spike-count", "max-membrane", "final-membrane")


@dataclass(frozen=True, slots=True, eq=False)
class Decision:
    """Decisions: `label` and `step` int64 (samples,), `score` int64 (samples, classes)."""

    label: np.ndarray
    step: np.ndarray
    score: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class Readout:
    """A rule of decision.

    Parameters
    ----------
    kind : one of `KINDS`
    weights : int (steps,) or None
        w of the weighted sum.
    """

    kind: str = "first-spike"
    weights: np.ndarray | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise Refused(f"Readout kind must be one of {', '.join(KINDS)}, not {self.kind!r}")
        if (self.kind == "weighted-sum") != (self.weights is not None):
            raise Refused("Readout weights must be given for weighted-sum and for nothing else")
        if self.weights is not None:
            weights = integers("Readout weights", self.weights, ("steps",), 32)
            object.__setattr__(self, "weights", weights)

    @property
    def early(self) -> bool:
        """Whether a decision can fall before the last step."""
        return self.kind == "first-spike"

    def decide(self, s: np.ndarray, h: np.ndarray) -> Decision:
        """Decide a batch.

        Parameters
        ----------
        s : bool (steps, samples, classes)
        h : int64 (steps, samples, classes)
        """
        steps, samples, _ = h.shape
        step = np.full(samples, steps - 1)
        if self.kind == "first-spike":
            fires = s.any(axis=2)
            step = np.where(fires.any(axis=0), fires.argmax(axis=0), steps - 1)
            row = np.arange(samples)
            score, spike = h[step, row], s[step, row]
            takes_part = spike | ~spike.any(axis=1, keepdims=True)
            label = np.where(takes_part, score, np.iinfo(np.int64).min).argmax(axis=1)
            return Decision(label, step, score)
        if self.kind == "weighted-sum":
            assert self.weights is not None
            score = np.tensordot(self.weights.astype(np.int64), h, axes=(0, 0))
        elif self.kind == "spike-count":
            score = s.sum(axis=0, dtype=np.int64)
        elif self.kind == "max-membrane":
            score = h.max(axis=0)
        else:
            score = h[-1]
        return Decision(score.argmax(axis=1), step, score)
