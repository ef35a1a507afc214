"""Synapses over maps: taps at offsets in time, rows and columns, the same at every place.

    I[o, y, x, t] = sum over taps (d, dy, dx) and inputs i of
                    w[o, i] * s[i, y * stride - padding + dy, x * stride - padding + dx, t - d]

with s = 0 beside the map and before step 0. Rows and columns have a stride and a padding each. In
`groups` groups, inputs and outputs of one group meet alone.
"""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from ..errors import InputError
from ..maps import Map
from .synapses import Synapses, Weigher, exact

__all__ = ["Local", "Place", "fitted", "grouped"]


class Place(NamedTuple):
    """The weights at one offset.

    Attributes
    ----------
    delay, row, column : int
        Offset in steps, rows and columns; the last two from the first place that an output sees.
    weights : int64 (out, in / groups), 0 where there is none
    """

    delay: int
    row: int
    column: int
    weights: np.ndarray


class Local(Synapses):
    """A kind of synapse over maps.

    Attributes
    ----------
    shape : (channels, rows, columns)
        Of the inputs.
    stride, padding : (rows, columns)
    groups : int
    """

    __slots__ = ()
    shape: tuple[int, int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]
    groups: int

    @abstractmethod
    def places(self) -> Iterator[Place]:
        """Give every tap once, by offset."""

    @property
    @abstractmethod
    def window(self) -> tuple[int, int]:
        """Rows and columns that an output sees, from the first to the last."""

    @property
    @abstractmethod
    def out(self) -> int:
        """Number of output channels."""

    @property
    def before(self) -> Map:
        """The map of the inputs."""
        return Map(*self.shape)

    @property
    def after(self) -> Map:
        """The map of the outputs."""
        return Map(self.out, *fitted(type(self).__name__, self))

    @property
    def pre(self) -> int:
        """Number of inputs."""
        return self.before.size

    @property
    def post(self) -> int:
        """Number of outputs."""
        return self.after.size

    @property
    def latest(self) -> int:
        """Largest delay of a tap."""
        return max(place.delay for place in self.places())

    @property
    def earliest(self) -> int:
        """Smallest delay of a tap."""
        return min(place.delay for place in self.places())

    def seen(self, place: Place) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
        """Tell at which rows and columns an offset meets the map.

        Returns
        -------
        outputs, inputs : each slices of rows and of columns, equally many
        """
        sizes = zip(
            (self.before.rows, self.before.columns),
            (self.after.rows, self.after.columns),
            (place.row, place.column),
            self.stride,
            self.padding,
            strict=True,
        )
        outputs, inputs = [], []
        for pre, post, offset, stride, padding in sizes:
            start = offset - padding
            first = max(0, -(start // stride))
            end = max(first, min(post, (pre - 1 - start) // stride + 1))
            outputs.append(slice(first, end))
            at = first * stride + start
            inputs.append(slice(at, at + (end - first) * stride, stride))
        return (outputs[0], outputs[1]), (inputs[0], inputs[1])

    def weighers(self, limit: int, steps: int) -> list[tuple[int, Weigher]]:
        kept: dict[int, list[Place]] = {}
        for place in self.places():
            if place.delay < steps:
                kept.setdefault(place.delay, []).append(place)
        return [(delay, partial(self._weigh, kept[delay], limit)) for delay in sorted(kept)]

    def _weigh(self, places: Sequence[Place], limit: int, s: np.ndarray) -> np.ndarray:
        """Weigh events (..., pre) by the taps of some places."""
        before, after, groups = self.before, self.after, self.groups
        most = sum(np.abs(place.weights).sum(axis=1) for place in places)
        kind = exact(limit * int(np.max(most)))
        outs = after.channels // groups
        x = before.laid(s.reshape(-1, self.pre).astype(kind))
        x = x.reshape(*x.shape[:3], groups, -1)
        total = np.zeros((len(x), after.rows, after.columns, groups, outs), kind)
        for place in places:
            (rows, columns), (of_rows, of_columns) = self.seen(place)
            w = place.weights.reshape(groups, outs, -1).transpose(0, 2, 1).astype(kind)
            terms = x[:, of_rows, of_columns]
            if terms.shape[-1] == 1:
                total[:, rows, columns] += terms * w[:, 0]
                continue
            for g in range(groups):  # a product of matrices: (places, in) by (in, out)
                total[:, rows, columns, g] += terms[..., g, :] @ w[g]
        return total.reshape(*s.shape[:-1], self.post).astype(np.int64)

    def arriving(self, limit: int, steps: int) -> tuple[np.ndarray, np.ndarray]:
        low = np.zeros((steps, self.post), np.int64)
        high = np.zeros_like(low)
        for place in self.places():
            if place.delay < steps:
                (rows, columns), _ = self.seen(place)
                for side, part in ((low, np.minimum), (high, np.maximum)):
                    view = self.after.laid(side)[place.delay :, rows, columns]
                    view += limit * part(place.weights, 0).sum(1)
        return low, high

    def entries(self) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray, int]]:
        before, after = self.before, self.after
        outs, ins = after.channels // self.groups, before.channels // self.groups
        o = np.arange(after.channels)[:, None]
        i = o // outs * ins + np.arange(ins)
        for place in self.places():
            outputs, inputs = self.seen(place)
            at = after.laid(np.arange(after.size))[outputs][..., 0].reshape(-1, 1, 1)
            of = before.laid(np.arange(before.size))[inputs][..., 0].reshape(-1, 1, 1)
            post, pre, w = np.broadcast_arrays(at + o, of + i, place.weights)
            there = w != 0
            yield post[there], pre[there], w[there], place.delay


def grouped(name: str, before: Map, out: int, groups: int) -> int:
    """Count the input channels of a group; refuse groups that do not divide the channels."""
    if before.channels % groups or out % groups:
        raise InputError(
            f"{name} groups must divide the {before.channels} input and {out} output channels,"
            f" not be {groups}"
        )
    return before.channels // groups


def fitted(name: str, synapses: Local) -> tuple[int, int]:
    """Count the rows and columns of the outputs; refuse where there are none."""
    found = []
    for what, size, seen, stride, padding in zip(
        ("rows", "columns"),
        synapses.shape[1:],
        synapses.window,
        synapses.stride,
        synapses.padding,
        strict=True,
    ):
        if seen > size + 2 * padding:
            raise InputError(
                f"{name} window of {seen} {what} must fit the {size} {what} of the map and"
                f" {padding} of padding at both ends"
            )
        found.append((size + 2 * padding - seen) // stride + 1)
    return found[0], found[1]
