"""The engine of delay lines; its source of terms is rtl/synapses/gather.py."""

from dataclasses import dataclass

import numpy as np

from ...model.network import Network
from ..stages import Line as Stage
from ..stages import Stages
from ..taps import merged
from .engine import Engine

__all__ = ["Line", "in_window"]


@dataclass(frozen=True, slots=True)
class Line(Engine):
    """In each step, the rows of all inputs that have an event in the window."""

    kind = "line"
    latency = 5
    keeps = "line"
    apart = True

    @classmethod
    def serves(cls, network: Network, name: str) -> bool:
        """Whether something is delayed."""
        return merged(network, name).delayed

    def before(self, stages: Stages, source: int) -> int:
        return stages.add(Stage(source, self.taps.pre, self.taps.window))

    def rows(self, s: np.ndarray) -> np.ndarray:
        return in_window(s, self.taps.window)


def in_window(s: np.ndarray, window: int) -> np.ndarray:
    """Tell which inputs have an event in the window of each step, bool.

    Parameters
    ----------
    s : (steps, ..., inputs)
    window : int
    """
    seen = s != 0
    return np.array([seen[max(t + 1 - window, 0) : t + 1].any(axis=0) for t in range(len(s))])
