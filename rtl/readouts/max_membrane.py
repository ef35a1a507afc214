"""Largest membrane, see model/readouts/max_membrane.py."""

from amaranth.hdl import Mux, Value

from .scan import Scan

__all__ = ["MaxMembrane"]


class MaxMembrane(Scan):
    """Scan of the classes for model/readouts/max_membrane.py."""

    def score(self, fresh: Value, old: Value, spike: Value, membrane: Value, step: Value) -> Value:
        """The largest so far."""
        return Mux(fresh | (membrane > old), membrane, old)
