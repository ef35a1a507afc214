"""Convolution: events as they come, and the taps of the kernel that each meets, one after another.

Where an input lies decides which taps meet an output, and where: plan/engines/conv.py `Axis`. Along
rows and along columns that is a small table each. Outputs are walked downwards, so that events that
come in ascending order hardly ever meet where the one before just was.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from amaranth.hdl import Array, Const, Module, Mux, ShapeLike, Signal, Value, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ...model.synapses.conv import Conv as Golden
from ...plan.engines.conv import Axis, chunks
from ...plan.layout import Part
from ...plan.taps import Window
from ...plan.unit import Unit
from ..gates import advance, divided
from ..memory import Rom, packed
from ..sequencer import events, operation
from ..stream import Skid, vector
from ..walk import Step

__all__ = ["Conv", "Walk"]


class Walk:
    """The taps of a kernel that an event meets; within a tap the chunks of the output channels.

    Row ((channel * rows + row) * columns + column) * chunks + chunk; fold place * chunks + chunk.

    Parameters
    ----------
    synapses : Conv
    unit : Unit
    """

    def __init__(self, synapses: Golden, unit: Unit) -> None:
        self.axes = Axis.of(synapses, 0), Axis.of(synapses, 1)
        self.chunks, self.first = chunks(synapses, unit.lanes)
        self.folds = unit.folds
        channels, rows, columns = synapses.shape[0], *synapses.weights.shape[2:]
        self.words = channels * rows * columns * self.chunks
        # What a tap, and what a place, is worth in rows and in folds; for rows and columns.
        self.tap = columns * self.chunks, self.chunks
        self.place = synapses.after.columns * unit.period, unit.period
        self.channel = rows * columns * self.chunks

    @property
    def event(self) -> dict[str, ShapeLike]:
        """Fields of an item that tell the event: where it begins, how many rows and columns."""
        rows, columns = (1 + int(axis.count.max()) for axis in self.axes)
        return {
            "row": range(self.words),
            "fold": range(self.folds),
            "rows": range(rows),
            "columns": range(columns),
        }

    def begin(self, m: Module, item: data.View, fold: Signal) -> Step:
        """Make what it needs, see `Rows`."""
        self.item = item
        # The tap at hand, the first of its row of taps; what comes behind their last chunks.
        self.row, self.line_row = (Signal(range(self.words), name=n) for n in ("row", "line_row"))
        self.at, self.line_at = (Signal(range(self.folds), name=n) for n in ("at", "line_at"))
        self.chunk = Signal(range(self.chunks), name="chunk")
        self.left, self.lines = Signal.like(item.columns), Signal.like(item.rows)
        return Step(self.row + self.chunk, self.at + self.chunk)

    def take(self, m: Module, event: Any) -> None:
        """Take an event, in the cycle before its first addition."""
        self._restart(m, event.row, event.fold, event.rows, event.columns)

    def _restart(self, m: Module, row: Value, fold: Value, rows: Value, columns: Value) -> None:
        m.d.sync += [
            self.row.eq(row),
            self.line_row.eq(row),
            self.at.eq(fold),
            self.line_at.eq(fold),
            self.lines.eq(rows),
            self.left.eq(columns),
        ]

    def advance(self, m: Module) -> Value:
        """Advance by an addition; returns whether it is the last one of an event of value 1."""
        down, right = self.axes
        ends = Signal(name="ends")
        with m.If(advance(m, (self.chunk, self.chunks))):
            with m.If(self.left > 1):
                m.d.sync += [
                    self.left.eq(self.left - 1),
                    self.row.eq(self.row + right.next * self.tap[1]),
                    self.at.eq(self.at - right.back * self.place[1]),
                ]
            with m.Elif(self.lines > 1):
                row = self.line_row + down.next * self.tap[0]
                at = self.line_at - down.back * self.place[0]
                self._restart(m, row, at, self.lines - 1, self.item.columns)
            with m.Else():
                m.d.comb += ends.eq(1)
                item = self.item
                self._restart(m, item.row, item.fold, item.rows, item.columns)
        return ends


class Conv(wiring.Component):
    """Finds where the taps of an event begin; its terms are rows of weights.

    Parameters
    ----------
    part : Part
        Its taps are a `Window`.
    name : str
        Name of the row memory's module.

    Members
    -------
    i : In(stream.Signature(vector(inputs, 1, value_bits)))
    o : Out(stream.Signature(events(walk, value_bits)))
        The same, for the soma; an event that meets no output is none.
    op : In(operation(unit, walk.words))
        Of the soma.
    terms : Out(data.ArrayLayout(signed(bits), lanes))
        Weights of the operation two cycles before.
    initialized : Out(1)
        Always: nothing has to be cleared.
    idle : Out(1)
        Nothing is in it.

    Timing
    ------
    Latency 2 cycles; one item per cycle.
    """

    i: stream.Interface
    o: stream.Interface
    op: data.View
    terms: data.View
    initialized: Signal
    idle: Signal

    paced = False

    def __init__(self, part: Part, *, name: str) -> None:
        assert isinstance(part.taps, Window)
        synapses, unit = part.taps.synapses, part.unit
        self.synapses, self.limit, self.bits = synapses, part.limit, synapses.bits
        self.walk = Walk(synapses, unit)
        row = data.ArrayLayout(signed(self.bits), unit.lanes)
        self.rom = Rom(name, row, words(synapses, unit))
        super().__init__(
            {
                "i": In(stream.Signature(vector(synapses.pre, 1, part.limit.bit_length()))),
                "o": Out(stream.Signature(events(self.walk, part.limit.bit_length()))),
                "op": In(operation(unit, self.walk.words)),
                "terms": Out(row),
                "initialized": Out(1),
                "idle": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.rom = rom = self.rom
        before, walk = self.synapses.before, self.walk
        where: dict[str, ShapeLike] = {
            "y": range(before.rows),
            "x": range(before.columns),
            "channel": range(before.channels),
            "lanes": self.limit.bit_length(),
            "tick": 1,
            "last": 1,
        }
        m.submodules.where = found = Skid(data.StructLayout(where))
        m.submodules.first = first = Skid(self.o.p.shape())
        place, channel = divided(self.i.p.position, before.channels, before.size)
        y, x = divided(place, before.columns, before.places)
        self._pass(m, self.i, found.i, {"y": y, "x": x, "channel": channel}, self.i.p.lanes)

        p, (down, right) = found.o.p, walk.axes
        rows, columns = _table(down.count, p.y), _table(right.count, p.x)
        row = (
            _table(down.tap * walk.tap[0], p.y)
            + _table(right.tap * walk.tap[1], p.x)
            + _table(np.arange(before.channels) * walk.channel, p.channel)
        )
        fold = (
            _table(down.output * walk.place[0], p.y)
            + _table(right.output * walk.place[1], p.x)
            + _table(walk.first, p.channel)
        )
        begins = {"row": row, "fold": fold, "rows": rows, "columns": columns}
        meets = (rows != 0) & (columns != 0)
        self._pass(m, found.o, first.i, begins, Mux(meets, p.lanes, 0))
        wiring.connect(m, first.o, wiring.flipped(self.o))
        m.d.comb += [
            rom.address.eq(self.op.row),
            self.terms.eq(rom.data),
            self.initialized.eq(1),
            self.idle.eq(found.idle & first.idle),
        ]
        return m

    def _pass(
        self, m: Module, source: Any, sink: Any, event: dict[str, Value], lanes: Value
    ) -> None:
        """Connect streams whose events are told in other fields."""
        m.d.comb += [
            sink.valid.eq(source.valid),
            source.ready.eq(sink.ready),
            sink.p.lanes.eq(lanes),
            sink.p.tick.eq(source.p.tick),
            sink.p.last.eq(source.p.last),
            *(sink.p[name].eq(value) for name, value in event.items()),
        ]


def _table(values: Sequence[int] | np.ndarray, index: Value) -> Value:
    """Look a number up."""
    values = [int(n) for n in values]
    if len(set(values)) == 1:
        return Const(values[0])
    return Array([Const(n, range(max(values) + 1)) for n in values])[index]


def words(synapses: Golden, unit: Unit) -> list[int]:
    """Pack the weights as `Walk` counts their rows; lane 0 is the first channel of a chunk."""
    w = synapses.weights.astype(np.int64)
    channels, each = synapses.shape[0], w.shape[1]
    count, first = chunks(synapses, unit.lanes)
    outs = synapses.out // synapses.groups
    # Of every input channel what reaches each output channel, 0 in other groups.
    whole = np.zeros((channels, synapses.out, *w.shape[2:]), np.int64)
    for o in range(synapses.out):
        group = o // outs
        whole[group * each : (group + 1) * each, o] = w[o]
    rows = np.empty((channels, *w.shape[2:], count, unit.lanes), np.int64)
    for c in range(channels):
        for n in range(count):
            at = (first[c] + n) * unit.lanes
            rows[c, :, :, n] = np.moveaxis(whole[c, at : at + unit.lanes], 0, -1)
    return packed(rows.reshape(-1, unit.lanes), synapses.bits)
