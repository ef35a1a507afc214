"""The engine of a dense layer. The law is in model/dense.py."""

from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..model.mapping import Unit
from ..model.network import Layer
from ..model.width import Bounds
from .engine import Tail, row, rows
from .memory import Rom

__all__ = ["Dense"]


class Dense(wiring.Component):
    """The engine of a dense layer: a row of weights is what the tail adds.

    Parameters
    ----------
    layer : model.network.Layer
    unit : Unit
    bounds : Bounds
    name : str
        Name of the weight memory's module.
    limit : int
        Largest value of an event.
    measures : bool
        Whether every sweep is reported with its membranes (the last layer), rather than its spikes
        alone.

    Members
    -------
    i, o, awake : those of `Tail`

    Timing
    ------
    An event takes value x folds cycles, the end of a step folds x groups + rest. A sweep operation
    is offered at `o` four cycles after its turn.
    """

    i: stream.Interface
    o: stream.Interface
    awake: Signal

    def __init__(
        self, layer: Layer, unit: Unit, bounds: Bounds, *, name: str, limit: int, measures: bool
    ) -> None:
        synapses = layer.synapses
        self.unit = unit
        self.measures = measures
        self.rom = Rom(name, row(layer, unit), rows(layer, unit))
        self.tail = Tail(
            layer,
            unit,
            bounds,
            inputs=synapses.pre,
            limit=limit,
            taps=1,
            bits=synapses.bits,
            measures=measures,
        )
        self.lanes = self.tail.lanes
        super().__init__(
            {
                "i": In(stream.Signature(self.tail.i.p.shape())),
                "o": Out(stream.Signature(self.tail.o.p.shape())),
                "awake": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.rom = rom = self.rom
        m.submodules.tail = tail = self.tail
        wiring.connect(m, wiring.flipped(self.i), tail.i)
        wiring.connect(m, tail.o, wiring.flipped(self.o))
        m.d.comb += [
            rom.address.eq(tail.op.row),
            tail.terms.eq(rom.data.weights),
            self.awake.eq(tail.awake),
        ]
        return m
