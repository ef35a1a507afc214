"""The lanes of an engine: accumulators, the adders before them and the sweep behind them."""

from collections.abc import Callable, Sequence
from functools import reduce
from operator import or_

from amaranth.hdl import Array, Cat, Const, Module, Mux, ShapeLike, Signal, Value, signed
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out

from ..model.cycles import picks
from ..model.mapping import Unit
from ..model.network import Layer
from ..model.width import Bounds, signed_width
from .gates import later
from .neuron import Neuron
from .sequencer import operation

__all__ = ["Lanes", "result"]


def result(unit: Unit, width: int | None) -> data.StructLayout:
    """Make the layout of what one sweep operation sees.

    `fire`, `last`, `end`, `fold`, `group` are those of the operation; `spikes` one bit per swept
    neuron; `membranes` the accumulators, h less the neuron's offset, if `width` is given.
    """
    fields: dict[str, ShapeLike] = {
        "fold": range(unit.folds),
        "group": range(unit.groups),
        "fire": 1,
        "last": 1,
        "end": 1,
        "spikes": unit.sweep,
    }
    if width is not None:
        fields["membranes"] = data.ArrayLayout(signed(width), unit.sweep)
    return data.StructLayout(fields)


class Lanes(wiring.Component):
    """P accumulators for each fold; adds a term to each per cycle, or sweeps S neurons.

    Parameters
    ----------
    layer : model.network.Layer
    unit : Unit
    rows : int
    bounds : Bounds
        The proven widths are made from them.
    bits : int
        Width of a term.
    measures : bool
        Whether results have membranes.

    Members
    -------
    i : In(operation(unit, rows))
    terms : In(data.ArrayLayout(signed(bits), lanes))
        What the operation two cycles before adds, before the shift of the current.
    valid : Out(1)
        `o` holds the result of the sweep operation three cycles before, or four where it picks.
    o : Out(result(unit, width)), or without a width

    Timing
    ------
    An addition is seen by every operation behind it. A sweep writes back `rest` cycles later than
    an addition does, so that many idle cycles must follow it.
    """

    i: data.View
    terms: data.View
    valid: Signal
    o: data.View

    def __init__(
        self, layer: Layer, unit: Unit, rows: int, bounds: Bounds, bits: int, *, measures: bool
    ) -> None:
        self.layer = layer
        self.unit = unit
        self.measures = measures
        self.neuron = Neuron(layer.neuron, bounds)
        self.rest = picks(unit) + self.neuron.rest
        self.widths = [self.neuron.width(unit.served(lane)) for lane in range(unit.lanes)]
        super().__init__(
            {
                "i": In(operation(unit, rows)),
                "terms": In(data.ArrayLayout(signed(bits), unit.lanes)),
                "valid": Out(1),
                "o": Out(result(unit, max(self.widths) if measures else None)),
            }
        )

    def _by_fold(self, fold: Value, number: Sequence[int]) -> Value:
        """Select a lane's number by fold; unused places of the last fold repeat another's."""
        width = signed_width(min(number), max(number))
        consts = [Const(n, signed(width)) for n in number]
        return consts[0] if len(set(number)) == 1 else Array(consts)[fold]

    def _number(self, op: data.View, k: int, of: Callable[[int], int]) -> Value:
        """Select the number of the neuron that sweep k has at hand."""
        by_group = [[of(n) for n in self.unit.served(lane)] for lane in self._of(k)]
        numbers = [self._by_fold(op.fold, by_fold) for by_fold in by_group]
        return numbers[0] if len(numbers) == 1 else Array(numbers)[op.group]

    def _of(self, k: int) -> range:
        """List the lanes of sweep k, one per group."""
        return range(k, self.unit.lanes, self.unit.sweep)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        read = later(m, self.i)
        op = later(m, read)
        # Where a sweep has to pick the membranes of its group, it looks at them a cycle later.
        picked = later(m, op, picks(self.unit))
        write = later(m, picked, self.neuron.rest)

        # With several folds a sample is not cleared but marked: a fresh fold is not read before it
        # was written.
        fresh = Signal()
        if self.unit.folds > 1:
            folds = Signal(self.unit.folds, init=-1)
            m.d.sync += fresh.eq(folds.bit_select(read.fold, 1))
            with m.If(op.add):
                m.d.sync += folds.bit_select(op.fold, 1).eq(0)
            with m.If(write.sweep & (write.group == self.unit.groups - 1)):
                if self.neuron.idle:
                    with m.If(write.last):
                        m.d.sync += folds.bit_select(write.fold, 1).eq(1)
                else:
                    m.d.sync += folds.bit_select(write.fold, 1).eq(write.last)

        groups = self.unit.groups
        pick = Cat(later(m, read.group == g) for g in range(groups))
        found = [
            self._sweep(m, k, read, op, pick, picked, write, fresh) for k in range(self.unit.sweep)
        ]
        spikes = Cat(s for s, _ in found)
        if self.layer.neuron.once:
            spikes = spikes & ~self._fired(m, op if groups > 1 else read, picked, spikes)
        self._report(m, picked, spikes, [h for _, h in found])
        return m

    def _sweep(
        self,
        m: Module,
        k: int,
        read: data.View,
        op: data.View,
        pick: Value,
        picked: data.View,
        write: data.View,
        fresh: Value,
    ) -> tuple[Value, Value]:
        """Make sweep k and its lanes, one of each group; `pick` has the bit of the group at `op`.

        Returns whether the membrane at hand reaches the threshold, and that membrane.
        """
        neuron, golden, unit = self.neuron, self.layer.neuron, self.unit
        lanes = self._of(k)
        words = [Signal(signed(self.widths[lane]), name=f"word{lane}") for lane in lanes]
        kept = words[0]
        if unit.groups > 1:
            kept = Signal(signed(max(self.widths[lane] for lane in lanes)), name=f"swept{k}")
            m.d.sync += kept.eq(_chosen(pick, words, len(kept)))

        # Fire; the places of the last fold that no neuron has never do.
        theta = [neuron.threshold(n) or 0 for n in range(unit.neurons)]
        bias = golden.bias.tolist()
        threshold = self._number(picked, k, theta.__getitem__)
        over = neuron.fires(kept, threshold)
        short = [len(unit.served(lane)) < unit.folds for lane in lanes]
        if all(short):
            over = over & (picked.fold != unit.folds - 1)
        elif any(short):
            lacks = Array(Const(x, 1) for x in short)[picked.group]
            over = over & ~((picked.fold == unit.folds - 1) & lacks)

        # Reset, then the leak and the bias of the step to come.
        if neuron.integrates:
            b = self._number(picked, k, bias.__getitem__)
            swept = kept + b
            if golden.reset == "subtract":
                fell = self._number(picked, k, lambda n: bias[n] - theta[n])
                swept = kept + Mux(over, fell, b)
            elif golden.reset == "zero":
                swept = Mux(over, self._number(picked, k, neuron.first), swept)
        else:
            h, s = Signal.like(kept, name=f"h{k}"), Signal(name=f"s{k}")
            m.d.sync += [h.eq(neuron.clamp(kept)), s.eq(over)]
            after = self._number(later(m, picked), k, theta.__getitem__)
            v = neuron.decay(neuron.reset(h, s, after))
            swept = later(m, v, neuron.rest - 1) + self._number(write, k, bias.__getitem__)
        for lane, word in zip(lanes, words, strict=True):
            self._lane(m, lane, word, swept, read, op, write, fresh)
        return over, neuron.clamp(kept)

    def _lane(
        self,
        m: Module,
        lane: int,
        kept: Signal,
        swept: Value,
        read: data.View,
        op: data.View,
        write: data.View,
        fresh: Value,
    ) -> None:
        """Make the accumulators of one lane, `kept` that of the operation; they take `swept`."""
        neuron, golden, width = self.neuron, self.layer.neuron, self.widths[lane]
        first = [neuron.first(n) for n in self.unit.served(lane)]
        added = (self.terms[lane] << golden.shift) + kept
        mine = write.sweep & (write.group == lane // self.unit.sweep)
        if self.unit.folds == 1:
            # In this order the start of a sample is the registers' own reset.
            register = Signal(signed(width), init=first[0], name=f"kept{lane}")
            m.d.comb += kept.eq(register)
            with m.If(mine & write.last):
                m.d.sync += register.eq(first[0])
            with m.Elif(op.add):
                m.d.sync += register.eq(added)
            if not neuron.idle:
                with m.Elif(mine):
                    m.d.sync += register.eq(swept)
            return
        m.submodules[f"lane{lane}"] = mem = memory.Memory(
            shape=signed(width), depth=self.unit.folds, init=[]
        )
        r, w = mem.read_port(), mem.write_port()
        m.d.comb += [
            r.addr.eq(read.fold),
            kept.eq(Mux(fresh, self._by_fold(op.fold, first), r.data)),
            w.addr.eq(op.fold),
            w.data.eq(added),
            w.en.eq(op.add),
        ]
        if not neuron.idle:
            with m.If(mine):
                m.d.comb += [w.addr.eq(write.fold), w.data.eq(swept), w.en.eq(1)]

    def _fired(self, m: Module, before: data.View, op: data.View, over: Value) -> Value:
        """Keep which neurons have fired in this sample; returns those that are swept.

        `before` is the operation of the next cycle.
        """
        unit = self.unit
        fired = Signal(unit.lanes)
        new = Mux(op.last, 0, fired | over.replicate(unit.groups))
        mine = fired.word_select(op.group, unit.sweep)
        enable = Cat(op.sweep & (op.group == g) for g in range(unit.groups))
        if unit.folds == 1:
            for g in range(unit.groups):
                lanes = slice(g * unit.sweep, (g + 1) * unit.sweep)
                with m.If(enable[g]):
                    m.d.sync += fired[lanes].eq(new[lanes])
            return mine
        m.submodules.fired = mem = memory.Memory(shape=unit.lanes, depth=unit.folds, init=[])
        r, w = mem.read_port(), mem.write_port(granularity=unit.sweep)
        m.d.comb += [
            r.addr.eq(before.fold),
            fired.eq(r.data),
            w.addr.eq(op.fold),
            w.data.eq(new),
            w.en.eq(enable),
        ]
        return mine

    def _report(self, m: Module, op: data.View, spikes: Value, membranes: Sequence[Value]) -> None:
        """Register what the sweep found."""
        m.d.sync += [
            self.valid.eq(op.sweep),
            self.o.fold.eq(op.fold),
            self.o.group.eq(op.group),
            self.o.fire.eq(op.fire),
            self.o.last.eq(op.last),
            self.o.end.eq(op.end),
            self.o.spikes.eq(Mux(op.fire, spikes, 0)),
        ]
        if self.measures:
            m.d.sync += [self.o.membranes[k].eq(h) for k, h in enumerate(membranes)]


def _chosen(bits: Value, words: Sequence[Signal], width: int) -> Value:
    """Choose the word whose bit is set, sign extended to `width`."""
    masked = [Mux(bit, word.as_signed(), 0) for bit, word in zip(bits, words, strict=True)]
    return reduce(or_, (Cat(word, (word[-1],) * (width - len(word))) for word in masked))
