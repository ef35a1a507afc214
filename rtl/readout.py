"""The readout in gates. The law is in model/readout.py."""

from amaranth.hdl import Array, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import data, enum, memory, stream, wiring
from amaranth.lib.wiring import In, Out

from ..model.mapping import Unit
from ..model.network import Network
from ..model.width import Bounds, score_bounds, signed_width
from .dense import measured
from .neuron import Neuron

__all__ = ["Readout", "outcome"]


def outcome(network: Network, width: int) -> data.StructLayout:
    """Make the layout of a result's items: one per class, in order; `label` and `step` are the same in all."""
    return data.StructLayout(
        {
            "label": range(network.classes),
            "step": range(network.steps),
            "score": signed(width),
            "last": 1,
        }
    )


class Phase(enum.Enum, shape=2):
    """What the readout does."""

    WAIT = 0
    SCAN = 1  # lanes of the item at hand, one per cycle
    SETTLE = 2  # the last lane is being compared
    SEND = 3  # the result


class Readout(wiring.Component):
    """Scores the classes one per cycle, keeps the best, sends the result, then ignores the sample until its end.

    Parameters
    ----------
    network : Network
    unit : Unit
        Layout of the last layer.
    bounds : Bounds
        Of the last layer.
    width : int, bits
        Of the membranes that arrive.

    Members
    -------
    i : In(stream.Signature(measured(unit, width)))
    o : Out(stream.Signature(outcome(network, score_width)))
    decided : Out(3)
        Number of samples decided so far, modulo 8.

    Timing
    ------
    An item takes one cycle, and `sweep` more where it is scanned, and two more where it ends the step then. The
    result is offered from the next cycle on.
    """

    i: stream.Interface
    o: stream.Interface
    decided: Signal

    def __init__(self, network: Network, unit: Unit, bounds: Bounds, width: int) -> None:
        self.network = network
        self.unit = unit
        self.neuron = Neuron(network.layers[-1].neuron, bounds)
        low, high = score_bounds(network, bounds)
        self.width = signed_width(low, high)
        super().__init__(
            {
                "i": In(stream.Signature(measured(unit, width))),
                "o": Out(stream.Signature(outcome(network, self.width))),
                "decided": Out(3),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        readout, classes, size = self.network.readout, self.network.classes, self.unit.sweep
        whole = self.unit.folds * self.unit.groups == 1
        i, o = self.i, self.o
        item = Signal.like(i.p)
        phase = Signal(Phase)
        step = Signal(range(self.network.steps))
        fresh = Signal(init=1)  # the first step of a sample
        ignore = Signal()  # the sample is decided
        lane = Signal(range(size))
        index = Signal(range(classes + 1))

        # Take an item. With first-spike, a step that decides nothing is not worth a scan; where a step comes in
        # several items, its later ones are not known yet.
        worth = i.p.tick | (not whole)
        if readout.kind == "first-spike" and whole:
            worth = i.p.tick & (i.p.lanes.any() | i.p.final)
        elif readout.kind == "final-membrane":
            worth = i.p.final
        m.d.comb += i.ready.eq(phase == Phase.WAIT)
        with m.If(i.valid & i.ready):
            m.d.sync += [item.eq(i.p), lane.eq(0)]
            with m.If(~ignore & worth & (i.p.tick | ~i.p.last)):
                m.d.sync += phase.eq(Phase.SCAN)
            with m.Else():
                self._end_step(m, i.p, step, fresh, index)
                with m.If(i.p.last):
                    m.d.sync += ignore.eq(0)

        # Scan: select a lane; a cycle later update its score, and the best one.
        scans = phase == Phase.SCAN
        exists = index != classes
        with m.If(scans):
            m.d.sync += [lane.eq(lane + 1), index.eq(index + exists)]
            with m.If(lane == size - 1):
                m.d.sync += phase.eq(Mux(item.tick, Phase.SETTLE, Phase.WAIT))
        selected = self._membrane(item, lane, index)
        spike, membrane = Signal(), Signal.like(selected)
        scored, scored_index, first_class = Signal(), Signal(range(classes)), Signal()
        m.d.sync += [
            spike.eq(item.lanes.bit_select(lane, 1)),
            membrane.eq(selected),
            scored.eq(scans & exists),
            scored_index.eq(index),
            first_class.eq(index == 0),
        ]
        m.submodules.scores = scores = memory.Memory(
            shape=signed(self.width), depth=classes, init=[]
        )
        read, write = scores.read_port(domain="comb"), scores.write_port()
        sends = phase == Phase.SEND
        m.d.comb += [
            read.addr.eq(Mux(sends, index, scored_index)),
            write.addr.eq(scored_index),
            write.en.eq(scored),
            write.data.eq(self._score(fresh, read.data, spike, membrane, step)),
        ]
        best, best_spike, label = Signal(signed(self.width)), Signal(), Signal(range(classes))
        takes_part = spike if readout.kind == "first-spike" else Const(0, 1)
        wins = (takes_part > best_spike) | ((takes_part == best_spike) & (write.data > best))
        with m.If(scored & (first_class | wins)):
            m.d.sync += [
                best.eq(write.data),
                best_spike.eq(takes_part),
                label.eq(scored_index),
            ]

        # Decide at the end of a step, or go on.
        decides = item.final | (best_spike if readout.kind == "first-spike" else 0)
        settled = Signal()
        m.d.sync += settled.eq(phase == Phase.SETTLE)
        with m.If((phase == Phase.SETTLE) & settled):
            m.d.sync += phase.eq(Phase.WAIT)
            with m.If(item.tick & decides):
                m.d.sync += [phase.eq(Phase.SEND), self.decided.eq(self.decided + 1), index.eq(0)]
            with m.Else():
                self._end_step(m, item, step, fresh, index)

        # Send the result; what is left of the sample changes nothing.
        m.d.comb += [
            o.valid.eq(sends),
            o.p.label.eq(label),
            o.p.step.eq(step),
            o.p.score.eq(read.data),
            o.p.last.eq(index == classes - 1),
        ]
        with m.If(o.valid & o.ready):
            m.d.sync += index.eq(index + 1)
            with m.If(o.p.last):
                m.d.sync += [phase.eq(Phase.WAIT), ignore.eq(~item.last)]
                self._end_step(m, item, step, fresh, index)
        return m

    def _end_step(
        self, m: Module, item: data.View, step: Signal, fresh: Signal, index: Signal
    ) -> None:
        """Count steps, and start anew after a sample."""
        with m.If(item.tick | item.last):
            m.d.sync += [step.eq(step + 1), fresh.eq(0), index.eq(0)]
        with m.If(item.last):
            m.d.sync += [step.eq(0), fresh.eq(1)]

    def _membrane(self, item: data.View, lane: Signal, index: Signal) -> Value:
        """The membrane h of the lane at hand."""
        offsets = [self.neuron.offset(n) for n in range(self.network.classes)]
        consts = [Const(x, signed(signed_width(min(offsets), max(offsets)))) for x in offsets]
        offset = consts[0] if len(set(offsets)) == 1 else Array(consts)[index]
        return Array(item.membranes[k] for k in range(self.unit.sweep))[lane] + offset

    def _score(self, fresh: Value, old: Value, spike: Value, membrane: Value, step: Value) -> Value:
        """The score of the class at hand after this step."""
        kind = self.network.readout.kind
        if kind == "weighted-sum":
            w = self.network.readout.weights
            assert w is not None
            shape = signed(signed_width(int(w.min()), int(w.max())))
            weight = Array(Const(int(x), shape) for x in w)[step]
            return Mux(fresh, 0, old) + membrane * weight
        if kind == "spike-count":
            return Mux(fresh, 0, old) + spike
        if kind == "max-membrane":
            return Mux(fresh | (membrane > old), membrane, old)
        return membrane
