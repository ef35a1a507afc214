"""Wrong uses from Python, by kind: each is one sentence, and leaves every file as it was."""

import errno
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from spikeline import quant as q
from spikeline.cosim.export import export
from spikeline.cosim.run import cosim
from spikeline.flow.data.data import load as load_data
from spikeline.flow.experiments.evaluate import evaluate
from spikeline.flow.synth.synth import check, synth
from spikeline.flow.zoo.zoo import resolve
from spikeline.model.bounds import prove
from spikeline.model.codings.latency import Latency
from spikeline.model.errors import SpikelineError
from spikeline.model.network import Connection, Layer, Network, chain
from spikeline.model.neurons.neuron import Neuron
from spikeline.model.readouts.final_membrane import FinalMembrane
from spikeline.model.store import content_hash, load, save, to_bytes
from spikeline.model.synapses.delayed import Delayed
from spikeline.model.synapses.dense import Dense
from spikeline.plan.cycles import predict, work
from spikeline.plan.mapping import Mapping
from spikeline.quant.loop import _Run
from spikeline.rtl.emit import emit

# Golden: 4 inputs, 2 neurons, 3 steps; and another with other layers.
DENSE, DELAYS = Dense(np.ones((2, 4), int), 4), np.ones((2, 4, 1), int)
NEURON = Neuron(np.zeros(2, int), None)
NET = chain(3, 4, Latency(16), [(DENSE, NEURON)], FinalMembrane())
OTHER = chain(
    3,
    4,
    Latency(),
    [(Dense(np.ones((3, 4), int), 4), Neuron(np.zeros(3, int), None))],
    FinalMembrane(),
)
INPUT = Connection(("input",), DENSE)
GIVEN: dict[str, Any] = {
    "steps": 3,
    "inputs": {"input": 4},
    "coding": Latency(),
    "layers": {"a": Layer((INPUT,), NEURON)},
    "readout": FinalMembrane(),
}
ZERO = np.zeros((2, 4), np.uint8)
# What is trained: the same.
X, Y = (np.arange(32, dtype=np.uint8) * 8).reshape(8, 4), np.arange(8) % 2
ONE = q.Training(epochs=1)
FLOATS = {"weight": torch.ones(2, 4)}
TOML = """
data = "own"
[network]
steps = 3
inputs = 4
coding = { kind = "latency", floor = 16 }
readout = "max-membrane"
[[network.layers]]
synapses = { kind = "linear", out = 2 }
neuron = { kind = "li" }
"""


def seq(*parts: Any, **changed: Any) -> q.Sequential:
    """Make a trainable network, with changes."""
    given = {"inputs": 4, "steps": 3, "coding": q.Latency(16), "readout": "max-membrane"}
    return q.Sequential(*(parts or (q.Linear(2), q.LI())), **(given | changed))


def graph(*sources: Any, **changed: Any) -> q.Network:
    """Make one of a single layer, with changes of that."""
    net = q.Graph(steps=3, inputs=4, coding=q.Latency(16))
    given = {"readout": "max-membrane"} | changed
    return net.output(q.Linear(2), q.LI(), *(sources or (net.input,)), **given)


def fit(network: Any = None, x: Any = X, y: Any = Y, how: Any = ONE, **options: Any) -> q.Trained:
    """Train for one epoch."""
    return q.fit(seq() if network is None else network, x, y, how, **({"seed": 1} | options))


def architecture(**changed: Any) -> q.Architecture:
    """Write down a network, with changes."""
    layer = q.LayerSpec("a", (q.ConnectionSpec("input", q.Linear(2)),), q.LI())
    given = {"steps": 3, "inputs": 4, "coding": q.Latency(16), "readout": "max-membrane"}
    return q.Architecture(**(given | {"layers": (layer,)} | changed))


def golden(**changed: Any) -> Network:
    """Make a golden network, with changes."""
    return Network(**(GIVEN | changed))


