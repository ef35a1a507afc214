"""The lanes of an engine: accumulators, the adders before them and the sweep behind them."""

from collections.abc import Callable, Sequence
from functools import reduce
from itertools import chain
from operator import or_
from typing import Any, NamedTuple

from amaranth.hdl import Array, Cat, Const, Module, Mux, ShapeLike, Signal, Value, signed
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out

from ..model.width import signed_width
from ..plan.layout import Part
from ..plan.neurons import filtering
from ..plan.pipeline import picks, rest
from ..plan.unit import DEEP, Unit
from .gates import RELAYED, later, relays
from .neurons import KINDS as NEURONS
from .neurons.parallel import At
from .sequencer import operation
from .walk import Walk

__all__ = ["Lanes", "addressed", "result"]


def addressed(walk: Walk) -> dict[str, Any]:
    """Make the member `at` of who takes the addresses of an addition, where it has any."""
    if not walk.addresses:
        return {}
    return {"at": In(data.ArrayLayout(range(walk.depth), walk.addresses))}


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
        "spikes": unit.vector,
    }
    if width is not None:
        fields["membranes"] = data.ArrayLayout(signed(width), unit.vector)
    return data.StructLayout(fields)


class Stages(NamedTuple):
    """An operation on its way.

    `ask` addresses accumulators, and `read` follows it, or is the same; `op` adds, or begins to
    pick those of a group; `sweep` is that of a sweep from the cycle before it compares to the one
    in which it is written.
    """

    ask: data.View
    read: data.View
    op: data.View
    sweep: Sequence[data.View]


class Holds(NamedTuple):
    """What tells of the sweep whose bias is added: is it the first, or the last, of its sample.

    One of each per `RELAYED` sweeps.
    """

    begins: Sequence[Value]
    ends: Sequence[Value]


class Writes(NamedTuple):
    """When the accumulators of a group are written; one per `RELAYED` sweeps.

    `sweeps`: by a sweep; `enable`: by a sweep or an addition; `clears`: by the last of a sample.
    """

    sweeps: Value
    enable: Value
    clears: Value


def _bank(op: data.View, n: int) -> Any:
    """Give the part of an operation that is of a bank: `add`, `at` and `fresh`."""
    return op.banks[n] if "banks" in dict(op.shape()) else op


