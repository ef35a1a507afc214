"""Sources of terms: where an engine finds what it adds, by the names of plan/engines.

A source is a component of a `Part` and a name for its row memory. Its members are `i` (events in),
`o` (items for the soma), `terms` (of an operation `latency` cycles before), `op` (what the soma
does, unless it is `paced`) and `initialized`. Its attributes are

    walk, limit, bits    what the soma is to expect: the additions of an event (rtl/walk.py), its
                         largest value, and the width of a term
    paced                whether it finds the terms of an end in the cycles behind it,
                         without being told the operation

A new one is a file here and a line in `SOURCES`.
"""

from typing import Any

from .conv import Conv
from .dense import Dense
from .gather import Gather
from .map_line import MapLine
from .map_wheel import MapWheel
from .spaced import Spaced
from .wheel import Wheel

__all__ = ["SOURCES"]

SOURCES: dict[str, Any] = {
    "dense": Dense,
    "wheel": Wheel,
    "line": Gather,
    "conv": Conv,
    "spaced": Spaced,
    "map_line": MapLine,
    "map_wheel": MapWheel,
}