def floats(state: Any = FLOATS, **options: Any) -> object:
    """Take float weights into a network."""
    return seq().load_float(state, **options)


def recipe(old: str, new: str) -> q.Recipe:
    """Read the recipe of the folder, in which one thing is another."""
    path = Path("recipe.toml")
    whole = path.read_text()
    assert old in whole
    path.write_text(whole.replace(old, new, 1))
    try:
        return q.read(path)
    finally:
        path.write_text(whole)


def simulate(**changed: Any) -> object:
    """Co-simulate two samples; what is wrong is refused before anything is built."""
    given = {"labels": None, "name": "a", "folder": "new"}
    samples = changed.pop("samples", ZERO)
    mapping = changed.pop("mapping", None) or Mapping.of(NET)
    return cosim(NET, mapping, samples, **(given | changed))


def write(mapping: Any = None, folder: Any = "new", **changed: Any) -> object:
    """Write Verilog, with changes."""
    return emit(NET, mapping or Mapping.of(NET), folder, **({"name": "a"} | changed))


READOUTS = "first-spike, weighted-sum, spike-count, max-membrane, final-membrane, spikes, membranes"
SETS = "digits, mnist, fashion-mnist, spoken, shd, ssc, gsc, nmnist, random, own"
ANSWERS = (
    "y must be labels, integers of shape (samples,), or targets, floats of shape (samples, outputs)"
)
FROZEN = "Network must be a frozen one, such as export() or load() gives"
MAPPING = "Mapping must be one, such as Mapping.of() gives"
RECORDED = "Run must be recorded, as network.run(samples, record=True) gives it"
CHECKPOINT = "must be a whole checkpoint of spikeline"

Cases = dict[str, tuple[Callable[[], object], str]]

# Numbers that are none, or out of their range.
NUMBERS: Cases = {
    "threshold-infinite": (
        lambda: q.LIF(threshold=float("inf")),
        "LIF threshold must be a number, not inf",
    ),
    "leak-nan": (
        lambda: q.LI(float("nan")),
        "LI leak must be a number or two integers m, k, not nan",
    ),
    "clamp-of-three": (
        lambda: q.LIF(clamp=(-1, 0, 1)),  # type: ignore[arg-type]
        "LIF clamp must be two integers around 0, not (-1, 0, 1)",
    ),
    "surrogate-of-no-height": (
        lambda: q.Triangle(0),
        "Triangle alpha must be in 1e-06..1e+06, not 0",
    ),
    "rate-nan": (
        lambda: q.Training(learning_rate=float("nan")),
        "Training learning_rate must be a number, not nan",
    ),
    "seed-of-halves": (
        lambda: fit(seed=1.5),
        "Seed must be an integer in 0..4294967295, not 1.5",
    ),
    "epoch-beyond": (
        lambda: q.Schedule(seq(), ONE).begin(1),
        "Epoch must be in 0..0, not 1",
    ),
    "firing-beyond": (lambda: floats(firing=2), "Firing must be in 1e-06..0.999, not 2"),
    "weights-too-wide": (
        lambda: Dense(np.full((2, 4), 9), 4),
        "Dense weights must be in -8..7 to fit 4 bits, not 9",
    ),
    "samples-nan": (
        lambda: NET.run(np.full((2, 4), np.nan)),
        "Pixels must be whole numbers in 0..255, not nan",
    ),
    "samples-below-0": (
        lambda: load_data("digits", "test").cut(4, -3),
        "Number of samples must be in 1..2147483648, not -3",
    ),
    "queue-of-none": (
        lambda: Mapping.of(NET, queue=0),
        "Queue of layer layer0 must be in 1..4096 vectors, not 0",
    ),
    "placements": (
        lambda: check("ecp5", False, 0),
        "Number of seeds must be in 1..65536, not 0",
    ),
    "stall-seed": (
        lambda: simulate(stalls="random", seed=1.5),
        "Seed must be an integer in 0..4294967295, not 1.5",
    ),
}

