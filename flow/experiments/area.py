"""The calibration of estimated areas (plan/area.py): layouts through Yosys, weights, and errors.

Run it with ``python -m spikeline.flow.experiments.area FILE``: it synthesises the layouts of
`CALIBRATION` and `HELD_OUT` that FILE does not hold yet, the figures of one in each line, fits the
weights to the first, writes them to plan/area.json with the errors of the others, and prints both.
"""

import json
import sys
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from ...model.codings.counts import Counts
from ...model.network import Connection, Layer, Network, chain
from ...model.neurons.neuron import Neuron
from ...model.readouts.membranes import Membranes
from ...model.readouts.spike_count import SpikeCount
from ...model.synapses.delayed import Delayed
from ...model.synapses.dense import Dense
from ...plan.area import FILE, LUTS, Block, Weights, blocks, total
from ...plan.layout import Layout
from ...plan.mapping import Mapping
from .. import show
from ..synth.synth import LAYER
from ..zoo.zoo import resolve

__all__ = ["CALIBRATION", "HELD_OUT", "calibrate", "errors", "laid_out", "main", "measure"]


TARGET = "ecp5"
SIZES = ("lut", "ff", "bram")
Case = tuple[str, tuple[int, ...], str]  # network, lanes, engine of delays

CALIBRATION: tuple[Case, ...] = (
    ("digits-ttfs", (4, 2), "auto"),
    ("digits-cnn", (4, 8, 2), "auto"),
    ("digits-spoken", (4, 8, 2), "wheel"),
    ("digits-spoken", (8, 4, 5), "line"),
    ("mnist-lif", (4, 1), "auto"),
    ("recurrent", (8, 12, 5), "wheel"),
    ("digits-ttfs", (16, 5), "auto"),
    ("mnist-ttfs", (8, 2), "auto"),
    ("digits-cnn", (16, 4, 5), "auto"),
    ("digits-spoken", (16, 32, 10), "wheel"),
    ("digits-spoken", (32, 2, 1), "line"),
    ("mnist-lif", (32, 10), "auto"),
    ("nmnist-cnn", (8, 16, 2), "auto"),
    ("mnist-cnn", (2, 8, 1), "auto"),
    ("digits-ttfs", (1, 1), "auto"),
    ("digits-ttfs", (96, 10), "auto"),
    ("nmnist-cnn", (2, 4, 10), "auto"),
    ("digits-cnn", (1, 32, 10), "auto"),
    ("recurrent", (32, 4, 1), "line"),
    ("mnist-ttfs", (64, 5), "auto"),
    ("digits-spoken", (64, 1, 2), "wheel"),
    ("digits-spoken", (4, 64, 10), "line"),
    ("mnist-cnn", (16, 4, 5), "auto"),
    ("branched", (6, 4, 3), "auto"),
)
HELD_OUT: tuple[Case, ...] = (
    ("digits-ttfs", (32, 10), "auto"),
    ("digits-ttfs", (2, 1), "auto"),
    ("mnist-ttfs", (16, 10), "auto"),
    ("mnist-ttfs", (4, 5), "auto"),
    ("mnist-lif", (16, 5), "auto"),
    ("digits-spoken", (8, 16, 5), "wheel"),
    ("digits-spoken", (16, 8, 10), "line"),
    ("digits-spoken", (32, 32, 2), "wheel"),
    ("digits-cnn", (8, 16, 10), "auto"),
    ("mnist-cnn", (8, 16, 10), "auto"),
    ("nmnist-cnn", (16, 8, 5), "auto"),
    ("recurrent", (16, 6, 1), "wheel"),
)


def recurrent() -> Network:
    """Make a network of 20-32-24-5, recurrent and with delays, of random integers."""
    random = np.random.default_rng(1)

    def weights(post: int, pre: int) -> np.ndarray:
        return random.integers(-7, 8, (post, pre))

    def neurons(n: int) -> Neuron:
        bias, threshold = random.integers(-1, 2, n), random.integers(8, 20, n)
        return Neuron(bias, threshold, (7, 3), reset="subtract")

    def delayed(post: int, pre: int, window: int, least: int = 0) -> Delayed:
        w = weights(post, pre)[..., None]
        return Delayed(w, random.integers(least, window, w.shape), 4, window)

    stack = [
        (Dense(weights(32, 20), 4), neurons(32), delayed(32, 32, 2, 1)),
        (delayed(24, 32, 6), neurons(24), delayed(24, 24, 3, 1)),
        (Dense(weights(5, 24), 4), neurons(5)),
    ]
    return chain(12, 20, Counts(3), stack, SpikeCount())


def branched() -> Network:
    """Make a network of two inputs, one of which skips a layer, that gives membranes."""
    random = np.random.default_rng(2)

    def dense(source: str, post: int, pre: int) -> Connection:
        return Connection((source,), Dense(random.integers(-7, 8, (post, pre)), 4))

    def neurons(n: int) -> Neuron:
        return Neuron(random.integers(-1, 2, n), random.integers(8, 20, n), reset="zero")

    layers = {
        "first": Layer((dense("left", 12, 10),), neurons(12)),
        "second": Layer((dense("first", 8, 12), dense("right", 8, 6)), neurons(8)),
        "out": Layer((dense("second", 3, 8),), Neuron(np.zeros(3, np.int64), None)),
    }
    return Network(8, {"left": 10, "right": 6}, Counts(1), layers, Membranes())


