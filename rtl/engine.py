"""The engine of a layer: a source of terms, and the soma, which adds and sweeps.

The law is in model/network.py `Layer`; what is built, in plan/layout.py `Part`. The sources are in
rtl/synapses/.
"""

from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..plan.layout import Part
from .soma import Soma
from .synapses import SOURCES

__all__ = ["Engine"]


class Engine(wiring.Component):
    """The engine of a layer.

    Parameters
    ----------
    part : Part
    name : str
        Name of the row memory's module.

    Members
    -------
    i : In(stream.Signature(vector(inputs, 1, value_bits)))
    o0, o1, ..., found : those of `Soma`
    tells, told : those of `Soma`
    initialized : Out(1)
        All that has to be was cleared after reset.
    idle : Out(1)
        Nothing is in it, and nothing is being cleared.

    Timing
    ------
    Dense: an event takes value x folds cycles, the end of a step folds x groups + rest.
    A wheel takes value x taps x folds cycles for an event, folds + 1 for the end of a step, slots x
    folds more for that of a sample. Lines take taps x folds cycles in each step for every input
    with an event in the window. Meanwhile the soma sweeps the step before.
    What a sweep operation found is offered ``latency(unit) + reporting(unit) + 1`` cycles after it.
    """

    i: stream.Interface
    found: stream.Interface
    tells: Signal
    told: data.View
    initialized: Signal
    idle: Signal

    def __init__(self, part: Part, *, name: str) -> None:
        self.part = part
        self.source = SOURCES[part.unit.engine](part, name=name)
        self.soma = Soma(
            part,
            walk=self.source.walk,
            limit=self.source.limit,
            bits=self.source.bits,
        )
        self.lanes = self.soma.lanes
        outs = {name: Out(stream.Signature(q.shape)) for name, q in self.soma.queues.items()}
        super().__init__(
            {
                "i": In(self.source.i.signature.flip()),
                **outs,
                "tells": Out(1),
                "told": Out(self.soma.told.shape()),
                "initialized": Out(1),
                "idle": Out(1),
            }
        )

    @property
    def outs(self) -> list[Any]:
        """The streams that leave for other layers, one per edge of the part."""
        return [getattr(self, f"o{n}") for n in range(len(self.part.outs))]

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.source = source = self.source
        m.submodules.soma = soma = self.soma
        # First: no inner stream then takes in Verilog the name of a port that the harness reads.
        for name in soma.queues:
            wiring.connect(m, getattr(soma, name), wiring.flipped(getattr(self, name)))
        wiring.connect(m, wiring.flipped(self.i), source.i)
        wiring.connect(m, source.o, soma.i)
        m.d.comb += [
            soma.terms.eq(source.terms),
            self.tells.eq(soma.tells),
            self.told.eq(soma.told),
            self.initialized.eq(source.initialized & soma.initialized),
            self.idle.eq(source.idle & soma.idle),
        ]
        if source.walk.addresses:
            m.d.comb += soma.at.eq(source.at)
        if not source.paced:
            m.d.comb += source.op.eq(soma.op)
        return m