class Lanes(wiring.Component):
    """P accumulators for each fold; adds a term to each per cycle, or sweeps S neurons.

    Parameters
    ----------
    part : Part
        Where it measures, results have membranes.
    walk : Walk
    bits : int
        Width of a term.

    Members
    -------
    i : In(operation(part, walk))
    terms : In(data.ArrayLayout(signed(bits), lanes))
        What the operation two cycles before adds, before the shift of the current.
    at : In(data.ArrayLayout(range(walk.depth), walk.addresses)), where there are any
        Where the operation of the cycle before adds, or sweeps.
    valid : Out(1)
        `o` holds the result of the sweep operation three + `picks(unit)` cycles before, and as many
        more as the neurons filter (plan/neurons.py).
    o : Out(result(unit, width)), or without a width

    Timing
    ------
    An addition is seen by every operation behind it, or, where the unit waits, by all but that many
    (`Unit.waits`), which are elsewhere: accumulators are then read a cycle earlier. A sweep writes
    back `rest` cycles later than an addition does, so that many idle cycles must follow it, and as
    many more as an addition waits.
    """

    i: data.View
    terms: data.View
    at: data.View
    valid: Signal
    o: data.View

    def __init__(self, part: Part, walk: Walk, bits: int) -> None:
        self.walk, self.skips = walk, part.skips
        self.shift = part.taps.shift
        self.unit = unit = part.unit
        self.measures, self.holds = part.measures, part.holds
        self.neuron: Any = NEURONS[part.layer.neuron.kind](part.layer.neuron, part.bounds)
        self.rest = rest(part.layer.neuron, unit)
        self.widths = [self.neuron.width(unit.served(lane)) for lane in range(unit.width)]
        self.told = self.neuron.told(self.widths)
        self.steps, self.whole = part.steps, part.layer.neuron.whole
        self.filtering = filtering(part.layer.neuron, unit)
        super().__init__(
            {
                "i": In(operation(part, walk)),
                "terms": In(data.ArrayLayout(signed(bits), unit.width)),
                **addressed(walk),
                "valid": Out(1),
                "o": Out(result(unit, self.told if part.measures else None)),
            }
        )

    def _by_fold(self, op: data.View, number: Sequence[int]) -> Value:
        """Select a lane's number by fold; unused places of the last fold repeat another's."""
        number = number[: self.unit.period]
        width = signed_width(min(number), max(number))
        consts = [Const(n, signed(width)) for n in number]
        if len(set(number)) == 1:
            return consts[0]
        return Array(consts)[op.chunk if self.unit.repeats else op.fold]

    def _number(self, m: Module, before: data.View, k: int, of: Callable[[int], int]) -> Value:
        """Select the number of the neuron that sweep k has at hand in the next cycle."""
        by_group = [[of(n) for n in self.unit.served(lane)] for lane in self._of(k)]
        if len(set(chain(*by_group))) == 1:
            return self._by_fold(before, by_group[0])
        numbers = [self._by_fold(before, by_fold) for by_fold in by_group]
        return later(m, Array(numbers)[before.group], reset_less=True)

    def _of(self, k: int) -> range:
        """List the lanes of sweep k, one per group."""
        return range(k, self.unit.width, self.unit.vector)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        stages: list[data.View] = [self.i]
        for _ in range(2 + self.rest):
            stages.append(later(m, stages[-1]))
        ask = stages[0 if self.unit.waits else 1]
        stage = Stages(ask, stages[1], stages[2], stages[1 + picks(self.unit) :])

        groups, banks = range(self.unit.groups), range(self.unit.places)
        writes = [[self._writes(m, stages[-2], stage, g, b) for g in groups] for b in banks]
        starts = not self.neuron.integrates or self._cleared
        ends = stage.sweep[0].last if starts else Const(0)
        lasts = relays(m, ends, self.unit.vector, "last")
        holds = self._holds(m, stage) if self.holds else None
        picked = [later(m, stage.read.group == g) for g in groups] if len(groups) > 1 else []
        fresh = self._fresh(m, stage)
        addresses = self._addresses(m, stage)
        kept = self._join(m, stage, writes, addresses) if self._joined else []
        found = []
        for k in range(self.unit.vector):
            lanes, bank = self._of(k), k // self.unit.sweep
            words = [Signal(signed(self.widths[lane]), name=f"word{lane}") for lane in lanes]
            relay = k % self.unit.sweep // RELAYED
            swept = self._pick(m, k, words, picked)
            over, membrane, after = self._sweep(m, k, swept, stage, lasts[k // RELAYED], holds)
            for lane, word, write in zip(lanes, words, writes[bank], strict=True):
                at = addresses[lane % len(addresses) if self.walk.addresses else bank]
                ports = kept[bank] if kept else None
                self._lane(m, lane, word, after, stage, fresh[bank], write[relay], at, ports)
            found.append((over, membrane))
        spikes = Cat(over for over, _ in found)
        if self.neuron.once:
            spikes = spikes & ~self._fired(m, stage, spikes)
        told = later(m, stage.sweep[1], self.filtering)
        self._report(m, told, spikes, [h for _, h in found])
        return m

    def _addresses(self, m: Module, stage: Stages) -> list[tuple[Value, Value]]:
        """Tell where lanes read, and in the next cycle add: those that take turns, or the banks."""
        if self.walk.addresses:
            return [(at, later(m, at)) for at in self.at]
        banks = range(self.unit.places)
        return [(_bank(stage.ask, n).at, _bank(stage.op, n).at) for n in banks]

    def _writes(
        self, m: Module, before: data.View, stage: Stages, group: int, bank: int
    ) -> list[Writes]:
        """Tell when a group is written; `before`: a cycle before `stage`, as a relay takes one."""
        swept = before.sweep & (before.group == group)
        sweeps: Value = swept
        if self._idle:
            sweeps = swept & before.last if self._cleared else Const(0)
        clears: Value = Const(0)
        if self.neuron.integrates and self.walk.depth == 1:
            clears = swept & before.last

        def relayed(value: Value, name: str) -> list[Value]:
            number = f"{bank}_{group}" if self.unit.places > 1 else group
            return relays(m, value, self.unit.sweep, f"{name}{number}_")

        found = zip(
            relayed(sweeps, "sweeps"),
            relayed(_bank(stage.read, bank).add | sweeps, "enable"),
            relayed(clears, "clears"),
            strict=True,
        )
        return [Writes(*told) for told in found]

    @property
    def _idle(self) -> bool:
        """Whether a sweep leaves accumulators as they are."""
        return self.neuron.idle and not self.holds

    @property
    def _cleared(self) -> bool:
        """Whether the last sweep of a sample clears folds of neurons that integrate.

        Else they are marked as fresh, which costs a flip-flop each; maps have many.
        """
        over_maps = self.walk.depth > 1 and self.unit.channels > 0
        return self.neuron.integrates and over_maps and not self.skips

    def _fresh(self, m: Module, stage: Stages) -> list[Value]:
        """Mark folds as fresh at the end of a sample, where that is cheaper than to clear them.

        A fresh fold is not read before it was written. Returns whether that of the operation is, of
        each bank.
        """
        if self.skips:
            op = stage.read if self.unit.waits else stage.op
            return [_bank(op, n).fresh for n in range(self.unit.places)]
        if self.walk.depth == 1 or not self.neuron.integrates or self._cleared:
            return [Const(0)] * self.unit.places
        fresh, op, write = Signal(), stage.op, stage.sweep[-1]
        folds = Signal(self.unit.folds, init=-1)
        m.d.sync += fresh.eq(folds.bit_select(stage.read.at, 1))
        with m.If(op.add):
            m.d.sync += folds.bit_select(op.at, 1).eq(0)
        with m.If(write.sweep & (write.group == self.unit.groups - 1)):
            if self._idle:
                with m.If(write.last):
                    m.d.sync += folds.bit_select(write.fold, 1).eq(1)
            else:
                m.d.sync += folds.bit_select(write.fold, 1).eq(write.last)
        return [fresh]

    def _pick(self, m: Module, k: int, words: Sequence[Signal], picked: Sequence[Value]) -> Value:
        """Pick the word of the group that is `picked`, of two and then among the pairs."""
        if len(words) == 1:
            return words[0]
        width = max(len(word) for word in words)
        kept = Signal(signed(width), name=f"swept{k}", reset_less=True)
        masked = [
            Mux(bit, Cat(word, word[-1].replicate(width - len(word))), 0)
            for bit, word in zip(picked, words, strict=True)
        ]
        pairs = [reduce(or_, masked[g : g + 2]) for g in range(0, len(masked), 2)]
        if len(pairs) > 1:
            pairs = [later(m, pair, reset_less=True) for pair in pairs]
        m.d.sync += kept.eq(reduce(or_, pairs))
        return kept

    def _holds(self, m: Module, stage: Stages) -> Holds:
        """Tell which sweeps are the first and the last of a sample."""
        unit, before, first = self.unit, stage.sweep[self.neuron.leaking], Signal(init=1)
        is_end = (before.fold == unit.folds - 1) & (before.group == unit.groups - 1)
        with m.If(before.sweep & is_end):
            m.d.sync += first.eq(before.last)
        ends = Const(0) if self.neuron.integrates else before.last
        return Holds(
            relays(m, before.sweep & first, unit.vector, "begins"),
            relays(m, ends, unit.vector, "ends"),
        )

    def _held(self, m: Module, k: int, kept: Value, stage: Stages, begins: Value) -> Value:
        """Hold what a sample's first sweep found in sweep k: bias and constant current, less the
        neuron's offset; as nothing else has come, that is what accumulators are then."""
        unit, leaking = self.unit, self.neuron.leaking
        before, op = stage.sweep[leaking : leaking + 2]
        found = later(m, kept, leaking, reset_less=True)
        held = Signal.like(kept, name=f"held{k}", reset_less=True)
        if unit.folds * unit.groups == 1:
            with m.If(begins):
                m.d.sync += held.eq(found)
        else:
            m.submodules[f"held{k}"] = mem = memory.Memory(
                shape=held.shape(), depth=unit.folds * unit.groups, init=[]
            )
            r, w = mem.read_port(), mem.write_port()
            m.d.comb += [
                r.addr.eq(before.fold * unit.groups + before.group),
                held.eq(r.data),
                w.addr.eq(op.fold * unit.groups + op.group),
                w.data.eq(found),
                w.en.eq(begins),
            ]
        return Mux(begins, found, held)

    def _sweep(
        self, m: Module, k: int, kept: Value, stage: Stages, last: Value, holds: Holds | None
    ) -> tuple[Value, Value, Value | None]:
        """Make sweep k of the accumulator `kept`; `last`: of a sample, where that is to clear it.

        Returns whether the membrane at hand reaches the threshold; the membrane; and what the
        accumulator is to be, unless it stays.
        """
        neuron, golden, unit = self.neuron, self.neuron.golden, self.unit
        before, op = stage.sweep[:2]
        back = len(stage.sweep) - 2 - neuron.leaking  # cycles on the way back

        # Fire; the places of the last fold that no neuron has never do.
        theta = [neuron.threshold(n) or 0 for n in range(unit.neurons)]
        bias = [neuron.bias(n) for n in range(unit.neurons)]
        if self.filtering:
            told = later(m, before, self.filtering)
            served = [unit.served(lane) for lane in self._of(k)]
            at = At(unit, self.steps, before, op, told, served)
            membrane, over = neuron.membrane(m, k, kept, at)
            told = later(m, op, self.filtering)
        else:
            over, told = (
                neuron.fires(kept, lambda: self._number(m, before, k, theta.__getitem__)),
                op,
            )
            membrane = neuron.clamp(kept)
        short = [len(unit.served(lane)) < unit.folds for lane in self._of(k)]
        if all(short):
            over = over & (told.fold != unit.folds - 1)
        elif any(short):
            lacks = Array(Const(x, 1) for x in short)[told.group]
            over = over & ~((told.fold == unit.folds - 1) & lacks)
        if self._idle and not self._cleared:
            return over, membrane, None

        # Reset, then the leak and the bias of the step to come; a sample starts from 0.
        held: Any = self._held(m, k, kept, stage, holds.begins[k // RELAYED]) if holds else None
        if neuron.integrates:
            b = self._number(m, before, k, neuron.offset if holds else bias.__getitem__)
            b = held + b if holds else b
            after = kept + b
            if golden.reset != "none":
                fell = held if holds else self._number(m, before, k, neuron.first)
                subtracts = golden.reset == "subtract"
                after = kept + Mux(over, fell, b) if subtracts else Mux(over, fell, after)
            if self._cleared:
                after = Mux(last, self._number(m, before, k, neuron.first), after)
        elif self.filtering:  # nothing is left but the bias
            after = self._number(m, stage.sweep[neuron.leaking], k, bias.__getitem__)
            if holds:
                after = Mux(holds.ends[k // RELAYED], after, held)
        else:
            h = Signal.like(kept, name=f"h{k}", reset_less=True)
            s = Signal(name=f"s{k}", reset_less=True)
            m.d.sync += [h.eq(Mux(last, 0, membrane)), s.eq(over & ~last)]
            left = neuron.reset(h, s, lambda: self._number(m, op, k, theta.__getitem__))
            b = self._number(m, stage.sweep[neuron.leaking], k, bias.__getitem__)
            if holds:
                b = Mux(holds.ends[k // RELAYED], b, held)
            after = later(m, neuron.decay(left), neuron.leaking - 1, reset_less=True) + b
        return over, membrane, later(m, after, back, reset_less=True)

    def _lane(
        self,
        m: Module,
        lane: int,
        word: Signal,
        after: Value | None,
        stage: Stages,
        fresh: Value,
        write: Writes,
        at: tuple[Value, Value],
        ports: tuple[Any, Any] | None,
    ) -> None:
        """Make the accumulators of one lane, `word` the one at hand; sweeps write `after`.

        `at`: where it reads, and where it adds. `ports`: what the memory of its bank reads and
        what is written, lane by lane, if they share one.
        """
        neuron, width = self.neuron, self.widths[lane]
        first = [neuron.first(n) for n in self.unit.served(lane)]
        new = (self.terms[lane] << self.shift) + word
        if after is not None:
            new = Mux(write.sweeps, after, new)
        if self.walk.depth == 1:
            # Cleared by sweeps, after reset too.
            register = Signal(signed(width), name=f"kept{lane}", reset_less=True)
            m.d.comb += word.eq(register)
            with m.If(write.clears):
                m.d.sync += register.eq(first[0])
            with m.Elif(write.enable):
                m.d.sync += register.eq(new)
            return
        if ports is not None:
            read, written = (port[lane % self.unit.lanes] for port in ports)
            m.d.comb += written.eq(new)
        else:
            r, w = self._memory(m, f"lane{lane}", signed(width), at, stage, write.sweeps)
            m.d.comb += [w.en.eq(write.enable), w.data.eq(new)]
            read = r.data
        if not self.unit.waits:
            number = self._by_fold(stage.op, first)
            m.d.comb += word.eq(Mux(fresh, number, read[:width].as_signed()))
            return
        # As the number is constant, or nearly so, the register loads it by its set and its reset.
        init = first[0] if len(set(first)) == 1 else 0
        loaded = Signal(signed(width), name=f"loaded{lane}", init=init, reset_less=True)
        number = self._by_fold(stage.read, first)
        m.d.sync += loaded.eq(Mux(fresh, number, read[:width].as_signed()))
        m.d.comb += word.eq(loaded)

    @property
    def _joined(self) -> bool:
        """Whether the lanes of a bank, which are at one address, share a memory of wide words.

        Those of maps are deep, and so in block RAM, whose words are wide.
        """
        return self.unit.channels > 0 and self.walk.depth > 1 and not self.walk.addresses

    def _memory(
        self,
        m: Module,
        name: str,
        shape: ShapeLike,
        at: tuple[Value, Value],
        stage: Stages,
        sweeps: Value,
        granularity: int | None = None,
    ) -> tuple[Any, Any]:
        """Make a memory of accumulators; returns what reads and writes it."""
        deep = self.unit.channels and self.walk.depth > DEEP
        attrs: dict[str, Any] = {"ram_style": "block"} if deep else {}
        if self.unit.waits:  # nothing is read that is being written
            attrs["no_rw_check"] = 1
        mem = memory.Memory(shape=shape, depth=self.walk.depth, init=[], attrs=attrs)
        m.submodules[name] = mem
        w = mem.write_port(granularity=granularity)
        # Rows of one input go to folds that differ; those of a map may meet where they just were.
        forwards = self.unit.channels and not self.unit.waits
        r = mem.read_port(transparent_for=[w] if forwards else [])
        m.d.comb += [
            r.addr.eq(at[0]),
            w.addr.eq(Mux(sweeps, stage.sweep[-1].at, at[1])),
        ]
        return r, w

    def _join(
        self,
        m: Module,
        stage: Stages,
        writes: Sequence[Sequence[list[Writes]]],
        addresses: Sequence[tuple[Value, Value]],
    ) -> list[tuple[Any, Any]]:
        """Make the memories of banks; returns of each what it reads and what is written."""
        unit, width, kept = self.unit, max(self.widths), []
        shape = data.ArrayLayout(width, unit.lanes)
        for bank, (by_group, at) in enumerate(zip(writes, addresses, strict=True)):
            sweeps = Cat(write[0].sweeps for write in by_group).any()
            r, w = self._memory(m, f"bank{bank}", shape, at, stage, sweeps, unit.sweep)
            m.d.comb += w.en.eq(Cat(write[0].enable for write in by_group))
            kept.append((r.data, w.data))
        return kept

    def _fired(self, m: Module, stage: Stages, over: Value) -> Value:
        """Keep which neurons have fired in this sample; returns those that are swept."""
        unit, (before, op) = self.unit, stage.sweep[:2]
        fired = Signal(unit.width)
        new = Mux(op.last, 0, fired | over.replicate(unit.groups))
        mine = fired.word_select(op.group, unit.vector)
        sweeps = op.sweep & ~op.blank
        enable = Cat(sweeps & (op.group == g) for g in range(unit.groups))
        if unit.folds == 1:
            for g in range(unit.groups):
                lanes = slice(g * unit.vector, (g + 1) * unit.vector)
                with m.If(enable[g]):
                    m.d.sync += fired[lanes].eq(new[lanes])
            return mine
        for n in range(unit.places):
            name = f"fired{n}" if unit.places > 1 else "fired"
            # Where folds are skipped, none is read that is just written.
            deep = self.skips and unit.folds > DEEP
            attrs = {"ram_style": "block", "no_rw_check": 1} if deep else None
            mem = memory.Memory(shape=unit.lanes, depth=unit.folds, init=[], attrs=attrs)
            m.submodules[name] = mem
            r, w = mem.read_port(), mem.write_port(granularity=unit.sweep)
            m.d.comb += [
                r.addr.eq(before.fold),
                fired.word_select(n, unit.lanes).eq(r.data),
                w.addr.eq(op.fold),
                w.data.eq(new.word_select(n, unit.lanes)),
                w.en.eq(enable),
            ]
            if self.skips:
                # Not all is swept at the end of a sample: the first addition clears what was left.
                adds = _bank(stage.op, n)
                with m.If(adds.add):
                    m.d.comb += [
                        w.addr.eq(adds.at),
                        w.data.eq(0),
                        w.en.eq(adds.fresh.replicate(unit.groups)),
                    ]
        return mine

    def _report(self, m: Module, op: data.View, spikes: Value, membranes: Sequence[Value]) -> None:
        """Register what the sweep found."""
        o: data.View = Signal.like(self.o, name="found", reset_less=True)
        m.d.comb += self.o.eq(o)
        m.d.sync += [
            self.valid.eq(op.tell if self.whole else op.sweep),
            o.fold.eq(op.fold),
            o.group.eq(op.group),
            o.fire.eq(op.fire),
            o.last.eq(op.last),
            o.end.eq(op.end),
            o.spikes.eq(Mux(op.fire & ~op.blank, spikes, 0)),
        ]
        if self.measures:
            m.d.sync += [o.membranes[k].eq(h) for k, h in enumerate(membranes)]
