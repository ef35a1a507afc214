"""A range of addresses, in gates. The law is in model/views/crop.py."""

from amaranth.hdl import Const, Value

from .view import View

__all__ = ["Crop"]


class Crop(View):
    """Passes the events of a range on, numbered from 0."""

    def move(self, digits: dict[str, Value]) -> tuple[Value, Value]:
        address = digits["address"]
        first, end = self.golden.start, self.golden.start + self.golden.count
        inside: Value = Const(1)
        if first:
            inside = inside & (address >= first)
        if end < self.pre:
            inside = inside & (address < end)
        return inside, address - first
