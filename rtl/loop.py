"""The loop of a recurrent layer: its own spikes, as events of the next step."""

from amaranth.hdl import Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..plan.mapping import Unit
from .narrow import serialise
from .stream import Queue, join, vector

__all__ = ["Loop"]


class Loop(wiring.Component):
    """Sends what a step fired before the events of the next step.

    It is closed from the end of a step until what that step fired has been sent; behind the end of
    a sample, until the sweep was heard to its end, and what is heard is dropped.

    Parameters
    ----------
    unit : Unit
        Of the layer whose spikes come back.
    inputs : int
        Of the layer, from elsewhere; neuron n becomes input ``inputs + n``.
    bits : int
        Width of an event's value.

    Members
    -------
    i : In(stream.Signature(vector(inputs, 1, bits)))
    hears : In(1)
        `heard` leaves the engine.
    heard : In(vector(folds * groups, sweep))
        What a sweep found.
    o : Out(stream.Signature(vector(inputs + neurons, 1, bits)))
    idle : Out(1)
        It is open: nothing is in it.

    Timing
    ------
    No latency while open. The first spike of a vector that is heard is offered a cycle later
    without serialisation, 3 with one stage, 6 with two; one more where a sweep takes groups.
    """

    i: stream.Interface
    hears: Signal
    heard: data.View
    o: stream.Interface
    idle: Signal

    def __init__(self, unit: Unit, inputs: int, bits: int) -> None:
        self.unit = unit
        self.inputs = inputs
        self.vectors = vector(unit.folds * unit.groups, unit.sweep)
        super().__init__(
            {
                "i": In(stream.Signature(vector(inputs, 1, bits))),
                "hears": In(1),
                "heard": In(self.vectors),
                "o": Out(stream.Signature(vector(inputs + unit.neurons, 1, bits))),
                "idle": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        i, o, heard = self.i, self.o, self.heard
        closed, over = Signal(), Signal()  # over: the sample's end has passed
        opens = Signal()
        ends = heard.tick | heard.last

        # A step is held as a whole: the engine must end it before it takes an event.
        m.submodules.queue = queue = Queue(self.vectors, self.unit.folds * self.unit.groups)
        m.d.comb += [
            queue.write.eq(self.hears & ~over & (heard.lanes.any() | ends)),
            queue.payload.eq(heard),
        ]
        back = serialise(m, queue.o, self.unit)

        m.d.comb += self.idle.eq(~closed)
        with m.If(~closed):
            join(m, i, o)
            with m.If(i.valid & i.ready & (i.p.tick | i.p.last)):
                m.d.sync += [closed.eq(1), over.eq(i.p.last)]
        with m.Else():
            fired = back.p.lanes.any()
            m.d.comb += [
                o.valid.eq(back.valid & fired),
                o.p.position.eq(self.inputs + back.p.position),
                o.p.lanes.eq(1),
                back.ready.eq(o.ready | ~fired),
                opens.eq((back.valid & back.ready & back.p.tick) | (over & self.hears & ends)),
            ]
            with m.If(opens):
                m.d.sync += [closed.eq(0), over.eq(0)]
        return m
