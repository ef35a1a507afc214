"""The core: engines joined by streams, and the readout. The law is in model/network.py."""

from amaranth.hdl import Cat, Module, Shape, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..model.bounds import prove
from ..model.network import Network as Golden
from ..plan.mapping import Mapping
from .engine import Engine
from .narrow import serialise
from .readouts.readout import Readout
from .stream import join

__all__ = ["Network", "probes"]


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
    o : Out(stream.Signature(outcome(network, width)))
        Results, in the order of the samples.
    decided : Out(3)
        Number of samples decided, modulo 8.
    awake : Out(1)
        Every layer was cleared after reset: what comes earlier waits.
    idle : Out(1)
        Nothing is in it, and nothing is being cleared.
    probe_(layer)_valid : Out(1)
        A layer wrote ``probe_(layer)_data`` into its queue, an item of its output.
    """

    i: stream.Interface
    o: stream.Interface
    decided: Signal
    awake: Signal
    idle: Signal

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
                measures=n == last,
            )
            for n, (layer, unit, bounds, (limit, _)) in enumerate(
                zip(golden.layers, mapping.units, self.bounds, golden.declared(), strict=True)
            )
        ]
        self.layers = {f"layer{n}": engine for n, engine in enumerate(self.engines)}
        width = max(self.engines[-1].lanes.widths)
        self.readout = Readout(golden, mapping.units[-1], self.bounds[-1], width)
        super().__init__(
            {
                "i": In(stream.Signature(self.engines[0].i.p.shape())),
                "o": Out(stream.Signature(self.readout.o.p.shape())),
                "decided": Out(3),
                "awake": Out(1),
                "idle": Out(1),
                **probes(self),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        source = wiring.flipped(self.i)
        idles: list[Value] = [self.readout.idle]
        for name, engine in self.layers.items():
            m.submodules[name] = engine
            idles.append(engine.idle)
            m.d.comb += [
                getattr(self, f"probe_{name}_valid").eq(engine.tells),
                getattr(self, f"probe_{name}_data").eq(engine.told),
            ]
            join(m, source, engine.i)
            source = engine.o
            if engine.measures:
                break
            source = serialise(m, source, engine.unit, name.removeprefix("layer"), idles)
        m.submodules.readout = self.readout
        join(m, source, self.readout.i)
        wiring.connect(m, self.readout.o, wiring.flipped(self.o))
        m.d.comb += [
            self.decided.eq(self.readout.decided),
            self.awake.eq(Cat(engine.awake for engine in self.engines).all()),
            self.idle.eq(Cat(*idles).all()),
        ]
        return m


def probes(core: Network) -> dict[str, wiring.Member]:
    """List the members that show what layers tell, for whatever stands around the core."""
    return {
        f"probe_{name}_{part}": Out(shape)
        for name, engine in core.layers.items()
        for part, shape in (("valid", 1), ("data", Shape.cast(engine.told.shape())))
    }
