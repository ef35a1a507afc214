"""The framer: bus beats to items; adds what is missing, refuses what was not declared."""

from amaranth.hdl import Module, Mux, Signal, unsigned
from amaranth.lib import data, memory

from ...model.network import Network
from ..stream import vector
from .intake import Intake

__all__ = ["Framer", "beat"]


def beat(network: Network) -> data.StructLayout:
    """Make the layout of an input beat, from bit 0 up.

    `address` of the input; `value` of the event, of as many bits as the largest needs; `tick`: this
    beat is the end of a step instead.
    """
    return data.StructLayout(
        {
            "address": range(network.width),
            "value": unsigned(network.coding.values.limit.bit_length()),
            "tick": 1,
        }
    )


class Framer(Intake):
    """Turns the beats of a sample into items, with exactly T ends of steps.

    Dropped and counted in `refused`: events after the last step, of an address or a value beyond
    the declaration, or of an input that was seen before (in this sample where inputs come once,
    else in this step); of an input that is held, also those after the first step. What was seen is
    a memory of generations, of samples or of steps: the last one in which an input came. As each
    ends, the next input in turn is marked with it, so a mark is never older than the number of
    inputs, or one more where it is read as it is renewed; they are counted modulo a power of two
    above that, so none is taken for a new one. All are cleared after reset. The first beat after a
    reset begins a sample.

    Parameters
    ----------
    network : Network
    held : bool
        Whether events come in the first step alone (plan/layout.py).

    Timing
    ------
    Latency 2 cycles; one beat per cycle. A refused event passes as an item without one.
    """

    def __init__(self, network: Network, held: bool = False) -> None:
        self.network, self.held = network, held
        bits = network.coding.values.limit.bit_length()
        super().__init__(beat(network), vector(network.width, 1, bits))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        network, i, o = self.network, self.i, self.o
        steps, inputs, coding = network.steps, network.width, network.coding
        beat, last = i.p.beat, i.p.last

        step = Signal(range(steps))
        sample = Signal(3)
        is_decided = self.decided == (sample + 1)[:3]
        is_last_step = step == steps - 1
        within = Signal()  # the source is within a sample

        # Where a generation ends, and behind a reset until all were, the next input is marked.
        generation = Signal((inputs + 1).bit_length(), init=1)
        ends = Signal()
        clearing = Signal(init=1)
        marked = Signal(range(inputs))
        is_last_marked = marked == inputs - 1
        m.d.sync += generation.eq(generation + ends)
        with m.If(clearing | ends):
            m.d.sync += marked.eq(Mux(is_last_marked, 0, marked + 1))
        with m.If(clearing & is_last_marked):
            m.d.sync += clearing.eq(0)

        # Take a beat, or make an item without one.
        looks, checks = Signal(), Signal()  # whether an item is being looked up, and compared
        check_moves = ~checks | o.ready
        look_moves = ~looks | check_moves
        advances = ~clearing & look_moves
        takes, makes = i.valid & i.ready, Signal()
        new = Signal.like(o.p)
        legal = beat.value != 0
        if coding.values.limit & (coding.values.limit + 1):
            legal = legal & (beat.value <= coding.values.limit)
        if inputs & (inputs - 1):
            legal = legal & (beat.address < inputs)
        if self.held:
            legal = legal & (step == 0)
        is_event = Signal()
        refuses = Signal()
        m.d.comb += new.position.eq(beat.address)
        with m.FSM() as fsm:
            with m.State("RUN"):
                m.d.comb += i.ready.eq(advances & (within | self.room))
                with m.If(takes & is_decided):
                    m.d.comb += [makes.eq(last), new.last.eq(1)]
                    with m.If(~last):
                        m.next = "SKIP"
                with m.Elif(takes):
                    m.d.comb += [
                        is_event.eq(~beat.tick & legal),
                        refuses.eq(~beat.tick & ~legal),
                        makes.eq(1),
                        new.lanes.eq(Mux(is_event, beat.value, 0)),
                        new.tick.eq(beat.tick),
                        new.last.eq(beat.tick & is_last_step),
                    ]
                    with m.If(last & ~new.last):
                        m.next = "FILL"
                    with m.If(new.last & ~last):
                        m.next = "DRAIN"
            with m.State("FILL"):  # the sample ended early: add the missing ends of steps
                m.d.comb += [
                    makes.eq(advances),
                    new.tick.eq(~is_decided),
                    new.last.eq(is_last_step | is_decided),
                ]
                with m.If(makes & new.last):
                    m.next = "RUN"
            with m.State("DRAIN"):  # the sample's steps are over: drop beats up to the last
                m.d.comb += [i.ready.eq(1), refuses.eq(takes)]
                with m.If(takes & last):
                    m.next = "RUN"
            with m.State("SKIP"):  # it is decided: drop beats up to the last, then end it
                m.d.comb += [i.ready.eq(advances), makes.eq(takes & last), new.last.eq(1)]
                with m.If(takes & last):
                    m.next = "RUN"
        with m.If(takes):
            m.d.sync += within.eq(~last)
        m.d.comb += [
            self.starts.eq(takes & ~within),
            self.idle.eq(~(within | clearing | looks | checks | fsm.ongoing("FILL"))),
        ]

        # Count steps and samples.
        with m.If(makes & (new.tick | new.last)):
            m.d.sync += step.eq(Mux(new.last, 0, step + 1))
            m.d.sync += sample.eq(sample + new.last)

        # Look an event up, then mark its input. It is refused if that was seen in this generation:
        # by its mark, or as that of the event just before, whose mark cannot be read yet.
        entry = data.StructLayout({"item": o.p.shape(), "is_event": 1, "again": 1})
        looked, checked = Signal(entry), Signal(entry)
        mark, current = Signal.like(generation), Signal.like(generation)
        m.submodules.seen = seen = memory.Memory(shape=generation.shape(), depth=inputs, init=[])
        read, write = seen.read_port(), seen.write_port()
        m.d.comb += [read.addr.eq(beat.address), read.en.eq(makes)]
        with m.If(makes):
            m.d.sync += [
                looked.item.eq(new),
                looked.is_event.eq(is_event),
                looked.again.eq(looked.is_event & (looked.item.position == beat.address)),
            ]
        with m.If(look_moves):
            m.d.sync += looks.eq(makes)
        with m.If(check_moves):
            m.d.sync += [checks.eq(looks), checked.eq(looked)]
            m.d.sync += [mark.eq(read.data), current.eq(generation)]
        is_end = looked.item.last
        if coding.values.total is None:
            is_end = is_end | looked.item.tick
        m.d.comb += [
            ends.eq(looks & check_moves & is_end),
            write.addr.eq(Mux(looked.is_event, looked.item.position, marked)),
            write.data.eq(Mux(clearing, 0, generation)),
            write.en.eq(clearing | (looks & check_moves & (looked.is_event | is_end))),
        ]
        repeated = checked.is_event & (checked.again | (mark == current))
        m.d.comb += [o.valid.eq(checks), o.p.eq(checked.item)]
        with m.If(repeated):
            m.d.comb += o.p.lanes.eq(0)

        # A beat at the input and a repetition at the output may be refused in one cycle.
        refused = Signal(2)
        total = self.refused + refused
        m.d.sync += [
            refused.eq(refuses + (o.valid & o.ready & repeated)),
            self.refused.eq(Mux(total[-1], 0xFFFF, total)),
        ]
        return m
