"""The taps of a layer: all its connections side by side, as one engine adds them.

Connections from the same sources through the same views have their inputs in common, and their taps
behind one another; all others have inputs of their own. What comes back from a step arrives as
events of the next, so its delays are one less. Where connections shift by different numbers of
bits, what exceeds the smallest is in the weights.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..model.network import Connection, Network
from ..model.synapses.local import Local
from ..model.views import View

__all__ = ["Port", "Taps", "Window", "merged", "window"]


@dataclass(frozen=True, slots=True)
class Port:
    """Where the events of one source enter the inputs of a layer.

    Attributes
    ----------
    source : str
        Name of an input or a layer.
    views : tuple of View
    base, size : int
        First input, and number of inputs.
    recurs : bool
        Whether the source is the layer itself or a later one.
    """

    source: str
    views: tuple[View, ...]
    base: int
    size: int
    recurs: bool


@dataclass(frozen=True, slots=True, eq=False)
class Taps:
    """What one engine adds.

    Attributes
    ----------
    weights : int64 (post, pre, taps)
    delays : int64 (post, pre, taps), or (1, pre, taps) where outputs do not differ
    bits : int
        Width of a weight, two's complement.
    shift : int
        Left shift of the sum.
    ports : tuple of Port
        Two may share their inputs.
    """

    weights: np.ndarray
    delays: np.ndarray
    bits: int
    shift: int
    ports: tuple[Port, ...]

    @property
    def post(self) -> int:
        """Number of outputs."""
        return self.weights.shape[0]

    @property
    def pre(self) -> int:
        """Number of inputs."""
        return self.weights.shape[1]

    @property
    def taps(self) -> int:
        """Number of taps between an input and an output."""
        return self.weights.shape[2]

    @property
    def window(self) -> int:
        """Number of delays, 0 included."""
        return 1 + int(self.delays.max())

    @property
    def memory(self) -> int:
        """Bits of all weights."""
        return self.weights.size * self.bits

    @property
    def delayed(self) -> bool:
        """Whether a tap has a delay, or an input has several taps."""
        return self.window > 1 or self.taps > 1


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """What one engine adds that goes over maps: the same taps at every place.

    Attributes
    ----------
    synapses : Local
    shift : int
        Left shift of the sum.
    ports : tuple of Port
        All of the same inputs.
    late : int
        By how much more than their own delays the taps are late; of what comes back, one less.
    limit : int
        Largest value that one input brings in a step, of all events that add there.
    used : int64 (channels,) or None
        How many of its taps, the first ones, an event of an input channel has; None is all.
    """

    synapses: Any
    shift: int
    ports: tuple[Port, ...]
    late: int
    limit: int
    used: np.ndarray | None = None

    @property
    def bits(self) -> int:
        """Width of a weight, two's complement."""
        return self.synapses.bits

    @property
    def pre(self) -> int:
        """Number of inputs."""
        return self.synapses.pre

    @property
    def post(self) -> int:
        """Number of outputs."""
        return self.synapses.post

    @property
    def window(self) -> int:
        """Number of delays, 0 included."""
        return 1 + self.synapses.latest + self.late

    @property
    def memory(self) -> int:
        """Bits of all weights."""
        return self.synapses.weights.size * self.bits


def window(network: Network, name: str, kinds: tuple[type[Local], ...]) -> Window | None:
    """Give the taps of a layer that one connection of such a kind feeds; None for any other.

    The neurons of a channel are alike.
    """
    layer = network.layers[name]
    first, *others = layer.connections
    recurs = network.recurs(name, first.sources[0])
    if others or not isinstance(first.synapses, kinds):
        return None
    if layer.neuron.channels != first.synapses.out:
        return None
    size = first.synapses.pre
    ports = tuple(Port(source, first.views, 0, size, recurs) for source in first.sources)
    limit = network.values(first).limit
    return Window(first.synapses, first.shift, ports, first.delay - recurs, limit)


def merged(network: Network, name: str, *, apart: bool = False) -> Taps:
    """Put the connections of a layer side by side.

    Parameters
    ----------
    network : Network
    name : str
        Of the layer.
    apart : bool
        Whether every source has inputs of its own, even where several feed one connection, and
        every address of a source, even where views add some: then an input has at most one event
        in a step.
    """
    layer = network.layers[name]
    shift = min(c.shift for c in layer.connections)
    groups: dict[tuple, list[Connection]] = {}
    for c in layer.connections:
        groups.setdefault((c.sources, c.views), []).append(c)
    ports, blocks = [], []
    base = 0
    for (sources, views), connections in groups.items():
        size, recurs = connections[0].synapses.pre, network.recurs(name, sources[0])
        w, d = _behind(connections, shift, recurs)
        if apart and (at := _meeting(views, network.size(sources[0]))) is not None:
            w, d = (_moved(x, at) for x in (w, d))
            views, size = (), len(at)
        for n, source in enumerate(sources):
            if n == 0 or apart:
                blocks.append((w, d))
                base += size
            ports.append(Port(source, views, base - size, size, recurs))
    weights, delays = _beside(blocks)
    bits = max(c.synapses.bits + c.shift - shift for c in layer.connections)
    return Taps(weights, delays, bits, shift, tuple(ports))


def _behind(
    connections: Sequence[Connection], shift: int, recurs: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Put the taps of connections with common inputs behind one another."""
    weights, delays = [], []
    for c in connections:
        w, d = c.synapses.arrays_of_taps()
        weights.append(w << (c.shift - shift))
        delays.append(np.maximum(d + (c.delay - recurs), 0))  # where no tap is, 0
    return np.concatenate(weights, axis=2), _joined(delays, 2)


def _moved(x: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Give the taps (..., taps) of each input those of all places that it is moved to."""
    return np.where(at[..., None] < 0, 0, x[:, at]).reshape(len(x), len(at), -1)


def _meeting(views: Sequence[View], pre: int) -> np.ndarray | None:
    """Tell where views move each of `pre` addresses, (pre, n), if any two meet there.

    Below 0 it is nowhere.
    """
    at = np.arange(pre)[:, None]
    for view in views:
        table = view.table(pre)
        table = np.pad(np.maximum(table, -1), [(0, 1), (0, 0)], constant_values=-1)
        at, pre = table[at].reshape(len(at), -1), view.size(pre)  # what was dropped, stays so
    kept = at[at >= 0]
    return at if len(np.unique(kept)) < len(kept) else None


def _beside(blocks: Sequence[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """Put blocks of inputs side by side; all get as many taps as those that have the most."""
    taps = max(w.shape[2] for w, _ in blocks)

    def padded(x: np.ndarray) -> np.ndarray:
        return np.pad(x, [(0, 0), (0, 0), (0, taps - x.shape[2])])

    weights = np.concatenate([padded(w) for w, _ in blocks], axis=1)
    return weights, _joined([padded(d) for _, d in blocks], 1)


def _joined(delays: Sequence[np.ndarray], axis: int) -> np.ndarray:
    rows = max(len(d) for d in delays)
    return np.concatenate([np.broadcast_to(d, (rows, *d.shape[1:])) for d in delays], axis=axis)
