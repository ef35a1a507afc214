"""The lanes of an engine: accumulators, the adders before them and the sweep behind them."""

from collections.abc import Sequence

from amaranth.hdl import Array, Cat, Const, Module, Mux, ShapeLike, Signal, Value, signed
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out

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
        `o` holds the result of the sweep operation three cycles before.
    o : Out(result(unit, width)), or without a width

    Timing
    ------
    An addition is seen by every operation behind it. A sweep writes back `neuron.rest` cycles later
    than an addition does, so that many idle cycles must follow it.
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
        self.widths = [self.neuron.width(unit.served(lane)) for lane in range(unit.lanes)]
        super().__init__(
            {
                "i": In(operation(unit, rows)),
                "terms": In(data.ArrayLayout(signed(bits), unit.lanes)),
                "valid": Out(1),
                "o": Out(result(unit, max(self.widths) if measures else None)),
            }
        )

    def _by_fold(self, fold: Value, lane: int, number: Sequence[int]) -> Value:
        """Select a lane's number by fold; unused places of the last fold repeat another's."""
        width = signed_width(min(number), max(number))
        consts = [Const(n, signed(width)) for n in number]
        return consts[0] if len(set(number)) == 1 else Array(consts)[fold]

    def elaborate(self, platform: object) -> Module:
        m = Module()
        read = later(m, self.i)
        op = later(m, read)
        write = later(m, op, self.neuron.rest)

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

        found = [self._lane(m, lane, read, op, write, fresh) for lane in range(self.unit.lanes)]
        over = Cat(s for s, _ in found)
        spikes = over
        if self.layer.neuron.once:
            fired = self._fired(m, read, op, over)
            spikes = over & ~fired
        self._report(m, op, spikes, [h for _, h in found])
        return m

    def _lane(
        self,
        m: Module,
        lane: int,
        read: data.View,
        op: data.View,
        write: data.View,
        fresh: Value,
    ) -> tuple[Value, Value]:
        """Make one lane; returns whether its membrane reaches the threshold, and the membrane."""
        neuron, golden, width = self.neuron, self.layer.neuron, self.widths[lane]
        served = self.unit.served(lane)
        first = [neuron.first(n) for n in served]
        bias = [int(golden.bias[n]) for n in served]
        theta = [neuron.threshold(n) or 0 for n in served]
        kept = Signal(signed(width), name=f"word{lane}")

        # Integrate.
        added = (self.terms[lane] << golden.shift) + kept

        # Fire; the places of the last fold that no neuron has never do.
        threshold = self._by_fold(op.fold, lane, theta)
        over = neuron.fires(kept, threshold)
        if len(served) < self.unit.folds:
            over = over & (op.fold != self.unit.folds - 1)

        # Reset, then the leak and the bias of the step to come.
        if neuron.integrates:
            swept = kept + self._by_fold(op.fold, lane, bias)
            if golden.reset == "subtract":
                fell = self._by_fold(
                    op.fold, lane, [b - x for b, x in zip(bias, theta, strict=True)]
                )
                swept = kept + Mux(over, fell, self._by_fold(op.fold, lane, bias))
            elif golden.reset == "zero":
                swept = Mux(over, self._by_fold(op.fold, lane, first), swept)
        else:
            h, s = Signal(signed(width), name=f"h{lane}"), Signal(name=f"s{lane}")
            m.d.sync += [h.eq(neuron.clamp(kept)), s.eq(over)]
            after = later(m, op.fold)
            v = neuron.decay(neuron.reset(h, s, self._by_fold(after, lane, theta)))
            swept = later(m, v, neuron.rest - 1) + self._by_fold(write.fold, lane, bias)

        # Write.
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
            return over, neuron.clamp(kept)
        m.submodules[f"lane{lane}"] = mem = memory.Memory(
            shape=signed(width), depth=self.unit.folds, init=[]
        )
        r, w = mem.read_port(), mem.write_port()
        m.d.comb += [
            r.addr.eq(read.fold),
            kept.eq(Mux(fresh, self._by_fold(op.fold, lane, first), r.data)),
            w.addr.eq(op.fold),
            w.data.eq(added),
            w.en.eq(op.add),
        ]
        if not neuron.idle:
            with m.If(mine):
                m.d.comb += [w.addr.eq(write.fold), w.data.eq(swept), w.en.eq(1)]
        return over, neuron.clamp(kept)

    def _fired(self, m: Module, read: data.View, op: data.View, over: Value) -> Value:
        """Keep which neurons have fired in this sample; returns those of the operation's fold."""
        unit = self.unit
        fired = Signal(unit.lanes)
        new = Mux(op.last, 0, fired | over)
        enable = Cat(op.sweep & (op.group == g) for g in range(unit.groups))
        if unit.folds == 1:
            for g in range(unit.groups):
                lanes = slice(g * unit.sweep, (g + 1) * unit.sweep)
                with m.If(enable[g]):
                    m.d.sync += fired[lanes].eq(new[lanes])
            return fired
        m.submodules.fired = mem = memory.Memory(shape=unit.lanes, depth=unit.folds, init=[])
        r, w = mem.read_port(), mem.write_port(granularity=unit.sweep)
        m.d.comb += [
            r.addr.eq(read.fold),
            fired.eq(r.data),
            w.addr.eq(op.fold),
            w.data.eq(new),
            w.en.eq(enable),
        ]
        return fired

    def _report(self, m: Module, op: data.View, spikes: Value, membranes: Sequence[Value]) -> None:
        """Register what the sweep found in the lanes of its group."""
        size, groups = self.unit.sweep, self.unit.groups
        spikes_of = Array(spikes[g * size : (g + 1) * size] for g in range(groups))
        m.d.sync += [
            self.valid.eq(op.sweep),
            self.o.fold.eq(op.fold),
            self.o.group.eq(op.group),
            self.o.fire.eq(op.fire),
            self.o.last.eq(op.last),
            self.o.end.eq(op.end),
            self.o.spikes.eq(Mux(op.fire, spikes_of[op.group], 0)),
        ]
        for k in range(size if self.measures else 0):
            membrane_of = Array(membranes[g * size + k] for g in range(groups))
            m.d.sync += self.o.membranes[k].eq(membrane_of[op.group])
