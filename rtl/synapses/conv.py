"""Convolution: events as they come, and the taps of the kernel that each meets, one after another.

Where an input lies decides which taps meet an output, and where: plan/engines/conv.py `Axis`. Along
rows and along columns that is a small table each. Outputs are walked downwards, so that events that
come in ascending order hardly ever meet where the one before just was.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from amaranth.hdl import Cat, Const, Module, Shape, ShapeLike, Signal, Value, signed
from amaranth.lib import data

from ...model.synapses.causal import Causal
from ...model.synapses.conv import Conv as Golden
from ...plan.engines.conv import axes, delays, planes
from ...plan.engines.local import chunks
from ...plan.layout import Part
from ...plan.taps import Window
from ...plan.unit import Unit
from ..gates import advance, table
from ..memory import Rom, packed
from ..walk import Step, Walk
from .local import Local, reached

__all__ = ["Conv", "Kernel"]


class Kernel(Walk):
    """The taps of a kernel that an event meets; within a tap its steps, and within a step the
    chunks of the output channels.

    Row (((channel * rows + row) * columns + column) * steps + step) * chunks + chunk; fold
    place * chunks + chunk.

    Parameters
    ----------
    synapses : Conv or Causal
    unit : Unit
    """

    def __init__(self, synapses: Golden | Causal, unit: Unit) -> None:
        self.axes = axes(synapses, unit)
        self.chunks, self.first = chunks(synapses, unit.lanes)
        channels, (rows, columns) = synapses.shape[0], (len(axis.rows) for axis in self.axes)
        self.steps = len(planes(synapses))
        each = self.steps * self.chunks
        super().__init__(unit, channels * rows * columns * each)
        # What a tap, and what a place, is worth in rows and in folds; for rows and columns.
        self.tap = columns * each, each
        across = synapses.after.columns if unit.places == 1 else unit.cells[1]
        self.place = across * unit.period, unit.period
        self.channel = rows * columns * each
        # How far before the accumulators at hand those of a bank may be.
        down, right = self.axes
        self.less = int(down.less.max()) * self.place[0] + int(right.less.max()) * self.place[1]

    @property
    def event(self) -> dict[str, ShapeLike]:
        """Where it begins, how many rows and columns it meets."""
        rows, columns = (1 + int(axis.count.max()) for axis in self.axes)
        found: dict[str, ShapeLike] = {
            "row": range(self.words),
            "fold": range(self.depth),
            "rows": range(rows),
            "columns": range(columns),
        }
        if self.unit.places > 1:
            found["on"] = self.unit.places
            found["less"] = data.ArrayLayout(range(self.less + 1), self.unit.places)
        return found

    def begin(self, m: Module, item: data.View, fold: Signal) -> Step:
        """Make what it needs."""
        self.item = item
        # The tap at hand, the first of its row of taps; what comes behind their last chunks.
        self.row, self.line_row = (Signal(range(self.words), name=n) for n in ("row", "line_row"))
        self.at, self.line_at = (Signal(range(self.depth), name=n) for n in ("at", "line_at"))
        self.chunk = Signal(range(self.chunks), name="chunk")
        self.step = Signal(range(self.steps), name="step")
        self.left, self.lines = Signal.like(item.columns), Signal.like(item.rows)
        row = self.row + self.chunk
        if self.steps > 1:
            row = row + self.step * self.chunks
        step = Step(row, self.at + self.chunk)
        return step._replace(on=item.on, less=item.less) if self.unit.places > 1 else step

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
        with m.If(advance(m, (self.chunk, self.chunks), (self.step, self.steps))):
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

    walk: Kernel

    def __init__(self, part: Part, *, name: str) -> None:
        assert isinstance(part.taps, Window)
        synapses, unit = part.taps.synapses, part.unit
        super().__init__(part, Kernel(synapses, unit), Rom(name, *rows(part.taps, unit)))

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
        if walk.unit.places > 1:
            high, wide = walk.unit.banks
            banks = [(y, x) for y in range(high) for x in range(wide)]
            fields["on"] = Cat(
                table(down.on[:, y], p.y) & table(right.on[:, x], p.x) for y, x in banks
            )
            fields["less"] = Cat(
                _sized(
                    table(down.less[:, y] * walk.place[0], p.y)
                    + table(right.less[:, x] * walk.place[1], p.x),
                    range(walk.less + 1),
                )
                for y, x in banks
            )
        return fields, (rows != 0) & (columns != 0)


def _sized(value: Value, shape: ShapeLike) -> Value:
    """Bring a value that fits to the width of a shape."""
    width = Shape.cast(shape).width
    return value[:width] if len(value) >= width else Cat(value, Const(0, width - len(value)))


def rows(taps: Window, unit: Unit) -> tuple[data.StructLayout, list[int]]:
    """Pack the weights as `Kernel` counts their rows; lane 0 is the first channel of a chunk.

    Returns
    -------
    The layout of a row, and the rows; where something is delayed, they tell by how much.
    """
    synapses, bits = taps.synapses, taps.bits
    down, right = axes(synapses, unit)
    found = []
    for plane in planes(synapses):
        # Banks without a tap take the weight behind the last one: 0.
        none = np.pad(plane.weights.astype(np.int64), [(0, 0), (0, 0), (0, 1), (0, 1)])
        w = none[:, :, down.rows[:, :, None, None], right.rows[None, None]]
        w = reached(synapses, w, unit.lanes)  # channel, chunk, lane, row, bank, column, bank
        found.append(w.transpose(0, 3, 5, 1, 4, 6, 2))
    weights = np.stack(found, axis=3).reshape(-1, unit.width)
    late = range(taps.window)
    row = {"weights": data.ArrayLayout(signed(bits), unit.width)}
    words = packed(weights, bits)
    if len(late) > 1:
        row["delays"] = data.ArrayLayout(late, 1)
        each = np.repeat(np.array(delays(synapses)) + taps.late, found[0].shape[3])
        places = len(words) // len(each)
        width = unit.width * bits
        words = [w | d << width for w, d in zip(words, each.tolist() * places, strict=True)]
    return data.StructLayout(row), words
