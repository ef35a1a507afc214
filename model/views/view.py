"""What every view is."""

from typing import ClassVar, Protocol, runtime_checkable

import numpy as np

from ..values import Values

__all__ = ["View"]


@runtime_checkable
class View(Protocol):
    """A kind of view: a frozen dataclass, whose fields go into the network file.

    Attributes
    ----------
    kind : str
        Its name in the network file.
    """

    kind: ClassVar[str]

    def size(self, pre: int) -> int:
        """Count the addresses behind the view of `pre`; refuse where it does not fit."""
        ...

    def values(self, values: Values) -> Values:
        """Tell what an address behind the view may be."""
        ...

    def table(self, pre: int) -> np.ndarray:
        """Tell where each of `pre` addresses is moved, int64 (pre, n); below 0 it is dropped.

        An event becomes n events, one after another in this order, or none.
        """
        ...

    def apply(self, s: np.ndarray) -> np.ndarray:
        """Look at events (..., pre) through the view, (..., size(pre))."""
        ...
