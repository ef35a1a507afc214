"""The core: engines joined by streams, and the readout. The law is in model/network.py."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..model.bounds import prove
from ..model.network import Network as Golden
from ..plan.mapping import Mapping
from .engine import Engine
from .narrow import serialise
from .readouts import KINDS, readout
from .stream import join

__all__ = ["Network"]


class Network(wiring.Component):
    """The core of a network.

    Parameters
    ----------
    golden : model.network.Network
    mapping : Mapping
    name : str
        Prefix of the weight memories' modules.

    Members
    -------
    i : In(stream.Signature(vector(inputs, 1, bits)))
        Input items: events, ends of steps, ends of samples.
    o : Out(stream.Signature(readout.result()))
        Results, in the order of the samples.
    decided : Out(3)
        Number of samples decided, modulo 8.
    awake : Out(1)
        Every layer was cleared after reset: what comes earlier waits.
    """

    i: stream.Interface
    o: stream.Interface
    decided: Signal
    awake: Signal

    def __init__(self, golden: Golden, mapping: Mapping, *, name: str = "weights") -> None:
        self.golden = golden
        self.mapping = mapping
        self.bounds = prove(golden)
        last = len(golden.layers) - 1
        self.engines = [
            Engine(
                layer,
                unit,
                bounds,
                name=f"{name}_layer{n}",
                limit=limit,
                measures=n == last and KINDS[golden.readout.kind].measures,
            )
            for n, (layer, unit, bounds, (limit, _)) in enumerate(
                zip(golden.layers, mapping.units, self.bounds, golden.declared(), strict=True)
            )
        ]
        width = max(self.engines[-1].lanes.widths)
        self.readout = readout(golden, mapping.units[-1], self.bounds[-1], width)
        super().__init__(
            {
                "i": In(stream.Signature(self.engines[0].i.p.shape())),
                "o": Out(stream.Signature(self.readout.o.p.shape())),
                "decided": Out(3),
                "awake": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        source = wiring.flipped(self.i)
        for n, engine in enumerate(self.engines):
            m.submodules[f"layer{n}"] = engine
            join(m, source, engine.i)
            source = engine.o
            if engine.measures:
                break
            source = serialise(m, source, engine.unit, str(n))
        m.submodules.readout = self.readout
        join(m, source, self.readout.i)
        wiring.connect(m, self.readout.o, wiring.flipped(self.o))
        m.d.comb += [
            self.decided.eq(self.readout.decided),
            self.awake.eq(Cat(engine.awake for engine in self.engines).all()),
        ]
        return m
