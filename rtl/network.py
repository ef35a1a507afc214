"""The core: engines joined by streams, and the readout.

The law is in model/network.py; what is built stands in plan/layout.py.
"""

from typing import Any

from amaranth.hdl import Cat, Module, Shape, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..model.network import Network as Golden
from ..plan.layout import Edge, Layout
from ..plan.mapping import Mapping
from .edge import edge_of, look
from .engine import Engine
from .join import Join
from .memory import Rom, Shared
from .readouts import KINDS as READOUTS
from .readouts import readout
from .serializer import serialize
from .stream import Queue, join, vector

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
    o : Out(stream.Signature(readout.result()))
        Results, in the order of the samples.
    decided : Out(3)
        Number of samples decided, modulo 8.
    initialized : Out(1)
        Every layer was cleared after reset: what comes earlier waits.
    idle : Out(1)
        Nothing is in it, and nothing is being cleared.
    probe_(layer)_valid : Out(1)
        A layer wrote ``probe_(layer)_data`` into its queue, an item of its output.
    """

    i: stream.Interface
    o: stream.Interface
    decided: Signal
    initialized: Signal
    idle: Signal

    def __init__(self, golden: Golden, mapping: Mapping, *, name: str = "weights") -> None:
        READOUTS[golden.readout.kind].check(golden)  # before thousands of lanes are built
        self.golden = golden
        self.mapping = mapping
        self.layout = Layout.of(golden, mapping)
        self.engines = {n: Engine(p, name=f"{name}_{n}") for n, p in self.layout.parts.items()}
        self.memories = _share(self.engines)
        last = self.layout.parts[golden.output]
        width = self.engines[golden.output].lanes.told
        self.readout = readout(golden, last.unit, last.bounds, width)
        bits = golden.coding.values.limit.bit_length()
        super().__init__(
            {
                "i": In(stream.Signature(vector(golden.width, 1, bits))),
                "o": Out(stream.Signature(self.readout.o.p.shape())),
                "decided": Out(3),
                "initialized": Out(1),
                "idle": Out(1),
                **probes(self),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        for name, shared in self.memories.items():
            m.submodules[f"memory_{name}"] = shared
        idles: list[Value] = [self.readout.idle]
        arriving: dict[tuple[str, int], Any] = {}
        for n, (edge, source) in enumerate(self._fork(m, idles)):
            arriving[edge.target, edge.number] = look(m, source, edge, f"_input{n}", idles)
        for name, engine in self.engines.items():
            m.submodules[f"layer_{name}"] = engine
            idles.append(engine.idle)
            m.d.comb += [
                getattr(self, f"probe_{name}_valid").eq(engine.tells),
                getattr(self, f"probe_{name}_data").eq(engine.told),
            ]
            for n, (edge, o) in enumerate(zip(engine.part.outs, engine.outs, strict=True)):
                tag = f"_{name}" if n == 0 else f"_{name}_{n}"
                arriving[edge.target, edge.number] = edge_of(
                    m, o, edge, engine.part.unit, tag, idles
                )
        for name, engine in self.engines.items():
            edges = engine.part.edges
            source = arriving[name, edges[0].number]
            if engine.part.joins:
                m.submodules[f"join_{name}"] = meets = Join(engine.part)
                for edge, i in zip(edges, meets.i, strict=True):
                    join(m, arriving[name, edge.number], i)
                source = meets.o
            join(m, source, engine.i)
        m.submodules.readout = self.readout
        last = self.engines[self.golden.output]
        found = last.found
        if not last.part.measures:
            found = serialize(m, found, last.part.unit, "_found", idles)
        join(m, found, self.readout.i)
        wiring.connect(m, self.readout.o, wiring.flipped(self.o))
        m.d.comb += [
            self.decided.eq(self.readout.decided),
            self.initialized.eq(Cat(engine.initialized for engine in self.engines.values()).all()),
            self.idle.eq(Cat(*idles).all()),
        ]
        return m

    def _fork(self, m: Module, idles: list[Value]) -> list[tuple[Edge, Any]]:
        """Hand the input stream to each edge that leaves it: by a queue each, if there are several.

        An event is written where it is seen, an end everywhere.
        """
        edges, i = self.layout.inputs, wiring.flipped(self.i)
        if len(edges) == 1:
            return [(edges[0], i)]
        found, room = [], []
        worth = i.p.lanes.any() | i.p.tick | i.p.last  # an event that was refused is none
        for n, edge in enumerate(edges):
            m.submodules[f"input{n}"] = queue = Queue(i.p.shape(), edge.depth)
            m.d.comb += [queue.write.eq(i.valid & i.ready & worth), queue.payload.eq(i.p)]
            found.append((edge, queue.o))
            room.append(queue.room)
            idles.append(~queue.o.valid)
        m.d.comb += i.ready.eq(Cat(room).all())
        return found


def _share(engines: dict[str, Engine]) -> dict[str, Shared]:
    """Make one memory for every two layers of the same synapses that read the same words.

    Those that are laid out in other ways read other words. Returns them by the first layer's name.
    """
    found: dict[str, Shared] = {}
    alone: dict[tuple[int, ...], list[tuple[str, Rom]]] = {}
    for name, engine in engines.items():
        rom = getattr(engine.source, "rom", None)  # kinds from elsewhere may have none
        if not isinstance(rom, Rom):
            continue
        others = alone.setdefault(tuple(id(c.synapses) for c in engine.part.layer.connections), [])
        for n, (other, read) in enumerate(others):
            if (read.width, read.words) == (rom.width, rom.words):
                found[other] = Shared(read, rom)
                del others[n]
                break
        else:
            others.append((name, rom))
    return found


def probes(core: Network) -> dict[str, wiring.Member]:
    """List the members that show what layers tell, for whatever stands around the core."""
    return {
        f"probe_{name}_{part}": Out(shape)
        for name, engine in core.engines.items()
        for part, shape in (("valid", 1), ("data", Shape.cast(engine.told.shape())))
    }
