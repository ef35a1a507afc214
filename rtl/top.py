"""The core behind AXI4-Stream: beats in, results out."""

from amaranth.hdl import Cat, Module, Shape, Signal
from amaranth.lib import fifo, wiring
from amaranth.lib.wiring import In, Out

from ..model.network import Network as Golden
from ..plan.mapping import Mapping
from ..plan.pipeline import IN_FLIGHT
from .codings.framer import Framer
from .codings.pixels import Pixels
from .narrow import Narrow
from .network import Network
from .stream import Skid, join

__all__ = ["Top", "whole_bytes"]


def whole_bytes(bits: int) -> int:
    """Round a width up to whole bytes."""
    return -(-bits // 8) * 8


class Top(wiring.Component):
    """The core with AXI4-Stream ports.

    Parameters
    ----------
    golden : model.network.Network
    mapping : Mapping
    name : str

    Members
    -------
    s_axis_tdata, s_axis_tvalid, s_axis_tlast : In; s_axis_tready : Out
        One packet per sample, of beats as `framer.beat` lays them out, or of packed pixels.
    m_axis_tdata, m_axis_tvalid, m_axis_tlast : Out; m_axis_tready : In
        One packet per sample, of words as the readout gives them (rtl/readouts/).
    refused : Out(16)
        Beats that broke the input's declaration and were dropped, up to 65,535.
    """

    s_axis_tdata: Signal
    s_axis_tvalid: Signal
    s_axis_tready: Signal
    s_axis_tlast: Signal
    m_axis_tdata: Signal
    m_axis_tvalid: Signal
    m_axis_tready: Signal
    m_axis_tlast: Signal
    refused: Signal

    def __init__(self, golden: Golden, mapping: Mapping, *, name: str = "weights") -> None:
        self.golden = golden
        self.core = Network(golden, mapping, name=name)
        self.source = Pixels(golden, mapping.pixels) if mapping.pixels else Framer(golden)
        beat_width = Shape.cast(self.source.i.p.beat.shape()).width
        self.word_width = max(32, whole_bytes(self.core.readout.width))
        super().__init__(
            {
                "s_axis_tdata": In(whole_bytes(beat_width)),
                "s_axis_tvalid": In(1),
                "s_axis_tready": Out(1),
                "s_axis_tlast": In(1),
                "m_axis_tdata": Out(self.word_width),
                "m_axis_tvalid": Out(1),
                "m_axis_tready": In(1),
                "m_axis_tlast": Out(1),
                "refused": Out(16),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.source = source = self.source
        m.submodules.core = core = self.core
        m.submodules.result = result = Skid(Signal(self.word_width + 1).shape())
        m.submodules.starts = starts = fifo.SyncFIFO(width=32, depth=IN_FLIGHT)

        # Beats to items to the core.
        room = Signal()
        m.d.comb += [
            source.i.p.beat.eq(self.s_axis_tdata),
            source.i.p.last.eq(self.s_axis_tlast),
            source.i.valid.eq(self.s_axis_tvalid),
            self.s_axis_tready.eq(source.i.ready),
            source.decided.eq(core.decided),
            source.room.eq(room),
            self.refused.eq(source.refused),
        ]
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

        # Note, a cycle later, when each sample starts.
        now = Signal(32)
        m.d.sync += [now.eq(now + 1), starts.w_en.eq(source.starts)]
        m.d.comb += starts.w_data.eq(now)

        # A register tells whether one more may start, as what it begins in is a long path.
        under_way = Signal(range(IN_FLIGHT + 1))
        m.d.comb += under_way.eq(starts.w_level + starts.w_en + source.starts - starts.r_en)
        m.d.sync += room.eq(core.awake & (under_way != IN_FLIGHT))

        # A result's items to words.
        elapsed = now + 2 - starts.r_data
        core.readout.words(m, core.o, result.i, elapsed, starts.r_en)
        m.d.comb += [
            Cat(self.m_axis_tdata, self.m_axis_tlast).eq(result.o.p),
            self.m_axis_tvalid.eq(result.o.valid),
            result.o.ready.eq(self.m_axis_tready),
        ]
        return m
