"""Nearest up-sampling, in gates. The law is in model/views/repeat.py."""

from amaranth.hdl import Const, Value

from ..gates import times
from .view import OfMap

__all__ = ["Repeat"]


class Repeat(OfMap):
    """Moves events to the first place of their block, then to the others."""

    @property
    def offsets(self) -> list[int]:
        return self.golden.offsets

    def move(self, digits: dict[str, Value]) -> tuple[Value, Value]:
        after, (down, right) = self.golden.after, self.golden.factor
        row = times(digits["y"], down * after.columns * after.channels)
        column = times(digits["x"], right * after.channels)
        return Const(1), row + column + digits["channel"]
