"""The engine of a layer: a source of terms, and the tail, which adds and sweeps.

Before that of a recurrent layer stands a loop (rtl/loop.py): its own spikes are more inputs.

The law is in model/network.py `Layer`. The sources are in rtl/synapses/.
"""

from amaranth.hdl import Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..model.bounds import Bounds
from ..model.network import Layer
from ..model.synapses import dense as golden
from ..plan.mapping import Unit
from .loop import Loop
from .synapses.dense import Dense
from .synapses.gather import Gather
from .synapses.wheel import Wheel
from .tail import Tail

__all__ = ["Engine"]


class Engine(wiring.Component):
    """The engine of a layer.

    Parameters
    ----------
    layer : model.network.Layer
    unit : Unit
    bounds : Bounds
    name : str
        Name of the row memory's module.
    limit : int
        Largest value of an event, of value_bits bits.
    measures : bool
        Whether every sweep is reported with its membranes (the last layer), rather than its spikes
        alone.

    Members
    -------
    i : In(stream.Signature(vector(inputs, 1, value_bits)))
    o : that of `Tail`
    tells, told : those of `Tail`
    awake : Out(1)
        All that has to be was cleared after reset.
    idle : Out(1)
        Nothing is in it, and nothing is being cleared.

    Timing
    ------
    Dense: an event takes value x folds cycles, the end of a step folds x groups + rest.
    A wheel takes value x taps x folds cycles for an event, folds + 1 for the end of a step, slots x
    folds more for that of a sample. Lines take taps x folds cycles in each step for every input
    with an event in the window. Meanwhile the tail sweeps the step before.
    A recurrent layer takes what comes behind a step only after the step's own spikes.
    A sweep operation is offered at `o` ``latency(unit) + reporting(unit) + 1`` cycles after its
    turn.
    """

    i: stream.Interface
    o: stream.Interface
    tells: Signal
    told: data.View
    awake: Signal
    idle: Signal

    def __init__(
        self, layer: Layer, unit: Unit, bounds: Bounds, *, name: str, limit: int, measures: bool
    ) -> None:
        self.unit = unit
        self.measures = measures
        self.loop = None
        if layer.recurrent is not None:
            self.loop = Loop(unit, layer.synapses.pre, limit.bit_length())
        flat = layer.unrolled()
        assert unit.engine != "dense" or isinstance(flat.synapses, golden.Dense)
        match unit.engine:
            case "wheel":
                self.source = Wheel(flat, unit, bounds, name=name, limit=limit)
            case "line":
                self.source = Gather(flat, unit, name=name, limit=limit)
            case _:
                self.source = Dense(flat, unit, name=name, limit=limit)
        self.tail = Tail(
            flat,
            unit,
            bounds,
            inputs=self.source.inputs,
            limit=self.source.limit,
            taps=self.source.taps,
            bits=self.source.bits,
            measures=measures,
        )
        self.lanes = self.tail.lanes
        super().__init__(
            {
                "i": In((self.loop or self.source).i.signature.flip()),
                "o": Out(stream.Signature(self.tail.o.p.shape())),
                "tells": Out(1),
                "told": Out(self.tail.told.shape()),
                "awake": Out(1),
                "idle": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.source = source = self.source
        m.submodules.tail = tail = self.tail
        # First: no inner stream then takes in Verilog the name of a port that the harness reads.
        wiring.connect(m, tail.o, wiring.flipped(self.o))
        if self.loop:
            m.submodules.loop = loop = self.loop
            m.d.comb += loop.hears.eq(tail.o.valid & tail.o.ready)
            m.d.comb += [loop.heard[name].eq(tail.o.p[name]) for name, _ in loop.vectors]
            wiring.connect(m, wiring.flipped(self.i), loop.i)
            wiring.connect(m, loop.o, source.i)
        else:
            wiring.connect(m, wiring.flipped(self.i), source.i)
        wiring.connect(m, source.o, tail.i)
        m.d.comb += [
            tail.terms.eq(source.terms),
            self.tells.eq(tail.tells),
            self.told.eq(tail.told),
            self.awake.eq(source.awake & tail.awake),
            self.idle.eq(source.idle & tail.idle & (self.loop.idle if self.loop else 1)),
        ]
        # A wheel keeps in step by itself: its tail adds in the cycles after it handed on an end.
        if not isinstance(source, Wheel):
            m.d.comb += source.op.eq(tail.op)
        return m
