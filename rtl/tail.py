"""The tail of every engine: it adds terms to the accumulators, and sweeps.

The tail says which operation is done now, and the source of terms before it (rtl/engine.py) answers
with the terms to add, one per lane, a fixed number of cycles later.
"""

from amaranth.hdl import Module, Signal, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..model.bounds import Bounds
from ..model.network import Layer
from ..plan.mapping import Unit
from ..plan.pipeline import QUEUE, latency, picks, reporting
from .gates import later
from .lanes import Lanes
from .sequencer import Sequencer, operation
from .stream import Queue, vector

__all__ = ["Tail", "measured"]


def measured(unit: Unit, width: int) -> data.StructLayout:
    """Make the layout of the last layer's items: every sweep operation, with membranes.

    `final` tells that the step is the last of its sample; `membranes` are accumulators, h less the
    neuron's offset.
    """
    return data.StructLayout(
        {
            "position": range(unit.folds * unit.groups),
            "lanes": unit.sweep,
            "tick": 1,
            "last": 1,
            "final": 1,
            "membranes": data.ArrayLayout(signed(width), unit.sweep),
        }
    )


class Tail(wiring.Component):
    """The tail of an engine: sequencer, lanes, queue.

    Parameters
    ----------
    layer, unit, bounds, measures : as of Engine (rtl/engine.py), the layer unrolled
    inputs : int
    limit : int
        Largest value of an event, of value_bits bits: how often its rows are added.
    taps : int
        Rows of one input, in each fold.
    bits : int
        Width of a term.

    Members
    -------
    i : In(stream.Signature(vector(inputs, 1, value_bits)))
    op : Out(operation(unit, inputs * taps))
        What is done now.
    terms : In(data.ArrayLayout(signed(bits), lanes))
        Of the operation `latency(unit)` cycles before, plan/cycles.py.
    o : Out(stream.Signature(vector(folds * groups, sweep))), or of `measured(unit, width)`
    tells : Out(1)
        `told` is written into the queue.
    told : Out, an item of `o`
    awake : Out(1)
        Every neuron was cleared after reset.
    idle : Out(1)
        Nothing is in it.

    Timing
    ------
    An event takes value x taps x folds cycles, the end of a step folds x groups + rest. A sweep
    operation is offered at `o` `latency(unit)` + `reporting(unit)` + 1 cycles after its turn. The
    pipeline never stalls: a sweep waits for room first.
    """

    i: stream.Interface
    op: data.View
    terms: data.View
    o: stream.Interface
    tells: Signal
    told: data.View
    awake: Signal
    idle: Signal

    def __init__(
        self,
        layer: Layer,
        unit: Unit,
        bounds: Bounds,
        *,
        inputs: int,
        limit: int,
        taps: int,
        bits: int,
        measures: bool,
    ) -> None:
        self.unit = unit
        self.measures = measures
        self.lanes = Lanes(layer, unit, inputs * taps, bounds, bits, measures=measures)
        positions = unit.folds * unit.groups
        shape = (
            measured(unit, max(self.lanes.widths)) if measures else vector(positions, unit.sweep)
        )
        self.queue = Queue(shape, QUEUE)
        rest = self.lanes.rest
        self.sequencer = Sequencer(unit, inputs, limit.bit_length(), self.queue.depth, rest, taps)
        super().__init__(
            {
                "i": In(stream.Signature(self.sequencer.i.p.shape())),
                "op": Out(operation(unit, inputs * taps)),
                "terms": In(self.lanes.terms.shape()),
                "o": Out(stream.Signature(shape)),
                "tells": Out(1),
                "told": Out(shape),
                "awake": Out(1),
                "idle": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.sequencer = sequencer = self.sequencer
        m.submodules.lanes = lanes = self.lanes
        m.submodules.queue = queue = self.queue
        wiring.connect(m, wiring.flipped(self.i), sequencer.i)
        wiring.connect(m, queue.o, wiring.flipped(self.o))
        m.d.comb += [
            self.op.eq(sequencer.o),
            lanes.i.eq(later(m, sequencer.o, latency(self.unit) - 2)),
            lanes.terms.eq(self.terms),
            self.awake.eq(sequencer.awake),
            self.idle.eq(sequencer.idle),
            self.tells.eq(queue.write),
            self.told.eq(queue.payload),
        ]

        # Emit what a sweep found; without spikes only the end of the step is worth an item.
        found, item, writes = lanes.o, Signal.like(queue.payload), Signal()
        worth = found.fire if self.measures else found.spikes.any()
        m.d.comb += [
            writes.eq(lanes.valid & (worth | found.end)),
            item.position.eq(found.fold * self.unit.groups + found.group),
            item.lanes.eq(found.spikes),
            item.tick.eq(found.end & found.fire),
            item.last.eq(found.end & found.last),
        ]
        if self.measures:
            m.d.comb += [item.final.eq(found.last), item.membranes.eq(found.membranes)]

        # To look for a spike behind many lanes takes a cycle; the next tells that there is room.
        more = reporting(self.unit) - picks(self.unit) - 1
        m.d.comb += [
            queue.write.eq(later(m, writes, more)),
            queue.payload.eq(later(m, item, more, reset_less=True)),
        ]
        m.d.sync += sequencer.returned.eq(
            (later(m, lanes.valid, more) & ~queue.write) + (self.o.valid & self.o.ready)
        )
        return m
