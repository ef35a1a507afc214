"""Spike count, see model/readouts/spike_count.py."""

from amaranth.hdl import Mux, Value

from .scan import Scan

__all__ = ["SpikeCount"]


class SpikeCount(Scan):
    """Scan of the classes for model/readouts/spike_count.py."""

    def score(self, fresh: Value, old: Value, spike: Value, membrane: Value, step: Value) -> Value:
        """The count so far."""
        return Mux(fresh, 0, old) + spike
