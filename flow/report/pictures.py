"""The pictures of the report: figures as SVG, a sample as PNG."""

import base64
import io
from collections.abc import Mapping as Table
from collections.abc import Sequence
from dataclasses import replace
from html import escape
from typing import Any

import matplotlib
import matplotlib.image
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator, StrMethodFormatter

from ...model.network import Connection, Network, Run, accuracy
from ...model.neurons.parallel import Parallel
from ...model.synapses.local import Local
from ...model.synapses.spaced import Spaced
from ...plan.mapping import Mapping
from ..data.data import Data
from ..experiments.evaluate import errors

__all__ = [
    "agreement",
    "by_delay",
    "by_step",
    "delays",
    "filters",
    "graph",
    "histogram",
    "journeys",
    "layouts",
    "maps",
    "picture",
    "raster",
    "regression",
    "spacings",
    "steps",
]

INK, SOFT, BLUE, RED = "#1b1f24", "#8c959f", "#0969da", "#cf222e"
SOURCES = (BLUE, "#bc4c00", "#1a7f37", "#8250df", "#bf3989", "#9a6700", "#1b7c83", SOFT)
# The same bytes every time: no date, and ids that do not depend on chance.
matplotlib.rcParams.update(
    {
        "svg.hashsalt": "spikeline",
        "svg.fonttype": "none",
        "font.family": "sans-serif",
        "font.size": 9,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.edgecolor": SOFT,
        "axes.labelcolor": INK,
        "xtick.color": INK,
        "ytick.color": INK,
    }
)


def svg(figure: Figure) -> str:
    """Turn a figure into SVG to put into a page."""
    file = io.StringIO()
    figure.savefig(file, format="svg", bbox_inches="tight", metadata={"Date": None})
    text = file.getvalue()
    return text[text.index("<svg") :]


