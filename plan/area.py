"""The area of a layout, estimated: LUT, flip-flops and block RAM of the core, without synthesis.

The core is taken apart as flow/synth/synth.py counts it: into layers, and into what stands between
them and behind the last. Of each block stands here what drives its size, by name: bits that are
added, chosen, compared or kept. What each of these costs is calibrated
(flow/experiments/area.py): area.json holds it, and how far estimates were from synthesis. Memories
are exact (plan/memories.py).
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any, cast

import numpy as np

from ..model.bounds import score_bounds
from ..model.check import choice, instance
from ..model.errors import InputError
from ..model.width import signed_width
from .division import added, digits
from .engines import ENGINES, Engine
from .engines.conv import axes, planes
from .engines.local import chunks as chunks_of
from .engines.spaced import Margin
from .engines.wheel import slots
from .layout import Edge, Layout, Part
from .mapping import line_lanes, slot_widths
from .memories import Memory, mapped
from .neurons import SWEEPING, accumulator, constants
from .pipeline import DIVIDING, chunks, latency, reporting, rest
from .readouts import Scan, scanned, timing
from .unit import DEEP, Unit, flags

__all__ = ["Area", "Block", "Weights", "blocks", "calibration", "estimate", "total"]

FILE = Path(__file__).parent / "area.json"
LUTS = 6  # of a cell of 16 words of 4 bits

Drivers = dict[str, float]
Weights = dict[str, dict[str, Drivers]]  # of LUT and flip-flops, by kind of block


@dataclass(frozen=True, slots=True)
class Area:
    """What a design takes."""

    lut: int
    ff: int
    bram: int


@dataclass(frozen=True, slots=True)
class Block:
    """A part of the core.

    Attributes
    ----------
    name : str
        Of its instance in the Verilog.
    kind : str
        By which its drivers are weighed.
    layer : str
        Whose unit it follows from; empty for what follows from none.
    drivers : dict
        What drives its size, by name.
    memories : tuple of Memory
    """

    name: str
    kind: str
    layer: str
    drivers: Drivers
    memories: tuple[Memory, ...] = ()

    @property
    def cells(self) -> Counter[str]:
        """Count what its memories become: blocks, luts, bits, muxes, emulated bits."""
        found: Counter[str] = Counter()
        for memory in self.memories:
            cells = mapped(memory)
            found.update({name: getattr(cells, name) for name in cells.__slots__})
        return found

    @property
    def weighed(self) -> Drivers:
        """All drivers, with those of memories."""
        cells = self.cells
        rest = {name: float(cells[name]) for name in ("bits", "muxes", "emulated") if cells[name]}
        return {"one": 1.0, **self.drivers, **rest}


def estimate(layout: Layout, target: str = "ecp5") -> Area:
    """Estimate the area of the core of a layout.

    Raises
    ------
    InputError
        If the target is not calibrated, or a kind of the layout is not.
    """
    instance("Layout", layout, Layout, "one, such as Layout.of() gives")
    return total(blocks(layout), calibration(target)["weights"])


def total(found: Iterable[Block], weights: Weights) -> Area:
    """Add up the areas of blocks, as their drivers weigh."""
    lut = ff = 0.0
    bram = 0
    for block in found:
        cells = block.cells
        bram += cells["blocks"]
        lut += LUTS * cells["luts"]
        lut += _weighed(block, weights["lut"])
        ff += _weighed(block, weights["ff"])
    return Area(round(lut), round(ff), bram)


def _weighed(block: Block, weights: dict[str, Drivers]) -> float:
    known = weights.get(block.kind, {})
    return sum(known.get(name, 0.0) * number for name, number in block.weighed.items())


@cache
def _read() -> dict[str, Any]:
    return json.loads(FILE.read_text())


def calibration(target: str) -> dict[str, Any]:
    """Tell what is known of a target: the weights of the drivers, and the errors of estimates."""
    choice("Target", target, _read())
    return _read()[target]


def blocks(layout: Layout) -> list[Block]:
    """List the blocks of the core."""
    found = []
    if len(layout.inputs) > 1:
        bits = layout.network.coding.values.limit.bit_length()
        for n, edge in enumerate(layout.inputs):
            width = _bits(layout.network.width) + bits + 2
            queue = Memory(edge.depth, width, sync=False)
            found.append(Block(f"input{n}", "queue", "", {}, (queue,)))
    for n, edge in enumerate(layout.inputs):
        found += _views(edge, f"_input{n}", "")
    for name, part in layout.parts.items():
        found.append(_layer(part))
        if part.joins:
            found.append(_join(part))
        for n, edge in enumerate(part.outs):
            tag = f"_{name}" if n == 0 else f"_{name}_{n}"
            found += _serializers(part.unit, tag, name)
            found += _views(edge, tag, name)
        if part.last:
            if not part.measures:
                found += _serializers(part.unit, "_found", name)
            found.append(_readout(layout, part))
    return found


def _bits(numbers: int) -> int:
    """Bits that hold 0..numbers - 1."""
    return (numbers - 1).bit_length()


def _table(count: int, bits: int) -> float:
    """Bits of a table of constants, in tables of 16, which a LUT holds."""
    return bits * max(count / 16, 0.5) if count > 1 else 0


def _layer(part: Part) -> Block:
    """Tell what drives the engine of a layer."""
    unit = part.unit
    for kind, known in ((part.layer.neuron.kind, SWEEPING), (unit.engine, SOURCES)):
        if kind not in known:
            raise InputError(
                f"Area of layer {part.name} must be of a kind that is calibrated, not {kind!r}"
            )
    widths = _widths(part)
    memories = [*_queues(part, max(widths))]
    drivers = _soma(part, widths, memories)
    for name, value in SOURCES[unit.engine](part, memories).items():
        drivers[name] = drivers.get(name, 0) + value
    return Block(f"layer_{part.name}", "layer", part.name, drivers, tuple(memories))


def _widths(part: Part) -> list[int]:
    """Widths of the accumulators of each lane, bits."""
    neuron: Any = part.layer.neuron
    return [accumulator(neuron, part.bounds, part.unit.served(n)) for n in range(part.unit.width)]


def _queues(part: Part, width: int) -> Iterator[Memory]:
    """List the queues behind a layer."""
    unit = part.unit
    item = _bits(unit.positions) + unit.vector + 2
    for edge in part.outs:
        yield Memory(edge.depth, item, sync=False)
    if part.last:
        measured = item + 1 + unit.vector * width if part.measures else item
        yield Memory(unit.queue, measured, sync=False)


def _engine(part: Part) -> Engine:
    return ENGINES[part.unit.engine](part.unit, part.taps)


def _soma(part: Part, widths: list[int], memories: list[Memory]) -> Drivers:
    """Tell what drives a soma: sequencer, lanes, and what stands before the queues."""
    unit, neuron, skips, depth = (
        part.unit,
        cast(Any, part.layer.neuron),
        part.skips,
        _engine(part).depth,
    )
    wide, swept = sum(widths), unit.vector * max(widths)
    how = SWEEPING[neuron.kind](neuron)
    over_maps = unit.channels > 0 and depth > 1
    clears = how.integrates and over_maps and not skips
    writes = how.writes or part.holds or clears
    queues = len(part.outs) + part.last
    counters = _bits(unit.folds) + _bits(unit.groups)
    apart = (unit.places > 1) * unit.places * (_bits(depth) + 2)
    found: Drivers = {
        "add": wide,
        "control": counters,
        "queue": queues,
        "spikes": unit.vector * queues,
        "compare": swept * how.compares,
        "sweep": swept * how.adders,
        "choose": swept * (how.choices + clears),
        "constants": sum(_table(*table) for table in constants(neuron, unit)),
        "stages": (latency(unit) + rest(neuron, unit)) * (counters + apart),
        "held": (writes and not how.integrates) * swept,
    }
    if part.measures:
        found["measured"] = swept
    if writes:
        found["write"] = wide
    if unit.groups > 1:
        found["pick"] = wide
    if part.holds:
        found["constant"] = swept
        memories.append(Memory(unit.folds * unit.groups, max(widths), count=unit.vector))
    if neuron.once:
        found["once"] = unit.width
        if unit.folds > 1:
            memories.append(_fired(part))
    if depth == 1:
        found["registers"] = wide
    else:
        kept = list(_kept(part, widths))
        memories += kept
        # What is read of cells in LUTs is there a cycle later by registers behind, or before them.
        late = [m.width * m.count for m in kept if not m.through and not mapped(m).blocks]
        found["registers"] = sum(late)
        if unit.waits:  # what is read goes to registers, and so do the terms
            found["loaded"] = wide
            found["terms"] = unit.width * part.taps.bits
            # Bits of banks that nothing is forwarded to: what they take less than others.
            found["spared"] = -wide * (unit.places > 1)
        if how.integrates and not clears:
            found["start"] = 0 if unit.waits else wide
            if not skips:
                found["fresh"] = unit.folds
    if skips:
        found |= _touched(unit, memories)
    if unit.places > 1:
        (high, wide_by), (_, across) = unit.banks, unit.cells
        times = digits(high * unit.map[1]) + digits(wide_by)
        found["place"] = added(across, unit.folds) + times * _bits(unit.positions)
        found["banks"] = unit.places * _bits(depth)
    if reporting(unit) > 2:
        found["report"] = unit.vector
    return found


def _fired(part: Part) -> Memory:
    """Tell the memory of which neurons have fired; where folds are skipped it may be deep."""
    unit, deep = part.unit, part.skips and part.unit.folds > DEEP
    style = "block" if deep else ""
    return Memory(
        unit.folds, unit.lanes, part=unit.sweep, count=unit.places, style=style, loose=deep
    )


def _kept(part: Part, widths: list[int]) -> Iterator[Memory]:
    """List the memories of accumulators; lanes of a bank over maps share one."""
    unit, depth, over_maps = part.unit, _engine(part).depth, part.unit.channels > 0
    style = "block" if over_maps and depth > DEEP else ""
    if over_maps and not _engine(part).addresses:
        word, each = unit.lanes * max(widths), unit.sweep * max(widths)
        waits = unit.waits > 0
        yield Memory(
            depth,
            word,
            through=not waits,
            part=each,
            count=unit.places,
            style=style,
            loose=waits,
        )
        return
    for width, count in Counter(widths).items():
        yield Memory(depth, width, through=over_maps, count=count, style=style)


def _touched(unit: Unit, memories: list[Memory]) -> Drivers:
    """Tell what drives the flags of accumulators that were added to (rtl/touched.py)."""
    words, bits = flags(unit.folds)
    memories.append(Memory(words, bits, sync=False, count=2 * unit.places, style="distributed"))
    found: Drivers = {
        "flags": 2 * unit.places * words,
        "marks": 2 * unit.places * bits,
        "listed": words + bits,
    }
    if unit.repeats:
        found["divide"] = added(unit.period, unit.folds)
    return found


def _rows(part: Part) -> tuple[int, int]:
    """Words and bits of the row memory of taps that are written out."""
    taps, unit = cast(Any, part.taps), part.unit
    width = 0
    for lane in range(unit.lanes):
        lacks = len(unit.served(lane)) < unit.folds
        width += _varying(taps.weights[lane :: unit.lanes], lacks, taps.bits)
        if len(taps.delays) > 1:
            width += _varying(taps.delays[lane :: unit.lanes], lacks, _bits(taps.window))
    if len(taps.delays) == 1:
        width += _varying(taps.delays, False, _bits(taps.window))
    return taps.pre * taps.taps * unit.folds, width


def _varying(numbers: np.ndarray, zero: bool, bits: int) -> int:
    """Count the bits in which numbers, and 0 if it is among them, differ; others take no memory."""
    flat = numbers.ravel().astype(np.int64)
    first = 0 if zero else flat[0]
    return (int(np.bitwise_or.reduce(flat ^ first)) & ((1 << bits) - 1)).bit_count()


def _dense(part: Part, memories: list[Memory]) -> Drivers:
    words, width = _rows(part)
    memories.append(Memory(words, width, rom=True))
    return {"address": _bits(words), "row": width}


def _wheel(part: Part, memories: list[Memory]) -> Drivers:
    unit, taps = part.unit, part.taps
    words, width = _rows(part)
    each = slots(taps.window)
    widths = slot_widths(taps, unit, part.bounds)
    memories.append(Memory(words, width, rom=True))
    memories += [
        Memory(each * unit.folds, bits, sync=unit.folds > 1, count=count)
        for bits, count in Counter(widths).items()
    ]
    delays = unit.lanes if len(taps.delays) > 1 else 1
    return {
        "address": _bits(words),
        "row": width,
        "scatter": 1,
        "slot": unit.lanes * _bits(each),
        "delay": delays * _bits(each),
        "scattered": sum(widths),
    }


def _line(part: Part, memories: list[Memory]) -> Drivers:
    unit, taps, bits = part.unit, part.taps, part.limit.bit_length()
    words, width = _rows(part)
    lanes = line_lanes(taps.pre)
    count, past = -(-taps.pre // lanes), (taps.window - 1) * bits
    memories += [
        Memory(words, width, rom=True),
        Memory(2 * count, lanes * bits, sync=False, part=bits),
        Memory(count, lanes, sync=False),
    ]
    if past:
        memories.append(Memory(taps.pre, past + 1))
    delays = unit.lanes if len(taps.delays) > 1 else 1
    return {
        "address": _bits(words),
        "row": width,
        "line": 1,
        "words": count,
        "places": lanes * bits,
        "past": past,
        "chosen": delays * taps.window * bits,
        "product": unit.lanes * (taps.bits + bits) * bits,
    }


def _looked(values: Any) -> float:
    """Bits of a table in which numbers are looked up."""
    return _table(len(values), _bits(int(np.max(values)) + 1)) if len(set(values)) > 1 else 0


def _conv(part: Part, memories: list[Memory]) -> Drivers:
    unit, synapses = part.unit, cast(Any, part.taps).synapses
    down, right = axes(synapses, unit)
    each, first = chunks_of(synapses, unit.lanes)
    channels, (high, wide) = synapses.shape[0], (len(axis.rows) for axis in (down, right))
    words, width = channels * high * wide * each, 0
    # Banks without a tap take the weight behind the last one: 0.
    weights = np.pad(planes(synapses)[0].weights, [(0, 0), (0, 0), (0, 1), (0, 1)])
    lacks = unit.lanes > synapses.out // synapses.groups
    for rows, columns, lane in product(down.rows.T, right.rows.T, range(unit.lanes)):
        taps = weights[lane :: unit.lanes, :, rows[:, None], columns]
        width += _varying(taps, lacks, synapses.bits)
    memories.append(Memory(words, width, rom=True))
    across = synapses.after.columns if unit.places == 1 else unit.cells[1]
    place = across * unit.period, unit.period
    tables = (
        _looked(down.count)
        + _looked(right.count)
        + _looked(down.tap * wide * each)
        + _looked(right.tap * each)
        + _looked(np.arange(channels) * high * wide * each)
        + _looked(down.output * place[0])
        + _looked(right.output * place[1])
        + _looked(first)
    )
    row, fold = _bits(words), _bits(unit.folds)
    found: Drivers = {
        "address": row,
        "row": width,
        "walk": row + fold,
        "divide": _divides(synapses),
    }
    if unit.places > 1:
        less = int(down.less.max()) * place[0] + int(right.less.max()) * place[1]
        tables += sum(_looked(of.T[n]) for of in (down.on, down.less) for n in range(unit.banks[0]))
        tables += sum(
            _looked(of.T[n]) for of in (right.on, right.less) for n in range(unit.banks[1])
        )
        found["less"] = unit.places * (1 + less.bit_length())
    return found | {"tables": tables}


def _divides(synapses: Any) -> float:
    """Bits that are added to tell the place and the channel of an event."""
    before = synapses.before
    return added(before.channels, before.size) + added(before.columns, before.places)


def _spaced(part: Part, memories: list[Memory]) -> Drivers:
    unit, synapses = part.unit, cast(Any, part.taps).synapses
    margin, before = Margin.of(synapses), synapses.before
    each, first = chunks_of(synapses, unit.lanes)
    words = synapses.shape[0] * synapses.weights.shape[2] * each
    depth, addresses = _engine(part).depth, _engine(part).addresses
    reach = margin.reach(synapses) * unit.period
    lacks, longest = unit.lanes > synapses.out // synapses.groups, int(reach.max()).bit_length()
    width = sum(
        _varying(synapses.weights[lane :: unit.lanes], lacks, synapses.bits)
        for lane in range(unit.lanes)
    )
    width += sum(_varying(reach[n::addresses], False, longest) for n in range(addresses))
    memories.append(Memory(words, width, rom=True))
    tables = (
        _looked(np.arange(before.channels) * (words // before.channels))
        + _looked(np.arange(before.rows) * margin.columns * unit.period)
        + _looked(np.arange(before.columns) * unit.period)
        + _looked(first)
    )
    return {
        "address": _bits(words),
        "row": width,
        "span": _bits(words) + _bits(depth),
        "reach": addresses * _bits(depth),
        "tables": tables,
        "divide": _divides(synapses),
    }


SOURCES: dict[str, Any] = {
    "dense": _dense,
    "wheel": _wheel,
    "line": _line,
    "conv": _conv,
    "spaced": _spaced,
}


def _join(part: Part) -> Block:
    bits = [_bits(e.size) + e.limit.bit_length() for e in part.edges]
    drivers: Drivers = {"bits": float(sum(bits)), "edges": len(bits)}
    return Block(f"join_{part.name}", "join", "", drivers)


def _serializers(unit: Unit, tag: str, layer: str) -> Iterator[Block]:
    """List what cuts the vectors of a layer into events."""
    positions, lanes = unit.positions, unit.vector
    # The vectors of several banks are cut into places, which have positions already.
    cuts = (unit.banks[0] > 1) + (unit.banks[1] > 1)
    if unit.groups > 1:
        yield _skid(f"vectors{tag}", layer, _bits(positions) + lanes + 2)
    for n, chunk in enumerate(chunks(unit)):
        count = -(-lanes // chunk)
        drivers: Drivers = {
            "lanes": lanes,
            "chunks": count,
            "index": count * _bits(count),
            "position": _bits(positions) if n < cuts or count & (count - 1) else 0,
            "held": 2 * _bits(positions) + _bits(count) + lanes * (chunk > 1) + chunk,
        }
        yield Block(f"serializer{tag}_{chunk}", "serializer", layer, drivers)
        positions, lanes = positions * (1 if n < cuts else count), chunk
        if chunk > 1:
            yield _skid(f"skid{tag}_{chunk}", layer, _bits(positions) + lanes + 2)


def _skid(name: str, layer: str, width: int) -> Block:
    return Block(name, "skid", layer, {"bits": float(width)})


def _views(edge: Edge, tag: str, layer: str) -> Iterator[Block]:
    """List the views of an edge."""
    pre = edge.pre
    for n, view in enumerate(edge.views):
        bits = edge.limit.bit_length() + 2
        drivers: Drivers = {"bits": _bits(view.size(pre)) + bits}
        if view.kind in DIVIDING:
            drivers |= {"digits": _bits(pre) + bits, "divide": DIVISIONS[view.kind](view, pre)}
        yield Block(f"view{tag}_{n}", "view", layer, drivers)
        pre = view.size(pre)


def _channels_last(view: Any, pre: int) -> float:
    return added(pre // view.channels, pre) + digits(view.channels) * _bits(pre)


def _pool(view: Any, pre: int) -> float:
    before, after, (down, right) = view.before, view.after, view.window
    return (
        added(before.channels, pre)
        + added(before.columns, before.places)
        + added(down, before.rows)
        + added(right, before.columns)
        + (digits(after.columns) + digits(after.channels)) * _bits(after.places)
    )


def _repeat(view: Any, pre: int) -> float:
    before, after, (down, right) = view.before, view.after, view.factor
    row, column = down * after.columns * after.channels, right * after.channels
    return (
        added(before.channels, pre)
        + added(before.columns, before.places)
        + (digits(row) + digits(column)) * _bits(after.size)
    )


# Bits that are added where a view takes addresses apart, by its kind.
DIVISIONS = {"channels_last": _channels_last, "pool": _pool, "repeat": _repeat}


def _readout(layout: Layout, part: Part) -> Block:
    network, unit = layout.network, part.unit
    kind = network.readout.kind
    # A count of spikes looks at no membrane.
    width = max(_widths(part)) * (kind != "spike-count")
    score, classes = signed_width(*score_bounds(network, part.bounds)), network.classes
    ways = scanned(unit)
    rows = -(-classes // ways)
    drivers: Drivers = {
        "control": _bits(network.steps) + _bits(classes),
        "lanes": unit.sweep,
    }
    memories = ()
    how = timing(network.readout)
    if isinstance(how, Scan):
        memories = (Memory(rows, score, sync=False, count=ways),)
        drivers |= {
            "item": unit.sweep * (width + 1),
            "score": ways * score,
            "rank": ways * (ways + 1) / 2 * score,
            "builds": ways * score * how.builds,
        }
    elif part.measures:
        drivers |= {"item": unit.sweep * (width + 1), "score": score}
    return Block("readout", "readout", part.name, drivers, memories)
