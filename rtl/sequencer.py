"""The sequencer of an engine: items to one operation per cycle."""


from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..plan.unit import Unit
from .gates import advance
from .walk import Walk

__all__ = ["Sequencer", "events", "operation"]


def operation(unit: Unit, walk: Walk) -> data.StructLayout:
    """Make the layout of an operation; at most one of `add` and `sweep` is set."""
    fields = {
        "add": 1,  # add row `row` to the accumulators at `at`
        "sweep": 1,  # leak, compare, reset group `group` of those at `at`, of `fold`
        "row": range(walk.words),
        "at": range(walk.depth),
        "fold": range(unit.folds),
        "group": range(unit.groups),
        "fire": 1,  # the sweep ends a step
        "last": 1,  # the sweep ends the sample
        "end": 1,  # the last operation of this sweep
    }
    if unit.repeats:
        fields["chunk"] = range(unit.period)  # of a sweep: fold % period
    return data.StructLayout(fields)


def events(walk: Walk, bits: int) -> data.StructLayout:
    """Make the layout of an item: what tells its event, then as in rtl/stream.py."""
    return data.StructLayout({**walk.event, "lanes": bits, "tick": 1, "last": 1})


class Sequencer(wiring.Component):
    """Makes operations of items: of an event additions, of an end a sweep.

    An event is walked as often as its value says.

    A sweep takes folds x groups operations and then `rest` cycles.

    Parameters
    ----------
    unit : Unit
    walk : Walk
    bits : int
        Width of an event's value.
    depths : tuple of int
        Room of each queue behind the engine, in vectors.
    rest : int, cycles
        How much later a sweep writes back than an addition.

    Members
    -------
    i : In(stream.Signature(events(walk, bits)))
    o : Out(operation(unit, walk))
        Holds for one cycle; nothing can refuse it.
    returned : In(data.ArrayLayout(2, queues))
        Vectors that were taken from each queue, or not written into it after all.
    initialized : Out(1)
        Every neuron was cleared after reset, and the room that this took is given back.
    idle : Out(1)
        No item is at hand, and every vector that was found has left the queue.

    Timing
    ------
    Latency 1 cycle. A sweep operation waits for room in all queues. After reset it clears every
    neuron first.
    """

    i: stream.Interface
    o: data.View
    returned: data.View
    initialized: Signal
    idle: Signal

    def __init__(
        self,
        unit: Unit,
        walk: Walk,
        bits: int,
        depths: tuple[int, ...],
        rest: int,
    ) -> None:
        self.unit = unit
        self.walk = walk
        self.depths = depths
        self.rest = rest
        super().__init__(
            {
                "i": In(stream.Signature(events(walk, bits))),
                "o": Out(operation(unit, walk)),
                "returned": In(data.ArrayLayout(2, len(depths))),
                "initialized": Out(1),
                "idle": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        i, o, folds, groups = self.i, self.o, self.unit.folds, self.unit.groups
        item = Signal.like(i.p)
        fold = Signal(range(folds))
        group = Signal(range(groups))
        step = self.walk.begin(m, item, fold)
        rooms = [
            Signal(range(depth + 1), init=depth, name=f"room{n}")
            for n, depth in enumerate(self.depths)
        ]
        resting = Signal(range(self.rest + 1))
        is_end = (fold == folds - 1) & (group == groups - 1)
        has_room = Cat(room != 0 for room in rooms).all()
        full = Cat(room == depth for room, depth in zip(rooms, self.depths, strict=True)).all()

        # A sweep takes room in every queue.
        for n, room in enumerate(rooms):
            m.d.sync += room.eq(room + self.returned[n] - o.sweep)

        def begin() -> None:
            """Take the next item: add its event, sweep for an end without one, or else wait."""
            m.d.comb += i.ready.eq(1)
            with m.If(i.valid & i.p.lanes.any()):
                m.next = "ADD"
            with m.Elif(i.valid & (i.p.tick | i.p.last)):
                m.next = "SWEEP"
            with m.Else():
                m.next = "WAIT"

        with m.FSM(init="CLEAR") as fsm:
            for state in ("SWEEP", "CLEAR"):  # after reset every neuron is put into its first state
                with m.State(state):
                    m.d.comb += o.sweep.eq(has_room)
                    with m.If(has_room & is_end):
                        if self.rest:
                            m.d.sync += resting.eq(self.rest - 1)
                            m.next = "REST"
                        else:
                            begin()
            if self.rest:
                with m.State("REST"):  # the sweep writes back
                    m.d.sync += resting.eq(resting - 1)
                    with m.If(resting == 0):
                        begin()
            with m.State("WAIT"):
                begin()
            with m.State("ADD"):
                m.d.comb += o.add.eq(1)
                with m.If(self.walk.advance(m)):
                    m.d.sync += item.lanes.eq(item.lanes - 1)
                    with m.If(item.lanes == 1):
                        with m.If(item.tick | item.last):
                            m.next = "SWEEP"
                        with m.Else():
                            begin()
        with m.If(o.sweep):
            advance(m, (group, groups), (fold, folds))
        at = self.walk.swept(m, fold, o.sweep & (group == groups - 1))
        if self.unit.repeats:
            # Begins anew with the folds, as the period divides them.
            m.d.comb += o.chunk.eq(chunk := Signal(range(self.unit.period)))
            with m.If(o.sweep & (group == groups - 1)):
                m.d.sync += chunk.eq(Mux(chunk == self.unit.period - 1, 0, chunk + 1))
        with m.If(i.valid & i.ready):
            m.d.sync += item.eq(i.p)
            self.walk.take(m, i.p)

        clears = fsm.ongoing("CLEAR")
        m.d.comb += [
            o.row.eq(step.row),
            o.at.eq(at if step.at is at else Mux(o.add, step.at, at)),
            o.fold.eq(o.at if at is fold else fold),
            o.group.eq(group),
            o.fire.eq(item.tick & ~clears),
            o.last.eq(item.last | clears),
            o.end.eq(is_end & ~clears),
            self.idle.eq(fsm.ongoing("WAIT") & full),
        ]
        with m.If(self.idle):
            m.d.sync += self.initialized.eq(1)
        return m
