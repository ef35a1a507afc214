"""A map that comes channel by channel, in gates. The law is in model/views/channels_last.py."""

from amaranth.hdl import Const, Value

from ..gates import divided, times
from .view import View

__all__ = ["ChannelsLast"]


class ChannelsLast(View):
    """Moves events from channel * places + place to place * channels + channel."""

    def move(self, address: Value) -> tuple[Value, Value]:
        channels = self.golden.channels
        channel, place = divided(address, self.pre // channels, self.pre)
        return Const(1), times(place, channels) + channel
