"""What a source of events declares, and what proofs of widths rely on."""

from dataclasses import dataclass

__all__ = ["Values"]


@dataclass(frozen=True, slots=True)
class Values:
    """The events of one source: an input, or a layer of neurons.

    Parameters
    ----------
    limit : int
        Largest value of one address in one step.
    total : int or None
        Largest sum of the values of one address over a sample; None is no bound but steps x limit.
    constant : bool
        Whether every step brings what the first one did.
    """

    limit: int
    total: int | None = None
    constant: bool = False

    def __add__(self, other: "Values") -> "Values":
        """Give the values of two sources whose events meet at the same addresses."""
        both = None not in (self.total, other.total)
        return Values(
            self.limit + other.limit,
            (self.total or 0) + (other.total or 0) if both else None,
            self.constant and other.constant,
        )
