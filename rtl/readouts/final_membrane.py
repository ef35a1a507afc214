"""Final membrane, see model/readouts/final_membrane.py."""

from typing import Any

from amaranth.hdl import Value

from .scan import Scan

__all__ = ["FinalMembrane"]


class FinalMembrane(Scan):
    """Scan of the classes for model/readouts/final_membrane.py."""

    def worth(self, item: Any) -> Value:
        """Whether an item is scanned: those of the last step are."""
        return item.final

    def score(self, fresh: Value, old: Value, spike: Value, membrane: Value, step: Value) -> Value:
        """The membrane."""
        return membrane
