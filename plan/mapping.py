"""Mappings: how a network is laid out in hardware.

A value beside the network; it never changes a spike.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil

from ..model.bounds import Bounds, prove, signed_width
from ..model.codings.encode import Latency
from ..model.network import Layer, Network
from ..model.refuse import Refused, is_integer
from ..model.synapses.delayed import Delayed
from .engines import ENGINES
from .engines.wheel import slots

__all__ = [
    "BUDGET",
    "DELAYS",
    "Mapping",
    "Unit",
    "delay_bits",
    "line_lanes",
    "slot_widths",
    "slots",
]

# What may be asked for of a layer with delays.
DELAYS = ("auto", "line", "wheel")
# Bits of memory that the wheels of a network may need together before some become lines.
BUDGET = 1 << 20


@dataclass(frozen=True, slots=True)
class Unit:
    """The layout of one layer.

    Parameters
    ----------
    neurons : int
    lanes : int, 1..neurons
        P, neurons that add a row of weights in one cycle.
    sweep : int, a divisor of `lanes`
        S, neurons that leak, compare and reset in one cycle.
    engine : "dense", "line" or "wheel"
        Where the terms come from: events themselves; with delays, from what came in the steps
        before, or from currents of the steps to come.
    """

    neurons: int
    lanes: int
    sweep: int
    engine: str = "dense"

    @property
    def folds(self) -> int:
        """F = ceil(neurons / lanes), rows per event.

        Neuron n is lane n % lanes of fold n // lanes.
        """
        return ceil(self.neurons / self.lanes)

    @property
    def groups(self) -> int:
        """Sweep cycles per fold."""
        return self.lanes // self.sweep

    def served(self, lane: int) -> range:
        """Neurons that a lane serves, one per fold."""
        return range(lane, self.neurons, self.lanes)


@dataclass(frozen=True, slots=True)
class Mapping:
    """The layout of a network.

    Parameters
    ----------
    units : one `Unit` per layer
    pixels : int
        Pixels of an input beat, which the core then encodes itself; 0 takes input events.
    """

    units: tuple[Unit, ...]
    pixels: int = 0

    @classmethod
    def of(
        cls,
        network: Network,
        lanes: tuple[int, ...] | None = None,
        sweep: tuple[int, ...] | None = None,
        pixels: int = 0,
        delay: str | Sequence[str] = "auto",
    ) -> "Mapping":
        """Lay out a network.

        Parameters
        ----------
        lanes : one int per layer; all neurons of a layer at once by default
        sweep : one int per layer
            As many as lanes by default; at most as many as its engine says (plan/engines/), if a
            number not far below that divides the lanes.
        pixels : int, 0..64
        delay : one of `DELAYS`, or one per layer
            Engine of the layers with delays. "auto" is a wheel, as it costs the fewest cycles where
            events are few; but where the wheels of the network need more bits than `BUDGET`, the
            largest of them are lines instead.

        Raises
        ------
        Refused
            If there is not one number per layer, lanes are not in 1..neurons, or sweep does not
            divide lanes, or pixels come to a network without latency coding, or there is no such
            engine.
        """
        neurons = [layer.synapses.post for layer in network.layers]
        lanes = tuple(neurons if lanes is None else lanes)
        swept = lanes if sweep is None else tuple(sweep)
        for name, values in (("Lanes", lanes), ("Sweep widths", swept)):
            if len(values) != len(neurons):
                raise Refused(
                    f"{name} must be given for each of the {len(neurons)} layers, "
                    f"not for {len(values)}"
                )
        for i, (n, p, s) in enumerate(zip(neurons, lanes, swept, strict=True)):
            if not is_integer(p) or not 1 <= p <= n:
                raise Refused(f"Lanes of layer {i} must be in 1..{n}, its neurons, not {p!r}")
            if not is_integer(s) or s < 1 or p % s:
                raise Refused(f"Sweep width of layer {i} must divide its {p} lanes, not {s!r}")
        if not is_integer(pixels) or not 0 <= pixels <= 64:
            raise Refused(f"Pixels of a beat must be in 0..64, not {pixels!r}")
        if pixels and not isinstance(network.coding, Latency):
            raise Refused("Packed pixels must feed a network with latency coding")
        units = tuple(Unit(n, p, s) for n, p, s in zip(neurons, lanes, swept, strict=True))
        units = _engines(network, units, delay)
        if sweep is None:
            units = tuple(replace(unit, sweep=_swept(unit)) for unit in units)
        return cls(units, pixels)


def slot_widths(unit: Unit, bounds: Bounds) -> list[int]:
    """Widths of a wheel's slots in each lane: they hold every current of the neurons it serves."""
    low, high = bounds.current
    return [
        signed_width(int(low[lane :: unit.lanes].min()), int(high[lane :: unit.lanes].max()))
        for lane in range(unit.lanes)
    ]


