"""Convolution: events as they come, and the taps of the kernel that each meets, one after another.

Where an input lies decides which taps meet an output, and where: plan/engines/conv.py `Axis`. Along
rows and along columns that is a small table each. Outputs are walked downwards, so that events that
come in ascending order hardly ever meet where the one before just was.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from amaranth.hdl import Module, ShapeLike, Signal, Value, signed
from amaranth.lib import data

from ...model.synapses.conv import Conv as Golden
from ...plan.engines.conv import Axis
from ...plan.engines.local import chunks
from ...plan.layout import Part
from ...plan.unit import Unit
from ..gates import advance
from ..memory import Rom, packed
from ..walk import Step, Walk
from .local import Local, reached, table

__all__ = ["Conv", "Kernel"]


class Kernel(Walk):
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
        channels, rows, columns = synapses.shape[0], *synapses.weights.shape[2:]
        super().__init__(unit, channels * rows * columns * self.chunks)
        # What a tap, and what a place, is worth in rows and in folds; for rows and columns.
        self.tap = columns * self.chunks, self.chunks
        self.place = synapses.after.columns * unit.period, unit.period
        self.channel = rows * columns * self.chunks

    @property
    def event(self) -> dict[str, ShapeLike]:
        """Where it begins, how many rows and columns it meets."""
        rows, columns = (1 + int(axis.count.max()) for axis in self.axes)
        return {
            "row": range(self.words),
            "fold": range(self.depth),
            "rows": range(rows),
            "columns": range(columns),
        }

    def begin(self, m: Module, item: data.View, fold: Signal) -> Step:
        """Make what it needs."""
        self.item = item
        # The tap at hand, the first of its row of taps; what comes behind their last chunks.
        self.row, self.line_row = (Signal(range(self.words), name=n) for n in ("row", "line_row"))
        self.at, self.line_at = (Signal(range(self.depth), name=n) for n in ("at", "line_at"))
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
        """Advance by an addition."""
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


class Conv(Local):
    """Rows of a kernel.

    Parameters
    ----------
    part : Part
        Its taps are a `Window` of a convolution.
    name : str
        Name of the row memory's module.
    """

    def __init__(self, part: Part, *, name: str) -> None:
        synapses, unit = part.taps.synapses, part.unit
        row = data.ArrayLayout(signed(synapses.bits), unit.lanes)
        super().__init__(part, Kernel(synapses, unit), Rom(name, row, words(synapses, unit)))

    def begins(self, p: Any) -> tuple[Mapping[str, Value], Value]:
        """Look up where the first tap is, and how many there are."""
        walk, (down, right) = self.walk, self.walk.axes
        rows, columns = table(down.count, p.y), table(right.count, p.x)
        row = (
            table(down.tap * walk.tap[0], p.y)
            + table(right.tap * walk.tap[1], p.x)
            + table(np.arange(self.synapses.shape[0]) * walk.channel, p.channel)
        )
        fold = (
            table(down.output * walk.place[0], p.y)
            + table(right.output * walk.place[1], p.x)
            + table(walk.first, p.channel)
        )
        fields = {"row": row, "fold": fold, "rows": rows, "columns": columns}
        return fields, (rows != 0) & (columns != 0)


def words(synapses: Golden, unit: Unit) -> list[int]:
    """Pack the weights as `Kernel` counts their rows; lane 0 is the first channel of a chunk."""
    rows = reached(synapses, synapses.weights.astype(np.int64), unit.lanes)
    rows = rows.transpose(0, 3, 4, 1, 2)  # channel, row, column, chunk, lane
    return packed(rows.reshape(-1, unit.lanes), synapses.bits)
