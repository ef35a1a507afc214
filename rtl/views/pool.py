"""Sum pooling, in gates. The law is in model/views/pool.py."""

from amaranth.hdl import Const, Value

from ..gates import divided, times
from .view import OfMap

__all__ = ["Pool"]


class Pool(OfMap):
    """Moves events to the place of their window; what is left over at the end is dropped."""

    def move(self, digits: dict[str, Value]) -> tuple[Value, Value]:
        before, after, (down, right) = self.golden.before, self.golden.after, self.golden.window
        row, _ = divided(digits["y"], down, before.rows)
        column, _ = divided(digits["x"], right, before.columns)
        inside: Value = Const(1)
        if before.rows % down:
            inside = inside & (row < after.rows)
        if before.columns % right:
            inside = inside & (column < after.columns)
        at = times(times(row, after.columns) + column, after.channels) + digits["channel"]
        return inside, at