# Values of another type.
TYPES: Cases = {
    "class-for-readout": (
        lambda: seq(readout=FinalMembrane),
        f"Readout kind must be one of {READOUTS}, not FinalMembrane without ()",
    ),
    "class-for-recurrence": (
        lambda: q.LIF(recurrent=q.Linear),  # type: ignore[arg-type]
        "LIF recurrent must be synapses such as Linear(), not Linear without ()",
    ),
    "class-for-view": (
        lambda: graph(views=[q.Flatten]),
        "Connection views must each be a View, not Flatten without ()",
    ),
    "class-for-network": (
        lambda: fit(q.Sequential),
        "Network must be one of spikeline.quant, not Sequential without ()",
    ),
    "class-for-training": (
        lambda: fit(how=q.Training),
        "Training must be one of spikeline.quant, not Training without ()",
    ),
    "class-for-golden-readout": (
        lambda: golden(readout=FinalMembrane),
        "Network readout must be a kind of them, not FinalMembrane without ()",
    ),
    "class-for-layer": (
        lambda: golden(layers={"a": Layer}),
        "Network layer a must be a layer, not Layer without ()",
    ),
    "no-settings": (lambda: fit(how={}), "Training must be one of spikeline.quant, not {}"),
    "settings-for-schedule": (
        lambda: q.Schedule(seq(), {"epochs": 1}),  # type: ignore[arg-type]
        "Training must be one of spikeline.quant, not {'epochs': 1}",
    ),
    "none-for-schedule": (
        lambda: q.Schedule(None),  # type: ignore[arg-type]
        "Network must be one of spikeline.quant, not None",
    ),
    "view-alone": (
        lambda: graph(views=q.Crop(0, 2)),
        "Connection views must be a list of Views, not Crop(start=0, count=2)",
    ),
    "sources-in-a-list": (
        lambda: graph(["input"]),
        "Connection sources must each be a name, not ['input']",
    ),
    "sources-of-a-number": (
        lambda: q.ConnectionSpec(3, q.Linear(2)),  # type: ignore[arg-type]
        "Connection sources must be a list of names, not 3",
    ),
    "connection-alone": (
        lambda: graph(also=q.ConnectionSpec("input", q.Linear(2))),
        "Layer output also must be a list of ConnectionSpecs, not ConnectionSpec",
    ),
    "number-for-connection": (
        lambda: q.LayerSpec("a", (3,), q.LI()),  # type: ignore[arg-type]
        "Layer a connections must each be a ConnectionSpec, not 3",
    ),
    "layers-by-name": (
        lambda: architecture(layers={"a": 3}),
        "Network layers must be a list of LayerSpecs, not {'a': 3}",
    ),
    "number-for-name": (
        lambda: graph(name=3),
        "Layer name must be a name, not 3",
    ),
    "recipe-of-numbers": (
        lambda: q.Recipe(name="a", data="own", architecture=3, training=ONE),  # type: ignore[arg-type]
        "Recipe architecture must be an Architecture, not 3",
    ),
    "recipe-by-name": (
        lambda: q.train("digits-ttfs", X, Y, seed=1),  # type: ignore[arg-type]
        "Recipe must be one of spikeline.quant, not 'digits-ttfs'",
    ),
    "progress": (
        lambda: fit(on_progress="yes"),
        "Argument on_progress must be a function, not 'yes'",
    ),
    "callback": (
        lambda: NET.run(ZERO, on_progress=3),  # type: ignore[arg-type]
        "Argument on_progress must be a function, not 3",
    ),
    "name-for-samples": (lambda: fit(x="digits"), "Samples must be an array, not 'digits'"),
    "table-for-weights": (
        lambda: Dense({"a": 1}, 4),  # type: ignore[arg-type]
        "Dense weights must be an array, not {'a': 1}",
    ),
    "floats-for-delays": (
        lambda: Delayed(DELAYS, DELAYS * 1.0, 4, 2),
        (
            "Delayed delays must be signed integers of shape (post or 1, pre, taps),"
            " not float64 (2, 4, 1)"
        ),
    ),
    "words-for-labels": (lambda: fit(y=["a"] * 8), f"{ANSWERS}, not <U1 (8,)"),
    "truth-for-labels": (lambda: fit(y=Y > 0), f"{ANSWERS}, not bool (8,)"),
    "module-for-weights": (
        lambda: floats(torch.nn.Linear(4, 2)),
        (
            "Float weights must be a state_dict of torch,"
            " not Linear(in_features=4, out_features=2, bias=True)"
        ),
    ),
    "names-in-a-list": (
        lambda: floats(names=["weight"]),
        "Names must be a dict from layers to matrices, not ['weight']",
    ),
    "complex-weights": (
        lambda: floats({"weight": torch.ones(2, 4, dtype=torch.complex64)}),
        "Float weight weight must be a dense tensor of real numbers, not a complex one",
    ),
    "sparse-weights": (
        lambda: floats({"weight": torch.ones(2, 4).to_sparse()}),
        "Float weight weight must be a dense tensor of real numbers, not a sparse one",
    ),
    "trainable-for-hardware": (lambda: Mapping.of(seq()), f"{FROZEN}, not Sequential"),  # type: ignore[arg-type]
    "trainable-to-save": (lambda: save(seq(), "new"), f"{FROZEN}, not Sequential"),  # type: ignore[arg-type]
    "name-to-hash": (lambda: content_hash("a"), f"{FROZEN}, not 'a'"),  # type: ignore[arg-type]
    "none-to-prove": (lambda: prove(None), f"{FROZEN}, not None"),  # type: ignore[arg-type]
    "lanes-of-a-number": (
        lambda: Mapping.of(NET, 2),  # type: ignore[arg-type]
        "Lanes must be a list of numbers, one per layer, not 2",
    ),
    "mapping-of-words": (lambda: write("2,2"), f"{MAPPING}, not '2,2'"),
    "verilog-name": (lambda: write(name=3), "Verilog name must be a name, not 3"),
    "verilog-inline": (
        lambda: write(inline="no"),
        "Verilog inline must be true or false, not 'no'",
    ),
    "bench-of-no-verilog": (
        lambda: export(NET, Mapping.of(NET), None, ZERO),  # type: ignore[arg-type]
        "Verilog must be what emit() gives, not None",
    ),
    "design": (lambda: synth(None, "ecp5"), "Design must be what emit() gives, not None"),  # type: ignore[arg-type]
}

