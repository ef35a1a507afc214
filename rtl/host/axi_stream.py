"""The accelerator behind AXI4-Stream."""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..accelerator import Accelerator, whole_bytes
from ..network import probes

__all__ = ["AxiStream"]


class AxiStream(wiring.Component):
    """An accelerator with AXI4-Stream ports.

    Parameters
    ----------
    accelerator : Accelerator

    Members
    -------
    s_axis_tdata, s_axis_tvalid, s_axis_tlast : In; s_axis_tready : Out
        The beats of `Accelerator`, in whole bytes.
    m_axis_tdata, m_axis_tvalid, m_axis_tlast : Out; m_axis_tready : In
        Its words.
    refused, idle, probe_... : as of `Accelerator`
    """

    kind = "axi4-stream"

    s_axis_tdata: Signal
    s_axis_tvalid: Signal
    s_axis_tready: Signal
    s_axis_tlast: Signal
    m_axis_tdata: Signal
    m_axis_tvalid: Signal
    m_axis_tready: Signal
    m_axis_tlast: Signal
    refused: Signal
    idle: Signal

    def __init__(self, accelerator: Accelerator) -> None:
        self.accelerator = accelerator
        super().__init__(
            {
                "s_axis_tdata": In(whole_bytes(accelerator.beat_width)),
                "s_axis_tvalid": In(1),
                "s_axis_tready": Out(1),
                "s_axis_tlast": In(1),
                "m_axis_tdata": Out(accelerator.word_width),
                "m_axis_tvalid": Out(1),
                "m_axis_tready": In(1),
                "m_axis_tlast": Out(1),
                "refused": Out(16),
                "idle": Out(1),
                **probes(accelerator.core),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.accelerator = inner = self.accelerator
        m.d.comb += [
            inner.i.p.beat.eq(self.s_axis_tdata),
            inner.i.p.last.eq(self.s_axis_tlast),
            inner.i.valid.eq(self.s_axis_tvalid),
            self.s_axis_tready.eq(inner.i.ready),
            self.m_axis_tdata.eq(inner.o.p.data),
            self.m_axis_tlast.eq(inner.o.p.last),
            self.m_axis_tvalid.eq(inner.o.valid),
            inner.o.ready.eq(self.m_axis_tready),
            self.refused.eq(inner.refused),
            self.idle.eq(inner.idle),
        ]
        m.d.comb += [getattr(self, name).eq(getattr(inner, name)) for name in probes(inner.core)]
        return m
