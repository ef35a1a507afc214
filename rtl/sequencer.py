"""The sequencer of an engine: items to one operation per cycle."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..plan.unit import Unit
from .gates import advance
from .stream import vector

__all__ = ["Sequencer", "operation"]


def operation(unit: Unit, rows: int) -> data.StructLayout:
    """Make the layout of an operation; at most one of `add` and `sweep` is set.

    Parameters
    ----------
    unit : Unit
    rows : int
        Rows of one fold: taps of all inputs.
    """
    return data.StructLayout(
        {
            "add": 1,  # add row `row` to the accumulators of `fold`
            "sweep": 1,  # leak, compare, reset group `group` of `fold`
            "row": range(rows * unit.folds),
            "fold": range(unit.folds),
            "group": range(unit.groups),
            "fire": 1,  # the sweep ends a step
            "last": 1,  # the sweep ends the sample
            "end": 1,  # the last operation of this sweep
        }
    )


class Sequencer(wiring.Component):
    """Makes operations of items: for an event value x taps x folds additions; for an end a sweep.

    A sweep takes folds x groups operations and then `rest` cycles.

    Parameters
    ----------
    unit : Unit
    inputs : int
    bits : int
        Width of an event's value.
    depths : tuple of int
        Room of each queue behind the engine, in vectors.
    rest : int, cycles
        How much later a sweep writes back than an addition.
    taps : int
        Rows of one input, in each fold.

    Members
    -------
    i : In(stream.Signature(vector(inputs, 1, bits)))
    o : Out(operation(unit, inputs * taps))
        Holds for one cycle; nothing can refuse it. Row (position * taps + tap) * folds + fold.
    returned : In(data.ArrayLayout(2, queues))
        Vectors that were taken from each queue, or not written into it after all.
    initialized : Out(1)
        Every neuron was cleared after reset.
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
        inputs: int,
        bits: int,
        depths: tuple[int, ...],
        rest: int,
        taps: int = 1,
    ) -> None:
        self.unit = unit
        self.depths = depths
        self.rest = rest
        self.taps = taps
        super().__init__(
            {
                "i": In(stream.Signature(vector(inputs, 1, bits))),
                "o": Out(operation(unit, inputs * taps)),
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
        tap = Signal(range(self.taps))
        group = Signal(range(groups))
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
                # Folds are the inner loop of an addition, groups that of a sweep.
                with m.If(advance(m, (fold, folds), (tap, self.taps))):
                    m.d.sync += item.lanes.eq(item.lanes - 1)
                    with m.If(item.lanes == 1):
                        with m.If(item.tick | item.last):
                            m.next = "SWEEP"
                        with m.Else():
                            begin()
        with m.If(o.sweep):
            advance(m, (group, groups), (fold, folds))
        with m.If(i.valid & i.ready):
            m.d.sync += item.eq(i.p)

        clears = fsm.ongoing("CLEAR")
        m.d.comb += [
            o.row.eq((item.position * self.taps + tap) * folds + fold),
            o.fold.eq(fold),
            o.group.eq(group),
            o.fire.eq(item.tick & ~clears),
            o.last.eq(item.last | clears),
            o.end.eq(is_end & ~clears),
            self.initialized.eq(~clears),
            self.idle.eq(fsm.ongoing("WAIT") & full),
        ]
        return m
