"""Which accumulators were added to: in this step, as these are all to sweep, and in this sample.

Flags are kept eight or sixteen to a word. Nothing in memory is ever cleared: a flip-flop per word
tells whether it counts.
"""

from functools import reduce
from operator import or_

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out

from ..plan.unit import flags
from .gates import lowest, several

__all__ = ["Touched"]


class Touched(wiring.Component):
    """Flags of accumulators, set as they are added to; lists those of a step in ascending order.

    Parameters
    ----------
    depth : int
        Accumulators of a bank.
    banks : int
        Banks that are added to at once, each at an address of its own. A sweep is of all of them.

    Members
    -------
    at : In(data.ArrayLayout(range(depth), banks))
    marks : In(data.ArrayLayout(1, banks))
        The accumulator at `at` is added to.
    fresh : Out(data.ArrayLayout(1, banks))
        It was not in this sample, up to the cycle before.
    begins : In(1)
        List those of the step, from the next cycle on, and forget them; nothing is marked then.
    drops : In(1)
        With `begins`: list none.
    next : In(1)
        Move on to the next.
    found : Out(range(depth))
        The one at hand, if not `none`.
    none : Out(1)
    end : Out(1)
        No other is behind it.
    clears : In(1)
        The sample is over: all are fresh from the next cycle on.
    """

    at: data.View
    marks: data.View
    fresh: data.View
    begins: Signal
    drops: Signal
    next: Signal
    found: Signal
    none: Signal
    end: Signal
    clears: Signal

    def __init__(self, depth: int, banks: int = 1) -> None:
        self.banks = banks
        self.words, self.width = flags(depth)
        self.bits = self.width.bit_length() - 1  # of an address, those within a word
        super().__init__(
            {
                "at": In(data.ArrayLayout(range(depth), banks)),
                "marks": In(data.ArrayLayout(1, banks)),
                "fresh": Out(data.ArrayLayout(1, banks)),
                "begins": In(1),
                "drops": In(1),
                "next": In(1),
                "found": Out(range(depth)),
                "none": Out(1),
                "end": Out(1),
                "clears": In(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        # Those found, and of which word.
        bits, word = Signal(self.width), Signal(range(self.words))
        ahead, looks = Signal(range(self.words)), Signal()
        words, found = [], []
        for n in range(self.banks):
            at = Signal(range(self.words * self.width), name=f"at{n}")
            m.d.comb += at.eq(self.at[n])
            counts, here = self._flags(m, f"sample{n}", at, self.marks[n], at[self.bits :])
            m.d.comb += self.fresh[n].eq(~here.bit_select(at[: self.bits], 1))
            with m.If(self.clears):
                m.d.sync += counts.eq(0)
            place = Mux(looks, ahead, at[self.bits :])
            counts, here = self._flags(m, f"step{n}", at, self.marks[n], place)
            with m.If(looks):
                m.d.sync += counts.bit_select(ahead, 1).eq(0)
            with m.If(self.drops):
                m.d.sync += counts.eq(0)
            words.append(counts)
            found.append(here)

        (some, lowest_word), (there, lowest_bit) = lowest(reduce(or_, words)), lowest(bits)
        is_last = ~several(bits)[1]
        m.d.comb += [
            ahead.eq(Mux(some, lowest_word, 0)),
            looks.eq(self.begins | (self.next & is_last & some)),
            self.found.eq(Cat(Mux(there, lowest_bit, 0), word)),
            self.none.eq(~there),
            self.end.eq(is_last & ~some),
        ]
        with m.If(looks):
            m.d.sync += [bits.eq(reduce(or_, found)), word.eq(ahead)]
        with m.Elif(self.next):
            m.d.sync += bits.eq(bits & (bits - 1))
        with m.If(self.drops):
            m.d.sync += bits.eq(0)
        return m

    def _flags(
        self, m: Module, name: str, at: Value, marks: Value, place: Value
    ) -> tuple[Signal, Value]:
        """Keep flags, set that at `at` if it `marks`; the word at `place` is read.

        Returns which words count, and the one that is read; where it is written, both are the same.
        """
        attrs = {"ram_style": "distributed"}
        mem = memory.Memory(shape=self.width, depth=self.words, init=[], attrs=attrs)
        m.submodules[name] = mem
        counts = Signal(self.words, name=f"{name}_counts")
        read, write = mem.read_port(domain="comb"), mem.write_port()
        here = Mux(counts.bit_select(place, 1), read.data, 0)
        m.d.comb += [
            read.addr.eq(place),
            write.addr.eq(at[self.bits :]),
            write.data.eq(here | (1 << at[: self.bits])),
            write.en.eq(marks),
        ]
        with m.If(marks):
            m.d.sync += counts.bit_select(write.addr, 1).eq(1)
        return counts, here
