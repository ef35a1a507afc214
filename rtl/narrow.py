"""The serialiser: wide vectors to narrower ones, down to one lane."""

from amaranth.hdl import Array, Cat, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from .stream import vector

__all__ = ["Narrow", "lowest"]


def lowest(bits: Value) -> Value:
    """One-hot of the lowest bit that is set."""
    return bits & (~bits + 1)[: len(bits)]


class Narrow(wiring.Component):
    """Cuts the vectors of a stream of spikes into chunks and passes on those that are not empty.

    The end of a step travels with the last chunk; a vector without spikes that ends no step
    vanishes.

    Parameters
    ----------
    positions : int
        Vectors of the layer.
    lanes : int
        Lanes of a vector.
    chunk : int
        Lanes of a chunk.

    Members
    -------
    i : In(stream.Signature(vector(positions, lanes)))
    o : Out(stream.Signature(vector(positions * ceil(lanes / chunk), chunk)))
        One lane makes it serial.

    Timing
    ------
    Latency 1 cycle; one chunk per cycle; a vector is taken while the last chunk of the one before
    is taken. With `registered`, ready does not depend on `o.ready`, and a vector is taken a cycle
    later.
    """

    i: stream.Interface
    o: stream.Interface

    def __init__(self, positions: int, lanes: int, chunk: int, *, registered: bool = False) -> None:
        self.lanes = lanes
        self.chunk = chunk
        self.registered = registered
        self.chunks = -(-lanes // chunk)
        super().__init__(
            {
                "i": In(stream.Signature(vector(positions, lanes))),
                "o": Out(stream.Signature(vector(positions * self.chunks, chunk))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        i, o = self.i, self.o
        held = Signal.like(i.p)
        full = Signal()
        todo = Signal(self.chunks)  # chunks that are not empty and not yet sent

        # Offer the lowest chunk that is left.
        chunks = [held.lanes[c * self.chunk : (c + 1) * self.chunk] for c in range(self.chunks)]
        index = Signal(range(self.chunks))
        for c in reversed(range(self.chunks)):
            with m.If(todo[c]):
                m.d.comb += index.eq(c)
        left = todo & ~lowest(todo)
        is_end = left == 0
        m.d.comb += [
            o.valid.eq(full),
            o.p.position.eq(held.position * self.chunks + index),
            o.p.lanes.eq(Mux(todo.any(), Array(chunks)[index], 0)),
            o.p.tick.eq(held.tick & is_end),
            o.p.last.eq(held.last & is_end),
        ]

        # Take the next vector as the last chunk of this one leaves.
        sent = o.valid & o.ready
        m.d.comb += i.ready.eq(~full if self.registered else ~full | (sent & is_end))
        with m.If(sent):
            m.d.sync += [todo.eq(left), full.eq(~is_end)]
        with m.If(i.valid & i.ready):
            arriving = Cat(
                i.p.lanes[c * self.chunk : (c + 1) * self.chunk].any() for c in range(self.chunks)
            )
            m.d.sync += [
                held.eq(i.p),
                todo.eq(arriving),
                full.eq(i.p.lanes.any() | i.p.tick | i.p.last),
            ]
        return m
