"""Membranes, see model/readouts/membranes.py."""

from typing import Any

from amaranth.hdl import Module, Signal, Value, signed
from amaranth.lib import data

from .protocol import Readout
from .scan import membrane

__all__ = ["Membranes"]


class Membranes(Readout):
    """Sends the membranes of the last step, in order; passes over all other items.

    Timing
    ------
    An item takes one cycle; one of the last step, one more for each neuron in it. These are offered
    from the cycle on after the item is taken.
    """

    def result(self) -> data.StructLayout:
        """Make the layout of a result's items: one per neuron."""
        return data.StructLayout({"value": signed(self.width), "last": 1})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        i, o = self.i, self.o
        item = Signal.like(i.p, reset_less=True)
        lane = Signal(range(self.unit.sweep))
        neuron = Signal(range(self.network.classes))
        sent = Signal()  # every neuron of the sample was sent

        m.d.comb += [
            o.p.value.eq(membrane(self.neuron, self.network.classes, item, lane, neuron)),
            o.p.last.eq(neuron == self.network.classes - 1),
        ]
        with m.FSM():
            with m.State("WAIT"):  # for an item; behind the last neuron none has one
                m.d.comb += [i.ready.eq(1), self.idle.eq(1)]
                with m.If(i.valid):
                    m.d.sync += [item.eq(i.p), lane.eq(0)]
                    with m.If(i.p.final & ~sent):
                        m.next = "SEND"
                    with m.Elif(i.p.last):
                        m.d.sync += sent.eq(0)
            with m.State("SEND"):  # its neurons, one per cycle
                m.d.comb += o.valid.eq(1)
                with m.If(o.ready):
                    m.d.sync += [lane.eq(lane + 1), neuron.eq(neuron + 1)]
                    with m.If(o.p.last):
                        m.d.sync += [neuron.eq(0), sent.eq(~item.last)]
                        m.d.sync += self.decided.eq(self.decided + 1)
                    with m.If(o.p.last | (lane == self.unit.sweep - 1)):
                        m.next = "WAIT"
        return m

    def words(self, m: Module, o: Any, words: Any, elapsed: Value, timed: Signal) -> None:
        """Put the sample's cycles before its membranes."""
        word, last = words.p.data, words.p.last
        value = Signal(signed(len(word)))
        m.d.comb += [words.valid.eq(o.valid), value.eq(o.p.value)]
        taken = words.valid & words.ready
        with m.FSM(name="words"):
            with m.State("CYCLES"):
                m.d.comb += [word.eq(elapsed[:32]), timed.eq(taken)]
                with m.If(taken):
                    m.next = "MEMBRANES"
            with m.State("MEMBRANES"):
                m.d.comb += [word.eq(value), last.eq(o.p.last), o.ready.eq(words.ready)]
                with m.If(taken & last):
                    m.next = "CYCLES"

    def describe(self) -> dict[str, object]:
        """Describe a packet for a driver."""
        return {
            "result": "membranes",
            "packet": "cycles, then each neuron's membrane at the last step; tlast on the last",
            "cycles": "from the sample's first beat to the first word, 32 bits",
            "membranes": self.network.classes,
            "membrane": "signed, of all bits of tdata",
            "timed_word": 0,
            "cycles_word": 0,
        }
