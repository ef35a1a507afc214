"""The accelerator: the core, what feeds it, and what counts its samples; beats in, words out."""

from amaranth.hdl import Const, Module, Shape, Signal, Value
from amaranth.lib import data, fifo, stream, wiring
from amaranth.lib.wiring import In, Out

from ..model.network import Network as Golden
from ..plan.mapping import Mapping
from ..plan.pipeline import IN_FLIGHT
from .codings.framer import Framer
from .codings.pixels import Pixels
from .network import Network, probes
from .serializer import Serializer
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
        One packet per sample, of words as the readout gives them (rtl/readouts/).
    refused : Out(16)
        Beats that broke the input's declaration and were dropped, up to 65,535.
    idle : Out(1)
        The next beat begins a sample, nothing is left of any before, not even of a result, and
        nothing is being cleared.
    probe_(layer)_valid, probe_(layer)_data : those of the core (rtl/network.py)
    """

    i: stream.Interface
    o: stream.Interface
    refused: Signal
    idle: Signal

    def __init__(self, golden: Golden, mapping: Mapping, *, name: str = "weights") -> None:
        self.golden = golden
        self.core = Network(golden, mapping, name=name)
        self.source = (
            Pixels(golden, mapping.pixels)
            if mapping.pixels
            else Framer(golden, self.core.layout.held)
        )
        self.word_width = max(32, whole_bytes(self.core.readout.width))
        word = data.StructLayout({"data": self.word_width, "last": 1})
        super().__init__(
            {
                "i": In(stream.Signature(self.source.i.p.shape())),
                "o": Out(stream.Signature(word)),
                "refused": Out(16),
                "idle": Out(1),
                **probes(self.core),
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
        between = self._feed(m)
        m.d.comb += [getattr(self, name).eq(getattr(core, name)) for name in probes(core)]

        # Note, a cycle later, when each sample starts.
        now = Signal(32)
        m.d.sync += [now.eq(now + 1), starts.w_en.eq(source.starts)]
        m.d.comb += starts.w_data.eq(now)

        # A register tells whether one more may start, as what it begins in is a long path.
        under_way = Signal(range(IN_FLIGHT + 1))
        m.d.comb += under_way.eq(starts.w_level + starts.w_en + source.starts - starts.r_en)
        m.d.sync += source.room.eq(core.initialized & (under_way != IN_FLIGHT))

        answered = self._answer(m, now, starts)
        m.d.comb += self.idle.eq(source.idle & between & core.idle & answered)
        return m

    def _feed(self, m: Module) -> Value:
        """Send beats through the source, and its items to the core.

        Returns whether nothing is between the two.
        """
        source, core = self.source, self.core
        wiring.connect(m, wiring.flipped(self.i), source.i)
        m.d.comb += [source.decided.eq(core.decided), self.refused.eq(source.refused)]
        if isinstance(source, Framer):
            m.submodules.skid = skid = Skid(source.o.p.shape())
            wiring.connect(m, source.o, skid.i)
            wiring.connect(m, skid.o, core.i)
            return skid.idle
        if source.lanes == 1:
            join(m, source.o, core.i)
            return Const(1)
        m.submodules.serializer = serializer = Serializer(source.words, source.lanes, 1)
        wiring.connect(m, source.o, serializer.i)
        join(m, serializer.o, core.i)
        return serializer.idle

    def _answer(self, m: Module, now: Signal, starts: fifo.SyncFIFO) -> Value:
        """Make words of a result's items, as the readout says.

        Returns whether none waits to be taken; while some are not yet made, the core is not idle.
        """
        core = self.core
        m.submodules.result = result = Skid(self.o.p.shape())
        wiring.connect(m, result.o, wiring.flipped(self.o))
        # A word is offered at the port two cycles after it is made; that is when its time counts.
        elapsed = now + 2 - starts.r_data
        core.readout.words(m, core.o, result.i, elapsed, starts.r_en)
        return result.idle
