"""What a recipe is."""

from dataclasses import dataclass

from ..architecture import Architecture
from ..training import Training

__all__ = ["Recipe"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """A value that, with data and a seed, makes a trained network.

    Parameters
    ----------
    name : str
    data : str
        Name of the data set, one that ``--dataset`` takes.
    architecture : Architecture
    training : Training
    """

    name: str
    data: str
    architecture: Architecture
    training: Training