NETWORKS: dict[str, Callable[[], Network]] = {"recurrent": recurrent, "branched": branched}


def laid_out(case: Case) -> tuple[Network, Mapping]:
    """Make the network and the mapping of a case."""
    name, lanes, delay = case
    network = NETWORKS[name]() if name in NETWORKS else resolve(name).network
    return network, Mapping.of(network, lanes=lanes, delay=delay)


def measure(case: Case) -> dict[str, Any]:
    """Synthesise a case."""
    from ...rtl.emit import emit
    from ..synth.synth import synth

    network, mapping = laid_out(case)
    with TemporaryDirectory() as folder:
        return synth(emit(network, mapping, Path(folder), name="subject"), TARGET)


def calibrate(measured: dict[Case, dict[str, Any]]) -> Weights:
    """Fit the weights of drivers to what was measured: of LUT and flip-flops, by kind of block.

    Each is at least 0; what is fitted is how far a block is off, as a share of its size.
    """
    of_kind: dict[str, list[tuple[Block, dict[str, int]]]] = defaultdict(list)
    for case, found in measured.items():
        sizes = {f"{LAYER}{layer['name']}": layer for layer in found["layers"]}
        sizes |= {part["name"]: part for part in found["parts"]}
        for block in blocks(Layout.of(*laid_out(case))):
            of_kind[block.kind].append((block, sizes[block.name]))
    return {
        of: {kind: _fit(rows, of) for kind, rows in sorted(of_kind.items())} for of in ("lut", "ff")
    }


def _fit(rows: list[tuple[Block, dict[str, int]]], of: str) -> dict[str, float]:
    """Fit the weights of one kind."""
    names = sorted({name for block, _ in rows for name in block.weighed})
    drivers = np.array([[block.weighed.get(n, 0.0) for n in names] for block, _ in rows])
    known = np.array([LUTS * block.cells["luts"] * (of == "lut") for block, _ in rows])
    sizes = np.array([size[of] for _, size in rows], float)
    share = 1 / (sizes + 40)  # a few LUT more or less count little
    weights = _least(drivers * share[:, None], (sizes - known) * share)
    pairs = zip(names, weights, strict=True)
    return {name: round(float(w), 4) for name, w in pairs if w > 5e-5}


def _least(a: np.ndarray, y: np.ndarray, rounds: int = 20_000) -> np.ndarray:
    """Solve ``a x = y`` by least squares with x >= 0, one coordinate after the other."""
    scale = np.sqrt((a * a).sum(axis=0))
    scale[scale == 0] = 1
    a = a / scale
    products, targets, x = a.T @ a, a.T @ y, np.zeros(a.shape[1])
    for _ in range(rounds):
        before = x.copy()
        for j in np.flatnonzero(products.diagonal()):
            x[j] = max(0, x[j] + (targets[j] - products[j] @ x) / products[j, j])
        if np.abs(x - before).max() < 1e-9:
            break
    return x / scale


def errors(measured: dict[Case, dict[str, Any]], weights: Weights) -> list[dict[str, Any]]:
    """Compare estimates with what was measured, in percent of the latter."""
    rows = []
    for (name, lanes, delay), found in measured.items():
        area = total(blocks(Layout.of(*laid_out((name, lanes, delay)))), weights)
        row: dict[str, Any] = {"network": name, "lanes": ",".join(map(str, lanes)), "delay": delay}
        for of in SIZES:
            estimated = getattr(area, of)
            off = round(100 * (estimated - found[of]) / max(found[of], 1), 2)
            row |= {of: found[of], f"{of} estimated": estimated, f"{of} %": off}
        rows.append(row)
    return rows


def largest(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Tell the largest errors, in percent, and of how many layouts."""
    return {**{of: max(abs(row[f"{of} %"]) for row in rows) for of in SIZES}, "layouts": len(rows)}


def measured(file: Path) -> dict[Case, dict[str, Any]]:
    """Read what a file holds of all cases, and add what it lacks."""
    lines = file.read_text().splitlines() if file.exists() else []
    kept = {
        (of["case"][0], tuple(of["case"][1]), of["case"][2]): of for of in map(json.loads, lines)
    }
    for case in (*CALIBRATION, *HELD_OUT):
        if case not in kept:
            show.say(f"Yosys: {case} ...")
            kept[case] = {"case": case, **measure(case)}
            with file.open("a") as out:
                out.write(json.dumps(kept[case]) + "\n")
    return kept


def main(file: Path) -> None:
    """Measure, calibrate and compare."""
    kept = measured(file)
    weights = calibrate({case: kept[case] for case in CALIBRATION})
    rows = errors({case: kept[case] for case in HELD_OUT}, weights)
    table = {TARGET: {"weights": weights, "error": largest(rows)}}
    FILE.write_text(json.dumps(table, indent=1) + "\n")
    show.deliver(table, None, json.dumps(table, indent=1), show.table(rows))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