def picture(sample: np.ndarray) -> str | None:
    """Draw a sample as a PNG in a data address: a square one, or counts (bins, inputs)."""
    side = round(len(sample) ** 0.5)
    if sample.ndim == 2:
        shades = 255 - sample.T[::-1] * (255 // max(1, int(sample.max())))
    elif side * side == len(sample):
        shades = 255 - sample.reshape(side, side)
    else:
        return None
    scale = max(1, 140 // len(shades))
    pixels = np.kron(shades, np.ones((scale, scale), np.uint8))
    file = io.BytesIO()
    matplotlib.image.imsave(file, pixels, cmap="gray", vmin=0, vmax=255, format="png")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def graph(network: Network, mapping: Mapping) -> str:
    """Draw the network: boxes of inputs and layers, and an arrow from each source of a layer."""
    at = places(network)
    columns, rows = (1 + max(place[n] for place in at.values()) for n in (0, 1))
    figure = Figure(figsize=(1.5 * columns + 0.4, 0.9 * rows + 0.9))
    ax = figure.subplots()
    ax.set_axis_off()
    height = {x: sum(place[0] == x for place in at.values()) for x, _ in at.values()}
    middle = {name: (x, (height[x] - 1) / 2 - y) for name, (x, y) in at.items()}
    for n, (name, (x, y)) in enumerate(middle.items()):
        engine = f"\n{mapping.units[name].engine}" if name in network.layers else ""
        wide = 1.6 if name == network.output else 0.8
        style = {"boxstyle": "round,pad=0,rounding_size=0.08", "facecolor": "white", "zorder": 2}
        box = FancyBboxPatch((x - 0.36, y - 0.28), 0.72, 0.56, **style)
        box.set(edgecolor=SOURCES[n % len(SOURCES)], linewidth=wide, gid=f"box-{name}")
        ax.add_patch(box)
        said = f"{name}\n{network.size(name)}{engine}"
        ax.text(x, y, said, ha="center", va="center", color=INK, fontsize=8, zorder=3)
    numbers = {name: n for n, name in enumerate(middle)}
    for name, layer in network.layers.items():
        for source in dict.fromkeys(s for c in layer.connections for s in c.sources):
            arrow = _arrow(middle[source], middle[name], network.recurs(name, source))
            arrow.set(color=SOURCES[numbers[source] % len(SOURCES)], gid=f"edge-{source}-{name}")
            ax.add_patch(arrow)
    low, high = (end(y for _, y in middle.values()) for end in (min, max))
    ax.set(xlim=(-0.5, columns - 0.5), ylim=(low - 0.7, high + 0.7))
    return svg(figure)


def places(network: Network) -> dict[str, tuple[int, int]]:
    """Place inputs and layers: columns by the longest way from an input, rows in their order."""
    columns = dict.fromkeys(network.inputs, 0)
    for name, layer in network.layers.items():
        before = [s for c in layer.connections for s in c.sources if not network.recurs(name, s)]
        columns[name] = 1 + max((columns[source] for source in before), default=0)
    names = list(columns)
    rows = {n: sum(columns[m] == columns[n] for m in names[:i]) for i, n in enumerate(names)}
    return {name: (columns[name], rows[name]) for name in names}


def _arrow(source: tuple[float, float], target: tuple[float, float], back: bool) -> FancyArrowPatch:
    """Draw from box to box: straight to the next column, around what stands between otherwise."""
    (a, b), (c, d) = source, target
    begin, end, rad = (a + 0.36, b), (c - 0.36, d), 0.0
    if source == target:
        begin, end, rad = (a + 0.2, b + 0.28), (a - 0.2, b + 0.28), 1.1
    elif back:
        begin, end, rad = (a, b + 0.28), (c, d + 0.28), 0.35
    elif c - a > 1:
        begin, end, rad = (a, b - 0.28), (c, d - 0.28), 0.35
    return FancyArrowPatch(
        begin,
        end,
        connectionstyle=f"arc3,rad={rad}",
        arrowstyle="-|>",
        mutation_scale=9,
        linewidth=1,
        linestyle="--" if back else "-",
        shrinkA=0,
        shrinkB=0,
        zorder=1,
    )


def given(network: Network, run: Run) -> dict[str, np.ndarray]:
    """Take the events of the first sample apart by their source, (steps, neurons)."""
    assert run.input is not None
    found = {}
    for name, size in network.inputs.items():
        first = network.offset(name)
        found[name] = run.input[:, 0, first : first + size]
    return found | {name: s[:, 0] for name, s in run.spikes.items()}


def raster(network: Network, sample: np.ndarray) -> str:
    """Draw every spike of one sample: step across, neuron up, a band per input and layer."""
    run = network.run(sample[None], record=True)
    seen = given(network, run)
    names, bands = list(seen), [s > 0 for s in seen.values()]
    heights = [max(1.0, np.log2(s.shape[1])) for s in bands]
    figure = Figure(figsize=(6.4, 4.2))
    axes = figure.subplots(len(bands), 1, sharex=True, height_ratios=heights[::-1], squeeze=False)
    decided = int(run.decision.step[0])
    for ax, s, name in zip(axes[:, 0], bands[::-1], names[::-1], strict=True):
        step, neuron = np.nonzero(s)
        # Spread the spikes of a step over its width, in the order of the neurons.
        x = step + 0.08 + 0.84 * neuron / s.shape[1]
        late = step > decided
        size = {"s": 130 / s.shape[1] ** 0.5, "marker": "|", "linewidths": 1.2}
        ax.scatter(x[~late], neuron[~late], color=BLUE, **size)
        ax.scatter(x[late], neuron[late], color="#c8d1da", **size)
        for t in range(network.steps + 1):
            ax.axvline(t, color="#e4e8ec", lw=0.7, zorder=0)
        ax.axvline(decided + 1, color=RED, lw=1.2, zorder=0)
        ax.set_ylim(-0.7, s.shape[1] - 0.3)
        ax.set_ylabel(f"{name}\n{int(s.sum())} spikes", rotation=0, ha="right", va="center")
        ax.set_yticks([0, s.shape[1] - 1])
    last = axes[-1, 0]
    last.set_xlim(0, network.steps)
    ticks = np.arange(0, network.steps, -(-network.steps // 16))
    last.set_xticks(ticks + 0.5, [str(t) for t in ticks])
    early = "; grey: what the early exit saves" if network.readout.early else ""
    result = "decision" if network.readout.classifies else "result"
    last.set_xlabel(f"step (red: the {result}{early})")
    return svg(figure)


def maps(network: Network, sample: np.ndarray) -> str | None:
    """Draw when the neurons of every map first fired in one sample, a square per channel.

    None for a network without maps.
    """
    over = {
        name: layer.connections[0].synapses.after
        for name, layer in network.layers.items()
        if isinstance(layer.connections[0].synapses, Local)
    }
    if not over:
        return None
    spikes = network.run(sample[None], record=True).spikes
    mosaics = {}
    for name, after in over.items():
        s = spikes[name][:, 0] > 0
        first = np.where(s.any(0), s.argmax(0), -1).reshape(*after.shape[1:], after.channels)
        across = min(after.channels, 16)
        down = -(-after.channels // across)
        tiles = np.full((down * (after.rows + 1), across * (after.columns + 1)), np.nan)
        for channel in range(after.channels):
            y, x = (after.rows + 1) * (channel // across), (after.columns + 1) * (channel % across)
            tiles[y : y + after.rows, x : x + after.columns] = first[..., channel]
        mosaics[f"{name}\n{int(s.sum())} spikes"] = tiles
    heights = [6.4 * len(tiles) / len(tiles[0]) for tiles in mosaics.values()]
    figure = Figure(figsize=(6.4, sum(heights) + 0.2 * len(heights)))
    axes = figure.subplots(len(over), 1, height_ratios=heights, squeeze=False)[:, 0]
    for ax, (name, tiles) in zip(axes, mosaics.items(), strict=True):
        shades = matplotlib.colormaps["Blues_r"].with_extremes(under="#eef1f4", bad="white")
        ax.imshow(tiles, cmap=shades, vmin=0, vmax=network.steps, interpolation="nearest")
        ax.set_ylabel(name, rotation=0, ha="right", va="center")
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set_visible(False)
    return svg(figure)


def spacings(network: Network) -> str | None:
    """Draw how many taps of learned spacings lie at each place of their window; None without."""
    held = {
        id(c.synapses): (f"{' and '.join(c.sources)} to {name}", c.synapses)
        for name, layer in network.layers.items()
        for c in layer.connections
        if isinstance(c.synapses, Spaced)
    }
    if not held:
        return None
    figure = Figure(figsize=(2.8 * len(held), 2.6))
    for ax, (way, synapses) in zip(
        figure.subplots(1, len(held), squeeze=False)[0], held.values(), strict=True
    ):
        _, rows, columns = synapses.offsets.astype(int)
        count = np.zeros(synapses.window, int)
        np.add.at(count, (rows, columns), 1)
        ax.imshow(count, cmap="Blues", vmin=0, interpolation="nearest")
        for (y, x), taps in np.ndenumerate(count):
            dark = taps > count.max() / 2
            ax.text(x, y, str(taps), ha="center", va="center", color="white" if dark else INK)
        ax.set(title=way, xlabel="columns", ylabel="rows", xticks=[], yticks=[])
    return svg(figure)


def filters(network: Network) -> str | None:
    """Draw the weights of parallel neurons, a figure for each layer; None without such layers.

    Where each step has its own, those of the first kernel: the step of a membrane down, that of a
    current across. Else the age of a current across, and a row for each kernel.
    """
    held = {
        name: layer.neuron
        for name, layer in network.layers.items()
        if isinstance(layer.neuron, Parallel)
    }
    if not held:
        return None
    figure = Figure(figsize=(2.9 * len(held), 2.8))
    for ax, (name, neuron) in zip(
        figure.subplots(1, len(held), squeeze=False)[0], held.items(), strict=True
    ):
        weights, words = neuron.weight[:, 0], ("age of the current, steps", "kernel")
        if neuron.weight.shape[1] > 1:
            weights, words = by_step(neuron), ("step of the current", "step of the membrane")
        elif neuron.dilation > 1:
            spread = np.zeros((len(weights), neuron.window), int)
            spread[:, :: neuron.dilation] = weights
            weights = spread
        most = max(neuron.gain, 1)
        colors = {"cmap": "RdBu", "vmin": -most, "vmax": most}
        ax.imshow(weights, aspect="auto", interpolation="nearest", **colors)
        ax.set(title=name, xlabel=words[0], ylabel=words[1])
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    figure.tight_layout()
    return svg(figure)


def by_step(neuron: Parallel) -> np.ndarray:
    """Lay the first kernel's weights (rows, taps) out as (steps, steps): of a membrane, a current.

    What a step does not see is 0.
    """
    weights = neuron.weight[0]
    if neuron.whole:
        return weights
    found = np.zeros((len(weights), len(weights)), int)
    for t, j in np.ndindex(*weights.shape):
        if t >= j * neuron.dilation:
            found[t, t - j * neuron.dilation] = weights[t, j]
    return found


def delays(network: Network, history: Sequence[dict[str, Any]]) -> str | None:
    """Draw how many taps have each delay: before, during and after training, if that is known.

    None for a network without delays.
    """
    held = kernels(network)
    if not held:
        return None
    figure = Figure(figsize=(4.4 * len(held), 2.4))
    for ax, n, (way, taken) in zip(
        figure.subplots(1, len(held), squeeze=False)[0], range(len(held)), held, strict=True
    ):
        window = len(history[0]["delays"][n]) if history else 1 + int(taken.max())
        at = np.arange(window)
        if history:
            for entry, name, shade in (
                (history[0], "before training", SOFT),
                (history[len(history) // 2], f"after {len(history) // 2} epochs", INK),
            ):
                ax.step(at, entry["delays"][n], where="mid", color=shade, lw=1, label=name)
        count = np.bincount(taken.ravel(), minlength=window)
        ax.bar(at, count, color=BLUE, label="after training" if history else "as it is")
        ax.set_xlabel(f"delay from {way}, steps")
        ax.set_ylabel("taps")
    figure.axes[0].legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1), ncols=3)
    return svg(figure)


def kernels(network: Network) -> list[tuple[str, np.ndarray]]:
    """List the arrays of delays, each once, with the way of the first connection that has it."""
    found = {}
    for name, layer in network.layers.items():
        for c in layer.connections:
            if "delays" in c.synapses.arrays:
                way = f"{' and '.join(c.sources)} to {name}"
                found.setdefault(id(c.synapses), (way, getattr(c.synapses, "delays")))  # noqa: B009
    return list(found.values())


def journeys(network: Network, sample: np.ndarray) -> str | None:
    """Draw what made one neuron spike: each spike of its inputs that reached it, from its step.

    The neuron is the one of the first layer that is fed with delays, of those that spike, that the
    most spikes of that connection with a positive weight reached in that step. None where there are
    no delays, or no spikes.
    """
    delayed = ((name, c) for name, c, latest in latencies(network) if latest)
    name, connection = next(delayed, ("", None))
    if connection is None:
        return None
    run = network.run(sample[None], record=True)
    seen = given(network, run)
    events = np.array([seen[s] for s in connection.sources], np.int64).sum(axis=0)
    source = connection.look(events) > 0
    w, d = connection.synapses.arrays_of_taps()
    d = np.broadcast_to(d + connection.delay, w.shape)
    best = None
    for t, j in np.argwhere(run.spikes[name][:, 0]):
        pre, tap = np.nonzero((d[j] <= t) & (w[j] > 0))
        reached = source[t - d[j, pre, tap], pre]
        if best is None or reached.sum() > len(best[2]):
            best = int(t), int(j), pre[reached], d[j, pre[reached], tap[reached]]
    if best is None:
        return None
    t, j, pre, delay = best
    figure = Figure(figsize=(6.4, 3.2))
    ax = figure.subplots()
    step, neuron = np.nonzero(source)
    ax.scatter(step, neuron, color="#c8d1da", s=5, linewidths=0)
    ax.hlines(pre, t - delay, t, color=BLUE, lw=0.8)
    ax.scatter(t - delay, pre, color=BLUE, s=9, linewidths=0, zorder=3)
    ax.axvline(t, color=RED, lw=1)
    ax.set_xlim(-0.5, network.steps - 0.5)
    ax.set_xlabel("step (red: the spike; blue: excitation that came with it, over its delay)")
    ax.set_ylabel(f"input of {name}, for neuron {j}")
    return svg(figure)


def by_delay(network: Network, data: Data, scale: float | None = None) -> str | None:
    """Draw the accuracy, or the mean squared error, against the largest delay, longer ones made
    that long; None where there are no delays, or neither labels of classes nor targets."""
    window = 1 + max(latest for _, _, latest in latencies(network))
    classifies = network.readout.classifies
    if window == 1 or not (classifies or (data.targets and scale is not None)):
        return None
    largest = sorted({*range(0, window, max(1, window // 12)), window - 1})
    found = []
    for most in largest:
        decision = shortened(network, most).run(data.x).decision
        if classifies:
            found.append(100 * accuracy(decision.label, data.y))
        else:
            assert scale is not None
            found.append(errors(decision.score / scale, data.y)["mse"])
    figure = Figure(figsize=(4.4, 2.4))
    ax = figure.subplots()
    ax.plot(largest, found, "o-", color=BLUE, ms=3)
    ax.set_xlabel("largest delay, steps")
    ax.set_ylabel("right, %" if classifies else "mean squared error")
    return svg(figure)


def shortened(network: Network, largest: int) -> Network:
    """Make the network whose delays are at most `largest`; recurrent ones stay at least 1."""
    layers = {}
    for name, layer in network.layers.items():
        fed = []
        for c in layer.connections:
            most = max(largest, 1) if network.recurs(name, c.sources[0]) else largest
            synapses: Any = c.synapses
            if "delays" in synapses.arrays:
                short = np.minimum(synapses.delays, max(0, most - c.delay))
                synapses = replace(synapses, delays=short)
            fed.append(replace(c, synapses=synapses, delay=min(c.delay, most)))
        layers[name] = replace(layer, connections=tuple(fed))
    return replace(network, layers=layers)


def latencies(network: Network) -> list[tuple[str, Connection, int]]:
    """List layer and connection, with its largest delay; 0 where it is the one a loop needs."""
    found = []
    for name, layer in network.layers.items():
        for c in layer.connections:
            latest = c.delay + c.synapses.latest
            needed = latest == 1 and network.recurs(name, c.sources[0])
            found.append((name, c, 0 if needed else latest))
    return found


def steps(network: Network, data: Data) -> str:
    """Draw after how many steps samples are decided, right and wrong."""
    decision = network.run(data.x).decision
    right = decision.label == data.y
    figure = Figure(figsize=(4.4, 2.4))
    ax = figure.subplots()
    bins = [t - 0.5 for t in range(network.steps + 1)]
    ax.hist(
        [decision.step[right], decision.step[~right]],
        bins,
        stacked=True,
        color=[BLUE, RED],
        label=["right", "wrong"],
        rwidth=0.85,
    )
    ax.set_xlabel("step of decision")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set_ylabel("samples")
    ax.legend(frameon=False)
    return svg(figure)


def regression(network: Network, data: Data, scale: float) -> str:
    """Draw predictions against targets, each output in a colour, up to 8 outputs."""
    predicted = network.run(data.x).decision.score / scale
    figure = Figure(figsize=(3.4, 3))
    ax = figure.subplots()
    both = min(data.y.min(), predicted.min()), max(data.y.max(), predicted.max())
    ax.plot(both, both, color=SOFT, lw=0.8)
    for n, color in zip(range(predicted.shape[1]), SOURCES, strict=False):
        ax.scatter(data.y[:, n], predicted[:, n], s=6, color=color, linewidths=0)
    ax.set_xlabel("target")
    ax.set_ylabel("prediction")
    return svg(figure)


def histogram(run: Any) -> str:
    """Draw how many cycles samples take, measured in the simulator."""
    cycles, interval = np.asarray(run.cycles), np.asarray(run.interval)
    figure = Figure(figsize=(4.4, 2.4))
    ax = figure.subplots()
    both = np.concatenate([cycles, interval])
    bins = np.histogram_bin_edges(both, 40).tolist()
    ax.hist(cycles, bins, color=BLUE, label="latency")
    ax.hist(interval, bins, histtype="step", color=INK, label="interval, back to back")
    ax.set_xlabel("cycles per sample")
    ax.set_ylabel("samples")
    ax.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2)
    return svg(figure)


def agreement(run: Any) -> str | None:
    """Draw predicted against measured cycles; None where nothing was predicted."""
    measured, predicted = np.asarray(run.cycles), np.asarray(run.predicted)
    both = min(len(measured), len(predicted))  # a broken core may have answered less
    measured, predicted = measured[:both], predicted[:both]
    if not both:
        return None
    figure = Figure(figsize=(2.9, 2.4))
    ax = figure.subplots()
    ax.plot([measured.min(), measured.max()], [measured.min(), measured.max()], color=SOFT, lw=0.8)
    ax.scatter(measured, predicted, s=6, color=BLUE, linewidths=0)
    ax.set_xlabel("measured cycles")
    ax.set_ylabel("predicted cycles")
    return svg(figure)


def layouts(found: Sequence[Table[str, Any]], pick: int) -> str:
    """Draw layouts by interval and LUT: which ones none beats, and which one is picked.

    Whoever points at one reads its options and numbers.
    """
    figure = Figure(figsize=(5.6, 3.6))
    ax = figure.subplots()
    front = sorted((one["interval"], one["lut"]) for one in found if one["front"])
    ax.plot(*zip(*front, strict=True), color=BLUE, lw=0.8, gid="front", zorder=1)
    for n, one in enumerate(found):
        color = BLUE if one["front"] else SOFT
        ax.plot(one["interval"], one["lut"], "o", color=color, ms=5, mew=0, gid=f"layout-{n}")
    best = found[pick]
    ring = {"marker": "o", "ms": 11, "mfc": "none", "mec": RED, "mew": 1.4, "linestyle": "none"}
    ax.plot(best["interval"], best["lut"], gid="pick", zorder=0, **ring)
    ax.set(xscale="log", yscale="log", xlabel="cycles between results", ylabel="LUT, estimated")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.set_minor_locator(NullLocator())
        axis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    text = svg(figure)
    for n, one in enumerate(found):
        said = f"{one['options']}: {one['interval']:,g} cycles, {one['lut']:,} LUT"
        mark = f'<g id="layout-{n}">'
        text = text.replace(mark, f"{mark}<title>{escape(said)}</title>")
    return text
