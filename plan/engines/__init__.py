"""Engines: how the terms of a layer's taps are found, and what that costs.

A new one is a file here, one of the same name in rtl/synapses, and a line in `ENGINES` and in
rtl/synapses `SOURCES`.
"""

from .conv import Conv
from .dense import Dense
from .engine import Engine
from .line import Line
from .map_line import MapLine
from .map_wheel import MapWheel
from .spaced import Spaced
from .wheel import Wheel

__all__ = ["ENGINES", "Engine"]

# Of those that serve a layer, and keep no delays or are asked for, the last one is taken.
ENGINES: dict[str, type[Engine]] = {
    kind.kind: kind for kind in (Dense, Line, Wheel, Conv, Spaced, MapLine, MapWheel)
}
