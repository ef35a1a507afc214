"""Mappings: how a network is to be laid out in hardware.

A mapping is a value beside the network; it never changes a spike.
"""

from collections.abc import Mapping as Mapping_
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..model.bounds import prove
from ..model.check import choice, instance, is_integer, shown
from ..model.errors import InputError
from ..model.network import Network, of_model
from ..model.neurons import Neurons
from ..model.neurons.parallel import Parallel
from ..model.width import Bounds, signed_width
from .engines import ENGINES, Engine
from .engines.map_line import MapLine
from .engines.map_wheel import MapWheel
from .engines.wheel import slots
from .taps import Taps, Window, merged
from .unit import QUEUE, Unit

__all__ = [
    "BUDGET",
    "DELAYS",
    "FEW",
    "PRODUCTS",
    "TAPS",
    "Mapping",
    "delay_bits",
    "line_lanes",
    "mapped",
    "slot_widths",
]

# How many taps of a convolution may be added at once.
TAPS = ("one", "row", "all")
# How many products of a parallel neuron may be made at once.
PRODUCTS = ("auto", "one", "all")
FEW = 8  # that "auto" makes at once
# What may be asked for of a layer with delays.
DELAYS = ("auto", "line", "wheel")
# Bits of memory that the wheels of a network may need together before some become lines.
BUDGET = 1 << 20


@dataclass(frozen=True, slots=True)
class Mapping:
    """How a network is to be laid out.

    Parameters
    ----------
    units : dict of Unit, by layer
    pixels : int
        Pixels of an input beat, which the core then encodes itself; 0 takes input events.
    """

    units: dict[str, Unit]
    pixels: int = 0

    @classmethod
    def of(
        cls,
        network: Network,
        lanes: tuple[int, ...] | None = None,
        sweep: tuple[int, ...] | None = None,
        pixels: int = 0,
        delay: str | Sequence[str] = "auto",
        queue: int | Sequence[int] | None = None,
        taps: str | Sequence[str] = "one",
        products: str | Sequence[str] = "auto",
    ) -> "Mapping":
        """Make the mapping of a network; what is not given is chosen.

        Parameters
        ----------
        lanes : one int per layer; all neurons of a layer at once by default
        sweep : one int per layer
            As many as lanes by default; behind a wheel at most 16, if a number not far below that
            divides the lanes.
        pixels : int, 0..64
        delay : one of `DELAYS`, or one per layer
            Engine of the layers with delays. "auto" is a wheel, as it costs the fewest cycles where
            events are few; but where the wheels of the network need more bits than `BUDGET`, the
            largest of them, but for those over maps, are lines instead.
        queue : int >= 1, or one per layer
            Vectors that wait before each of the layers that a layer feeds; else `QUEUE`.
        taps : one of `TAPS`, or one per layer
            How many taps of a convolution an event adds in a cycle: one, a row of the kernel, or
            all of them, which takes as many banks of lanes. Others, and the last layer, add one.
        products : one of `PRODUCTS`, or one per layer
            How many products of a parallel neuron a sweep makes in a cycle: one, or all of its
            taps, which takes as many multipliers. "auto" is all where there are at most `FEW`.

        Raises
        ------
        InputError
            If there is not one number per layer, lanes are not in 1..neurons, or sweep does not
            divide lanes, or pixels come to a network whose coding cannot take them, or there is no
            such engine.
        """
        names = list(of_model(network).layers)
        queue = QUEUE if queue is None else queue
        neurons = [layer.size for layer in network.layers.values()]
        queues: tuple[Any, ...] = (
            tuple(queue) if isinstance(queue, Sequence) else (queue,) * len(neurons)
        )
        asked_for = _per_layer("Delay engines", delay, DELAYS, names)
        plain = {name: _engine(network, name, asked_for[name]) for name in names}
        channels = [e.channels(network, name) if e else 0 for name, e in plain.items()]
        most = tuple(c or n for c, n in zip(channels, neurons, strict=True))
        lanes = most if lanes is None else _each("Lanes", lanes)
        swept = lanes if sweep is None else _each("Sweep widths", sweep)
        for name, values in (("Lanes", lanes), ("Sweep widths", swept), ("Queues", queues)):
            if len(values) != len(neurons):
                raise InputError(
                    f"{name} must be given for each of the {len(neurons)} layers, "
                    f"not for {len(values)}"
                )
        for i, n, p, s, q in zip(names, neurons, lanes, swept, queues, strict=True):
            if not is_integer(p) or not 1 <= p <= n:
                raise InputError(f"Lanes of layer {i} must be in 1..{n}, its neurons, not {p!r}")
            if not is_integer(s) or s < 1 or p % s:
                raise InputError(f"Sweep width of layer {i} must divide its {p} lanes, not {s!r}")
            if not is_integer(q) or not 1 <= q <= 4096:
                raise InputError(f"Queue of layer {i} must be in 1..4096 vectors, not {q!r}")
        if not is_integer(pixels) or not 0 <= pixels <= 64:
            raise InputError(f"Pixels of a beat must be in 0..64, not {pixels!r}")
        if pixels and not network.coding.packs:
            raise InputError("Packed pixels must feed a network with latency coding")
        asked = _per_layer("Taps", taps, TAPS, names)
        made = _per_layer("Products", products, PRODUCTS, names)
        each = zip(names, neurons, lanes, swept, channels, strict=True)
        units = {i: Unit(n, p, s, channels=c) for i, n, p, s, c in each}
        for name, engine in plain.items():
            if engine:
                units[name] = _over_map(network, name, engine, units[name], asked[name])
                engine.check(network, name, units[name])
        engines = _engines(network, units, asked_for, plain)
        for name, length in zip(names, queues, strict=True):
            unit = replace(units[name], engine=engines[name], queue=length)
            unit = replace(unit, passes=_passes(network.layers[name].neuron, made[name]))
            unit = replace(unit, waits=ENGINES[unit.engine].waits(network, name, unit))
            units[name] = unit if sweep is not None else replace(unit, sweep=_swept(unit))
        return cls(units, pixels)

    def suit(self, network: Network) -> None:
        """Refuse a network that this is no layout of."""
        laid = {name: unit.neurons for name, unit in self.units.items()}
        has = {name: layer.size for name, layer in of_model(network).layers.items()}
        if laid != has:
            layers, other = (
                ", ".join(f"{name} of {n}" for name, n in of.items()) for of in (has, laid)
            )
            raise InputError(f"Mapping must be of the layers {layers}, not {other}")

    def taps(self, network: Network, name: str) -> Taps | Window:
        """Put the connections of a layer together, as its engine takes them."""
        return ENGINES[self.units[name].engine].merge(network, name)


