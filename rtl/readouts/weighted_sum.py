"""Weighted sum, see model/readouts/weighted_sum.py."""

from amaranth.hdl import Array, Const, Mux, Value, signed

from ...model.readouts import weighted_sum as golden
from ...model.width import signed_width
from .scan import Scan

__all__ = ["WeightedSum"]


class WeightedSum(Scan):
    """Scan of the classes for model/readouts/weighted_sum.py."""

    def score(self, fresh: Value, old: Value, spike: Value, membrane: Value, step: Value) -> Value:
        """The sum so far."""
        readout = self.network.readout
        assert isinstance(readout, golden.WeightedSum)
        w = readout.weights
        shape = signed(signed_width(int(w.min()), int(w.max())))
        weight = Array(Const(int(x), shape) for x in w)[step]
        return Mux(fresh, 0, old) + membrane * weight
