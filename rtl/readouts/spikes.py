"""Spikes, see model/readouts/spikes.py."""

from typing import Any, ClassVar

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import data

from .protocol import Readout

__all__ = ["Spikes"]


class Spikes(Readout):
    """Passes the spikes on with their steps, and ends each sample.

    Timing
    ------
    An item is handed on in the cycle in which it comes; one that is a spike and ends the sample
    takes a cycle more, for the end. Items that do neither take a cycle.
    """

    names_neurons: ClassVar[bool] = True

    def result(self) -> data.StructLayout:
        """Make the layout of a result's items: one per spike, then one that is `last` and none."""
        neurons, steps = range(self.network.classes), range(self.network.steps)
        return data.StructLayout({"neuron": neurons, "step": steps, "last": 1})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        i, o = self.i, self.o
        step = Signal(range(self.network.steps))
        passed = Signal()  # the spike of the item at hand

        # First the spike, then the end of the sample.
        spikes = i.p.lanes & ~passed
        m.d.comb += [
            o.valid.eq(i.valid & (spikes | i.p.last)),
            o.p.neuron.eq(i.p.position),
            o.p.step.eq(step),
            o.p.last.eq(~spikes),
            i.ready.eq(Mux(spikes, o.ready & ~i.p.last, o.ready | ~i.p.last)),
        ]
        with m.If(o.valid & o.ready):
            m.d.sync += [passed.eq(spikes & i.p.last), self.decided.eq(self.decided + o.p.last)]

        m.d.comb += self.idle.eq(~i.valid)

        # Count steps, and start anew after a sample.
        with m.If(i.valid & i.ready & (i.p.tick | i.p.last)):
            m.d.sync += step.eq(Mux(i.p.last, 0, step + 1))
        return m

    def words(self, m: Module, o: Any, words: Any, elapsed: Value, timed: Signal) -> None:
        """Turn spikes into words as they come; the end becomes the sample's cycles."""
        word, last = words.p.data, words.p.last
        neuron = Signal(16)
        m.d.comb += [
            neuron.eq(o.p.neuron),
            words.valid.eq(o.valid),
            o.ready.eq(words.ready),
            word.eq(Mux(o.p.last, elapsed[:32], Cat(neuron, o.p.step))),
            last.eq(o.p.last),
            timed.eq(o.valid & words.ready & o.p.last),
        ]

    def describe(self) -> dict[str, object]:
        """Describe a packet for a driver."""
        return {
            "result": "spikes",
            "packet": "one word per spike, by step, then by neuron; then the cycles, with tlast",
            "spike": {"neuron": {"lsb": 0, "bits": 16}, "step": {"lsb": 16, "bits": 16}},
            "cycles": "from the sample's first beat to the last word, 32 bits",
            "timed_word": -1,
            "cycles_word": -1,
        }
