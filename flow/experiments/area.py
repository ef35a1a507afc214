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
from typing import Any, NamedTuple

import numpy as np

from ...model.codings.counts import Counts
from ...model.codings.graded import Graded
from ...model.codings.latency import Latency
from ...model.network import Connection, Layer, Network, chain
from ...model.neurons.neuron import Neuron
from ...model.readouts.max_membrane import MaxMembrane
from ...model.readouts.membranes import Membranes
from ...model.readouts.spike_count import SpikeCount
from ...model.synapses.conv import Conv
from ...model.synapses.delayed import Delayed
from ...model.synapses.dense import Dense
from ...model.synapses.spaced import Spaced
from ...model.views.pool import Pool
from ...plan.area import FILE, LUTS, Block, Weights, blocks, total
from ...plan.layout import Layout
from ...plan.mapping import Mapping
from .. import show
from ..synth.synth import LAYER
from ..zoo.zoo import resolve

__all__ = ["CALIBRATION", "HELD_OUT", "calibrate", "errors", "laid_out", "main", "measure"]


TARGET = "ecp5"
SIZES = ("lut", "ff", "bram")


class Case(NamedTuple):
    """A layout: network, lanes, and what else is asked for as on the command line."""

    network: str
    lanes: tuple[int, ...]
    delay: str = "auto"
    taps: str = "one"


CALIBRATION: tuple[Case, ...] = (
    Case("digits-ttfs", (4, 2)),
    Case("digits-cnn", (4, 8, 2)),
    Case("digits-spoken", (4, 8, 2), "wheel"),
    Case("digits-spoken", (8, 4, 5), "line"),
    Case("mnist-lif", (4, 1)),
    Case("recurrent", (8, 12, 5), "wheel"),
    Case("digits-ttfs", (16, 5)),
    Case("mnist-ttfs", (8, 2)),
    Case("digits-cnn", (16, 4, 5)),
    Case("digits-spoken", (16, 32, 10), "wheel"),
    Case("digits-spoken", (32, 2, 1), "line"),
    Case("mnist-lif", (32, 10)),
    Case("nmnist-cnn", (8, 16, 2)),
    Case("mnist-cnn", (2, 8, 1)),
    Case("digits-ttfs", (1, 1)),
    Case("digits-ttfs", (96, 10)),
    Case("nmnist-cnn", (2, 4, 10)),
    Case("digits-cnn", (1, 32, 10)),
    Case("recurrent", (32, 4, 1), "line"),
    Case("mnist-ttfs", (64, 5)),
    Case("digits-spoken", (64, 1, 2), "wheel"),
    Case("digits-spoken", (4, 64, 10), "line"),
    Case("mnist-cnn", (16, 4, 5)),
    Case("branched", (6, 4, 3)),
    Case("digits-ttfs", (2, 1)),
    Case("mnist-ttfs", (4, 5)),
    Case("digits-cnn", (16, 32, 10), taps="row,row,one"),
    Case("digits-cnn", (16, 32, 10), taps="all,one,one"),
    Case("digits-cnn", (8, 32, 5), taps="one,row,one"),
    Case("nmnist-cnn", (16, 32, 10), taps="row,row,one"),
    Case("mnist-cnn", (16, 16, 5), taps="row,one,one"),
    Case("spaced", (8, 16, 6)),
    Case("spaced", (4, 8, 2)),
    Case("constant", (24, 8, 5)),
    Case("constant", (6, 4, 5)),
)
HELD_OUT: tuple[Case, ...] = (
    Case("digits-ttfs", (32, 10)),
    Case("mnist-ttfs", (16, 10)),
    Case("mnist-lif", (16, 5)),
    Case("digits-spoken", (8, 16, 5), "wheel"),
    Case("digits-spoken", (16, 8, 10), "line"),
    Case("digits-spoken", (32, 32, 2), "wheel"),
    Case("digits-cnn", (8, 16, 10)),
    Case("mnist-cnn", (8, 16, 10)),
    Case("nmnist-cnn", (16, 8, 5)),
    Case("fashion-cnn", (16, 32, 10), taps="one,row,one"),
    Case("recurrent", (16, 6, 1), "wheel"),
    Case("spaced", (2, 16, 3)),
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


def spaced() -> Network:
    """Make a network of learned spacings over maps, of random integers."""
    random = np.random.default_rng(3)

    def taps(out: int, shape: tuple[int, int, int], wide: int) -> Spaced:
        w, n = random.integers(-7, 8, (out, shape[0], 3)), (out, shape[0], 3)
        offsets = np.stack([np.zeros(n, np.int64), *random.integers(0, wide, (2, *n))])
        padding = (wide // 2, wide // 2)
        return Spaced(w, offsets, 4, (1, wide, wide), shape, padding=padding)

    def neurons(n: int, **fields: Any) -> Neuron:
        return Neuron(np.zeros(n, np.int64), random.integers(8, 20, n), **fields)

    pool = (Pool((8, 12, 12), (2, 2)),)
    layers = {
        "first": Layer(
            (Connection(("image",), taps(8, (2, 12, 12), 5)),), neurons(8, once=True, places=144)
        ),
        "second": Layer(
            (Connection(("first",), taps(16, (8, 6, 6), 3), views=pool),),
            neurons(16, leak=(7, 3), reset="zero", places=36),
        ),
        "out": Layer(
            (Connection(("second",), Dense(random.integers(-7, 8, (6, 576)), 4)),),
            neurons(6, reset="subtract"),
        ),
    }
    return Network(6, {"image": 288}, Latency(32), layers, SpikeCount())


def constant() -> Network:
    """Make a network of two inputs, each a constant current, of random integers."""
    random = np.random.default_rng(4)

    def neurons(n: int, **fields: Any) -> Neuron:
        return Neuron(random.integers(-1, 2, n), random.integers(20, 60, n), **fields)

    def weights(*shape: int) -> np.ndarray:
        return random.integers(-7, 8, shape)

    conv = Conv(weights(8, 1, 3, 3), 4, (1, 8, 8), stride=(2, 2), padding=(1, 1))
    layers = {
        "first": Layer(
            (Connection(("left",), Dense(weights(24, 20), 4)),),
            neurons(24, leak=(7, 3), reset="zero"),
        ),
        "second": Layer((Connection(("right",), conv),), neurons(8, reset="subtract", places=16)),
        "out": Layer(
            (
                Connection(("first",), Dense(weights(5, 24), 4)),
                Connection(("second",), Dense(weights(5, 128), 4)),
            ),
            Neuron(np.zeros(5, np.int64), None),
        ),
    }
    return Network(8, {"left": 20, "right": 64}, Graded(5, every=True), layers, MaxMembrane())


NETWORKS: dict[str, Callable[[], Network]] = {
    "recurrent": recurrent,
    "branched": branched,
    "spaced": spaced,
    "constant": constant,
}


def laid_out(case: Case) -> tuple[Network, Mapping]:
    """Make the network and the mapping of a case."""
    name, lanes, delay, taps = case
    network = NETWORKS[name]() if name in NETWORKS else resolve(name).network
    each = taps.split(",") if "," in taps else taps
    return network, Mapping.of(network, lanes=lanes, delay=delay, taps=each)


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
    for case, found in measured.items():
        area = total(blocks(Layout.of(*laid_out(case))), weights)
        row: dict[str, Any] = {**case._asdict(), "lanes": ",".join(map(str, case.lanes))}
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
    kept = {}
    for found in map(json.loads, lines):
        name, lanes, *others = found["case"]
        kept[Case(name, tuple(lanes), *others)] = found
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
