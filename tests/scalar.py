"""The law of a graph read slowly: Python integers, one neuron, one step and one tap at a time.

Written from the law; of model/ it reads the tensors and attributes of a network alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["Slow", "slow_decide", "slow_encode", "slow_run"]

Row = list[int]
Rows = list[Row]  # (steps, addresses)
Ends = list[list[tuple[int, int]]]  # least and most, (steps, neurons)


@dataclass
class Slow:
    """One sample.

    Attributes
    ----------
    input : (steps, inputs)
    spikes, membranes : (steps, neurons), by layer
    currents : what each step adds, in the least and in the largest sum of some of its events
    accumulators : the same, on top of what the step begins with
    label, step, score : the decision; the label is -1 where the result is no class
    """

    input: Rows
    spikes: dict[str, Rows]
    membranes: dict[str, Rows]
    currents: dict[str, Ends]
    accumulators: dict[str, Ends]
    label: int
    step: int
    score: Row


def slow_encode(coding: Any, steps: int, sample: np.ndarray) -> Rows:
    """Encode one sample, one value at a time."""
    if coding.kind == "counts":
        rows = [[min(int(x), coding.limit) for x in row] for row in sample]
        return rows + [[0] * sample.shape[1]] * (steps - len(rows))
    values = [int(x) for x in sample.reshape(-1)]
    s = []
    for t in range(steps):
        if coding.kind == "latency":
            floor = coding.floor
            s.append(
                [int(p >= floor and ((255 - p) * steps) // (256 - floor) == t) for p in values]
            )
        elif coding.kind == "graded":
            s.append([p // 2**coding.shift if t == 0 or coding.every else 0 for p in values])
        else:
            raise NotImplementedError(coding.kind)
    return s


def slow_view(view: Any, row: Row) -> Row:
    """Look at the events of one step through a view."""
    if view.kind == "crop":
        return [row[view.start + n] for n in range(view.count)]
    if view.kind == "flatten":
        return row
    if view.kind == "channels_last":
        places = len(row) // view.channels
        return [row[c * places + p] for p in range(places) for c in range(view.channels)]
    if view.kind == "pool":
        (channels, rows, columns), (down, right) = view.shape, view.window
        return [
            sum(
                row[((y * down + i) * columns + x * right + j) * channels + c]
                for i in range(down)
                for j in range(right)
            )
            for y in range(rows // down)
            for x in range(columns // right)
            for c in range(channels)
        ]
    if view.kind == "repeat":
        (channels, rows, columns), (down, right) = view.shape, view.factor
        return [
            row[(y // down * columns + x // right) * channels + c]
            for y in range(rows * down)
            for x in range(columns * right)
            for c in range(channels)
        ]
    raise NotImplementedError(view.kind)


def slow_taps(synapses: Any, j: int) -> Iterator[tuple[int, int, int]]:
    """Give the taps of one neuron: input, weight, delay."""
    if synapses.kind in ("conv", "causal", "spaced"):
        yield from slow_kernel(synapses, j)
        return
    for i, taps in enumerate(synapses.weights[j].tolist()):
        if synapses.kind == "dense":
            yield i, taps, 0
        elif synapses.kind == "delayed":
            delays = synapses.delays.tolist()
            own = delays[j][i] if len(delays) > 1 else delays[0][i]
            for weight, delay in zip(taps, own, strict=True):
                yield i, weight, delay
        else:
            raise NotImplementedError(synapses.kind)


def slow_kernel(synapses: Any, j: int) -> Iterator[tuple[int, int, int]]:
    """Give the taps of one neuron of a map: each that meets the map."""
    channels, rows, columns = synapses.shape
    outs, each, *_ = synapses.weights.shape
    wide = (columns + 2 * synapses.padding[1] - slow_span(synapses)) // synapses.stride[1] + 1
    place, o = divmod(j, outs)
    y, x = divmod(place, wide)
    for c in range(each):
        i = o // (outs // synapses.groups) * each + c
        for weight, delay, down, right in slow_places(synapses, o, c):
            row = y * synapses.stride[0] - synapses.padding[0] + down
            column = x * synapses.stride[1] - synapses.padding[1] + right
            if 0 <= row < rows and 0 <= column < columns:
                yield (row * columns + column) * channels + i, weight, delay


def slow_span(synapses: Any) -> int:
    """Count the columns that an output sees, from the first to the last."""
    if synapses.kind == "spaced":
        return synapses.extent[2]
    return (synapses.weights.shape[-1] - 1) * synapses.dilation[-1] + 1


def slow_places(synapses: Any, o: int, c: int) -> Iterator[tuple[int, int, int, int]]:
    """Give the taps between two channels: weight, delay, rows down, columns right."""
    if synapses.kind == "spaced":
        _, of_out, of_in, taps = synapses.offsets.shape
        for k in range(taps):
            at = synapses.offsets[:, o if of_out > 1 else 0, c if of_in > 1 else 0, k].tolist()
            yield int(synapses.weights[o, c, k]), *at
        return
    kernel, dilation = synapses.weights[o, c].tolist(), synapses.dilation
    if synapses.kind == "conv":
        kernel, dilation = [kernel], (0, *dilation)
    for k, plane in enumerate(kernel):
        late = (len(kernel) - 1 - k) * dilation[0]
        for ky, line in enumerate(plane):
            for kx, weight in enumerate(line):
                yield weight, late, ky * dilation[1], kx * dilation[2]


def slow_decay(v: int, neuron: Any) -> int:
    """Leak, rounded toward minus infinity or toward zero."""
    m, k = neuron.leak
    if neuron.rounding == "zero" and v < 0:
        return -((-v * m) // 2**k)
    return (v * m) // 2**k


def slow_decide(readout: Any, s: Rows, h: Rows) -> tuple[int, int, Row]:
    """Decide one sample: label, step, score; the label is -1 where the result is no class."""
    steps, classes = len(h), len(h[0])
    if readout.kind == "first-spike":
        for t in range(steps):
            firing = [c for c in range(classes) if s[t][c]]
            if firing:
                return min(firing, key=lambda c: (-h[t][c], c)), t, h[t]
        score = h[-1]
    elif readout.kind == "weighted-sum":
        w = readout.weights.tolist()
        score = [sum(w[t] * h[t][c] for t in range(steps)) for c in range(classes)]
    elif readout.kind in ("spike-count", "spikes"):
        score = [sum(s[t][c] for t in range(steps)) for c in range(classes)]
    elif readout.kind == "max-membrane":
        score = [max(h[t][c] for t in range(steps)) for c in range(classes)]
    elif readout.kind in ("final-membrane", "membranes"):
        score = h[-1]
    else:
        raise NotImplementedError(readout.kind)
    if readout.kind in ("spikes", "membranes"):
        return -1, steps - 1, score
    return min(range(classes), key=lambda c: (-score[c], c)), steps - 1, score


class Feed:
    """One connection; its taps count the connection's delay, too."""

    def __init__(self, connection: Any, post: int, emitted: dict[str, Rows]) -> None:
        """Take the taps of each of `post` neurons; `emitted` grows while the network runs."""
        self.connection, self.emitted = connection, emitted
        self.taps = [
            [(i, w, connection.delay + d) for i, w, d in slow_taps(connection.synapses, j)]
            for j in range(post)
        ]
        self.rows: Rows = []

    def seen(self, t: int) -> Row:
        """Add the sources at step t and look at them through the views; kept, as it is done."""
        while len(self.rows) <= t:
            rows = [self.emitted[source][len(self.rows)] for source in self.connection.sources]
            row = [sum(values) for values in zip(*rows, strict=True)]
            for view in self.connection.views:
                row = slow_view(view, row)
            self.rows.append(row)
        return self.rows[t]

    def events(self, j: int, t: int) -> Iterator[int]:
        """Give what each tap of neuron j adds at step t."""
        for i, w, delay in self.taps[j]:
            if delay <= t:
                yield w * self.seen(t - delay)[i] * 2**self.connection.shift