# Shapes and numbers of things that do not fit.
SHAPES: Cases = {
    "ragged-samples": (lambda: fit(x=[[1, 2], [3]]), "Samples must be an array, not list"),
    "swapped": (
        lambda: fit(x=Y, y=X),
        "Samples must have the shape (samples, 4), not (8,)",
    ),
    "one-hot": (lambda: fit(y=np.eye(8, dtype=int)), f"{ANSWERS}, not int64 (8, 8)"),
    "held-out-labels": (
        lambda: q.Schedule(seq(), ONE).finish(X, Y + 1),
        "Labels must be below 2, as the network has as many classes, not 2",
    ),
    "held-out-nothing": (
        lambda: q.Schedule(seq(), ONE).finish(X[:0], Y[:0]),
        "Samples must number at least one, not 0",
    ),
    "calibration-nothing": (
        lambda: floats(samples=X[:0]),
        "Samples must number at least one, not 0",
    ),
    "view-of-nothing": (
        lambda: graph(views=[q.Crop(0, 0)]),
        "Layer output views must leave at least one address, not 0",
    ),
    "float-weight-transposed": (
        lambda: floats({"weight": torch.ones(4, 2)}),
        "Float weight weight must have the shape (2, 4) for layer layer0, not (4, 2)",
    ),
    "connection-of-an-input": (
        lambda: golden(inputs={"input": 5}),
        "Layer a must take 5 inputs, as what comes before it gives, not 4",
    ),
    "mapping-of-another": (
        lambda: write(Mapping.of(OTHER)),
        "Mapping must be of the layers layer0 of 2, not layer0 of 3",
    ),
    "prediction-of-another": (
        lambda: predict(NET, Mapping.of(OTHER), NET.run(ZERO, record=True)),
        "Mapping must be of the layers layer0 of 2, not layer0 of 3",
    ),
    "labels-few": (
        lambda: simulate(labels=[1]),
        "y must hold 2 labels, one per sample, not 1",
    ),
    "evaluation-of-nothing": (
        lambda: evaluate(NET, None, None),  # type: ignore[arg-type]
        "Samples must be an array, not None",
    ),
}

