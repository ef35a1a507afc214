"""Mappings: how a network is laid out in hardware.

A value beside the network; it never changes a spike.
"""

from dataclasses import dataclass
from math import ceil

from .encode import Latency
from .network import Network
from .refuse import Refused, is_integer

__all__ = ["Mapping", "Unit"]


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
    """

    neurons: int
    lanes: int
    sweep: int

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
    ) -> "Mapping":
        """Lay out a network.

        Parameters
        ----------
        lanes : one int per layer; all neurons of a layer at once by default
        sweep : one int per layer; as many as lanes by default
        pixels : int, 0..64

        Raises
        ------
        Refused
            If there is not one number per layer, lanes are not in 1..neurons, or sweep does not
            divide lanes, or pixels come to a network without latency coding.
        """
        neurons = [layer.synapses.post for layer in network.layers]
        lanes = tuple(neurons if lanes is None else lanes)
        sweep = lanes if sweep is None else tuple(sweep)
        for name, values in (("Lanes", lanes), ("Sweep widths", sweep)):
            if len(values) != len(neurons):
                raise Refused(
                    f"{name} must be given for each of the {len(neurons)} layers, "
                    f"not for {len(values)}"
                )
        for i, (n, p, s) in enumerate(zip(neurons, lanes, sweep, strict=True)):
            if not is_integer(p) or not 1 <= p <= n:
                raise Refused(f"Lanes of layer {i} must be in 1..{n}, its neurons, not {p!r}")
            if not is_integer(s) or s < 1 or p % s:
                raise Refused(f"Sweep width of layer {i} must divide its {p} lanes, not {s!r}")
        if not is_integer(pixels) or not 0 <= pixels <= 64:
            raise Refused(f"Pixels of a beat must be in 0..64, not {pixels!r}")
        if pixels and not isinstance(network.coding, Latency):
            raise Refused("Packed pixels must feed a network with latency coding")
        units = tuple(Unit(n, p, s) for n, p, s in zip(neurons, lanes, sweep, strict=True))
        return cls(units, pixels)
