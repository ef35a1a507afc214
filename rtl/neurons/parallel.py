"""Parallel spiking neurons in gates: filters of currents. The law is in model/neurons/parallel.py.

An accumulator starts every step at b and takes the step's events: at its end it is the current c.
A sweep makes the membrane of that and of what is kept of the steps before, and puts the accumulator
back to b. What is kept of a neuron is

 - where all products are made at once, one wide word, the newest current lowest; it moves on by one
   current in each step, and the end of a sample clears it, unless every step fills it anew;
 - where they are made one after the other, as many words as there are steps to look back, around
   which a step goes; what would be before step 0 counts as 0.

A layer that sees whole samples keeps what its steps bring, and makes all membranes in the end.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import data, memory

from ...model.neurons import parallel as golden
from ...model.width import Bounds, signed_width
from ...plan.neurons import ADDED, accumulator
from ...plan.unit import Unit
from ..gates import later

__all__ = ["Parallel"]

TABLE = 256  # numbers in a table of gates, at most; more are a memory


class Parallel:
    """The sweep of one neuron, and the numbers that differ between neurons.

    Parameters
    ----------
    golden : model.neurons.parallel.Parallel
    bounds : Bounds
    """

    integrates = False
    idle = False
    once = False
    leaking = 1

    def __init__(self, golden: golden.Parallel, bounds: Bounds) -> None:
        self.golden = golden
        self.bounds = bounds

    def threshold(self, n: int, row: int = 0) -> int:
        """Theta of neuron n, of a row."""
        return int(self.golden.threshold[n % self.golden.channels, row])

    def weight(self, n: int, row: int, tap: int) -> int:
        """Weight of a tap of neuron n, of a row."""
        kernel = n % self.golden.channels if len(self.golden.weight) > 1 else 0
        return int(self.golden.weight[kernel, row, tap])

    def bias(self, n: int) -> int:
        """B of neuron n."""
        return int(self.golden.bias[n % self.golden.channels])

    def offset(self, n: int) -> int:
        """What h exceeds that by which a sweep tells: nothing."""
        return 0

    def first(self, n: int) -> int:
        """Accumulator of neuron n at the start of a step."""
        return self.bias(n)

    def width(self, neurons: range) -> int:
        """Width of an accumulator that serves these neurons in turn, bits."""
        return accumulator(self.golden, self.bounds, neurons)

    def told(self, widths: Sequence[int]) -> int:
        """Width of a membrane that a sweep tells, bits."""
        return max(self.bounds.width("membrane"), 2)

    def membrane(self, m: Module, k: int, kept: Value, at: "At") -> tuple[Value, Value]:
        """Make the membrane of sweep k of the current `kept`; also whether it fires.

        Both are there `filtering` cycles later.
        """
        made = _Filter(self, m, k, at)
        h = made.at_once(kept) if at.unit.passes == 1 else made.in_turn(kept)
        told = at.told
        row = told.step if self.golden.weight.shape[1] > 1 else Const(0)
        rows = self.golden.weight.shape[1]
        theta = made.number(
            "theta", told, lambda n: [self.threshold(n, r) for r in range(rows)], row
        )
        return h, h >= theta


class At(NamedTuple):
    """Where a sweep is.

    Attributes
    ----------
    unit : Unit
    steps : int, T
    before, op : operations a cycle before the current is at hand, and with it
    told : the operation a cycle before its membrane is told
    served : neurons by lane and fold, of the lanes of the sweep, one lane per group
    """

    unit: Unit
    steps: int
    before: data.View
    op: data.View
    told: data.View
    served: Sequence[Sequence[int]]


class _Filter:
    """The filter of one sweep."""

    def __init__(self, neuron: Parallel, m: Module, k: int, at: At) -> None:
        self.neuron, self.m, self.k, self.at = neuron, m, k, at
        self.law, self.unit = neuron.golden, at.unit
        self.bits = max(neuron.bounds.width("accumulator"), 2)
        self.total = signed(neuron.told(()))

    @property
    def depth(self) -> int:
        """How many neurons it serves."""
        return self.unit.folds * self.unit.groups

    def place(self, op: data.View) -> Value:
        """Number the neurons that it serves."""
        return op.fold * self.unit.groups + op.group

    def number(
        self, name: str, before: data.View, of: Callable[[int], list[int]], index: Value
    ) -> Value:
        """Look up one of several numbers of the neuron at hand; it is there in the next cycle.

        Places of the last fold that no neuron has repeat another's.
        """
        unit, found = self.unit, []
        for lane in self.at.served:
            by_fold = [of(n) for n in lane[: unit.period]]
            by_fold += [by_fold[-1]] * (min(unit.period, unit.folds) - len(by_fold))
            found.append(by_fold)
        folds, each = len(found[0]), len(found[0][0])
        flat = [n for by_fold in found for numbers in by_fold for n in numbers]
        if len(set(flat)) == 1:
            return Const(flat[0], signed(signed_width(flat[0], flat[0])))
        if all(by_fold == [found[0][0]] * folds for by_fold in found):
            flat, place = found[0][0], index
        else:
            fold = before.chunk if unit.repeats else before.fold if folds > 1 else Const(0)
            place = (before.group * folds + fold) * each + index
        shape = signed(signed_width(min(flat), max(flat)))
        if len(flat) <= TABLE:
            return later(self.m, Array([Const(n, shape) for n in flat])[place], reset_less=True)
        name = f"{name}{self.k}"
        self.m.submodules[name] = table = memory.Memory(shape=shape, depth=len(flat), init=flat)
        port = table.read_port()
        self.m.d.comb += port.addr.eq(place)
        return port.data

    def at_once(self, kept: Value) -> Value:
        """Make all products in one cycle."""
        law, m = self.law, self.m
        slots = self.law.taps if law.whole else law.window - 1
        word = self._word(kept, slots) if slots else Const(0, 0)
        past = [word.word_select(n, self.bits).as_signed() for n in range(slots)]
        if law.whole:  # the newest is that of the last step
            taps = past[::-1]
        else:
            taps = [kept, *past][:: law.dilation]
        rows = law.weight.shape[1]
        row = self.at.before.step if rows > 1 else Const(0)
        products = []
        for j, x in enumerate(taps):
            w = self.number(
                f"weight{j}_",
                self.at.before,
                lambda n, j=j: [self.neuron.weight(n, r, j) for r in range(rows)],
                row,
            )
            products.append(later(m, w * x, reset_less=True))
        while len(products) > 1:
            products = [
                later(m, sum(products[n : n + ADDED], Const(0, 1)), reset_less=True)
                for n in range(0, len(products), ADDED)
            ]
        h = Signal(self.total, name=f"h{self.k}")
        m.d.comb += h.eq(products[0])
        return h

    def _word(self, kept: Value, slots: int) -> Value:
        """Keep currents, the newest lowest; returns those of the neuron at hand."""
        law, m, op = self.law, self.m, self.at.op
        newest = Signal(signed(self.bits), name=f"newest{self.k}")
        m.d.comb += newest.eq(kept)
        if self.depth == 1:
            word = Signal(slots * self.bits, name=f"past{self.k}")
            moved = Cat(newest, word)[: len(word)]
            with m.If(op.sweep):
                m.d.sync += word.eq(moved if law.whole else Mux(op.last, 0, moved))
            return word
        m.submodules[f"past{self.k}"] = mem = memory.Memory(
            shape=slots * self.bits, depth=self.depth, init=[]
        )
        r, w = mem.read_port(), mem.write_port()
        moved = Cat(newest, r.data)[: slots * self.bits]
        m.d.comb += [
            r.addr.eq(self.place(self.at.before)),
            w.addr.eq(self.place(op)),
            w.data.eq(moved if law.whole else Mux(op.last, 0, moved)),
            w.en.eq(op.sweep),
        ]
        return r.data

    def in_turn(self, kept: Value) -> Value:
        """Make one product in a cycle, and add it to those before."""
        law, m, op, before = self.law, self.m, self.at.op, self.at.before
        slots = 1 << ((law.taps if law.whole else law.window - 1) - 1).bit_length()
        shape = signed(self.bits)
        mem = memory.Memory(shape=shape, depth=self.depth * slots, init=[])
        m.submodules[f"past{self.k}"] = mem
        r, w = mem.read_port(), mem.write_port()
        ring = slots.bit_length() - 1  # bits of a place in the ring

        def place(of: data.View, slot: Value) -> Value:
            return Cat(slot[:ring], self.place(of)) if ring else self.place(of)

        age = before.tap * law.dilation
        m.d.comb += [
            r.addr.eq(
                place(before, before.tap if law.whole else (before.step - age).as_unsigned())
            ),
            w.addr.eq(place(op, op.step)),
            w.data.eq(kept),
            w.en.eq(op.sweep),
        ]
        x = Signal(shape, name=f"x{self.k}")
        if law.whole:
            m.d.comb += x.eq(r.data)
        else:
            is_there = later(m, before.step >= age)
            m.d.comb += x.eq(Mux(op.tap == 0, kept, Mux(is_there, r.data, 0)))
        rows = law.weight.shape[1]
        row = before.step if rows > 1 else Const(0)
        weight = self.number(
            "weight",
            before,
            lambda n: [self.neuron.weight(n, r, j) for r in range(rows) for j in range(law.taps)],
            row * law.taps + before.tap,
        )
        begins, makes = later(m, op.tap == law.taps - 1), later(m, op.make)
        product = later(m, weight * x, reset_less=True)
        h = Signal(self.total, name=f"h{self.k}", reset_less=True)
        with m.If(makes):
            m.d.sync += h.eq(Mux(begins, 0, h) + product)
        return h
