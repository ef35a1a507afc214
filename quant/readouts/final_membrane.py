"""Final membrane, see model/readouts/final_membrane.py."""

from torch import Tensor

from .protocol import Scored

__all__ = ["FinalMembrane"]


class FinalMembrane(Scored):
    """Scores by the membrane of the last step."""

    loss = "final"

    def score(self, s: Tensor, h: Tensor) -> Tensor:
        """Score each class."""
        return h[-1]
