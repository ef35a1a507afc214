"""What flows between the parts: vector items, and the two buffers that hold them.

An item is, in this order: some events, then perhaps the end of a step, then perhaps the end of the
sample.

    position   which vector of the layer; its lane l is neuron position * lanes + l
    lanes      value of each lane, `bits` wide, lane 0 in the lowest bits; 0 is no event
    tick       these were the last events of the step: leak, compare, fire, reset
    last       the sample ends here: afterwards everything is as after reset

``last`` without ``tick`` ends a sample that was decided early: nothing fires. One lane makes a
serial stream.

Data transfer follows the rules of `amaranth.lib.stream`: what is offered is held until it is taken.
"""

from typing import Any

from amaranth.hdl import Module, Shape, ShapeLike, Signal, unsigned
from amaranth.lib import data, fifo, stream, wiring
from amaranth.lib.wiring import In, Out

__all__ = ["Queue", "Skid", "join", "vector"]


def vector(positions: int, lanes: int, bits: int = 1) -> data.StructLayout:
    """Make the layout of an item.

    Parameters
    ----------
    positions : int
    lanes : int
    bits : int
        Width of one lane's value.
    """
    return data.StructLayout(
        {"position": range(positions), "lanes": unsigned(lanes * bits), "tick": 1, "last": 1}
    )


def join(m: Module, source: Any, sink: Any) -> None:
    """Connect two streams of vectors field by field; a position beyond the sink's never comes."""
    m.d.comb += [sink.valid.eq(source.valid), source.ready.eq(sink.ready)]
    m.d.comb += [sink.p[name].eq(source.p[name]) for name, _ in source.p.shape()]


class Queue(wiring.Component):
    """A queue whose writer keeps count of its room.

    Parameters
    ----------
    shape : ShapeLike
    depth : int >= 1
        Items it holds.

    Members
    -------
    write : In(1)
        Take `payload`; the writer does this only where there is room.
    payload : In(shape)
    room : Out(1)
        Whether there is any.
    o : Out(stream.Signature(shape))

    Timing
    ------
    Latency 1 cycle; one item per cycle.
    """

    write: Signal
    payload: Any
    room: Signal
    o: stream.Interface

    def __init__(self, shape: ShapeLike, depth: int) -> None:
        self.shape = shape
        self.depth = depth
        super().__init__(
            {
                "write": In(1),
                "payload": In(shape),
                "room": Out(1),
                "o": Out(stream.Signature(shape)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.fifo = queue = fifo.SyncFIFO(
            width=Shape.cast(self.shape).width, depth=self.depth
        )
        m.d.comb += [
            queue.w_en.eq(self.write),
            queue.w_data.eq(self.payload),
            self.room.eq(queue.w_rdy),
            self.o.valid.eq(queue.r_rdy),
            self.o.p.eq(queue.r_data),
            queue.r_en.eq(self.o.ready),
        ]
        return m


class Skid(wiring.Component):
    """A buffer of two items that cuts every combinational path, ready included.

    Members
    -------
    i : In(stream.Signature(shape))
    o : Out(stream.Signature(shape))
    idle : Out(1)
        Nothing is in it.

    Timing
    ------
    Latency 1 cycle; one item per cycle.
    """

    i: stream.Interface
    o: stream.Interface
    idle: Signal

    def __init__(self, shape: ShapeLike) -> None:
        self.shape = shape
        super().__init__(
            {
                "i": In(stream.Signature(shape)),
                "o": Out(stream.Signature(shape)),
                "idle": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        spare = Signal(self.shape, reset_less=True)
        is_free = Signal(init=1)  # whether the spare is: a register, so that ready is one
        m.d.comb += [self.i.ready.eq(is_free), self.idle.eq(~self.o.valid)]

        # The output register takes the spare item first.
        with m.If(~self.o.valid | self.o.ready):
            m.d.sync += [
                self.o.valid.eq(self.i.valid | ~is_free),
                self.o.p.eq(self.i.p),
                is_free.eq(1),
            ]
            with m.If(~is_free):
                m.d.sync += self.o.p.eq(spare)

        # What arrives while the output is refused waits in the spare.
        with m.Elif(self.i.valid & self.i.ready):
            m.d.sync += [spare.eq(self.i.p), is_free.eq(0)]
        return m
