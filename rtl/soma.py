"""The soma, which every engine has: it adds terms to accumulators, and sweeps the neurons.

The soma says which operation is done now, and the source of terms before it (rtl/engine.py) answers
with the terms to add, one per lane, a fixed number of cycles later.
"""

from amaranth.hdl import Module, Signal, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..plan.layout import Part
from ..plan.pipeline import latency, pause, picks, reporting
from ..plan.unit import Unit
from .gates import divided, later, times
from .lanes import Lanes, addressed
from .sequencer import Sequencer, operation
from .stream import Queue, vector
from .walk import Walk

__all__ = ["Soma", "measured"]


def measured(unit: Unit, width: int) -> data.StructLayout:
    """Make the layout of the last layer's items: every sweep operation, with membranes.

    `final` tells that the step is the last of its sample; `membranes` are accumulators, h less the
    neuron's offset.
    """
    return data.StructLayout(
        {
            "position": range(unit.positions),
            "lanes": unit.vector,
            "tick": 1,
            "last": 1,
            "final": 1,
            "membranes": data.ArrayLayout(signed(width), unit.vector),
        }
    )


class Soma(wiring.Component):
    """The soma of an engine: sequencer, lanes, and a queue for each edge that leaves.

    Parameters
    ----------
    part : Part
    walk : Walk (rtl/walk.py)
        What an event adds.
    limit : int
        Largest value of an event, of value_bits bits: how often that is added.
    bits : int
        Width of a term.

    Members
    -------
    i : In(stream.Signature(events(walk, value_bits)))
    op : Out(operation(part, walk))
        What is done now.
    terms : In(data.ArrayLayout(signed(bits), lanes))
        Of the operation so many cycles before as the engine's latency (plan/engines).
    at : In, as of `Lanes`, where there are any
        Of the operation a cycle less before.
    o0, o1, ... : Out(stream.Signature(vector(folds * groups, sweep)))
        One per edge that leaves: the vectors that have a spike or an end.
    found : Out(stream.Signature(measured(unit, width)))
        Of the last layer: the same, or, where it measures, every vector with its membranes.
    tells : Out(1)
        `told` is written into the queues.
    told : Out, an item of `found`, or else of a queue
    initialized : Out(1)
        Every neuron was cleared after reset.
    idle : Out(1)
        Nothing is in it.

    Timing
    ------
    An event takes a cycle for each addition, the end of a step folds x groups + rest. What a
    sweep operation found is offered `latency(unit)` + `reporting(unit)` + 1 cycles after it. The
    pipeline never stalls: a sweep waits for room in all queues first.
    """

    i: stream.Interface
    op: data.View
    terms: data.View
    at: data.View
    found: stream.Interface
    tells: Signal
    told: data.View
    initialized: Signal
    idle: Signal

    def __init__(self, part: Part, *, walk: Walk, limit: int, bits: int) -> None:
        self.part = part
        self.unit = unit = part.unit
        self.lanes = Lanes(part, walk, bits)
        shape = vector(unit.positions, unit.vector)
        self.queues = {f"o{n}": Queue(shape, edge.depth) for n, edge in enumerate(part.outs)}
        if part.last:
            found = measured(unit, self.lanes.told) if part.measures else shape
            self.queues["found"] = Queue(found, unit.queue)
        self.shown = "found" if part.last else "o0"
        depths = tuple(queue.depth for queue in self.queues.values())
        rest = pause(part.layer.neuron, unit, part.skips)
        self.sequencer = Sequencer(part, walk, limit.bit_length(), depths, rest)
        super().__init__(
            {
                "i": In(stream.Signature(self.sequencer.i.p.shape())),
                "op": Out(operation(part, walk)),
                "terms": In(self.lanes.terms.shape()),
                **addressed(walk),
                **{name: Out(stream.Signature(q.shape)) for name, q in self.queues.items()},
                "tells": Out(1),
                "told": Out(self.queues[self.shown].shape),
                "initialized": Out(1),
                "idle": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.sequencer = sequencer = self.sequencer
        m.submodules.lanes = lanes = self.lanes
        wiring.connect(m, wiring.flipped(self.i), sequencer.i)
        m.d.comb += [
            self.op.eq(sequencer.o),
            lanes.i.eq(later(m, sequencer.o, latency(self.unit) - 2)),
            lanes.terms.eq(later(m, self.terms, int(self.unit.waits > 0), reset_less=True)),
            *([lanes.at.eq(self.at)] if self.lanes.walk.addresses else []),
            self.initialized.eq(sequencer.initialized),
            self.idle.eq(sequencer.idle),
            self.tells.eq(self.queues[self.shown].write),
            self.told.eq(self.queues[self.shown].payload),
        ]
        # To look for a spike behind many lanes takes a cycle; the next tells that there is room.
        more = reporting(self.unit) - picks(self.unit) - 1
        swept = later(m, lanes.valid, more)
        for n, (name, queue) in enumerate(self.queues.items()):
            m.submodules[f"queue_{name}"] = queue
            o = getattr(self, name)
            wiring.connect(m, queue.o, wiring.flipped(o))
            writes, item = self._item(m, name, queue)
            m.d.comb += [
                queue.write.eq(later(m, writes, more)),
                queue.payload.eq(later(m, item, more, reset_less=True)),
            ]
            m.d.sync += sequencer.returned[n].eq((swept & ~queue.write) + (o.valid & o.ready))
        return m

    def _item(self, m: Module, name: str, queue: Queue) -> tuple[Signal, data.View]:
        """Make the item of a queue of what a sweep found; returns whether to write it, and it."""
        found, measures = self.lanes.o, self.part.measures and name == "found"
        item, writes = Signal.like(queue.payload, name=f"item_{name}"), Signal(name=f"put_{name}")
        position = found.fold * self.unit.groups + found.group
        if self.unit.places > 1:  # the first place of the cell
            (high, wide), across = self.unit.banks, self.unit.cells[1]
            row, column = divided(found.fold, across, self.unit.folds)
            position = times(row, high * self.unit.map[1]) + times(column, wide)
        # Without spikes only the end of the step is worth an item.
        worth = found.fire if measures else found.spikes.any()
        m.d.comb += [
            writes.eq(self.lanes.valid & (worth | found.end)),
            item.position.eq(position),
            item.lanes.eq(found.spikes),
            item.tick.eq(found.end & found.fire),
            item.last.eq(found.end & found.last),
        ]
        if measures:
            m.d.comb += [item.final.eq(found.last), item.membranes.eq(found.membranes)]
        return writes, item