# Names that are missing, or unknown.
NAMES: Cases = {
    "readout-in-a-list": (
        lambda: graph(readout=["max-membrane"]),
        f"Readout kind must be one of {READOUTS}, not ['max-membrane']",
    ),
    "recipe-in-a-list": (
        lambda: q.recipe(["digits-ttfs"]),  # type: ignore[arg-type]
        (
            f"Recipe must be one of {', '.join(sorted(q.recipe.__globals__['RECIPES']))},"
            " not ['digits-ttfs']"
        ),
    ),
    "no-input": (
        lambda: q.Graph(steps=3, inputs={}, coding=q.Latency()).output(
            q.Linear(2), q.LI(), q.Graph(steps=3, inputs={}, coding=q.Latency()).input, readout="x"
        ),
        "Network inputs must be at least one",
    ),
    "name-of-nothing": (
        lambda: graph(name=""),
        (
            "Network names must begin with a letter and go on with letters, digits and single"
            " underscores, not ''"
        ),
    ),
    "float-layer": (
        lambda: floats(names={3: "weight"}),
        "Names must lead from layer0 to a matrix, not to or from 3; there are layer0",
    ),
    "data-set": (
        lambda: load_data(["own"], "test"),  # type: ignore[arg-type]
        f"Data set must be one of {SETS}, not ['own']",
    ),
    "stalls": (
        lambda: simulate(stalls=["none"]),
        "Stalls must be none or random, not ['none']",
    ),
    "engine": (
        lambda: Mapping.of(NET, delay=[["line"]]),  # type: ignore[list-item]
        "Delay engine of layer layer0 must be one of auto, line, wheel, not ['line']",
    ),
    "host": (lambda: write(host=["pci"]), "Verilog host must be one of axi4-stream, not ['pci']"),
    "target": (
        lambda: check(["ecp5"], False, 1),  # type: ignore[arg-type]
        "Target must be one of ice40, ecp5, xilinx, not ['ecp5']",
    ),
    "device": (
        lambda: fit(device=3),
        "Device must be one that torch can use here, not 3",
    ),
    "network": (lambda: resolve(None), "Network must be a path, not None"),  # type: ignore[arg-type]
}

