"""The wheel: every event is added, when it comes, to the currents of the steps it reaches.

Each lane holds one slot for every step that an event can reach, for each fold. The slot of the
step at hand is `now`; a delay of d steps is the slot ``now + d``, around the wheel. At the end of a
step the soma adds that slot to the accumulators; it is cleared and the wheel moves on.
"""

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out

from ...plan.engines.wheel import slots
from ...plan.layout import Part
from ...plan.mapping import slot_widths
from ..gates import RELAYED, advance, later, relays
from ..memory import Rom, row, rows
from ..sequencer import events
from ..stream import Skid, vector
from ..walk import Rows, Walk

__all__ = ["Scatter", "Wheel"]


def slot_operation(walk: Walk) -> data.StructLayout:
    """Make the layout of an operation on the slots; at most one of `add` and `take` is set."""
    return data.StructLayout(
        {
            "add": 1,  # add row `row` to the slots at `at`
            "take": 1,  # clear slot `now` at `at`; after the last fold the wheel moves on
            "row": range(walk.words),
            "at": range(walk.depth),
        }
    )


class Scatter(wiring.Component):
    """Turns events into additions, each value times those of its walk; hands on what ends.

    The end of a sample clears all slots, as does reset.

    Parameters
    ----------
    walk : Walk
    bits : int
        Width of an event's value.
    slots : int
        Of one fold.

    Members
    -------
    i : In(stream.Signature(events(walk, bits)))
    op : Out(slot_operation(walk))
        Holds for one cycle.
    o : Out(stream.Signature(vector(1, 1)))
        Ends of steps and samples, each with one event; fold by fold its slots are taken in the
        cycles after it, in which the soma adds.
    initialized : Out(1)
        The slots are clear after reset.
    idle : Out(1)
        No item is at hand, and the slots are clear.

    Timing
    ------
    An operation comes a cycle after its item. An end is offered in the cycle behind the item's last
    addition; clearing takes slots x folds cycles.
    """

    i: stream.Interface
    op: data.View
    o: stream.Interface
    initialized: Signal
    idle: Signal

    def __init__(self, walk: Walk, bits: int, slots: int) -> None:
        self.walk = walk
        self.slots = slots
        super().__init__(
            {
                "i": In(stream.Signature(events(walk, bits))),
                "op": Out(slot_operation(walk)),
                "o": Out(stream.Signature(vector(1, 1))),
                "initialized": Out(1),
                "idle": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        i, o, op, folds = self.i, self.o, self.op, self.walk.unit.folds
        item = Signal.like(i.p)
        fold = Signal(range(folds))
        slot = Signal(range(self.slots))
        step = self.walk.begin(m, item, fold)

        def begin() -> None:
            """Take the next item: add its event, hand on an end without one, or else wait."""
            m.d.comb += i.ready.eq(1)
            with m.If(i.valid & i.p.lanes.any()):
                m.next = "ADD"
            with m.Elif(i.valid & (i.p.tick | i.p.last)):
                m.next = "HAND"
            with m.Else():
                m.next = "WAIT"

        with m.FSM() as fsm:
            with m.State("CLEAR"):  # the sample is over, or reset: clear all slots
                m.d.comb += op.take.eq(1)
                with m.If(advance(m, (fold, folds), (slot, self.slots))):
                    m.d.sync += self.initialized.eq(1)
                    begin()
            with m.State("WAIT"):
                begin()
            with m.State("ADD"):
                m.d.comb += op.add.eq(1)
                with m.If(self.walk.advance(m)):
                    m.d.sync += item.lanes.eq(item.lanes - 1)
                    with m.If(item.lanes == 1):
                        with m.If(item.tick | item.last):
                            m.next = "HAND"
                        with m.Else():
                            begin()
            with m.State("HAND"):  # the end of the step to the soma
                m.d.comb += o.valid.eq(1)
                with m.If(o.ready):
                    m.next = "TAKE"
            with m.State("TAKE"):  # the soma adds the slots of the step
                m.d.comb += op.take.eq(1)
                with m.If(advance(m, (fold, folds))):
                    with m.If(item.last):
                        m.next = "CLEAR"
                    with m.Else():
                        begin()
        with m.If(i.valid & i.ready):
            m.d.sync += item.eq(i.p)
            self.walk.take(m, i.p)
        at = self.walk.swept(m, fold, op.take)
        m.d.comb += [
            op.row.eq(step.row),
            op.at.eq(at if step.at is at else Mux(op.add, step.at, at)),
            o.p.lanes.eq(1),
            o.p.tick.eq(item.tick),
            o.p.last.eq(item.last),
            self.idle.eq(fsm.ongoing("WAIT")),
        ]
        return m


class Wheel(wiring.Component):
    """The slots of every lane, and what adds to them.

    Two operations that follow at once are of different folds, where there are several: so a slot is
    read while the operation before is still being written. With one fold it is read in the cycle in
    which it is written.

    Parameters
    ----------
    part : Part
    name : str
        Name of the row memory's module.

    Members
    -------
    i : In(stream.Signature(vector(inputs, 1, value_bits)))
    o : Out(stream.Signature(vector(1, 1)))
        Ends of steps and samples, for the soma.
    terms : Out(data.ArrayLayout(signed(bits), lanes))
        The slots taken five cycles before, as wide as the widest.
    initialized : Out(1)
        The slots are clear after reset.
    idle : Out(1)
        Nothing is in it, and the slots are clear.
    """

    i: stream.Interface
    o: stream.Interface
    terms: data.View
    initialized: Signal
    idle: Signal

    paced = True

    def __init__(self, part: Part, *, name: str) -> None:
        taps, unit, limit = part.taps, part.unit, part.limit
        self.unit = unit
        self.slots = slots(taps.window)
        self.widths = slot_widths(taps, unit, part.bounds)
        self.walk, self.limit, self.bits = Rows(unit, 1), 1, max(self.widths)
        self.rom = Rom(name, row(taps, unit), rows(taps, unit))
        rows_of = Rows(unit, taps.pre, taps.taps)
        self.scatter = Scatter(rows_of, limit.bit_length(), self.slots)
        super().__init__(
            {
                "i": In(stream.Signature(vector(taps.pre, 1, limit.bit_length()))),
                "o": Out(stream.Signature(self.scatter.o.p.shape())),
                "terms": Out(data.ArrayLayout(signed(self.bits), unit.lanes)),
                "initialized": Out(1),
                "idle": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        # Cuts the way of ready from the scatter back to the layer before.
        m.submodules.skid = skid = Skid(self.scatter.i.p.shape())
        m.submodules.scatter = scatter = self.scatter
        m.submodules.rom = rom = self.rom
        m.d.comb += [skid.i.valid.eq(self.i.valid), self.i.ready.eq(skid.i.ready)]
        m.d.comb += skid.i.p.eq(self.i.p)
        wiring.connect(m, skid.o, scatter.i)
        wiring.connect(m, scatter.o, wiring.flipped(self.o))
        m.d.comb += self.idle.eq(skid.idle & scatter.idle)
        m.d.comb += [self.initialized.eq(scatter.initialized), rom.address.eq(scatter.op.row)]
        # The row is there two cycles later; then the wheel moves.
        row = later(m, scatter.op, 2)
        now = Signal(range(self.slots))
        with m.If(row.take & (row.at == self.unit.folds - 1)):
            m.d.sync += now.eq(now + 1)
        layout = {"now": now.shape(), "at": row.at.shape(), "add": 1, "write": 1}
        near = Signal(data.StructLayout(layout))
        m.d.comb += [
            near.now.eq(now),
            near.at.eq(row.at),
            near.add.eq(row.add),
            near.write.eq(row.add | row.take),
        ]
        ops = relays(m, near, self.unit.lanes, "op")
        delays = [later(m, Mux(row.add, delay, 0), reset_less=True) for delay in rom.data.delays]
        writes = [later(m, op) for op in ops]
        for lane in range(self.unit.lanes):
            op, write = ops[lane // RELAYED], writes[lane // RELAYED]
            slot = Signal.like(now, name=f"slot{lane}")
            m.d.comb += slot.eq(op.now + delays[lane % len(delays)])
            word = self._lane(m, lane, Cat(slot, op.at), write)
            m.d.comb += self.terms[lane].eq(later(m, word, reset_less=True))
        return m

    def _lane(self, m: Module, lane: int, address: Value, op: data.View) -> Value:
        """Make the slots of a lane; `address` is that of the operation behind. Returns the word."""
        shape, folds = signed(self.widths[lane]), self.unit.folds
        m.submodules[f"lane{lane}"] = mem = memory.Memory(
            shape=shape, depth=self.slots * folds, init=[]
        )
        read, write = mem.read_port(domain="sync" if folds > 1 else "comb"), mem.write_port()
        weight = later(m, self.rom.data.weights[lane], 2, reset_less=True)
        m.d.comb += [
            write.addr.eq(later(m, address, reset_less=True)),
            read.addr.eq(address if folds > 1 else write.addr),
            write.data.eq(Mux(op.add, read.data + weight, 0)),
            write.en.eq(op.write),
        ]
        return read.data