class Cells:
    """The neurons of one layer."""

    def __init__(self, neuron: Any) -> None:
        """Start a sample."""
        self.neuron, self.channels = neuron, len(neuron.bias)
        self.size = self.channels * neuron.places
        self.v, self.fired = [0] * self.size, [False] * self.size

    def begin(self, j: int) -> int:
        """Tell what neuron j begins a step with."""
        return slow_decay(self.v[j], self.neuron) + int(self.neuron.bias[j % self.channels])

    def end(self, j: int, h: int) -> tuple[int, int]:
        """Clamp, compare, reset: the spike and the membrane of neuron j."""
        n = self.neuron
        if n.clamp is not None:
            h = min(max(h, n.clamp[0]), n.clamp[1])
        theta = None if n.threshold is None else int(n.threshold[j % self.channels])
        crosses = theta is not None and h >= theta
        self.v[j] = h
        if crosses and n.reset == "zero":
            self.v[j] = 0
        if crosses and n.reset == "subtract":
            self.v[j] = h - theta
        spike = crosses and not (n.once and self.fired[j])
        self.fired[j] = self.fired[j] or crosses
        return int(spike), h


class Filters:
    """The parallel neurons of one layer."""

    def __init__(self, neuron: Any) -> None:
        """Start a sample."""
        self.neuron, self.channels = neuron, len(neuron.bias)
        self.size = self.channels * neuron.places
        self.seen: Rows = [[] for _ in range(self.size)]

    def begin(self, j: int) -> int:
        """Tell what neuron j begins a step with."""
        return int(self.neuron.bias[j % self.channels])

    def end(self, j: int, c: int) -> tuple[int, int]:
        """Keep the current of neuron j; its spike and its membrane, of whole samples not yet."""
        self.seen[j].append(c)
        return (0, 0) if self.neuron.whole else self.told(j, len(self.seen[j]) - 1)

    def told(self, j: int, t: int) -> tuple[int, int]:
        """Tell the spike and the membrane of neuron j in step t."""
        n, channel = self.neuron, j % self.channels
        kernel = n.weight.tolist()[channel if len(n.weight) > 1 else 0]
        weights = kernel[t if len(kernel) > 1 else 0]
        h = 0
        for tap, w in enumerate(weights):
            u = tap if n.whole else t - tap * n.dilation
            if u >= 0:
                h += w * self.seen[j][u]
        thetas = n.threshold.tolist()[channel]
        return int(h >= thetas[t if len(thetas) > 1 else 0]), h


