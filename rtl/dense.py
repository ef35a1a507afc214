"""The engine of a dense layer. The law is in model/dense.py."""

import numpy as np
from amaranth.hdl import Module, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..model.cycles import queue_depth
from ..model.mapping import Unit
from ..model.network import Layer
from ..model.width import Bounds
from .lanes import Lanes
from .memory import Rom
from .sequencer import Sequencer
from .stream import Queue, vector

__all__ = ["Dense", "measured", "rows"]


def rows(layer: Layer, unit: Unit) -> list[int]:
    """Pack the weights.

    Word ``pre * folds + fold`` holds the weights to neurons ``fold * lanes ...``, lane 0 lowest.
    """
    w = np.zeros((unit.folds * unit.lanes, layer.synapses.pre), np.int64)
    w[: unit.neurons] = layer.synapses.weights
    bits = layer.synapses.bits
    field = (w & ((1 << bits) - 1)).T.reshape(layer.synapses.pre * unit.folds, unit.lanes)
    digits = (field[:, :, None] >> np.arange(bits)) & 1
    words = np.packbits(digits.reshape(len(field), -1).astype(np.uint8), axis=1, bitorder="little")
    return [int.from_bytes(word.tobytes(), "little") for word in words]


def measured(unit: Unit, width: int) -> data.StructLayout:
    """Make the layout of the last layer's items: every sweep operation, with membranes.

    `final` tells that the step is the last of its sample; `membranes` are accumulators, h less the
    neuron's offset.
    """
    return data.StructLayout(
        {
            "position": range(unit.folds * unit.groups),
            "lanes": unit.sweep,
            "tick": 1,
            "last": 1,
            "final": 1,
            "membranes": data.ArrayLayout(signed(width), unit.sweep),
        }
    )


class Dense(wiring.Component):
    """The engine of a dense layer.

    Parameters
    ----------
    layer : model.network.Layer
    unit : Unit
    bounds : Bounds
    name : str
        Name of the weight memory's module.
    limit : int
        Largest value of an event.
    measures : bool
        Whether every sweep is reported with its membranes (the last layer), rather than its spikes
        alone.

    Members
    -------
    i : In(stream.Signature(vector(inputs, 1, bits)))
    o : Out(stream.Signature(vector(folds * groups, sweep))), or of `measured(unit, width)`

    Timing
    ------
    An event takes value x folds cycles, the end of a step folds x groups + rest. A sweep operation
    is offered at `o` four cycles after its turn. The pipeline never stalls: a sweep waits for room
    first.
    """

    i: stream.Interface
    o: stream.Interface

    def __init__(
        self, layer: Layer, unit: Unit, bounds: Bounds, *, name: str, limit: int, measures: bool
    ) -> None:
        inputs = layer.synapses.pre
        self.layer = layer
        self.unit = unit
        self.measures = measures
        self.lanes = Lanes(layer, unit, inputs, bounds, measures=measures)
        self.rom = Rom(name, unit.lanes * layer.synapses.bits, rows(layer, unit))
        positions = unit.folds * unit.groups
        shape = (
            measured(unit, max(self.lanes.widths)) if measures else vector(positions, unit.sweep)
        )
        self.queue = Queue(shape, queue_depth(measures))
        self.sequencer = Sequencer(
            unit, inputs, limit.bit_length(), self.queue.depth, self.lanes.neuron.rest
        )
        super().__init__(
            {
                "i": In(stream.Signature(self.sequencer.i.p.shape())),
                "o": Out(stream.Signature(shape)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.sequencer = sequencer = self.sequencer
        m.submodules.rom = rom = self.rom
        m.submodules.lanes = lanes = self.lanes
        m.submodules.queue = queue = self.queue
        wiring.connect(m, wiring.flipped(self.i), sequencer.i)
        wiring.connect(m, queue.o, wiring.flipped(self.o))
        m.d.comb += [
            rom.address.eq(sequencer.o.row),
            lanes.i.eq(sequencer.o),
            lanes.row.eq(rom.data),
        ]

        # Emit what a sweep found; without spikes only the end of the step is worth an item.
        found, item = lanes.o, queue.payload
        worth = found.fire if self.measures else found.spikes.any()
        m.d.comb += [
            queue.write.eq(lanes.valid & (worth | found.end)),
            item.position.eq(found.fold * self.unit.groups + found.group),
            item.lanes.eq(found.spikes),
            item.tick.eq(found.end & found.fire),
            item.last.eq(found.end & found.last),
            sequencer.returned.eq((lanes.valid & ~queue.write) + (self.o.valid & self.o.ready)),
        ]
        if self.measures:
            m.d.comb += [item.final.eq(found.last), item.membranes.eq(found.membranes)]
        return m