# Settings that contradict each other.
SETTINGS: Cases = {
    "loss-of-spikes-without-any": (
        lambda: fit(how=q.Training(epochs=1, loss="count")),
        "Loss count must have a threshold of the last layer",
    ),
    "loss-of-targets-for-classes": (
        lambda: fit(how=q.Training(epochs=1, loss="mse")),
        "Training loss mse must follow a readout that gives no class, not max-membrane",
    ),
    "labels-for-membranes": (
        lambda: fit(seq(readout="membranes")),
        (
            "Answers must be targets, floats of shape (samples, outputs), as the readout membranes"
            " gives no class, not labels"
        ),
    ),
    "first-spike-without-threshold": (
        lambda: seq(readout="first-spike"),
        "Readout first-spike must follow neurons with a threshold",
    ),
    "recurrence-of-no-spikes": (
        lambda: seq(q.Linear(2), q.LI(recurrent=q.Linear())),
        "Layer layer0 must have a threshold, or be the output and feed nothing",
    ),
    "recurrence-at-once": (
        lambda: graph(also=[q.ConnectionSpec("output", q.Linear())]),
        "Layer output recurrent delays must be at least 1, not 0",
    ),
    "delay-beyond-the-steps": (
        lambda: graph(delay=3),
        "Layer output delays must be below the 3 steps of the network, not 3",
    ),
    "once-and-reset": (
        lambda: Neuron(np.zeros(2, int), np.ones(2, int), once=True, reset="zero"),
        "A neuron that fires once must have a threshold and no reset",
    ),
    "layer-that-feeds-nothing": (
        lambda: golden(layers={"b": Layer((INPUT,), NEURON), **GIVEN["layers"]}),
        "Layer b must reach the output a; it does not",
    ),
    "rate-without-samples": (
        lambda: architecture(min_rate=0.1).build(),
        "Network with a min_rate must be built for training samples",
    ),
    "run-not-recorded": (lambda: predict(NET, Mapping.of(NET), NET.run(ZERO)), RECORDED),
    "work-not-recorded": (lambda: work(NET, Mapping.of(NET), NET.run(ZERO)), RECORDED),
    "pixels-moved-that-are-none": (
        lambda: fit(
            seq(coding=q.Counts(1)), np.ones((8, 3, 4), int), how=q.Training(epochs=1, rotate=3)
        ),
        "Training translate, rotate and scale must be 0 for samples that are no square images",
    ),
}

# Files that are foreign, cut off or empty. The folder holds them.
FILES: Cases = {
    "network-empty": (
        lambda: load("empty"),
        "empty must be a whole network file, not a truncated or foreign one",
    ),
    "network-cut": (
        lambda: load("cut"),
        "cut must be a whole network file, not a truncated or foreign one",
    ),
    "network-of-torch": (
        lambda: load("torch"),
        "torch must be a whole network file, not a truncated or foreign one",
    ),
    "checkpoint-empty": (lambda: fit(checkpoint="empty"), f"Checkpoint empty {CHECKPOINT}"),
    "checkpoint-of-a-tensor": (lambda: fit(checkpoint="torch"), f"Checkpoint torch {CHECKPOINT}"),
    "checkpoint-of-weights": (lambda: fit(checkpoint="state"), f"Checkpoint state {CHECKPOINT}"),
    "checkpoint-of-a-network": (lambda: fit(checkpoint="cut"), f"Checkpoint cut {CHECKPOINT}"),
    "recipe-in-latin-1": (
        lambda: q.read("latin.toml"),
        (
            "latin.toml: must be TOML: 'utf-8' codec can't decode byte 0xe9 in position 0:"
            " unexpected end of data"
        ),
    ),
    "recipe-empty": (lambda: q.read("empty"), "empty: 'data' of the file must be given"),
    "recipe-too-deep": (
        lambda: q.read("deep.toml"),
        "deep.toml: must be TOML of fewer brackets within brackets",
    ),
    "recipe-kind-in-a-list": (
        lambda: recipe('kind = "li"', 'kind = ["li"]'),
        (
            "recipe.toml: kind of neuron of layer layer0 must be one of ttfs, if, lif, li, psn,"
            " masked-psn, sliding-psn, not ['li']"
        ),
    ),
    "recipe-views-of-a-number": (
        lambda: recipe("synapses", "views = 3\nsynapses"),
        "recipe.toml: views of layer layer0 must be a list of tables, not 3",
    ),
    "recipe-without-inputs": (
        lambda: recipe("inputs = 4\n", ""),
        "recipe.toml: 'inputs' of network must be given",
    ),
    "recipe-of-no-input": (
        lambda: recipe("inputs = 4", "inputs = {}"),
        "recipe.toml: network.inputs must name at least one input",
    ),
    "recipe-with-a-date": (
        lambda: recipe("steps = 3", "steps = 2020-01-01"),
        "recipe.toml: Network steps must be an integer in 1..32768, not datetime.date(2020, 1, 1)",
    ),
    "data-empty": (
        lambda: load_data("own", "test", "hollow"),
        "hollow/test.npz must be a whole .npz file that holds the arrays x and y",
    ),
}