def slow_order(network: Any) -> Iterator[tuple[int, str]]:
    """List steps and layers in an order in which each finds what it needs.

    Layers between which nothing comes back are run one after the other, others together.
    """
    order = list(network.layers)
    while order:
        together = 1
        for n, name in enumerate(order):
            if n < together:
                fed = [s for c in network.layers[name].connections for s in c.sources]
                together = max([together, *(order.index(s) + 1 for s in fed if s in order)])
        yield from ((t, name) for t in range(network.steps) for name in order[:together])
        order = order[together:]


def slow_run(network: Any, sample: np.ndarray) -> Slow:
    """Run one sample through the law as it is written."""
    x = slow_encode(network.coding, network.steps, sample)
    emitted: dict[str, Rows] = {name: [] for name in network.layers}
    first = 0
    for name, size in network.inputs.items():
        emitted[name] = [row[first : first + size] for row in x]
        first += size
    feeds = {
        name: [Feed(c, layer.size, emitted) for c in layer.connections]
        for name, layer in network.layers.items()
    }
    made = {"neuron": Cells, "parallel": Filters}
    cells = {name: made[x.neuron.kind](x.neuron) for name, x in network.layers.items()}
    membranes: dict[str, Rows] = {name: [] for name in cells}
    currents: dict[str, Ends] = {name: [] for name in cells}
    accumulators: dict[str, Ends] = {name: [] for name in cells}
    for t, name in slow_order(network):
        layer = cells[name]
        ends, starts, out = [], [], []
        for j in range(layer.size):
            events = [event for feed in feeds[name] for event in feed.events(j, t)]
            ends.append((sum(e for e in events if e < 0), sum(e for e in events if e > 0)))
            starts.append(layer.begin(j))
            out.append(layer.end(j, starts[j] + sum(events)))
        emitted[name].append([spike for spike, _ in out])
        membranes[name].append([h for _, h in out])
        currents[name].append(ends)
        accumulators[name].append(
            [(b + low, b + high) for b, (low, high) in zip(starts, ends, strict=True)]
        )
        if (
            network.layers[name].neuron.kind == "parallel"
            and layer.neuron.whole
            and t == network.steps - 1
        ):
            for u in range(network.steps):
                told = [layer.told(j, u) for j in range(layer.size)]
                emitted[name][u] = [spike for spike, _ in told]
                membranes[name][u] = [h for _, h in told]
    spikes = {name: emitted[name] for name in cells}
    last = list(cells)[-1]
    decided = slow_decide(network.readout, spikes[last], membranes[last])
    return Slow(x, spikes, membranes, currents, accumulators, *decided)
