"""Recipes in TOML: what is written is what is made, and what is wrong is told by table and key."""

from pathlib import Path

import pytest

from spikeline import quant as q
from spikeline.model.errors import InputError

WHOLE = """
data = "own"

[network]
steps = 8
inputs = { left = 4, right = 4 }
coding = { kind = "counts", limit = 3 }
readout = "max-membrane"
dropout = 0.1

[[network.layers]]
name = "hidden"
from = ["left", "right"]
synapses = { kind = "delayed-linear", out = 6, max_delay = 4, taps = 2 }
neuron = { kind = "lif", leak = 0.5, norm = true, recurrent = { kind = "linear", bits = 5 } }
views = []

[[network.layers.also]]
from = "right"
synapses = { kind = "linear" }
delay = 1
views = [{ kind = "crop", start = 1, count = 2 }]

[[network.layers]]
synapses = { kind = "linear", out = 3, bits = 8, standardise = "layer" }
neuron = { kind = "li", leak = [7, 3] }

[training]
epochs = 3
logit_scale = 0.5
"""
SMALL = """data = "own"
[network]
steps = 4
inputs = 6
coding = { kind = "latency" }
readout = "first-spike"
[[network.layers]]
synapses = { kind = "linear", out = 3 }
neuron = { kind = "ttfs", surrogate = { kind = "triangle", alpha = 2.0 } }
"""


def read(tmp_path: Path, text: str) -> q.Recipe:
    """Read a recipe from its text."""
    (tmp_path / "mine.toml").write_text(text)
    return q.read(tmp_path / "mine.toml")


def test_what_is_written_is_what_is_made(tmp_path: Path) -> None:
    """A recipe is the value that the same words make in Python."""
    right = q.ConnectionSpec("right", q.Linear(), (q.Crop(1, 2),), 1)
    hidden = q.LayerSpec(
        "hidden",
        (q.ConnectionSpec(("left", "right"), q.DelayedLinear(6, max_delay=4, taps=2)), right),
        q.LIF(1 / 2, norm=True, recurrent=q.Linear(bits=5)),
    )
    last = q.LayerSpec(
        "layer1",
        (q.ConnectionSpec("hidden", q.Linear(3, bits=8, standardise="layer")),),
        q.LI((7, 3)),
    )
    wanted = q.Recipe(
        name="mine",
        data="own",
        architecture=q.Architecture(
            steps=8,
            inputs={"left": 4, "right": 4},
            coding=q.Counts(3),
            layers=(hidden, last),
            readout="max-membrane",
            dropout=0.1,
        ),
        training=q.Training(epochs=3, logit_scale=0.5),
    )
    # Readouts and codings with the same fields are equal by what they print.
    assert repr(read(tmp_path, WHOLE)) == repr(wanted)
    network = read(tmp_path, WHOLE).architecture.build()
    assert [layer.neuron.size for layer in network.layers.values()] == [6, 3]


def test_what_is_left_out_has_its_default(tmp_path: Path) -> None:
    """A layer is fed by the one before, the first one by the input; training is that of Python."""
    made = read(tmp_path, SMALL)
    (layer,) = made.architecture.layers
    assert layer == q.LayerSpec(
        "layer0",
        (q.ConnectionSpec("input", q.Linear(3)),),
        q.TTFS(surrogate=q.Triangle(2.0)),
    )
    assert made.training == q.Training()
    assert made.architecture.coding == q.Latency()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('data = "own"\n', "", "'data' of the file must be given"),
        ('data = "own"', "data = 3", "data must be the name of a data set, not 3"),
        ("steps = 4\n", "", "'steps' of network must be given"),
        ("steps = 4", "steps = 4.5", "Network steps must be an integer in 1..32768, not 4.5"),
        ("steps = 4", "step = 4", "'step' of network is unknown; there are steps, inputs, coding,"),
        ("steps = 4", "steps = ", ": must be TOML: Invalid value (at line 3, column 9)"),
        (
            '"latency"',
            '"rate"',
            "kind of coding of network must be one of latency, graded, counts,",
        ),
        ('{ kind = "latency" }', '"latency"', "coding of network must be a table, not 'latency'"),
        (
            "out = 3",
            "outs = 3",
            "'outs' of synapses of layer layer0 is unknown; there are out, bits",
        ),
        ("out = 3", "out = 0", "Linear out must be in 1..65536, not 0"),
        (
            ", out = 3",
            "",
            "Layer layer0 must have a number of neurons: give it to the synapses, as",
        ),
        ('"linear"', '"dense"', "kind of synapses of layer layer0 must be one of linear, delayed-"),
        ('"triangle"', '"box"', "kind of surrogate of neuron of layer layer0 must be one of atan,"),
        (
            "neuron = {",
            "neurons = {",
            "'neurons' of layer layer0 is unknown; there are name, neuron",
        ),
        (
            "[[network.layers]]",
            "[network.layers]",
            "network.layers must be a list of tables, as [[",
        ),
        (
            "[[network.layers]]",
            "[[layers]]",
            "'layers' of the file is unknown; there are data, netw",
        ),
        (
            '"first-spike"',
            '"first"',
            "Readout kind must be one of first-spike, weighted-sum, spike",
        ),
        ('data = "own"', 'data = "own"\ntraining = 3', "training must be a table, not 3"),
        (
            'data = "own"',
            'data = "own"\ntraining = { epoch = 3 }',
            "'epoch' of training is unknown; there are loss, time_weighting,",
        ),
        (
            'data = "own"',
            'data = "own"\ntraining = { epochs = -3 }',
            "Training epochs must be in 1..2147483648, not -3",
        ),
        (
            "neuron = {",
            "also = 3\nneuron = {",
            "also of layer layer0 must be a list of connections,",
        ),
        (
            "neuron = {",
            "from = 3\nneuron = {",
            "from of layer layer0 must be inputs or layers, not 3",
        ),
        ("neuron = {", 'from = "hid"\nneuron = {', "Layer layer0 must be fed by inputs or layers,"),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, old: str, new: str, message: str) -> None:
    """One sentence, which begins with the file."""
    assert old in SMALL
    with pytest.raises(InputError) as refused:
        read(tmp_path, SMALL.replace(old, new)).architecture.build()
    told = str(refused.value).removeprefix(f"{tmp_path / 'mine.toml'}: ")
    assert told.startswith(message) or f": {told}".startswith(message), told


def test_files_that_are_no_recipe_are_refused(tmp_path: Path) -> None:
    """A file that is missing, a folder, and bytes that are no text."""
    path = tmp_path / "x.toml"
    for make, message in (
        (lambda: None, f"Recipe file {path} must exist"),
        (lambda: path.write_bytes(b"\xff\xfe"), f"{path}: must be TOML: "),
    ):
        make()
        with pytest.raises(InputError) as refused:
            q.read(path)
        assert str(refused.value).startswith(message)
    with pytest.raises(InputError) as refused:
        q.read(tmp_path)
    assert str(refused.value) == f"Recipe file {tmp_path} must be readable: Is a directory"
