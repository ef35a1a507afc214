"""Timing of the readouts: what the hardware is built by and its cycles are predicted by.

A readout that scores classes (rtl/readouts/scan.py) takes an item of the last layer in the cycle
`at` and is free for the next from

    at + 1                      an item that is not worth a scan, or of a sample that is decided
    ... + scan                  one that is worth it; scan = sweep / `scanned`
    ... + scan + settling + 1   one that is and ends its step
    ... and classes + 1 more    where that step decides

The first word of the result is offered at the port from ``at + scan + settling + 2`` on, and
`decided` counts it from the same cycle on. It ends the sample's cycles.

`membranes` takes an item in the cycle `at` and is free from ``at + 1`` on; with an item of the last
step, from ``at + 1 + n`` on for the n neurons in it, and one more for the first one (position 0),
before whose neurons go the cycles: they are the first word, offered at the port from ``at + 2`` on,
and end the sample's.

`spikes` takes serial events, as another layer would, of an engine that hands on what is not empty.
It takes one in the cycle `at` in which it is offered, ``at + 1`` if it is both a spike and the end
of the sample, and is free in the next. The last word, which ends the sample's cycles, is offered at
the port the cycle after the end is taken.
"""

from dataclasses import dataclass
from typing import ClassVar, Protocol

from ..model.readouts import protocol as golden
from .stages import EVERY, FINAL, SPIKES, Membranes, Readout, Spikes, Stage
from .unit import Unit

__all__ = ["KINDS", "Scan", "Send", "Stream", "Timing", "scanned", "timing"]


class Timing(Protocol):
    """Timing of a readout.

    Attributes
    ----------
    measures : bool
        Whether every vector of the last layer comes, with its membranes, rather than its spikes one
        by one, as another layer would take them.
    """

    measures: ClassVar[bool]

    def stage(self, source: int, unit: Unit, classes: int) -> Stage:
        """Make the stage of the readout; it takes the items of the stage `source`."""
        ...


@dataclass(frozen=True, slots=True)
class Scan:
    """Timing of a readout that scores classes.

    Attributes
    ----------
    builds : bool
        Whether scores build on those of the steps before: these are compared a cycle later.
    early : bool
        Whether the first step with a spike decides. Where a step is one item, those without a
        spike are not worth a scan, but the last.
    final : bool
        Whether the items of the last step alone are worth a scan.
    """

    measures: ClassVar[bool] = True

    builds: bool = True
    early: bool = False
    final: bool = False

    @property
    def settling(self) -> int:
        """Cycles from the scan of a step to what it decides."""
        return 2 + self.builds

    def stage(self, source: int, unit: Unit, classes: int) -> Stage:
        """Make the stage of the readout."""
        worth = EVERY
        if self.final:
            worth = FINAL
        elif self.early and unit.folds * unit.groups == 1:
            worth = SPIKES
        return Readout(
            source,
            worth,
            scan=unit.sweep // scanned(unit),
            settling=self.settling,
            sends=classes + 1,
            early=self.early,
        )


@dataclass(frozen=True, slots=True)
class Send:
    """Timing of a readout that sends the membranes of the last step as they come."""

    measures: ClassVar[bool] = True

    def stage(self, source: int, unit: Unit, classes: int) -> Stage:
        """Make the stage of the readout."""
        return Membranes(source, classes, unit.sweep)


@dataclass(frozen=True, slots=True)
class Stream:
    """Timing of a readout that passes on every spike."""

    measures: ClassVar[bool] = False

    def stage(self, source: int, unit: Unit, classes: int) -> Stage:
        """Make the stage of the readout."""
        return Spikes(source)


KINDS: dict[str, Timing] = {
    "first-spike": Scan(builds=False, early=True),
    "weighted-sum": Scan(),
    "spike-count": Scan(),
    "max-membrane": Scan(),
    "final-membrane": Scan(builds=False, final=True),
    "spikes": Stream(),
    "membranes": Send(),
}


def timing(readout: golden.Readout) -> Timing:
    """Find the timing of a readout."""
    return KINDS[readout.kind]


def scanned(unit: Unit) -> int:
    """Classes that the readout scores in one cycle."""
    return 2 if unit.sweep % 2 == 0 else 1
