"""Codings: from samples to input events, in integers.

A coding turns a batch of samples into an array ``s`` (steps, samples, inputs) of small non-negative
integers, and declares in `values` what a layer may rely on when it proves its widths. A new one is
a file here and a line in `KINDS`; quant/codings has its twin where training needs another form of
it, rtl/codings where the hardware encodes by itself.
"""

from typing import ClassVar, Protocol, runtime_checkable

import numpy as np

from ..values import Values
from .counts import Counts
from .graded import Graded
from .latency import Latency

__all__ = ["KINDS", "Coding"]


@runtime_checkable
class Coding(Protocol):
    """What every coding is: a frozen dataclass, whose fields go into the network file.

    Attributes
    ----------
    kind : str
        Its name in the network file.
    packs : bool
        Whether the hardware can take pixels and encode them itself (rtl/codings).
    counted : bool
        Whether samples are counts of events, by bin and input, and not pixels.
    """

    kind: ClassVar[str]
    packs: ClassVar[bool]
    counted: ClassVar[bool]

    @property
    def values(self) -> Values:
        """What an input may be."""
        ...

    def encode(self, samples: np.ndarray, steps: int, inputs: int) -> np.ndarray:
        """Encode samples as the events of every step, uint8 (steps, samples, inputs)."""
        ...


KINDS: dict[str, type[Coding]] = {kind.kind: kind for kind in (Latency, Graded, Counts)}
