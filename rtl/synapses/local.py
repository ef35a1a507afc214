"""Synapses over maps: events as they come, and the taps that each meets, one after another."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from amaranth.hdl import Module, Mux, ShapeLike, Signal, Value, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ...plan.engines.local import chunks
from ...plan.layout import Part
from ...plan.taps import Window
from ..gates import divided
from ..lanes import addressed
from ..memory import Rom
from ..sequencer import events, operation
from ..stream import Skid, vector
from ..walk import Walk

__all__ = ["Local", "reached"]


class Local(wiring.Component):
    """Finds where the taps of an event begin; its terms are rows of weights.

    Parameters
    ----------
    part : Part
        Its taps are a `Window`.
    walk : Walk
    rom : Rom

    Members
    -------
    i : In(stream.Signature(vector(inputs, 1, value_bits)))
    o : Out(stream.Signature(events(walk, value_bits)))
        The same, for the soma; an event that meets no output is none.
    op : In(operation(part, walk))
        Of the soma.
    terms : Out(data.ArrayLayout(signed(bits), lanes))
        Weights of the operation `latency` cycles before.
    at : Out, as of `Lanes`, where the walk has addresses
    initialized : Out(1)
        Always: nothing has to be cleared.
    idle : Out(1)
        Nothing is in it.

    Timing
    ------
    Events pass in 2 cycles; one item per cycle.
    """

    i: stream.Interface
    o: stream.Interface
    op: data.View
    terms: data.View
    at: data.View
    initialized: Signal
    idle: Signal

    paced = False

    def __init__(self, part: Part, walk: Walk, rom: Rom) -> None:
        assert isinstance(part.taps, Window)
        self.synapses, self.limit, self.bits = part.taps.synapses, part.limit, part.taps.bits
        self.walk, self.rom = walk, rom
        bits, unit = part.limit.bit_length(), part.unit
        super().__init__(
            {
                "i": In(stream.Signature(vector(self.synapses.pre, 1, bits))),
                "o": Out(stream.Signature(events(walk, bits))),
                "op": In(operation(part, walk)),
                "terms": Out(data.ArrayLayout(signed(self.bits), unit.width)),
                **{name: member.flip() for name, member in addressed(walk).items()},
                "initialized": Out(1),
                "idle": Out(1),
            }
        )

    def begins(self, p: Any) -> tuple[Mapping[str, Value], Value]:
        """Tell of an event at row `y`, column `x` and `channel` the fields that the walk takes.

        Returns
        -------
        fields : dict
        meets : Value
            Whether any tap meets an output.
        """
        raise NotImplementedError

    def weigh(self, m: Module) -> None:
        """Give the terms of an operation."""
        m.d.comb += self.terms.eq(self.rom.data.weights)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.rom = self.rom
        before = self.synapses.before
        where: dict[str, ShapeLike] = {
            "y": range(before.rows),
            "x": range(before.columns),
            "channel": range(before.channels),
            "lanes": self.limit.bit_length(),
            "tick": 1,
            "last": 1,
        }
        m.submodules.where = found = Skid(data.StructLayout(where))
        m.submodules.first = first = Skid(self.o.p.shape())
        place, channel = divided(self.i.p.position, before.channels, before.size)
        y, x = divided(place, before.columns, before.places)
        self._pass(m, self.i, found.i, {"y": y, "x": x, "channel": channel}, self.i.p.lanes)
        fields, meets = self.begins(found.o.p)
        self._pass(m, found.o, first.i, fields, Mux(meets, found.o.p.lanes, 0))
        wiring.connect(m, first.o, wiring.flipped(self.o))
        m.d.comb += [
            self.rom.address.eq(self.op.row),
            self.initialized.eq(1),
            self.idle.eq(found.idle & first.idle),
        ]
        self.weigh(m)
        return m

    def _pass(
        self, m: Module, source: Any, sink: Any, event: Mapping[str, Value], lanes: Value
    ) -> None:
        """Connect streams whose events are told in other fields."""
        m.d.comb += [
            sink.valid.eq(source.valid),
            source.ready.eq(sink.ready),
            sink.p.lanes.eq(lanes),
            sink.p.tick.eq(source.p.tick),
            sink.p.last.eq(source.p.last),
            *(sink.p[name].eq(value) for name, value in event.items()),
        ]


def reached(synapses: Any, taps: np.ndarray, lanes: int, none: int = 0) -> np.ndarray:
    """Sort what every tap has by the chunks of output channels that an input channel reaches.

    Parameters
    ----------
    synapses : Local, of the model
    taps : int (out, in / groups, ...)
    lanes : int
    none : int
        What stands where input and output are not of one group.

    Returns
    -------
    int64 (channels, chunks, lanes, ...)
    """
    channels, each = synapses.shape[0], taps.shape[1]
    count, first = chunks(synapses, lanes)
    outs = synapses.out // synapses.groups
    whole = np.full((channels, *taps.shape[:1], *taps.shape[2:]), none, np.int64)
    for o in range(synapses.out):
        group = o // outs * each
        whole[group : group + each, o] = taps[o]
    return np.stack(
        [
            whole[c, first[c] * lanes : (first[c] + count) * lanes].reshape(
                count, lanes, *taps.shape[2:]
            )
            for c in range(channels)
        ]
    )
