"""Layouts of a network, from small to fast: their exact cycles, and their estimated area.

A network is about as fast as its slowest layer, while the areas of its layers add up. So every
layer is tried by itself, in each of its settings: for a number of cycles that none may exceed, each
gets the smallest setting that keeps to it. Of what is found so, cycles are then predicted exactly.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import ceil
from typing import Any

import numpy as np

from ..model.errors import InputError
from ..model.network import Network, Run, recorded
from .area import Area, blocks, calibration, estimate, total
from .cycles import predict, sweeps, work
from .engines import ENGINES
from .layout import Layout
from .mapping import DELAYS, TAPS, Mapping
from .unit import Unit

__all__ = ["KNOBS", "Found", "look", "search", "settings"]

MOST = 24  # layouts whose cycles are predicted exactly, one after the other

Setting = dict[str, Any]


def lanes(network: Network, name: str) -> list[int]:
    """List the lanes of a layer to try: all, a half, a quarter, and so on, as its engine takes."""
    unit = Mapping.of(network).units[name]
    most = unit.channels or unit.neurons
    found = []
    for folds in (1 << n for n in range(most.bit_length() + 1)):
        lanes = ceil(most / folds)
        try:
            ENGINES[unit.engine].check(network, name, replace(unit, lanes=lanes, sweep=lanes))
        except InputError:
            continue
        found.append(lanes)
    return sorted(set(found))


def delay(network: Network, name: str) -> list[str]:
    """List the engines of a layer to try, if it has delays."""
    engine = ENGINES[Mapping.of(network).units[name].engine]
    if engine.maps or not engine.keeps:
        return ["auto"]
    return [kind for kind in DELAYS if kind != "auto"]


def taps(network: Network, name: str) -> list[str]:
    """List how many taps of a layer to try at once: those that differ in their banks of lanes."""
    found: dict[Unit, str] = {}
    for word, unit in _parallel(network, name).items():
        found.setdefault(unit, word)
    return list(found.values())


def _parallel(network: Network, name: str) -> dict[str, Unit]:
    """Lay out a layer with all lanes for each number of taps; the other layers add one."""
    found = {}
    for word in TAPS:
        words = [word if other == name else TAPS[0] for other in network.layers]
        found[word] = Mapping.of(network, taps=words).units[name]
    return found


# What may be set for each layer, by the argument of Mapping.of and the option of the command line:
# what to try. Another one is a line here.
KNOBS: dict[str, Callable[[Network, str], Sequence[Any]]] = {
    "lanes": lanes,
    "delay": delay,
    "taps": taps,
}
USUAL = ({"auto"}, {TAPS[0]})  # what layers have anyway


@dataclass(frozen=True, slots=True)
class Found:
    """A layout.

    Attributes
    ----------
    settings : dict
        By knob, what each layer has.
    area : Area
        Of the core, estimated.
    latency, interval : float
        Median cycles of a sample alone, and back to back, exact.
    """

    settings: dict[str, tuple[Any, ...]]
    area: Area
    latency: float
    interval: float

    def order(self) -> tuple[float, ...]:
        """By which layouts are listed: the fastest first."""
        return self.interval, self.area.lut, self.latency

    def beats(self, other: "Found") -> bool:
        """Whether it is as fast and as small as another, and faster or smaller."""
        mine, its = (self.interval, self.area.lut), (other.interval, other.area.lut)
        return mine != its and all(a <= b for a, b in zip(mine, its, strict=True))

    @property
    def options(self) -> str:
        """The words that ask a command for it; what is as it would be anyway is left out."""
        return " ".join(
            f"--{knob} {','.join(map(str, values))}"
            for knob, values in self.settings.items()
            if set(values) not in USUAL
        )


def settings(network: Network, run: Run, target: str) -> list[dict[str, tuple[Any, ...]]]:
    """Choose the layouts that are worth an exact prediction, by knob what each layer has.

    Parameters
    ----------
    network : Network
    run : Run
        Recorded.
    target : str
        One that areas are calibrated for.

    Raises
    ------
    InputError
        If the run has fewer than two samples, or is not recorded; if a kind is not calibrated.
    """
    samples = recorded(run).shape[1]
    if samples < 2:
        raise InputError(f"Samples must be 2 or more to count cycles back to back, not {samples}")
    layers = _counted(network, run, target)
    bounds = sorted({cycles for each in layers.values() for cycles, _, _ in each})
    slowest = max(min(cycles for cycles, _, _ in each) for each in layers.values())
    # First all layers at their fastest.
    picks = [[min(each, key=lambda one: one[:2])[2] for each in layers.values()]]
    for bound in (bound for bound in bounds if bound >= slowest):
        keep = [[one for one in each if one[0] <= bound] for each in layers.values()]
        picks.append([min(each, key=lambda one: (one[1], one[0]))[2] for each in keep])
    found = []
    for picked in picks:
        values = {knob: tuple(setting[knob] for setting in picked) for knob in KNOBS}
        if values not in found:
            found.append(values)
    if len(found) <= MOST:
        return found
    return [found[n] for n in np.linspace(0, len(found) - 1, MOST).round().astype(int)]


def _counted(
    network: Network, run: Run, target: str
) -> dict[str, list[tuple[float, float, Setting]]]:
    """Try each layer in each of its settings: its median cycles, about, and its LUT."""
    each = {name: list(tried(network, name)) for name in network.layers}
    weights = calibration(target)["weights"]
    found: dict[str, list[tuple[float, float, Setting]]] = {name: [] for name in each}
    for n in range(max(map(len, each.values()))):
        now = {name: tries[min(n, len(tries) - 1)] for name, tries in each.items()}
        mapping = _mapping(network, {k: tuple(s[k] for s in now.values()) for k in KNOBS})
        added, swept = (count(network, mapping, run) for count in (work, sweeps))
        of = blocks(Layout.of(network, mapping))
        for name in network.layers:
            if n < len(each[name]):
                cycles = float(np.median(added[name] + swept[name]))
                lut = total((block for block in of if block.layer == name), weights).lut
                found[name].append((cycles, lut, now[name]))
    return found


def tried(network: Network, name: str) -> Iterator[Setting]:
    """List the settings of a layer; its taps are added in parallel by all of its channels."""
    units = _parallel(network, name)
    for values in product(*(values(network, name) for values in KNOBS.values())):
        setting = dict(zip(KNOBS, values, strict=True))
        unit = units[setting["taps"]]
        if unit.places == 1 or setting["lanes"] == unit.lanes:
            yield setting


def _mapping(network: Network, values: dict[str, tuple[Any, ...]]) -> Mapping:
    arguments: dict[str, Any] = values
    return Mapping.of(network, **arguments)


def look(
    network: Network, run: Run, values: dict[str, tuple[Any, ...]], target: str = "ecp5"
) -> Found:
    """Tell the cycles and the area of a layout, by knob what each layer has."""
    mapping = _mapping(network, values)
    area = estimate(Layout.of(network, mapping), target)
    latency, interval = predict(network, mapping, run)
    return Found(values, area, float(np.median(latency)), float(np.median(interval)))


def search(network: Network, run: Run, target: str = "ecp5") -> list[Found]:
    """Find layouts of a network, the fastest first.

    Parameters
    ----------
    network : Network
    run : Run
        Recorded, of two samples or more.
    target : str
        One that areas are calibrated for.
    """
    found = [look(network, run, values, target) for values in settings(network, run, target)]
    return sorted(found, key=Found.order)
