"""The engine of lines over maps; its source of terms is rtl/synapses/map_line.py.

In each step a line sends again the events of earlier steps that have taps of their age. An event of
channel c with the k-th age is then one of channel c * ages + k of a layer without delays, whose
taps of that channel are those of c with that delay: so it is walked as there.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...model.network import Network
from ...model.synapses.causal import Causal
from ...model.synapses.conv import Conv as Kernel
from ...model.synapses.spaced import Spaced as Spacings
from ..stages import Cost, Replay, Stages
from ..stages import Line as Stage
from ..taps import Window, window
from .conv import Conv
from .local import Local
from .spaced import Spaced

__all__ = ["MapLine", "Unrolled"]

BYTE = 255  # what an input may bring in a step, as recorded runs hold it for the prediction


@dataclass(frozen=True, slots=True, eq=False)
class Unrolled:
    """Synapses over a map as such without delays, of a map with a channel for each age.

    Attributes
    ----------
    ages : tuple of int
        Delays that taps have, in ascending order.
    synapses : Local, of the model
        Channel c * len(ages) + k has the taps of channel c whose delay is the k-th.
    used : int64 (channels * ages,) or None
        As of `Window`.
    """

    ages: tuple[int, ...]
    synapses: Any
    used: np.ndarray | None = None


def _conv(law: Kernel) -> Unrolled:
    """A convolution has no delays of its own."""
    return Unrolled((0,), law)


def _causal(law: Causal) -> Unrolled:
    """Give a channel for each step of the kernel that has a weight."""
    w = law.weights
    steps = [k for k in range(w.shape[2] - 1, -1, -1) if w[:, :, k].any()] or [w.shape[2] - 1]
    ages = tuple(law.delays[k] for k in steps)
    unrolled = w[:, :, steps].reshape(len(w), -1, *w.shape[3:])
    shape = _deep(law.shape, ages)
    fields = law.stride, law.padding, law.dilation[1:], law.groups
    return Unrolled(ages, Kernel(unrolled, law.bits, shape, *fields))


def _spaced(law: Spacings) -> Unrolled:
    """Give a channel for each delay, with the taps that have it first."""
    ages = tuple(np.unique(law.offsets[0]).tolist())
    # Of each age (ages, out or 1, in or 1, taps): which taps have it, these first.
    has = law.offsets[0] == np.array(ages)[:, None, None, None]
    most = int(has.sum(axis=-1).max())
    order = np.argsort(~has, axis=-1, kind="stable")[..., :most]
    has = np.take_along_axis(has, order, axis=-1)
    out, ins = law.weights.shape[:2]
    weights = np.take_along_axis(law.weights[None], _wide(order, out, ins), axis=-1)
    weights = np.where(has, weights, 0)
    offsets = np.take_along_axis(law.offsets[:, None], order[None], axis=-1)
    offsets = np.where(has & (np.arange(3) > 0)[:, None, None, None, None], offsets, 0)
    offsets = np.broadcast_to(offsets, (*offsets.shape[:3], ins, most))
    # Ages behind the inputs: (3, out or 1, in, ages, taps).
    offsets = offsets.transpose(0, 2, 3, 1, 4).reshape(3, offsets.shape[2], -1, most)
    unrolled = weights.transpose(1, 2, 0, 3).reshape(out, -1, most)
    used = _wide(has, out, ins).sum(axis=-1).transpose(1, 2, 0)  # (out, in, ages)
    used = used.reshape(law.groups, out // law.groups, -1).max(axis=1).ravel()
    shape, extent = _deep(law.shape, ages), (1, *law.extent[1:])
    fields = law.stride, law.padding, law.groups
    return Unrolled(ages, Spacings(unrolled, offsets, law.bits, extent, shape, *fields), used)


def _deep(shape: tuple[int, int, int], ages: tuple[int, ...]) -> tuple[int, int, int]:
    """Give a map a channel for each age."""
    return shape[0] * len(ages), *shape[1:]


def _wide(x: np.ndarray, out: int, ins: int) -> np.ndarray:
    """Repeat what outputs, or inputs, have in common, (ages, out, in, taps)."""
    return np.broadcast_to(x, (len(x), out, ins, x.shape[-1]))


class MapLine(Local):
    """In each step, the taps that have the age of an event, of all events in the window.

    Attributes
    ----------
    walks : tuple of type
        Engines without delays, whose walks it takes.
    """

    kind = "map_line"
    latency = 3
    keeps = "line"
    recalls = True
    walks = (Conv, Spaced)
    golden = tuple(kind for engine in walks for kind in engine.golden)

    __slots__ = ()

    @classmethod
    def serves(cls, network: Network, name: str) -> bool:
        """Whether one connection of such a kind feeds the layer, and something is delayed.

        Besides, an input brings at most 255 in a step.
        """
        found = window(network, name, cls.golden)
        if found is None or found.window == 1 or found.limit > BYTE:
            return False
        return cls._of(found).suits(found.synapses)

    @classmethod
    def _of(cls, taps: Any) -> type[Local]:
        return next(engine for engine in cls.walks if isinstance(taps.synapses, engine.golden))

    @classmethod
    def banks(cls, network: Network, name: str, taps: str) -> tuple[int, int]:
        """Count the banks of lanes that taps in parallel need."""
        return cls._of(cls.merge(network, name)).banks(network, name, taps)

    @property
    def unrolled(self) -> Unrolled:
        """Its synapses as such without delays; ages are those of events that come."""
        found = UNROLLED[type(self.taps.synapses)](self.taps.synapses)
        return replace(found, ages=tuple(age + self.taps.late for age in found.ages))

    @property
    def walk(self) -> Local:
        """The engine without delays."""
        found, taps = self.unrolled, self.taps
        plain = Window(found.synapses, taps.shift, taps.ports, 0, taps.limit, found.used)
        return self._of(plain)(self.unit, plain)

    @property
    def marks(self) -> bool:
        """Whether it can tell which folds the events of a step reached, as its walk does."""
        return self.walk.marks

    @property
    def meets(self) -> np.ndarray | None:
        """Tell what the first two additions of an event, and its last two, add to, by its age."""
        return self.walk.meets

    @property
    def depth(self) -> int:
        """Count the accumulators of a lane."""
        return self.walk.depth

    @property
    def addresses(self) -> int:
        """Count the addresses at which lanes add in turn; 0 where all add at one."""
        return self.walk.addresses

    @property
    def settling(self) -> int:
        """Cycles that additions are to wait."""
        return self.walk.settling

    @property
    def cost(self) -> Cost:
        """Cycles in which an event of value 1 is added, by address and then by age."""
        return self.walk.cost

    def before(self, stages: Stages, source: int) -> int:
        taps = self.taps
        line = stages.add(Stage(source, taps.pre, taps.window))
        replay = Replay(line, stages.record(), taps.pre, self.unrolled.ages)
        return self.walk.before(stages, stages.add(replay))

    def rows(self, s: np.ndarray) -> np.ndarray:
        """Give what is added in each step by address and then by age, (steps, samples, ...)."""
        found = np.zeros((*s.shape, len(self.unrolled.ages)), s.dtype)
        for k, age in enumerate(self.unrolled.ages):
            found[age:, ..., k] = s[: max(len(s) - age, 0)]
        return found.reshape(*s.shape[:-1], -1)

    def touched(self, s: np.ndarray) -> np.ndarray:
        """Tell which folds the events of each step reach, bool (steps, samples, folds)."""
        return self.walk.touched(self.rows(s))


UNROLLED: dict[type, Callable[[Any], Unrolled]] = {
    Kernel: _conv,
    Causal: _causal,
    Spacings: _spaced,
}
