"""Views in gates: streams of events whose addresses are mapped. The laws are in model/views.

A view that keeps every address where it is needs no gates. A new kind is a file here and a line in
`KINDS`: a component of a view, the number of addresses before it, and the bits of an event's value.
One that divides addresses is named in plan/pipeline.py `DIVIDING`, and in plan/area.py `DIVISIONS`.
"""

from typing import Any

from .channels_last import ChannelsLast
from .crop import Crop
from .pool import Pool
from .repeat import Repeat

__all__ = ["KINDS"]

KINDS: dict[str, Any] = {
    "channels_last": ChannelsLast,
    "crop": Crop,
    "pool": Pool,
    "repeat": Repeat,
}
