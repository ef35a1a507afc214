"""The accelerator: the core, what feeds it, and what counts its samples; beats in, words out."""

from amaranth.hdl import Cat, Module, Shape, Signal, signed
from amaranth.lib import data, fifo, stream, wiring
from amaranth.lib.wiring import In, Out

from ..model.network import Network as Golden
from ..plan.mapping import Mapping
from ..plan.pipeline import IN_FLIGHT
from .codings.framer import Framer
from .codings.pixels import Pixels
from .narrow import Narrow
from .network import Network
from .stream import Skid, join

__all__ = ["Accelerator", "whole_bytes"]


def whole_bytes(bits: int) -> int:
    """Round a width up to whole bytes."""
    return -(-bits // 8) * 8


class Accelerator(wiring.Component):
    """The core with its source; a host (rtl/host/) connects it to a bus.

    Parameters
    ----------
    golden : model.network.Network
    mapping : Mapping
    name : str
        Prefix of the weight memories' modules.

    Members
    -------
    i : In(stream.Signature({"beat": ..., "last": 1}))
        One packet per sample, of beats as `framer.beat` lays them out, or of packed pixels.
    o : Out(stream.Signature({"data": ..., "last": 1}))
        One packet per sample: word 0 = label (bits 0-15) and step of decision (bits 16-31); word 1
        = cycles from the sample's first beat to word 0; then the score of each class, sign-
        extended.
    refused : Out(16)
        Beats that broke the input's declaration and were dropped, up to 65,535.
    """

    i: stream.Interface
    o: stream.Interface
    refused: Signal

    def __init__(self, golden: Golden, mapping: Mapping, *, name: str = "weights") -> None:
        self.golden = golden
        self.core = Network(golden, mapping, name=name)
        self.source = Pixels(golden, mapping.pixels) if mapping.pixels else Framer(golden)
        self.word_width = max(32, whole_bytes(self.core.readout.width))
        word = data.StructLayout({"data": self.word_width, "last": 1})
        super().__init__(
            {
                "i": In(stream.Signature(self.source.i.p.shape())),
                "o": Out(stream.Signature(word)),
                "refused": Out(16),
            }
        )

    @property
    def beat_width(self) -> int:
        """Bits of a beat, its `last` aside."""
        return Shape.cast(self.source.i.p.beat.shape()).width

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.source = source = self.source
        m.submodules.core = core = self.core
        m.submodules.starts = starts = fifo.SyncFIFO(width=32, depth=IN_FLIGHT)
        self._feed(m)

        # Note, a cycle later, when each sample starts.
        now = Signal(32)
        m.d.sync += [now.eq(now + 1), starts.w_en.eq(source.starts)]
        m.d.comb += starts.w_data.eq(now)

        # A register tells whether one more may start, as what it begins in is a long path.
        under_way = Signal(range(IN_FLIGHT + 1))
        m.d.comb += under_way.eq(starts.w_level + starts.w_en + source.starts - starts.r_en)
        m.d.sync += source.room.eq(core.awake & (under_way != IN_FLIGHT))

        self._answer(m, now, starts)
        return m

    def _feed(self, m: Module) -> None:
        """Send beats through the source, and its items to the core."""
        source, core = self.source, self.core
        wiring.connect(m, wiring.flipped(self.i), source.i)
        m.d.comb += [source.decided.eq(core.decided), self.refused.eq(source.refused)]
        if isinstance(source, Framer):
            m.submodules.skid = skid = Skid(source.o.p.shape())
            wiring.connect(m, source.o, skid.i)
            wiring.connect(m, skid.o, core.i)
        elif source.lanes == 1:
            join(m, source.o, core.i)
        else:
            m.submodules.narrow = narrow = Narrow(source.words, source.lanes, 1)
            wiring.connect(m, source.o, narrow.i)
            join(m, narrow.o, core.i)

    def _answer(self, m: Module, now: Signal, starts: fifo.SyncFIFO) -> None:
        """Make words of a result's items: the decision, the cycles, then the scores."""
        core = self.core
        m.submodules.result = result = Skid(self.o.p.shape())
        wiring.connect(m, result.o, wiring.flipped(self.o))
        word = Signal(range(3))
        cycles = Signal(32)
        m.d.comb += [
            result.i.valid.eq(core.o.valid),
            result.i.p.data.eq(
                Cat(core.o.p.label, Signal(16 - len(core.o.p.label)), core.o.p.step)
            ),
        ]
        with m.Switch(word):
            with m.Case(1):
                m.d.comb += result.i.p.data.eq(cycles)
            with m.Case(2):
                score = Signal(signed(self.word_width))
                m.d.comb += [score.eq(core.o.p.score), result.i.p.data.eq(score)]
                m.d.comb += [core.o.ready.eq(result.i.ready), result.i.p.last.eq(core.o.p.last)]
        with m.If(result.i.valid & result.i.ready):
            with m.Switch(word):
                with m.Case(0):
                    m.d.sync += [word.eq(1), cycles.eq(now + 2 - starts.r_data)]
                    m.d.comb += starts.r_en.eq(1)
                with m.Case(1):
                    m.d.sync += word.eq(2)
                with m.Default():
                    with m.If(result.i.p.last):
                        m.d.sync += word.eq(0)
