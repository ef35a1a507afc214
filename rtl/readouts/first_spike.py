"""First spike, see model/readouts/first_spike.py."""

from typing import Any

from amaranth.hdl import Value

from .scan import Scan

__all__ = ["FirstSpike"]


class FirstSpike(Scan):
    """Scan of the classes for model/readouts/first_spike.py."""

    def worth(self, item: Any) -> Value:
        """Whether an item is scanned: with a spike, or at the end; all where a step has several."""
        return item.lanes.any() | item.final if self.whole else super().worth(item)

    def score(self, fresh: Value, old: Value, spike: Value, membrane: Value, step: Value) -> Value:
        """The membrane; what spikes goes before what does not."""
        return membrane
