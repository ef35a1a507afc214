"""The stages of a network: layers in order, each perhaps with a loop, as rtl/ joins them."""

from collections.abc import Sequence

from ..model.network import Layer, Network
from .engines import ENGINES
from .engines.engine import Engine
from .mapping import Mapping, Unit
from .pipeline import QUEUE, chunks, latency, reporting, rest, scanned
from .readouts import READOUTS
from .stages import Framer, Loop, Narrow, Pixels, Queue, Readout, Skid, Stages, Tail

__all__ = ["chain", "engine", "narrow", "serialise"]


def engine(layer: Layer, unit: Unit) -> Engine:
    """Make the engine of a layer that is unrolled."""
    x = layer.synapses
    return ENGINES[unit.engine](unit, x.pre, x.taps, x.window)


def narrow(stages: Stages, source: int, sizes: Sequence[int]) -> int:
    """Add serialisation to chunks of these sizes; returns the number of the last stage."""
    for chunk in sizes:
        source = stages.add(Narrow(source, chunk, registered=chunk > 1))
        if chunk > 1:
            source = stages.add(Skid(source))
    return source


def serialise(stages: Stages, source: int, unit: Unit) -> int:
    """Add what makes vectors of a layer events; returns the number of the last stage."""
    if unit.groups > 1:
        source = stages.add(Skid(source))
    return narrow(stages, source, chunks(unit))


def chain(network: Network, mapping: Mapping) -> Stages:
    """List the stages of a network; record 0 is the input, record n + 1 layer n."""
    stages = Stages()
    if mapping.pixels:
        source = stages.add(Pixels(0, network.inputs, mapping.pixels))
        source = narrow(stages, source, [1] if mapping.pixels > 1 else [])
    else:
        source = stages.add(Skid(stages.add(Framer(0, network.inputs))))
    final = len(network.layers) - 1
    for n, (layer, unit) in enumerate(zip(network.layers, mapping.units, strict=True)):
        source = _layer(stages, source, layer, unit, n + 1, final=n == final)
        if n < final:
            source = serialise(stages, source, unit)
    unit, timing = mapping.units[-1], READOUTS[network.readout.kind]
    whole = unit.folds * unit.groups == 1
    stages.add(
        Readout(
            source,
            timing.worth if whole else timing.parts,
            scan=unit.sweep // scanned(unit),
            settling=timing.settling,
            sends=network.classes + 1,
            early=timing.early,
        )
    )
    return stages


def _layer(
    stages: Stages, source: int, layer: Layer, unit: Unit, record: int, *, final: bool
) -> int:
    """Add the stages of a layer; returns the number of its queue."""
    positions = unit.folds * unit.groups
    heard = loop = -1
    if layer.recurrent is not None:
        heard = stages.add(Queue(positions))
        back = serialise(stages, heard, unit)
        source = loop = stages.add(Loop(source, back, layer.synapses.pre))
    made = engine(layer.unrolled(), unit)
    source = made.before(stages, source)
    queue = stages.add(Queue(QUEUE, every=final, heard=heard, loop=loop))
    stages.add(
        Tail(
            source,
            (queue,),
            made.tail_cost,
            record,
            unit.neurons,
            unit.sweep,
            positions,
            rest(layer.neuron, unit),
            latency(unit) + reporting(unit),
        )
    )
    return queue