def wheel_bits(layer: Layer, unit: Unit, bounds: Bounds) -> int:
    """Memory of a layer's wheel, bits: slots of each lane and fold."""
    return unit.folds * slots(layer.synapses.window) * sum(slot_widths(unit, bounds))


def line_lanes(pre: int) -> int:
    """Inputs that share a word of a line: a power of two, about as many as there are words."""
    return 1 << max((pre - 1).bit_length() // 2, 1)


def line_bits(layer: Layer, limit: int) -> int:
    """Memory of a layer's lines, bits.

    For every input its past and whether that is not 0; for every place of a word the value that
    came, in two banks, and whether there is a past.
    """
    pre, window, bits = layer.synapses.pre, layer.synapses.window, limit.bit_length()
    places = -(-pre // line_lanes(pre)) * line_lanes(pre)
    past = (window - 1) * bits + 1 if window > 1 else 0
    return pre * past + places * (2 * bits + 1)


def delay_bits(network: Network, units: Sequence[Unit]) -> list[dict[str, int]]:
    """Predict the bits of memory that each layer needs for its delays, by engine; {} without any.

    Weights, delays and accumulators are not among them.
    """
    layers = [layer.unrolled() for layer in network.layers]
    return [
        {"line": line_bits(layer, limit), "wheel": wheel_bits(layer, unit, bounds)}
        if isinstance(layer.synapses, Delayed)
        else {}
        for layer, unit, bounds, (limit, _) in zip(
            layers, units, prove(network), network.declared(), strict=True
        )
    ]


def _swept(unit: Unit) -> int:
    """Choose the sweep: all lanes, where no number not far below the most divides them."""
    most = ENGINES[unit.engine].swept
    if most is None:
        return unit.lanes
    sweep = max(n for n in range(1, most + 1) if unit.lanes % n == 0)
    return sweep if 2 * sweep >= most else unit.lanes


def _engines(
    network: Network, units: tuple[Unit, ...], delay: str | Sequence[str]
) -> tuple[Unit, ...]:
    """Choose the engine of every layer."""
    wanted = (delay,) * len(units) if isinstance(delay, str) else tuple(delay)
    if len(wanted) != len(units):
        raise Refused(
            f"Delay engines must be given for each of the {len(units)} layers, "
            f"not for {len(wanted)}"
        )
    for i, name in enumerate(wanted):
        if name not in DELAYS:
            raise Refused(
                f"Delay engine of layer {i} must be one of {', '.join(DELAYS)}, not {name!r}"
            )
    engines = [
        name if isinstance(layer.unrolled().synapses, Delayed) else "dense"
        for name, layer in zip(wanted, network.layers, strict=True)
    ]
    if "auto" in engines:
        bits = delay_bits(network, units)
        wheels = {n: bits[n]["wheel"] for n, e in enumerate(engines) if e in ("auto", "wheel")}
        for n in sorted(wheels, key=wheels.__getitem__, reverse=True):
            if engines[n] == "auto":
                engines[n] = "wheel" if sum(wheels.values()) <= BUDGET else "line"
            if engines[n] == "line":
                del wheels[n]
    return tuple(replace(unit, engine=e) for unit, e in zip(units, engines, strict=True))
