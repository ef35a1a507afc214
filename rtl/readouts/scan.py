"""Readouts that score classes: the scan that all share. The law is in model/readouts/."""

from typing import Any, ClassVar

from amaranth.hdl import Array, Cat, Const, Module, Signal, Value, signed
from amaranth.lib import data, memory

from ...model.network import Network
from ...model.width import Bounds, signed_width
from ...plan.readouts import Scan as Timing
from ...plan.readouts import scanned, timing
from ...plan.unit import Unit
from ..gates import later
from ..neurons.neuron import Neuron
from .protocol import Readout

__all__ = ["Scan", "membrane"]


def rank(width: int) -> data.StructLayout:
    """Make the layout of what classes are compared by."""
    return data.StructLayout({"score": signed(width), "spike": 1})


def beats(a: Any, b: Any) -> Value:
    """Whether rank a goes before rank b."""
    return (a.spike > b.spike) | ((a.spike == b.spike) & (a.score > b.score))


def membrane(
    neuron: Neuron,
    classes: int,
    item: data.View,
    chunk: Value,
    row: Value,
    way: int = 0,
    ways: int = 1,
) -> Value:
    """The membrane h of lane ``chunk * ways + way`` of an item, class ``row * ways + way``."""
    offsets = [neuron.offset(n) for n in range(classes)]
    shape = signed(signed_width(min(offsets), max(offsets)))
    mine = [Const(x, shape) for x in offsets[way::ways]]
    offset = mine[0] if len(set(offsets)) == 1 else Array(mine)[row]
    return Array(item.membranes[k] for k in range(way, len(item.membranes), ways))[chunk] + offset


