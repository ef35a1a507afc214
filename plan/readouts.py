"""Readouts by kind: what each says of its cycles (rtl/readouts/)."""

from dataclasses import dataclass

from .stages import EVERY, FINAL, SPIKES

__all__ = ["READOUTS", "Timing"]


@dataclass(frozen=True, slots=True)
class Timing:
    """The timing of a readout.

    Parameters
    ----------
    settling : int
        Cycles from the scan of a step to what it decides.
    worth, parts : EVERY, SPIKES or FINAL
        Which items are worth a scan; where a step comes in several.
    early : bool
        Whether a step with a spike decides, not the last one alone.
    """

    settling: int
    worth: int = EVERY
    parts: int = EVERY
    early: bool = False


READOUTS = {
    # The later parts of a step are not known yet.
    "first-spike": Timing(2, worth=SPIKES, early=True),
    # One cycle more where scores build on those of the steps before.
    "weighted-sum": Timing(3),
    "spike-count": Timing(3),
    "max-membrane": Timing(3),
    "final-membrane": Timing(2, worth=FINAL, parts=FINAL),
}
