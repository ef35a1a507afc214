"""The serializer: wide vectors to narrower ones, down to one lane."""

from itertools import zip_longest
from typing import Any

from amaranth.hdl import Cat, Const, Module, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..plan.pipeline import chunks
from ..plan.unit import Unit
from .gates import first, index, pick, several
from .stream import Skid, join, vector

__all__ = ["Serializer", "serialize"]


class Serializer(wiring.Component):
    """Cuts the vectors of a stream of spikes into chunks and passes on those that are not empty.

    The end of a step travels with the last chunk. No item comes that has neither a spike nor an
    end.

    Parameters
    ----------
    positions : int
        Vectors of the layer.
    lanes : int
        Lanes of a vector.
    chunk : int
        Lanes of a chunk.
    registered : bool
        Whether `i.ready` is a register; a vector is then taken a cycle later.
    step : int
        Positions from a chunk to the next; 0 counts positions anew, by chunks.

    Members
    -------
    i : In(stream.Signature(vector(positions, lanes)))
    o : Out(stream.Signature(vector(positions * ceil(lanes / chunk), chunk)))
        One lane makes it serial; with steps there are as many positions as before.
    idle : Out(1)
        Nothing is in it.

    Timing
    ------
    Latency 2 cycles; one chunk per cycle; a vector is taken as the last chunk of the one before
    moves to the output register.
    """

    i: stream.Interface
    o: stream.Interface
    idle: Signal

    def __init__(
        self, positions: int, lanes: int, chunk: int, *, registered: bool = False, step: int = 0
    ) -> None:
        self.lanes = lanes
        self.chunk = chunk
        self.registered = registered
        self.chunks = -(-lanes // chunk)
        self.step = step
        self.positions = positions if step else positions * self.chunks
        super().__init__(
            {
                "i": In(stream.Signature(vector(positions, lanes))),
                "o": Out(stream.Signature(vector(self.positions, chunk))),
                "idle": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        i, o = self.i, self.o
        held, full = Signal.like(i.p, reset_less=True), Signal()
        todo = Signal(self.chunks)  # chunks that are not empty and not yet sent
        m.d.comb += self.idle.eq(~full & ~o.valid)

        # Select the lowest chunk that is left.
        selected = first(todo)
        is_end = ~several(todo)[1]

        # Move it to the output register as that is free.
        moves = full & (~o.valid | o.ready)
        with m.If(~o.valid | o.ready):
            m.d.sync += [
                o.valid.eq(full),
                o.p.position.eq(
                    held.position + index(selected) * self.step
                    if self.step
                    else held.position * self.chunks + index(selected)
                ),
                o.p.lanes.eq(pick(selected, self._padded(held.lanes))),
                o.p.tick.eq(held.tick & is_end),
                o.p.last.eq(held.last & is_end),
            ]

        # Take the next vector as the last chunk of this one moves.
        m.d.comb += i.ready.eq(~full if self.registered else ~full | (moves & is_end))
        with m.If(moves):
            m.d.sync += [todo.eq(todo & ~selected), full.eq(~is_end)]
        with m.If(i.valid & i.ready):
            lanes = self._padded(i.p.lanes)
            arriving = Cat(lanes.word_select(c, self.chunk).any() for c in range(self.chunks))
            m.d.sync += [held.eq(i.p), todo.eq(arriving), full.eq(1)]
        return m

    def _padded(self, lanes: Value) -> Value:
        return Cat(lanes, Const(0, self.chunks * self.chunk - self.lanes))


def serialize(
    m: Module, source: Any, unit: Unit, name: str = "", idles: list[Value] | None = None
) -> Any:
    """Add the serializers that cut the vectors of a layer into events; returns their stream.

    Parameters
    ----------
    m : Module
        Takes the stages.
    source : stream of vectors, item by item those of `unit`
    unit : Unit
    name : str
        Tells these stages from others of `m`.
    idles : list
        Takes what tells that a stage is empty.
    """
    empty = [] if idles is None else idles
    positions, lanes = unit.positions, unit.vector
    (rows, columns), across = unit.banks, unit.map[1]
    # The rows of a cell, then the places of a row.
    steps = [across] * (rows > 1) + [1] * (columns > 1)
    if unit.groups > 1:
        # Cuts the way of ready back to a queue that lies near many lanes.
        m.submodules[f"vectors{name}"] = skid = Skid(vector(positions, lanes))
        join(m, source, skid.i)
        empty.append(skid.idle)
        source = skid.o
    for chunk, step in zip_longest(chunks(unit), steps, fillvalue=0):
        serializer = Serializer(positions, lanes, chunk, registered=chunk > 1, step=step)
        m.submodules[f"serializer{name}_{chunk}"] = serializer
        join(m, source, serializer.i)
        empty.append(serializer.idle)
        source, positions, lanes = serializer.o, serializer.positions, chunk
        if chunk > 1:
            # Cuts the way of ready from what follows back to the wide vector.
            m.submodules[f"skid{name}_{chunk}"] = skid = Skid(serializer.o.p.shape())
            wiring.connect(m, serializer.o, skid.i)
            empty.append(skid.idle)
            source = skid.o
    return source
