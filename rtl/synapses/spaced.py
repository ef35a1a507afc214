"""Learned spacings: the taps of an event one after another, each at a place of its own.

Where outputs have taps at places of their own, so have the lanes: as many addresses are made of an
addition as there are outputs of a group in a chunk. A tap that leaves the map adds to its margin
(plan/engines/spaced.py `Margin`).
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from amaranth.hdl import Module, Mux, ShapeLike, Signal, Value, signed
from amaranth.lib import data

from ...model.synapses.spaced import Spaced as Golden
from ...plan.engines.local import chunks
from ...plan.engines.spaced import Margin
from ...plan.engines.spaced import Spaced as Engine
from ...plan.layout import Part
from ...plan.taps import Window
from ...plan.unit import Unit
from ..gates import advance, later, table
from ..memory import Rom
from ..walk import Step, Walk
from .local import Local, reached

__all__ = ["Spaced", "Spacings"]


class Spacings(Walk):
    """Every tap of an event, within a tap the chunks of the output channels.

    Row (channel * taps + tap) * chunks + chunk, without the taps that channels do not use;
    accumulators at place * period + chunk.

    Parameters
    ----------
    taps : Window
    unit : Unit
    addresses : int
        At which lanes add in turn (plan/engines/spaced.py).
    """

    def __init__(self, taps: Window, unit: Unit, addresses: int) -> None:
        synapses = taps.synapses
        self.margin, self.after = Margin.of(synapses), synapses.after
        self.chunks, self.first = chunks(synapses, unit.lanes)
        channels, each = synapses.shape[0], synapses.weights.shape[2]
        self.taps = np.full(channels, each) if taps.used is None else taps.used
        # The first row of each input channel, and the end.
        self.rows = np.append(0, np.cumsum(self.taps)) * self.chunks
        super().__init__(unit, int(self.rows[-1]), self.margin.places * unit.period)
        self.addresses = addresses

    @property
    def event(self) -> dict[str, ShapeLike]:
        """Its first row, what is reached from, and how many taps it has, where channels differ."""
        found: dict[str, ShapeLike] = {"row": range(self.words), "base": range(self.depth)}
        if len(set(self.taps)) > 1:
            found["taps"] = range(int(self.taps.max()) + 1)
        return found

    def begin(self, m: Module, item: data.View, fold: Signal) -> Step:
        """Make what it needs."""
        self.tap = Signal(range(int(self.taps.max())), name="tap")
        self.count = item.taps if "taps" in self.event else int(self.taps[0])
        self.chunk = Signal(range(self.chunks), name="chunk")
        row = item.row + self.tap * self.chunks + self.chunk
        return Step(row, item.base + self.chunk)

    def advance(self, m: Module) -> Value:
        """Advance by an addition."""
        return advance(m, (self.chunk, self.chunks), (self.tap, self.count))

    def kept(self, found: np.ndarray) -> np.ndarray:
        """Keep of what is told of channels, taps and more (channels, taps, ...) what is used."""
        return np.concatenate([own[:n] for own, n in zip(found, self.taps, strict=True)])

    @property
    def begin_at(self) -> int:
        """Where the accumulators of the first fold of a sweep are."""
        return (self.margin.top * self.margin.columns + self.margin.left) * self.unit.period

    @property
    def last(self) -> int:
        """Where those of the last one are."""
        rows, columns = self.after.rows - 1, self.after.columns
        wide = self.margin.columns * self.unit.period
        return self.begin_at + rows * wide + columns * self.unit.period - 1

    def swept(self, m: Module, fold: Value, moves: Value) -> Value:
        """Go through the places, and around the margin."""
        wide, period = self.after.columns * self.unit.period, self.unit.period
        begin = self.begin_at
        at = Signal(range(self.depth), init=begin, name="swept_at")
        column = Signal(range(wide), name="swept_column")
        with m.If(moves):
            m.d.sync += [column.eq(column + 1), at.eq(at + 1)]
            with m.If(column == wide - 1):
                around = self.margin.columns * period - wide + 1
                m.d.sync += [column.eq(0), at.eq(at + around)]
            with m.If(fold == self.unit.folds - 1):
                m.d.sync += [column.eq(0), at.eq(begin)]
        return at


class Spaced(Local):
    """Rows of weights, and how far each reaches.

    Parameters
    ----------
    part : Part
        Its taps are a `Window` of learned spacings.
    name : str
        Name of the row memory's module.
    """

    walk: Spacings

    def __init__(self, part: Part, *, name: str) -> None:
        assert isinstance(part.taps, Window)
        synapses, unit = part.taps.synapses, part.unit
        walk = Spacings(part.taps, unit, Engine(unit, part.taps).addresses)
        weights = walk.kept(reached(synapses, synapses.weights, unit.lanes).transpose(0, 3, 1, 2))
        reach = told(synapses, unit, walk, walk.margin.reach(synapses) * unit.period)
        fields = {"weights": weights.reshape(-1, unit.lanes), "reaches": reach}
        row = {
            "weights": data.ArrayLayout(signed(synapses.bits), unit.lanes),
            "reaches": data.ArrayLayout(range(int(reach.max()) + 1), walk.addresses),
        }
        if part.taps.window > 1:
            late = synapses.offsets[0].astype(np.int64) + part.taps.late
            fields["delays"] = told(synapses, unit, walk, late)
            row["delays"] = data.ArrayLayout(range(part.taps.window), walk.addresses)
        layout = data.StructLayout(row)
        rows = zip(*(field.tolist() for field in fields.values()), strict=True)
        words = [layout.const(dict(zip(fields, values, strict=True))) for values in rows]
        super().__init__(part, walk, Rom(name, layout, [word.as_bits() for word in words]))

    def begins(self, p: Any) -> tuple[Mapping[str, Value], Value]:
        """Look up what its taps reach from."""
        walk, before, period = self.walk, self.synapses.before, self.walk.unit.period
        row, taps = table(walk.rows[:-1], p.channel), table(walk.taps, p.channel)
        base = (
            table(np.arange(before.rows) * walk.margin.columns * period, p.y)
            + table(np.arange(before.columns) * period, p.x)
            + table(walk.first, p.channel)
        )
        fields = {"row": row, "base": base, "taps": taps}
        return {name: fields[name] for name in walk.event}, taps != 0

    def weigh(self, m: Module) -> None:
        """Give the terms of an operation, and a cycle before where they are added."""
        m.d.comb += self.terms.eq(later(m, self.rom.data.weights, reset_less=True))
        op = later(m, self.op, 2)
        for n, reach in enumerate(self.rom.data.reaches):
            m.d.comb += self.at[n].eq(op.at + Mux(op.add, reach, 0))


def told(synapses: Golden, unit: Unit, walk: Spacings, of: np.ndarray) -> np.ndarray:
    """Give what the taps of each row have at each address, int64 (rows, addresses), all >= 0."""
    each = synapses.weights.shape
    found = reached(synapses, np.broadcast_to(of, each), unit.lanes, none=-1)
    found = walk.kept(found.transpose(0, 3, 1, 2)).reshape(walk.words, -1, walk.addresses)
    # Of the lanes that take turns, those of the group know; at most one, or all the same.
    return np.maximum(found.max(axis=1), 0)
