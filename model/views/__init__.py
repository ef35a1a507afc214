"""Views: maps of addresses without weights, between a source and the synapses that it feeds.

A new kind is a file here and one in rtl/views, and a line in `KINDS` of both.
"""

from .channels_last import ChannelsLast
from .crop import Crop
from .flatten import Flatten
from .pool import Pool
from .repeat import Repeat
from .view import View

__all__ = ["KINDS", "View"]

KINDS: dict[str, type[View]] = {
    kind.kind: kind for kind in (Crop, Flatten, ChannelsLast, Pool, Repeat)
}