# Parts that are missing, and paths that are none.
MISSING: Cases = {
    "network-file": (
        lambda: load("nowhere"),
        "nowhere must be a readable network file: No such file or directory",
    ),
    "recipe-file": (lambda: q.read("nowhere.toml"), "Recipe file nowhere.toml must exist"),
    "data-folder": (
        lambda: load_data("own", "test", "nowhere"),
        "Data folder nowhere must exist",
    ),
    "data-of-a-split": (
        lambda: load_data("own", "train", "hollow"),
        "Data folder hollow must hold train.npz",
    ),
    "network-path": (lambda: load(3), "Network file must be a path, not 3"),  # type: ignore[arg-type]
    "path-of-bytes": (lambda: load(b"empty"), "Network file must be a path, not b'empty'"),  # type: ignore[arg-type]
    "path-with-a-nul": (lambda: save(NET, "a\0b"), "Output must be a path, not 'a\\x00b'"),
    "recipe-path": (lambda: q.read(None), "Recipe file must be a path, not None"),  # type: ignore[arg-type]
    "checkpoint-path": (lambda: fit(checkpoint=3), "Checkpoint must be a path, not 3"),
    "data-path": (
        lambda: load_data("own", "test", 3),  # type: ignore[arg-type]
        "Data folder must be a path, not 3",
    ),
    "verilog-path": (lambda: write(folder=None), "Verilog folder must be a path, not None"),
}

# Places that cannot be written to.
PLACES: Cases = {
    "network-a-folder": (lambda: save(NET, "void"), "void cannot be used: Is a directory"),
    "network-below-a-file": (lambda: save(NET, "busy/x"), "busy cannot be used: File exists"),
    "checkpoint-a-folder": (lambda: fit(checkpoint="void"), f"Checkpoint void {CHECKPOINT}"),
    "checkpoint-below-a-file": (
        lambda: fit(checkpoint="busy/x"),
        "busy cannot be used: File exists",
    ),
    "verilog-a-file": (lambda: write(folder="busy"), "busy cannot be used: File exists"),
    "cosim-a-file": (lambda: simulate(folder="busy"), "busy cannot be used: File exists"),
    "trained-without-a-name": (
        lambda: fit().save("."),
        "Network file must be given its name, not '.'",
    ),
    "trained-for-a-number": (lambda: fit().save("new", data=3), "Data set must be a name, not 3"),  # type: ignore[arg-type]
    "trained-in-a-framing": (
        lambda: fit().save("new", framing={1}),  # type: ignore[arg-type]
        "Framing must be a name, not {1}",
    ),
}

KINDS = {
    "numbers": NUMBERS,
    "types": TYPES,
    "shapes": SHAPES,
    "names": NAMES,
    "settings": SETTINGS,
    "files": FILES,
    "missing": MISSING,
    "places": PLACES,
}


def contents(folder: Path) -> dict[str, bytes | None]:
    """Read all that lies below a folder; folders hold None."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder of files that are wrong."""
    monkeypatch.chdir(tmp_path)
    for name in ("void", "hollow"):
        Path(name).mkdir()
    for name in ("empty", "hollow/test.npz"):
        Path(name).write_bytes(b"")
    Path("busy").write_text("a file where a folder should be")
    Path("cut").write_bytes(to_bytes(NET)[:-3])
    torch.save(torch.ones(3), "torch")
    torch.save(seq().state_dict(), "state")
    Path("latin.toml").write_bytes(b"\xe9")
    Path("deep.toml").write_text("a = " + "[" * 5000)
    Path("recipe.toml").write_text(TOML)
    return tmp_path


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        pytest.param(*case, id=f"{kind}-{name}")
        for kind, cases in KINDS.items()
        for name, case in cases.items()
    ],
)
def test_wrong_use_is_one_sentence(folder: Path, make: Callable[[], object], sentence: str) -> None:
    """What is wrong is refused by what it must be; no file comes, goes or changes."""
    before = contents(folder)
    with pytest.raises(SpikelineError) as refused:
        make()
    assert str(refused.value) == sentence
    assert contents(folder) == before


