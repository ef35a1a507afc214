"""The sequencer of an engine: items to one operation per cycle."""

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..plan.layout import Part
from ..plan.neurons import follows
from ..plan.pipeline import settles
from .gates import advance, divided, later
from .touched import Touched
from .walk import Step, Walk

__all__ = ["Sequencer", "events", "operation"]


def operation(part: Part, walk: Walk) -> data.StructLayout:
    """Make the layout of an operation; at most one of `add`, `sweep` and `tell` is set."""
    unit = part.unit
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
        "fresh": 1,  # what is at `at` was not added to in this sample, where that is told
        "blank": 1,  # a sweep of nothing, which has its end
    }
    if unit.places > 1:  # of each bank
        bank = {"add": 1, "at": range(walk.depth), "fresh": 1}
        fields["banks"] = data.ArrayLayout(data.StructLayout(bank), unit.places)
    if unit.repeats:
        fields["chunk"] = range(unit.period)  # fold % period; of a sweep, and where folds are fresh
    if follows(part.layer.neuron, unit):
        fields["step"] = range(part.steps)  # of a sweep, or that is told
    if unit.passes > 1:
        fields["make"] = 1  # make product `tap`; the sweep, or what is told, is that of the last
        fields["tap"] = range(unit.passes)
    if part.layer.neuron.whole:
        fields["tell"] = 1  # tell of group `group` of `fold`, as a sweep does of other neurons
    return data.StructLayout(fields)


def events(walk: Walk, bits: int) -> data.StructLayout:
    """Make the layout of an item: what tells its event, then as in rtl/stream.py."""
    return data.StructLayout({**walk.event, "lanes": bits, "tick": 1, "last": 1})


