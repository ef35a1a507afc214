"""The cycle twin of rtl/line.py."""

from typing import Any

import numpy as np

__all__ = ["Line", "reached"]


class Line:
    """Sends the inputs that have an event in the window, then the end (rtl/line.py)."""

    def __init__(self, sink: Any) -> None:
        self.sink = sink
        self.rows = 0  # inputs with an event in the window of the step that is next
        self.free = 0
        self.idle = 0  # the step before is out of the way
        self.moved = 0  # its end moved to the output register
        self.taken = 0  # and was taken from there

    def take_all(self, at: int, events: int, tick: bool, last: bool) -> tuple[int, int]:
        """Take events that move to a register before (`Engine.take_all`)."""
        moved = at
        if events > 1:
            moved = max(at + 1, self.free) + events - 2
            self.free = moved + 1
        return moved, self.take(moved + 1, min(events, 1), tick, last)

    def take(self, at: int, value: Any, tick: bool, last: bool) -> int:
        """Take an item: an event of any value or none, perhaps the end of a step or sample."""
        at = max(at, self.free)
        self.free = at + 1
        if not (tick or last):
            return at
        self.free = max(at + 1, self.idle)
        moved = max(self.free + 3, self.moved)
        if tick and self.rows:
            # Each moves to the output register as the one before is taken.
            moved, self.taken = self.sink.take_all(
                max(moved + 1, self.taken), self.rows, False, False
            )
        self.idle = moved + 1
        self.moved = max(moved + 1, self.taken)
        self.taken = self.sink.take(self.moved + 1, 0, tick, last)
        return at


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
    seen = s != 0
    counts = [seen[max(t + 1 - window, 0) : t + 1].any(axis=0).sum(axis=-1) for t in range(len(s))]
    return np.array(counts)