def full(monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    """Make the disk full once `after` files are written; half of the next one still fits."""
    write_bytes, written = Path.write_bytes, 0

    def fail(path: Path, data: bytes) -> int:
        nonlocal written
        written += 1
        if written > after:
            write_bytes(path, data[: len(data) // 2])
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        return write_bytes(path, data)

    monkeypatch.setattr(Path, "write_bytes", fail)


@pytest.mark.parametrize(
    ("after", "make", "blamed"),
    [
        (0, lambda: save(NET, "new"), "new"),
        (0, lambda: fit(checkpoint="new"), "new"),
        (1, lambda: fit().save("new"), "new.training.json"),
        (2, lambda: write(), "new/description.json"),
    ],
    ids=["network", "checkpoint", "trained", "verilog"],
)
def test_full_disk_leaves_no_file(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    after: int,
    make: Callable[[], object],
    blamed: str,
) -> None:
    """Files that belong together are written all or none: a network and what is told of it."""
    before = contents(folder)
    full(monkeypatch, after)
    with pytest.raises(SpikelineError) as refused:
        make()
    assert str(refused.value) == f"{blamed} cannot be used: No space left on device"
    assert {k: v for k, v in contents(folder).items() if v is not None} == {
        k: v for k, v in before.items() if v is not None
    }


def test_interrupted_training_leaves_whole_epochs(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C in the second epoch: the checkpoint is that of the first, and training goes on."""
    epoch, how = _Run.train_epoch, q.Training(epochs=2)

    def stop(self: _Run, on_progress: Any) -> None:
        epoch(self, on_progress)
        if self.epoch == 2:
            raise KeyboardInterrupt

    before = contents(folder)
    torch.manual_seed(1)
    network = seq()
    start = deepcopy(network.state_dict())
    whole = content_hash(fit(network, how=how).network)
    network = seq()
    network.load_state_dict(start)
    with monkeypatch.context() as patch:
        patch.setattr(_Run, "train_epoch", stop)
        with pytest.raises(KeyboardInterrupt):
            fit(network, how=how, checkpoint="new")
    assert contents(folder).keys() - before.keys() == {"new"}
    network = seq()
    network.load_state_dict(start)
    assert content_hash(fit(network, how=how, checkpoint="new").network) == whole


def test_interrupted_writing_leaves_no_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C between two files that belong together leaves neither."""
    write_bytes = Path.write_bytes

    def stop(path: Path, data: bytes) -> int:
        write_bytes(path, data[:3])
        if "training" in path.name:
            raise KeyboardInterrupt
        return 3

    trained, before = fit(), contents(folder)
    monkeypatch.setattr(Path, "write_bytes", stop)
    with pytest.raises(KeyboardInterrupt):
        trained.save("new")
    assert contents(folder) == before


@pytest.mark.parametrize("package", ["torch", "numba", "amaranth", "cocotb"])
def test_missing_package_is_named(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    """What is not installed is named with the extra that brings it."""
    from spikeline.model.extras import need

    extra = {"torch": "train", "numba": "plan", "amaranth": "rtl", "cocotb": "cosim"}[package]
    monkeypatch.setattr("spikeline.model.extras.find_spec", lambda module: None)
    with pytest.raises(SpikelineError) as refused:
        need(package)
    assert str(refused.value) == (
        f"{package} must be installed for this: pip install 'spikeline[{extra}]'"
    )
