"""The engine of a layer with delays, by a wheel or by lines. The law is in model/delayed.py."""

from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..model.mapping import Unit
from ..model.network import Layer
from ..model.width import Bounds
from .engine import Tail
from .wheel import Wheel

__all__ = ["Delayed"]


class Delayed(wiring.Component):
    """The engine of a layer with delays: a wheel, and the tail that takes its slots.

    Parameters
    ----------
    layer : model.network.Layer
    unit : Unit
    bounds : Bounds
    name : str
        Name of the row memory's module.
    limit : int
        Largest value of an event.
    measures : bool
        Whether every sweep is reported with its membranes (the last layer), rather than its spikes
        alone.

    Members
    -------
    i : In(stream.Signature(vector(inputs, 1, bits)))
    o : that of `Tail`
    awake : Out(1)
        It is clear after reset.
    """

    i: stream.Interface
    o: stream.Interface

    def __init__(
        self, layer: Layer, unit: Unit, bounds: Bounds, *, name: str, limit: int, measures: bool
    ) -> None:
        self.unit = unit
        self.measures = measures
        self.source = Wheel(layer, unit, bounds, name=name, limit=limit)
        self.tail = Tail(
            layer,
            unit,
            bounds,
            inputs=1,
            limit=1,
            taps=1,
            bits=max(self.source.widths),
            measures=measures,
        )
        self.lanes = self.tail.lanes
        super().__init__(
            {
                "i": In(stream.Signature(self.source.i.p.shape())),
                "o": Out(stream.Signature(self.tail.o.p.shape())),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.source = source = self.source
        m.submodules.tail = tail = self.tail
        wiring.connect(m, wiring.flipped(self.i), source.i)
        wiring.connect(m, source.o, tail.i)
        wiring.connect(m, tail.o, wiring.flipped(self.o))
        m.d.comb += [source.op.eq(tail.op), tail.terms.eq(source.terms)]
        return m
