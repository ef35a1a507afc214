"""What a recipe is."""

from dataclasses import dataclass

from ...model.check import instance, word
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

    def __post_init__(self) -> None:
        word("Recipe name", self.name)
        word("Recipe data", self.data)
        instance("Recipe architecture", self.architecture, Architecture, "an Architecture")
        instance("Recipe training", self.training, Training, "a Training")
