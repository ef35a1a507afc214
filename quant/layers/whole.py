"""What every whole layer is that is yet to be made for what feeds it."""

from abc import ABC, abstractmethod
from typing import ClassVar

from ..neurons import NeuronsSpec
from ..synapses import SynapsesSpec

__all__ = ["WholeSpec"]


class WholeSpec(ABC):
    """A kind of whole layer: a frozen dataclass that stands for synapses and neurons at once.

    Attributes
    ----------
    kind : str
        Its name in recipes.
    synapses : SynapsesSpec
    neuron : NeuronsSpec
    """

    __slots__ = ()
    kind: ClassVar[str]

    @property
    @abstractmethod
    def synapses(self) -> SynapsesSpec: ...

    @property
    @abstractmethod
    def neuron(self) -> NeuronsSpec: ...
