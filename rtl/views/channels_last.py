"""A map that comes channel by channel, in gates. The law is in model/views/channels_last.py."""

from amaranth.hdl import Const, ShapeLike, Value

from ..gates import divided, times
from .view import View

__all__ = ["ChannelsLast"]


class ChannelsLast(View):
    """Moves events from channel * places + place to place * channels + channel."""

    def digits(self, address: Value) -> dict[str, tuple[ShapeLike, Value]]:
        places = self.pre // self.golden.channels
        channel, place = divided(address, places, self.pre)
        return {
            "place": (range(places), place),
            "channel": (range(self.golden.channels), channel),
        }

    def move(self, digits: dict[str, Value]) -> tuple[Value, Value]:
        return Const(1), times(digits["place"], self.golden.channels) + digits["channel"]