class Scan(Readout):
    """Scores the classes, keeps the best, sends the result, then ignores the sample until its end.

    A kind of readout says what an item is worth and what a class scores.

    Timing
    ------
    An item takes one cycle; where it is scanned, one more for every `scanned` lanes; where it ends
    the step then, `settling` + 1 more. A result is offered in the last of these.
    """

    names_neurons: ClassVar[bool] = True

    def __init__(self, network: Network, unit: Unit, bounds: Bounds, width: int) -> None:
        found = timing(network.readout)
        assert isinstance(found, Timing)
        self.timing = found
        super().__init__(network, unit, bounds, width)

    def result(self) -> data.StructLayout:
        """Make the layout of a result's items: one per class; all have the label and the step."""
        return data.StructLayout(
            {
                "label": range(self.network.classes),
                "step": range(self.network.steps),
                "score": signed(self.width),
                "last": 1,
            }
        )

    @property
    def whole(self) -> bool:
        """Whether a step is one item."""
        return self.unit.folds * self.unit.groups == 1

    def worth(self, item: data.View) -> Value:
        """Whether an item is scanned, as `Scan.worth` of plan/readouts.py."""
        return item.tick | (not self.whole)

    def score(self, fresh: Value, old: Value, spike: Value, membrane: Value, step: Value) -> Value:
        """The score of the class at hand after this step.

        Parameters
        ----------
        fresh : whether the step is the first, and `old` means nothing
        old : the score after the step before
        spike, membrane : of the class in this step
        """
        raise NotImplementedError

    def elaborate(self, platform: object) -> Module:
        m = Module()
        classes = self.network.classes
        ways = scanned(self.unit)
        chunks = self.unit.sweep // ways
        rows = -(-classes // ways)
        i, o = self.i, self.o
        item = Signal.like(i.p, reset_less=True)
        step = Signal(range(self.network.steps))
        fresh = Signal(init=1)  # the first step of a sample
        ignore = Signal()  # the sample is decided
        chunk = Signal(range(chunks))  # of the item
        row = Signal(range(rows + 1))  # of the classes; class = row * ways + way

        way = Signal(range(ways))  # of what is sent
        announced = Signal()  # the decision
        scans, exists = Signal(), row != rows
        settles, settled = Signal(), Signal()
        decides = Signal()  # the step, whether there is a result; else nothing is sent
        ended, sample_ended = Signal(), Signal()  # a step, without a decision or after one

        # What is left of a sample behind its decision changes nothing.
        with m.FSM():
            with m.State("WAIT"):  # for an item
                m.d.comb += [i.ready.eq(1), self.idle.eq(1), sample_ended.eq(i.p.last)]
                with m.If(i.valid):
                    m.d.sync += [item.eq(i.p), chunk.eq(0)]
                    with m.If(~ignore & self.worth(i.p) & (i.p.tick | ~i.p.last)):
                        m.next = "SCAN"
                    with m.Else():
                        m.d.comb += ended.eq(i.p.tick | i.p.last)
                        with m.If(i.p.last):
                            m.d.sync += ignore.eq(0)
            with m.State("SCAN"):  # its lanes
                m.d.comb += scans.eq(1)
                m.d.sync += [chunk.eq(chunk + 1), row.eq(row + exists)]
                with m.If(chunk == chunks - 1):
                    with m.If(item.tick):
                        m.next = "SETTLE"
                    with m.Else():
                        m.next = "WAIT"
            with m.State("SETTLE"):  # the last ones are being compared
                m.d.comb += settles.eq(1)
                with m.If(settled):
                    m.d.sync += [row.eq(0), way.eq(0), announced.eq(0)]
                    m.next = "SEND"
            with m.State("SEND"):  # the result, if the step decides
                m.d.comb += [o.valid.eq(decides), sample_ended.eq(item.last)]
                with m.If(~decides):
                    m.d.comb += ended.eq(1)
                    m.next = "WAIT"
                with m.Elif(~announced):
                    m.d.sync += [announced.eq(1), self.decided.eq(self.decided + 1)]
                with m.If(o.valid & o.ready):
                    m.d.sync += [way.eq(way + 1), row.eq(row + (way == ways - 1))]
                    if ways == 1:
                        m.d.sync += way.eq(0)
                    with m.If(o.p.last):
                        m.d.sync += ignore.eq(~item.last)
                        m.d.comb += ended.eq(1)
                        m.next = "WAIT"

        # Select some lanes; a cycle later their scores are updated, and the best one.
        scored, scored_row = Signal(), Signal(range(rows))
        m.d.sync += [scored.eq(scans & exists), scored_row.eq(row)]
        # Where a score builds on an earlier one, it is compared in the cycle behind.
        builds = int(self.timing.builds)
        ranked_row = later(m, scored_row, builds)
        ranked, kept = [], []
        for k in range(ways):
            selected = membrane(self.neuron, classes, item, chunk, row, k, ways)
            spike, h = Signal(name=f"spike{k}"), Signal.like(selected, name=f"h{k}")
            spikes = Array(item.lanes[lane] for lane in range(k, self.unit.sweep, ways))
            m.d.sync += [spike.eq(spikes[chunk]), h.eq(selected)]
            m.submodules[f"scores{k}"] = scores = memory.Memory(
                shape=signed(self.width), depth=rows, init=[]
            )
            read, write = scores.read_port(domain="comb"), scores.write_port()
            old = later(m, read.data, builds)
            m.d.comb += [
                read.addr.eq(row),
                write.addr.eq(scored_row),
                write.en.eq(scored),
                write.data.eq(self.score(fresh, old, spike, h, step)),
            ]
            candidate = Signal(rank(self.width), name=f"candidate{k}")
            m.d.comb += candidate.score.eq(write.data)
            if self.timing.early:
                m.d.comb += candidate.spike.eq(spike)
            ranked.append(later(m, candidate, builds))
            kept.append(read.data)

        best, label = self._best(m, ranked, ranked_row, scored, builds)

        m.d.comb += [
            settled.eq(later(m, settles, 1 + builds)),
            decides.eq(item.final | (best.spike if self.timing.early else 0)),
            o.p.label.eq(label),
            o.p.step.eq(step),
            o.p.score.eq(Array(kept)[way]),
            o.p.last.eq(row * ways + way == classes - 1),
        ]

        # Count steps, and start anew after a sample.
        with m.If(ended):
            m.d.sync += [step.eq(step + 1), fresh.eq(0), row.eq(0)]
            with m.If(sample_ended):
                m.d.sync += [step.eq(0), fresh.eq(1)]
        return m

    def _best(
        self, m: Module, ranked: list[Any], ranked_row: Signal, scored: Signal, builds: int
    ) -> tuple[Any, Value]:
        """Keep the best of the classes, first of those side by side, then of all; and its label.

        With first-spike those that spike go before those that do not; then the higher score; then
        the lower class.
        """
        ways, classes = len(ranked), self.network.classes
        rows = -(-classes // ways)
        shape = rank(self.width)
        best, best_row, best_way = Signal(shape), Signal(range(rows)), Signal(range(ways))
        row_best, row_best_way, row_at = Signal(shape), Signal(range(ways)), Signal(range(rows))
        compares = Signal()
        m.d.sync += [row_best.eq(ranked[0]), row_best_way.eq(0)]
        for way in range(1, ways):
            others = [beats(ranked[way], ranked[other]) for other in range(way)]
            is_class = way < classes - (rows - 1) * ways
            exists = Const(1, 1) if is_class else ranked_row != rows - 1
            with m.If(exists & Cat(others).all()):
                m.d.sync += [row_best.eq(ranked[way]), row_best_way.eq(way)]
        m.d.sync += [row_at.eq(ranked_row), compares.eq(later(m, scored, builds))]
        with m.If(compares & ((row_at == 0) | beats(row_best, best))):
            m.d.sync += [best.eq(row_best), best_row.eq(row_at), best_way.eq(row_best_way)]
        return best, best_row * ways + best_way

    def words(self, m: Module, o: Any, words: Any, elapsed: Value, timed: Signal) -> None:
        """Turn a result into the decision, the cycles, then the scores."""
        cycles = Signal(32)
        data, last = words.p.data, words.p.last
        taken = words.valid & words.ready
        m.d.comb += words.valid.eq(o.valid)
        with m.FSM(name="words"):
            with m.State("DECISION"):
                m.d.comb += data.eq(Cat(o.p.label, Signal(16 - len(o.p.label)), o.p.step))
                with m.If(taken):
                    m.d.sync += cycles.eq(elapsed)
                    m.d.comb += timed.eq(1)
                    m.next = "CYCLES"
            with m.State("CYCLES"):
                m.d.comb += data.eq(cycles)
                with m.If(taken):
                    m.next = "SCORES"
            with m.State("SCORES"):
                score = Signal(signed(len(data)))
                m.d.comb += [score.eq(o.p.score), data.eq(score)]
                m.d.comb += [o.ready.eq(words.ready), last.eq(o.p.last)]
                with m.If(taken & last):
                    m.next = "DECISION"

    def describe(self) -> dict[str, object]:
        """Describe a packet for a driver."""
        return {
            "result": "class",
            "packet": "one result: decision, cycles, then one score per class; tlast on the last",
            "decision": {"label": {"lsb": 0, "bits": 16}, "step": {"lsb": 16, "bits": 16}},
            "cycles": "from the sample's first beat to the first word, 32 bits",
            "scores": self.network.classes,
            "score": "signed, of all bits of tdata",
            "timed_word": 0,
            "cycles_word": 1,
        }
