"""Nearest up-sampling, in gates. The law is in model/views/repeat.py."""

from amaranth.hdl import Const, ShapeLike, Value

from ..gates import divided, times
from .view import View

__all__ = ["Repeat"]


class Repeat(View):
    """Moves events to the first place of their block, then to the others."""

    @property
    def offsets(self) -> list[int]:
        return self.golden.offsets

    def digits(self, address: Value) -> dict[str, tuple[ShapeLike, Value]]:
        before = self.golden.before
        place, channel = divided(address, before.channels, self.pre)
        y, x = divided(place, before.columns, before.places)
        return {
            "y": (range(before.rows), y),
            "x": (range(before.columns), x),
            "channel": (range(before.channels), channel),
        }

    def move(self, digits: dict[str, Value]) -> tuple[Value, Value]:
        after, (down, right) = self.golden.after, self.golden.factor
        row = times(digits["y"], down * after.columns * after.channels)
        column = times(digits["x"], right * after.channels)
        return Const(1), row + column + digits["channel"]
