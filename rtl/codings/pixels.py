"""Packed pixels to items. The law is `Latency` in model/codings/latency.py."""

from amaranth.hdl import Cat, Module, Mux, Signal, unsigned
from amaranth.lib import data, memory

from ...model.codings.latency import Latency
from ...model.errors import InputError
from ...model.network import Network
from ..stream import vector
from .intake import Intake

__all__ = ["Pixels"]


class Pixels(Intake):
    """Takes an image, several pixels a beat; plays it back step by step while the next comes in.

    An image that is too short is dark where it ends; beats beyond its end are dropped and counted.
    The first beat after a reset begins an image.

    Parameters
    ----------
    network : Network
        With latency coding.
    lanes : int
        Pixels of a beat; the first one lies lowest.

    Timing
    ------
    One beat per cycle while one of two image memories is free. Play-back looks at one word of one
    step per cycle; a word is offered two cycles after the image's last beat at the earliest.
    """

    def __init__(self, network: Network, lanes: int) -> None:
        if not isinstance(network.coding, Latency):
            raise InputError("Packed pixels must feed a network with latency coding")
        self.network = network
        self.lanes = lanes
        self.words = -(-network.width // lanes)
        super().__init__(lanes * 8, vector(self.words, lanes))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        steps, code = self.network.steps, unsigned(self.network.steps.bit_length())
        m.submodules.images = images = memory.Memory(
            shape=data.ArrayLayout(code, self.lanes), depth=2 * self.words, init=[]
        )
        full = Signal(2)
        played = self._play(m, images.read_port(), full, steps)
        self._write(m, images.write_port(), full, played)
        return m

    def _write(self, m: Module, port: memory.WritePort, full: Signal, played: Signal) -> None:
        """Encode the pixels of a beat and keep them; `played`: one is still being played back."""
        network, i = self.network, self.i
        bank, word = Signal(), Signal(range(self.words))
        within = Signal()  # the source is within an image
        dark = Signal()  # what is written
        takes = i.valid & i.ready
        is_last_word = word == self.words - 1
        assert isinstance(network.coding, Latency)
        table = network.coding.table(network.steps)
        codes = []
        for lane in range(self.lanes):
            pixel = i.p.beat[8 * lane : 8 * (lane + 1)]
            fires = Signal(network.steps.bit_length(), init=network.steps, name=f"step{lane}")
            m.d.comb += fires.eq(network.steps)
            for t in reversed(range(network.steps)):
                dimmest = [p for p in range(256) if table[p] <= t]
                if dimmest:
                    with m.If(pixel >= dimmest[0]):
                        m.d.comb += fires.eq(t)
            exists = ~is_last_word if lane >= network.width - (self.words - 1) * self.lanes else 1
            codes.append(Mux(exists & ~dark, fires, network.steps))
        with m.FSM():
            with m.State("KEEP"):
                m.d.comb += [
                    i.ready.eq(~full.bit_select(bank, 1) & (within | self.room)),
                    self.starts.eq(takes & ~within),
                    port.en.eq(takes),
                ]
                with m.If(takes & is_last_word & ~i.p.last):
                    m.next = "DRAIN"
                with m.If(takes & i.p.last & ~is_last_word):
                    m.next = "FILL"
            with m.State("FILL"):  # the image ended early: the rest is dark
                m.d.comb += [dark.eq(1), port.en.eq(1)]
                with m.If(is_last_word):
                    m.next = "KEEP"
            with m.State("DRAIN"):  # the image is whole: drop beats up to the last
                m.d.comb += i.ready.eq(1)
                with m.If(takes & ~self.refused.all()):
                    m.d.sync += self.refused.eq(self.refused + 1)
                with m.If(takes & i.p.last):
                    m.next = "KEEP"
        m.d.comb += [
            self.idle.eq(~(within | dark | full.any() | played)),
            port.addr.eq(bank * self.words + word),
            port.data.eq(Cat(codes)),
        ]
        with m.If(takes):
            m.d.sync += within.eq(~i.p.last)
        with m.If(port.en):
            m.d.sync += word.eq(word + 1)
            with m.If(is_last_word):
                m.d.sync += [word.eq(0), bank.eq(~bank), full.bit_select(bank, 1).eq(1)]

    def _play(self, m: Module, port: memory.ReadPort, full: Signal, steps: int) -> Signal:
        """Offer the words of each step that have spikes, and the end of every step.

        Returns whether there is a word at hand.
        """
        o = self.o
        bank, word, step = Signal(), Signal(range(self.words)), Signal(range(steps))
        sample = Signal(3)
        item = data.StructLayout(
            {"position": range(self.words), "step": range(steps), "tick": 1, "last": 1, "end": 1}
        )
        held, held_full = Signal(item), Signal()
        spikes = Cat(fires == held.step for fires in port.data) & ~held.end.replicate(self.lanes)
        worth = spikes.any() | held.tick | held.end
        m.d.comb += [
            o.valid.eq(held_full & worth),
            o.p.position.eq(held.position),
            o.p.lanes.eq(spikes),
            o.p.tick.eq(held.tick),
            o.p.last.eq(held.last | held.end),
        ]
        advances = ~held_full | ~worth | o.ready
        looks = full.bit_select(bank, 1) & advances
        is_decided = self.decided == (sample + 1)[:3]
        is_last_word, is_last_step = word == self.words - 1, step == steps - 1
        m.d.comb += [port.addr.eq(bank * self.words + word), port.en.eq(looks)]
        with m.If(advances):
            m.d.sync += held_full.eq(looks)
        with m.If(looks):
            m.d.sync += [
                held.position.eq(word),
                held.step.eq(step),
                held.tick.eq(is_last_word & ~is_decided),
                held.last.eq(is_last_word & is_last_step),
                held.end.eq(is_decided),
                word.eq(word + 1),
            ]
            with m.If(is_last_word):
                m.d.sync += [word.eq(0), step.eq(step + 1)]
            with m.If(is_decided | (is_last_word & is_last_step)):
                m.d.sync += [
                    word.eq(0),
                    step.eq(0),
                    sample.eq(sample + 1),
                    bank.eq(~bank),
                    full.bit_select(bank, 1).eq(0),
                ]
        return held_full