class Sequencer(wiring.Component):
    """Makes operations of items: of an event additions, of an end a sweep.

    An event is walked as often as its value says.

    A sweep takes folds x groups x passes operations and then `rest` cycles. Where it skips folds,
    it takes groups operations for each that was added to in the step, one at least, and a cycle
    before.
    Where the unit waits, an addition is kept until none of the `unit.waits` cycles before it added
    to the same, and a sweep comes as long behind the last one. Where it makes products one after
    the other, an operation makes each; the sweep comes with the last. Of neurons that see whole
    samples a sweep tells nothing; behind a sample, all is told that its steps found, step by step,
    by operations that are no sweeps.

    Parameters
    ----------
    part : Part
    walk : Walk
    bits : int
        Width of an event's value.
    depths : tuple of int
        Room of each queue behind the engine, in vectors.
    rest : int, cycles
        Between a sweep and what comes behind it.

    Members
    -------
    i : In(stream.Signature(events(walk, bits)))
    o : Out(operation(part, walk))
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
        part: Part,
        walk: Walk,
        bits: int,
        depths: tuple[int, ...],
        rest: int,
    ) -> None:
        self.part = part
        self.unit = part.unit
        self.walk = walk
        self.depths = depths
        self.rest = rest
        self.skips = part.skips
        super().__init__(
            {
                "i": In(stream.Signature(events(walk, bits))),
                "o": Out(operation(part, walk)),
                "returned": In(data.ArrayLayout(2, len(depths))),
                "initialized": Out(1),
                "idle": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        i, o, folds, groups = self.i, self.o, self.unit.folds, self.unit.groups
        settling = settles(self.unit, self.skips) - self.skips  # cycles before a sweep, or a look
        item = Signal.like(i.p)
        fold = Signal(range(folds))
        group = Signal(range(groups))
        whole, passes, steps = self.whole, self.unit.passes, self.part.steps
        tap, at_step = Signal(range(passes)), Signal(range(steps))
        # Whole samples are swept without products, which are made as they are told.
        tells = o.tell if whole else o.sweep
        is_made = tap == passes - 1
        step = self.walk.begin(m, item, fold)
        rooms = [
            Signal(range(depth + 1), init=depth, name=f"room{n}")
            for n, depth in enumerate(self.depths)
        ]
        resting = Signal(range(self.rest + 1))
        is_last_group = group == groups - 1
        is_end, sweeps = (fold == folds - 1) & is_last_group, "SWEEP"
        banks = self.unit.places
        touched = Touched(self.walk.depth, banks) if self.skips else None
        if touched is not None:
            m.submodules.touched = touched
            is_last_group = is_last_group | touched.none
            is_end, sweeps = touched.end & is_last_group, "LOOK"
        settled, sweeps = sweeps, "SETTLE0" if settling else sweeps
        waits, makes, answers = Signal(), Signal(), Signal()
        has_room = Cat(room != 0 for room in rooms).all()
        full = Cat(room == depth for room, depth in zip(rooms, self.depths, strict=True)).all()

        # A sweep takes room in every queue.
        for n, room in enumerate(rooms):
            m.d.sync += room.eq(room + self.returned[n] - tells)

        def begin() -> None:
            """Take the next item: add its event, sweep for an end without one, or else wait."""
            m.d.comb += i.ready.eq(1)
            with m.If(i.valid & i.p.lanes.any()):
                m.next = "ADD"
            with m.Elif(i.valid & (i.p.tick | i.p.last)):
                m.next = sweeps
            with m.Else():
                m.next = "WAIT"

        with m.FSM(init="CLEAR") as fsm:
            for state in ("SWEEP", "CLEAR"):  # after reset every neuron is put into its first state
                with m.State(state):
                    m.d.comb += o.sweep.eq(1 if whole else has_room & is_made)
                    if not whole:
                        m.d.comb += makes.eq(has_room | ~is_made)
                    with m.If(o.sweep & is_end):
                        if self.rest:
                            m.d.sync += resting.eq(self.rest - 1)
                            m.next = "REST"
                        else:
                            begin()
            if touched is not None:
                with m.State("LOOK"):  # for the first fold to be swept
                    m.d.comb += touched.begins.eq(1)
                    m.next = "SWEEP"
            for n in range(settling):  # what was added is written
                with m.State(f"SETTLE{n}"):
                    m.next = f"SETTLE{n + 1}" if n + 1 < settling else settled
            if self.rest:
                with m.State("REST"):  # the sweep writes back
                    m.d.sync += resting.eq(resting - 1)
                    with m.If(resting == 0):
                        if whole:
                            with m.If(answers):
                                m.next = "TELL"
                            with m.Else():
                                begin()
                        else:
                            begin()
            if whole:
                with m.State("TELL"):  # what the steps of a sample found
                    m.d.comb += [o.tell.eq(has_room & is_made), makes.eq(has_room | ~is_made)]
                    with m.If(o.tell & is_end & (at_step == steps - 1)):
                        m.d.sync += answers.eq(0)
                        begin()
            with m.State("WAIT"):
                begin()
            with m.State("ADD"):
                m.d.comb += o.add.eq(~waits)
                with m.If(~waits):
                    with m.If(self.walk.advance(m)):
                        m.d.sync += item.lanes.eq(item.lanes - 1)
                        with m.If(item.lanes == 1):
                            with m.If(item.tick | item.last):
                                m.next = sweeps
                            with m.Else():
                                begin()
        self._steps(m, fsm, at_step, (o.sweep | tells) & is_end, item, answers)
        if passes > 1:
            with m.If(makes):
                advance(m, (tap, passes))
            m.d.comb += [o.make.eq(makes), o.tap.eq(passes - 1 - tap)]
        moves = o.sweep & is_last_group
        if touched is not None:
            with m.If(o.sweep & ~touched.none):
                advance(m, (group, groups))
            fold = touched.found
            m.d.comb += [
                touched.drops.eq(touched.begins & ~item.tick),
                touched.next.eq(moves),
                touched.clears.eq(moves & touched.end & item.last),
                o.fresh.eq(touched.fresh[0] & o.add),
                o.blank.eq(touched.none),
            ]
            if banks == 1:
                m.d.comb += [touched.at[0].eq(step.at), touched.marks[0].eq(o.add)]
        else:
            with m.If(o.sweep | tells):
                advance(m, (group, groups), (fold, folds))
        at = self.walk.swept(m, fold, moves)
        if self.unit.repeats and self.skips:
            m.d.comb += o.chunk.eq(divided(o.at, self.unit.period, self.unit.folds)[1])
        elif self.unit.repeats:
            # Begins anew with the folds, as the period divides them.
            m.d.comb += o.chunk.eq(chunk := Signal(range(self.unit.period)))
            with m.If((o.sweep | tells) & is_last_group):
                m.d.sync += chunk.eq(Mux(chunk == self.unit.period - 1, 0, chunk + 1))
        with m.If(i.valid & i.ready):
            m.d.sync += item.eq(i.p)
            self.walk.take(m, i.p)

        clears = fsm.ongoing("CLEAR")
        # While a sample is told, its end is that of its last step.
        last_step = ~answers | (at_step == steps - 1) if whole else Const(1)
        m.d.comb += [
            o.row.eq(step.row),
            o.at.eq(at if step.at is at else Mux(o.add, step.at, at)),
            o.fold.eq(o.at if at is fold else fold),
            o.group.eq(group),
            o.fire.eq(item.tick & ~clears),
            o.last.eq((item.last & last_step) | clears),
            o.end.eq(is_end & ~clears),
            self.idle.eq(fsm.ongoing("WAIT") & full),
        ]
        for n, (on, less) in enumerate(zip(step.on, step.less, strict=True)):
            bank = o.banks[n]
            m.d.comb += [bank.add.eq(o.add & on), bank.at.eq(o.at - Mux(o.add, less, 0))]
            if touched is not None:
                m.d.comb += [
                    touched.at[n].eq(bank.at),
                    touched.marks[n].eq(bank.add),
                    bank.fresh.eq(touched.fresh[n]),
                ]
        m.d.comb += waits.eq(self._met(m, step))
        with m.If(self.idle):
            m.d.sync += self.initialized.eq(1)
        return m

    @property
    def whole(self) -> bool:
        """Whether neurons see whole samples."""
        return self.part.layer.neuron.whole

    def _steps(
        self, m: Module, fsm: Any, step: Signal, ends: Value, item: data.View, answers: Signal
    ) -> None:
        """Count the steps that are swept, and those that are told."""
        if not follows(self.part.layer.neuron, self.unit):
            return
        last, clears = self.part.steps - 1, fsm.ongoing("CLEAR")
        m.d.comb += self.o.step.eq(step)
        if not self.whole:
            with m.If(ends):
                m.d.sync += step.eq(Mux(item.last | clears, 0, step + 1))
            return
        with m.If(ends & answers):
            m.d.sync += step.eq(Mux(step == last, 0, step + 1))
        with m.Elif(ends):
            # Of a sample that was cut short the end alone is told.
            m.d.sync += step.eq(Mux(item.last, Mux(item.tick, 0, last), step + 1))
            m.d.sync += answers.eq(item.last & ~clears)
        with m.If(clears):
            m.d.sync += step.eq(0)

    def _met(self, m: Module, step: Step) -> Value:
        """Tell whether what is to be added meets an addition that is not written yet."""
        found: list[Value] = []
        places = self.unit.places
        for n in range(places if self.unit.waits else 0):
            op: Any = self.o.banks[n] if places > 1 else self.o
            on = step.on[n] if places > 1 else Const(1)
            at = step.at - step.less[n] if places > 1 else step.at
            for _ in range(self.unit.waits):
                op = later(m, op)
                found.append(op.add & on & (op.at == at[: len(op.at)]))
        return Cat(found).any()