def slot_widths(taps: Taps | Window, unit: Unit, bounds: Bounds) -> list[int]:
    """Widths of a wheel's slots in each lane: they hold every sum of the neurons it serves."""
    low, high = (x >> taps.shift for x in bounds.current)
    return [
        signed_width(int(low[lane :: unit.lanes].min()), int(high[lane :: unit.lanes].max()))
        for lane in range(unit.lanes)
    ]


def wheel_bits(taps: Taps, unit: Unit, bounds: Bounds) -> int:
    """Memory of a layer's wheel, bits: slots of each lane and fold."""
    return unit.folds * slots(taps.window) * sum(slot_widths(taps, unit, bounds))


def mapped(mapping: Any, network: Network) -> Mapping:
    """Check the layout of a network."""
    instance("Mapping", mapping, Mapping, "one, such as Mapping.of() gives").suit(network)
    return mapping


def line_lanes(pre: int) -> int:
    """Inputs that share a word of a line: a power of two, about as many as there are words."""
    return 1 << max((pre - 1).bit_length() // 2, 1)


def line_bits(taps: Taps | Window, limit: int) -> int:
    """Memory of a layer's lines, bits.

    For every input its past and whether that is not 0; for every place of a word the value that
    came, in two banks, and whether there is a past.
    """
    pre, window, bits = taps.pre, taps.window, limit.bit_length()
    places = -(-pre // line_lanes(pre)) * line_lanes(pre)
    past = (window - 1) * bits + 1 if window > 1 else 0
    return pre * past + places * (2 * bits + 1)


def event_limit(network: Network, name: str) -> int:
    """Largest value of one event that reaches a layer."""
    sources = [source for c in network.layers[name].connections for source in c.sources]
    return max(
        network.coding.values.limit
        if s in network.inputs
        else network.layers[s].neuron.values.limit
        for s in sources
    )


def delay_bits(network: Network, units: Mapping_[str, Unit]) -> dict[str, dict[str, int]]:
    """Predict the bits of memory that each layer needs for its delays, by what can be asked for.

    {} without any; of a layer over maps of its engines over maps. Weights, delays and accumulators
    are not among them.
    """
    found, bounds = {}, prove(network)
    for name, unit in units.items():
        found[name] = {}
        engine = ENGINES[unit.engine]
        if not engine.keeps:
            continue
        if engine.maps:
            over = engine.merge(network, name)
            if MapLine.serves(network, name):
                found[name]["line"] = line_bits(over, over.limit)
            wheel = MapWheel(replace(unit, banks=(1, 1), waits=0), over)
            found[name]["wheel"] = wheel.bits(slot_widths(over, unit, bounds[name]))
            continue
        taps, limit = merged(network, name), event_limit(network, name)
        if taps.delayed:
            lines = line_bits(merged(network, name, apart=True), limit)
            found[name] = {"line": lines, "wheel": wheel_bits(taps, unit, bounds[name])}
    return found


def _each(what: str, values: Any) -> tuple[Any, ...]:
    """Check a sequence of values, one per layer."""
    if isinstance(values, str) or not isinstance(values, Sequence):
        raise InputError(f"{what} must be a list of numbers, one per layer, not {shown(values)}")
    return tuple(values)


def _per_layer(
    what: str, value: Any, choices: Sequence[str], names: Sequence[str]
) -> dict[str, str]:
    """Check a choice for each layer, or one for all."""
    given: Any = value
    if isinstance(value, str) or not isinstance(value, Sequence):
        given = (value,) * len(names)
    if len(given) != len(names):
        raise InputError(
            f"{what} must be given for each of the {len(names)} layers, not for {len(given)}"
        )
    for name, one in zip(names, given, strict=True):
        choice(f"{what.removesuffix('s')} of layer {name}", one, choices)
    return dict(zip(names, given, strict=True))


def _over_map(network: Network, name: str, engine: type[Engine], unit: Unit, taps: str) -> Unit:
    """Give a unit its map, if it has one, and the banks that taps in parallel take."""
    if not unit.channels:
        return unit
    after = engine.merge(network, name).synapses.after
    unit = replace(unit, map=(after.rows, after.columns))
    # The readout takes the vectors of the last layer as they are.
    return (
        unit if name == network.output else replace(unit, banks=engine.banks(network, name, taps))
    )


def _engine(network: Network, name: str, delay: str) -> type[Engine] | None:
    """Find the engine of a layer without delays, or over maps; None for any other."""
    kinds = [e for e in reversed(ENGINES.values()) if e.maps or not e.keeps]
    kinds = [e for e in kinds if not e.keeps or delay in ("auto", e.keeps)]
    return next((e for e in kinds if e.serves(network, name)), None)


def _passes(neuron: Neurons, products: str) -> int:
    """Count the cycles of a sweep of each vector."""
    if not isinstance(neuron, Parallel) or products == "all":
        return 1
    return neuron.taps if products == "one" or neuron.taps > FEW else 1


def _swept(unit: Unit) -> int:
    """Choose how many neurons are swept at once.

    As many as divide the lanes, up to what the engine needs; all lanes where that leaves less than
    half of it.
    """
    most = ENGINES[unit.engine].swept
    if most is None:
        return unit.lanes
    sweep = max(n for n in range(1, most + 1) if unit.lanes % n == 0)
    return sweep if 2 * sweep >= most else unit.lanes


def _engines(
    network: Network,
    units: Mapping_[str, Unit],
    delay: Mapping_[str, str],
    plain: Mapping_[str, type[Engine] | None],
) -> dict[str, str]:
    """Choose the engine of every layer."""
    engines = {}
    for name, engine in delay.items():
        found = plain[name]
        engines[name] = found.kind if found else engine
    if "auto" in engines.values():
        tried = {n: "wheel" if e == "auto" else e for n, e in engines.items()}
        bits = delay_bits(network, {n: replace(units[n], engine=e) for n, e in tried.items()})
        wheels = {n: bits[n]["wheel"] for n, e in tried.items() if ENGINES[e].keeps == "wheel"}
        for n in sorted(wheels, key=wheels.__getitem__, reverse=True):
            if engines[n] == "auto":
                engines[n] = "wheel" if sum(wheels.values()) <= BUDGET else "line"
            if engines[n] == "line":
                del wheels[n]
    return engines
