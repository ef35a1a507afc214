"""What every view is that is yet to be made for a map."""

from abc import ABC, abstractmethod
from typing import ClassVar

from ...model.maps import Map
from ...model.views import View

__all__ = ["ViewSpec"]


class ViewSpec(ABC):
    """A kind of view: a frozen dataclass that makes it.

    Attributes
    ----------
    kind : str
        Its name in recipes.
    """

    __slots__ = ()
    kind: ClassVar[str]

    @property
    def scale(self) -> int:
        """How many times as large what the view brings is as what it stands for."""
        return 1

    @abstractmethod
    def build(self, before: Map) -> View:
        """Make the view of a map."""
