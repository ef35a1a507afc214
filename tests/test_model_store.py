"""The frozen network file: the same bytes for the same network, one sentence for any other file."""

import copy
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save as tensors_to_bytes

from spikeline.model import store
from spikeline.model.codings.counts import Counts
from spikeline.model.codings.latency import Latency
from spikeline.model.errors import InputError
from spikeline.model.network import Connection, Layer, Network, chain
from spikeline.model.neurons.neuron import Neuron
from spikeline.model.readouts import KINDS
from spikeline.model.readouts.first_spike import FirstSpike
from spikeline.model.readouts.max_membrane import MaxMembrane
from spikeline.model.readouts.weighted_sum import WeightedSum
from spikeline.model.synapses import KINDS as SYNAPSES
from spikeline.model.synapses.delayed import Delayed
from spikeline.model.synapses.dense import Dense
from spikeline.model.views import KINDS as VIEWS
from spikeline.model.views.crop import Crop
from spikeline.model.views.flatten import Flatten

from .strategies import cases, examples, networks

DATA = Path(__file__).parent / "data"
TAPS = Delayed(
    np.array([[[1, 0], [3, 2]], [[-1, 1], [0, 1]], [[1, -2], [-4, 3]]]),
    np.array([[[0, 1], [2, 2]], [[1, 0], [0, 2]], [[2, 0], [1, 1]]]),
    3,
    3,
)
BACK = np.arange(-4, 5).reshape(3, 3, 1), np.array([[[1], [2], [1]]]), 4
AXONS = Delayed(np.arange(-3, 3).reshape(2, 3, 1), np.array([[[2], [0], [1]]]), 3, 3)


def example() -> Network:
    """Make a network with every kind of tensor.

    Of two inputs, 4 + 2, and 2-3-2 neurons: fully connected and time-to-first-spike; delays of
    synapses, recurrent and leaky; then delays of axons, beside the kernel of the second input,
    which looks past the layer between at what the first layer and that input give together.
    """
    first = Neuron(np.array([1, -2]), np.array([3, 4]), once=True)
    middle = Neuron(
        np.array([0, 0, 1]),
        np.array([3, 4, 5]),
        (15, 4),
        clamp=(-9, 99),
        reset="subtract",
        rounding="zero",
    )
    last = Neuron(np.array([0, 0]), np.array([2, 3]), reset="zero")
    wide = Dense(np.array([[-256, 255], [3, -7]]), 9)
    layers = {
        "first": Layer(
            (
                Connection(("left",), Dense(np.arange(-4, 4).reshape(2, 4), 4), shift=1),
                Connection(("right",), wide, (Flatten(),)),
            ),
            first,
        ),
        "middle": Layer(
            (Connection(("first",), TAPS), Connection(("middle",), Delayed(*BACK, 4))), middle
        ),
        "last": Layer(
            (
                Connection(("middle",), AXONS),
                Connection(("first", "right"), wide, (Crop(0, 2),), delay=1),
            ),
            last,
        ),
    }
    readout = WeightedSum(np.array([3, 2, 1]))
    return Network(3, {"left": 4, "right": 2}, Latency(32), layers, readout)


BYTES = store.to_bytes(example())
# Pins the format: a change of it needs a new version.
PINNED = "a3412a4281667faf"


@pytest.fixture
def description() -> dict:
    """A description that may be spoiled."""
    return store.describe(example())


@pytest.fixture
def tensors() -> dict[str, np.ndarray]:
    """Tensors that may be spoiled."""
    return dict(store._tensors(example()))


def pack(description, tensors) -> bytes:
    """Make a file of any description and tensors."""
    text = description if isinstance(description, str) else json.dumps(description)
    return tensors_to_bytes(tensors, {"spikeline": text})


def load(folder: Path, data: bytes) -> Network:
    """Load these bytes from a file."""
    path = folder / "x.net"
    path.write_bytes(data)
    return store.load(path)


def refusal(folder: Path, data: bytes) -> str:
    """Load what must be refused; return the sentence without the path."""
    with pytest.raises(InputError) as refused:
        load(folder, data)
    sentence = str(refused.value)
    assert "\n" not in sentence
    assert sentence.startswith(str(folder / "x.net"))
    return sentence.removeprefix(str(folder / "x.net")).removeprefix(":").removeprefix(" ")


@examples(200)
@given(network=networks())
def test_loaded_equals_saved(tmp_path_factory, network):
    """Any network comes back with the same bytes, hash, description and tensors."""
    folder = tmp_path_factory.getbasetemp()
    store.save(network, folder / "saved.net")
    loaded = store.load(folder / "saved.net")

    assert (folder / "saved.net").read_bytes() == store.to_bytes(loaded)
    assert store.content_hash(network) == store.content_hash(loaded)
    assert store.describe(network) == store.describe(loaded)
    saved, again = store._tensors(network), store._tensors(loaded)
    assert saved.keys() == again.keys()
    assert all(np.array_equal(saved[n], again[n]) for n in saved)
    assert all(saved[n].dtype == again[n].dtype for n in saved)


def test_bytes_depend_on_no_memory_layout():
    """Weights in column order, in wider integers or in NumPy scalars give the same bytes."""
    network = example()
    wide = lambda x: np.asfortranarray(x).astype(np.int64)  # noqa: E731
    again: dict[int, Dense | Delayed] = {}
    for c in (c for layer in network.layers.values() for c in layer.connections):
        x = c.synapses
        if x.kind == "dense":
            again[id(x)] = again.get(id(x)) or Dense(wide(x.weights), np.int64(x.bits))
        else:
            window = np.int16(x.window)
            again[id(x)] = Delayed(wide(x.weights), wide(x.delays), np.int8(x.bits), window)
    layers = {
        name: Layer(
            [
                Connection(
                    list(c.sources),
                    again[id(c.synapses)],
                    list(c.views),
                    np.int16(c.delay),
                    np.int8(c.shift),
                )
                for c in layer.connections
            ],
            layer.neuron,
        )
        for name, layer in network.layers.items()
    }
    first = network.layers["first"].neuron
    turned = Neuron(first.bias[::-1][::-1], first.threshold, [1, np.int32(0)], once=np.True_)
    layers["first"] = replace(layers["first"], neuron=turned)
    inputs = {"left": np.int64(4), "right": np.int8(2)}
    other = Network(np.int64(3), inputs, Latency(np.uint8(32)), layers, network.readout)

    assert BYTES == store.to_bytes(other)


@pytest.mark.parametrize("seed", ["0", "1", "2024"])
def test_bytes_depend_on_no_hash_seed(tmp_path, seed):
    """Another process with another seed of Python's hashes saves the same bytes."""
    (tmp_path / "in.net").write_bytes(BYTES)
    subprocess.run(
        [
            sys.executable,
            "-c",
            "from spikeline.model import store; store.save(store.load('in.net'), 'out.net')",
        ],
        cwd=tmp_path,
        env={**os.environ, "PYTHONHASHSEED": seed},
        check=True,
    )

    assert BYTES == (tmp_path / "out.net").read_bytes()


def test_hash_is_pinned():
    """The bytes of the example are those of the day the format was fixed."""
    assert PINNED == store.content_hash(example())[:16]


def with_layer(name: str, number: int, **changes) -> dict:
    """Change a connection of a layer."""
    layers = example().layers
    fed = list(layers[name].connections)
    fed[number] = replace(fed[number], **changes)
    return {"layers": {**layers, name: Layer(tuple(fed), layers[name].neuron)}}


def with_delays(delays, window: int) -> dict:
    """Change the delays and the window of the last layer."""
    return with_layer("last", 0, synapses=Delayed(AXONS.weights, np.array(delays), 3, window))


def with_neuron(name: str, **changes) -> dict:
    """Change the neurons of a layer."""
    layers = example().layers
    layer = layers[name]
    return {"layers": {**layers, name: replace(layer, neuron=replace(layer.neuron, **changes))}}


@pytest.mark.parametrize(
    "change",
    [
        {"steps": 4, "readout": WeightedSum(np.array([3, 2, 1, 0]))},
        {"coding": Latency(33)},
        {"readout": WeightedSum(np.array([3, 2, 2]))},
        {"readout": FirstSpike()},
        with_delays([[[2], [0], [2]]], 3),
        with_delays([[[2], [0], [1]]] * 2, 3),
        with_delays([[[2], [0], [1]]], 4),
        with_layer("last", 1, delay=2),
        with_layer("last", 1, shift=1),
        with_layer("last", 1, views=()),
        with_layer("last", 1, views=(Crop(0, 2), Flatten())),
        with_layer("last", 1, sources=("right", "first")),
        with_layer("last", 1, sources=("right",)),
        # The same kernel, but another object.
        with_layer("last", 1, synapses=Dense(np.array([[-256, 255], [3, -7]]), 9)),
        with_neuron("middle", rounding="floor"),
        with_neuron("middle", clamp=None),
    ],
    ids=[
        "steps",
        "coding",
        "weights",
        "kind",
        "delay",
        "rows",
        "window",
        "later",
        "shift",
        "view",
        "views",
        "order",
        "sources",
        "shared",
        "rounding",
        "clamp",
    ],
)
def test_hash_tells_networks_apart(change):
    """A network that differs anywhere has another hash."""
    assert store.content_hash(example()) != store.content_hash(replace(example(), **change))


def test_shared_kernel_is_one_tensor_and_one_object(tmp_path):
    """Connections that hold one object share it in the file and afterwards; equal ones do not."""
    network = load(tmp_path, BYTES)

    first, last = (network.layers[name].connections[1] for name in ("first", "last"))
    assert first.synapses is last.synapses
    assert "kernels.first.1.weights" in store._tensors(network)
    assert "kernels.last.1.weights" not in store._tensors(network)
    equal = with_layer("last", 1, synapses=Dense(np.array([[-256, 255], [3, -7]]), 9))
    apart = load(tmp_path, store.to_bytes(replace(network, **equal)))
    first, last = (apart.layers[name].connections[1] for name in ("first", "last"))
    assert first.synapses is not last.synapses
    assert np.array_equal(first.synapses.weights, last.synapses.weights)


@examples(60)
@given(case=cases())
def test_loaded_runs_as_saved(tmp_path_factory, case):
    """Any graph comes back with the same spikes, membranes and decisions, its kernels shared."""
    network, samples = case
    loaded = load(tmp_path_factory.getbasetemp(), store.to_bytes(network))

    one, other = network.run(samples, record=True), loaded.run(samples, record=True)
    for what in ("spikes", "membranes", "counts"):
        a, b = getattr(one, what), getattr(other, what)
        assert list(a) == list(b) and all(np.array_equal(a[n], b[n]) for n in a)
    assert np.array_equal(one.decision.label, other.decision.label)

    def objects(of: Network) -> list[int]:
        held = [id(c.synapses) for layer in of.layers.values() for c in layer.connections]
        return [held.index(x) for x in held]

    assert objects(network) == objects(loaded)


def older_recurrent() -> Network:
    """The chain of data/recurrent-v2.net: 4-2-3-2, as `example` without what graphs add."""
    like = example().layers
    middle = replace(like["middle"].neuron, rounding="floor")
    stack = [
        (like["first"].connections[0].synapses, like["first"].neuron),
        (TAPS, middle, Delayed(*BACK, 4)),
        (AXONS, like["last"].neuron),
    ]
    made = chain(3, 4, Latency(32), stack, WeightedSum(np.array([3, 2, 1])))
    first = made.layers["layer0"]
    shifted = Layer((replace(first.connections[0], shift=1),), first.neuron)
    return replace(made, layers={**made.layers, "layer0": shifted})


def older_dense() -> Network:
    """The chain of data/dense-v2.net: 3-2-2 of counts, whose output never fires."""
    stack = [
        (
            Dense(np.array([[3, -2, 1], [0, 7, -8]]), 4),
            Neuron(np.array([0, 1]), np.array([4, 5]), (3, 2), reset="zero"),
        ),
        (Dense(np.array([[1, -1], [2, 1]]), 3), Neuron(np.array([0, -1]), None)),
    ]
    made = chain(5, 3, Counts(7), stack, MaxMembrane())
    first = made.layers["layer0"]
    shifted = Layer((replace(first.connections[0], shift=2),), first.neuron)
    return replace(made, layers={**made.layers, "layer0": shifted})


@pytest.mark.parametrize(("name", "make"), [("recurrent", older_recurrent), ("dense", older_dense)])
def test_file_of_version_2_loads_to_the_same_network(name, make):
    """Files written before there were graphs load to the chain that they tell of."""
    assert store.to_bytes(make()) == store.to_bytes(store.load(DATA / f"{name}-v2.net"))


WHOLE = "must be a whole network file, not a truncated or foreign one"


def test_file_truncated_anywhere_is_refused(tmp_path):
    """Every proper beginning of a network file, header and body, is refused."""
    for size in range(len(BYTES)):
        assert WHOLE == refusal(tmp_path, BYTES[:size])


def test_file_with_a_tail_is_refused(tmp_path):
    """A byte more is no network file."""
    assert WHOLE == refusal(tmp_path, BYTES + b"\0")


def raw(header: dict, body: bytes) -> bytes:
    """Make a safetensors file by hand."""
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + body


NONE = "must be a spikeline network file; it holds no spikeline description"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", WHOLE),
        (b"PK\x03\x04" + bytes(200), WHOLE),
        (b"\x89PNG\r\n\x1a\n" + bytes(200), WHOLE),
        (b"\xff" * 64, WHOLE),
        (raw({"x": {"dtype": "F8_E4M3", "shape": [1], "data_offsets": [0, 1]}}, b"0"), WHOLE),
        (raw({"x": {"dtype": "BF16", "shape": [1], "data_offsets": [0, 2]}}, b"00"), WHOLE),
        (raw({"x": {"dtype": "F4", "shape": [2], "data_offsets": [0, 1]}}, b"0"), WHOLE),
        (tensors_to_bytes({"x": np.zeros(3, np.float32)}), NONE),
        (tensors_to_bytes({"x": np.zeros(3, np.float32)}, {"format": "pt"}), NONE),
        (tensors_to_bytes({}, {"spikeline": ""}), NONE),
        (tensors_to_bytes({}, {"spikeline": "{"}), NONE),
        (tensors_to_bytes({}, {"spikeline": "[]"}), NONE),
        (tensors_to_bytes({}, {"spikeline": "1"}), NONE),
        (tensors_to_bytes({}, {"spikeline": "{}"}), NONE),
        (tensors_to_bytes({}, {"spikeline": "[" * 100_000}), NONE),
        (tensors_to_bytes({}, {"spikeline": "9" * 5000}), NONE),
    ],
    ids=lambda x: "" if isinstance(x, str) else None,
)
def test_foreign_file_is_refused(tmp_path, data, message):
    """Archives, pictures, other tensors and descriptions that are none are refused."""
    assert message == refusal(tmp_path, data)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("nothing.net", "No such file or directory"),
        ("", "Is a directory"),
    ],
    ids=["missing", "folder"],
)
def test_unreadable_file_is_refused(tmp_path, name, reason):
    """What cannot be opened is refused with the system's reason."""
    with pytest.raises(InputError) as refused:
        store.load(tmp_path / name)

    assert f"{tmp_path / name} must be a readable network file: {reason}" == str(refused.value)


@pytest.mark.parametrize("version", [0, 1, 4, 3.0, True, "3", None, [3], {}])
def test_other_version_is_refused(tmp_path, description, tensors, version):
    """Only the integer 3 is version 3."""
    description["version"] = version

    message = f"Version must be 2 or 3, not {version!r}"
    assert message == refusal(tmp_path, pack(description, tensors))


@pytest.mark.parametrize("name", sorted(store._tensors(example())))
def test_missing_tensor_is_refused(tmp_path, description, tensors, name):
    """Each tensor of the description must be there."""
    del tensors[name]

    assert f"Tensor {name} must be present" == refusal(tmp_path, pack(description, tensors))


def test_extra_tensors_are_refused(tmp_path, description, tensors):
    """What the description does not speak of is named, in order."""
    tensors |= {"b": np.zeros(1, np.int8), "fourth.bias": np.zeros(1, np.int32)}

    message = "Tensors must be those described, not also b, fourth.bias"
    assert message == refusal(tmp_path, pack(description, tensors))


@pytest.mark.parametrize("dtype", ["uint16", "uint8", "float32", "int64", "bool"])
@pytest.mark.parametrize("name", sorted(store._tensors(example())))
def test_tensor_of_wrong_type_is_refused(tmp_path, description, tensors, name, dtype):
    """Weights are int8, or int16 above 8 bits, delays int16, all else int32; none is converted."""
    expected = tensors[name].dtype
    tensors[name] = np.ones(tensors[name].shape, dtype)

    must = f"be of type {expected}" if dtype == "int64" else "be signed integers"
    message = f"Tensor {name} must {must}, not {dtype}"
    assert message == refusal(tmp_path, pack(description, tensors))


SHAPE = "Delayed delays must have the shape"
DELAYS = "Delayed delays must be signed integers of shape (post or 1, pre, taps)"


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        (
            "kernels.first.weights",
            np.zeros((3, 4), np.int8),
            "Layer neurons must number 3, as its weights have rows, not 2",
        ),
        (
            "kernels.first.weights",
            np.zeros((2, 5), np.int8),
            "Layer first must take 4 inputs, as what comes before it gives, not 5",
        ),
        (
            "kernels.last.weights",
            np.zeros((3, 3, 1), np.int8),
            "Layer neurons must number 3, as its weights have rows, not 2",
        ),
        (
            "kernels.first.weights",
            np.zeros(8, np.int8),
            "Dense weights must be signed integers of shape (post, pre), not int8 (8,)",
        ),
        (
            "kernels.first.weights",
            np.zeros((2, 0), np.int8),
            "Dense weights must be signed integers of shape (post, pre), not int8 (2, 0)",
        ),
        (
            "kernels.first.weights",
            np.full((2, 4), 8, np.int8),
            "Dense weights must be in -8..7 to fit 4 bits, not 8",
        ),
        (
            "kernels.first.weights",
            np.zeros((2, 4, 1), np.int8),
            "Dense weights must be signed integers of shape (post, pre), not int8 (2, 4, 1)",
        ),
        (
            "kernels.middle.weights",
            np.full((3, 2, 2), -5, np.int8),
            "Delayed weights must be in -4..3 to fit 3 bits, not -5",
        ),
        (
            "kernels.middle.weights",
            np.zeros((3, 2), np.int8),
            "Delayed weights must be signed integers of shape (post, pre, taps), not int8 (3, 2)",
        ),
        (
            "kernels.middle.weights",
            np.zeros((3, 2, 1), np.int8),
            f"{SHAPE} (3, 2, 1) of the weights, or (1, 2, 1), not (3, 2, 2)",
        ),
        (
            "kernels.middle.delays",
            np.zeros((2, 2, 2), np.int16),
            f"{SHAPE} (3, 2, 2) of the weights, or (1, 2, 2), not (2, 2, 2)",
        ),
        (
            "kernels.middle.delays",
            np.zeros((2, 2), np.int16),
            f"{DELAYS}, not int16 (2, 2)",
        ),
        (
            "kernels.middle.delays",
            np.zeros((1, 2, 0), np.int16),
            f"{DELAYS}, not int16 (1, 2, 0)",
        ),
        (
            "kernels.middle.delays",
            np.full((1, 2, 2), -1, np.int16),
            "Delayed delays must be in 0..2, not -1",
        ),
        (
            "kernels.last.delays",
            np.full((2, 3, 1), 3, np.int16),
            "Delayed delays must be in 0..2, not 3",
        ),
        (
            "kernels.last.delays",
            np.full((1, 3, 1), -(1 << 15), np.int16),
            "Delayed delays must be in 0..2, not -32768",
        ),
        (
            "kernels.middle.1.weights",
            np.zeros((2, 3, 1), np.int8),
            "Layer neurons must number 2, as its weights have rows, not 3",
        ),
        (
            "kernels.middle.1.delays",
            np.zeros((1, 3, 1), np.int16),
            "Layer middle recurrent delays must be at least 1, not 0",
        ),
        (
            "kernels.middle.1.delays",
            np.full((3, 3, 1), 3, np.int16),
            "Layer middle recurrent delays must be below the 3 steps of the network, not 3",
        ),
        (
            "kernels.first.1.weights",
            np.full((2, 2), -257, np.int16),
            "Dense weights must be in -256..255 to fit 9 bits, not -257",
        ),
        (
            "kernels.first.1.weights",
            np.zeros((2, 3), np.int16),
            "Layer first must take 2 inputs, as what comes before it gives, not 3",
        ),
        (
            "first.bias",
            np.zeros(3, np.int32),
            "Neuron threshold must have the shape (3,) of the bias, not (2,)",
        ),
        (
            "first.bias",
            np.zeros((2, 1), np.int32),
            "Neuron bias must be signed integers of shape (channels,), not int32 (2, 1)",
        ),
        (
            "first.threshold",
            np.ones(3, np.int32),
            "Neuron threshold must have the shape (2,) of the bias, not (3,)",
        ),
        (
            "first.threshold",
            np.array([1, 0], np.int32),
            "Neuron threshold must be at least 1, not 0",
        ),
        (
            "middle.threshold",
            np.array([-5, 1, 1], np.int32),
            "Neuron threshold must be at least 1, not -5",
        ),
        (
            "readout.weights",
            np.zeros(2, np.int32),
            "Readout weights must number 3, one per step, not 2",
        ),
    ],
)
def test_wrong_tensor_is_refused(tmp_path, description, tensors, name, values, message):
    """Tensors of a wrong shape and values outside their range are refused."""
    tensors[name] = values

    assert message == refusal(tmp_path, pack(description, tensors))


STEPS = "Network steps must be an integer in 1..32768"
LAYER = "Layer must have the fields name, connections, neuron and no other"
FED = "connection must have the fields sources, views, delay, shift, kernel, synapses and no other"
NEURON = "must have the fields kind, leak, clamp, reset, once, rounding and no other"
DENSE = "must have the fields kind, bits and no other"
DELAYED = "must have the fields kind, bits, window and no other"
TOP = (
    "Description must have the fields version, steps, inputs, coding, layers, readout and no other"
)
INPUT = "Input must have the fields name, size and no other"
NAMES = "must begin with a letter and go on with letters, digits and single underscores"
ONCE = "A neuron that fires once must have a threshold and no reset"
GONE = object()
OWN = "kernels.middle.1"


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        ("steps", "3", f"{STEPS}, not '3'"),
        ("steps", True, f"{STEPS}, not True"),
        ("steps", 3.0, f"{STEPS}, not 3.0"),
        ("steps", None, f"{STEPS}, not None"),
        ("steps", float("nan"), f"{STEPS}, not nan"),
        ("steps", float("inf"), f"{STEPS}, not inf"),
        ("steps", [3], f"{STEPS}, not [3]"),
        ("steps", 0, "Network steps must be in 1..32768, not 0"),
        ("steps", 10**30, f"Network steps must be in 1..32768, not {10**30}"),
        ("steps", 4, "Readout weights must number 4, one per step, not 3"),
        ("steps", GONE, TOP),
        ("surplus", 1, TOP),
        ("inputs", 4, "Description inputs must be a list, not 4"),
        ("inputs", {"left": 4}, "Description inputs must be a list, not {'left': 4}"),
        ("inputs", [], "Network must have at least one input"),
        ("inputs.0", 4, INPUT),
        ("inputs.0.size", GONE, INPUT),
        ("inputs.0.surplus", 1, INPUT),
        ("inputs.0.size", 4.0, "Network input left must be an integer in 1..16777216, not 4.0"),
        ("inputs.1.size", -4, "Network input right must be in 1..16777216, not -4"),
        (
            "inputs.0.size",
            3,
            "Layer first must take 3 inputs, as what comes before it gives, not 4",
        ),
        ("inputs.0.name", 4, f"Network names {NAMES}, not 4"),
        ("inputs.0.name", [], f"Network names {NAMES}, not []"),
        ("inputs.0.name", "a b", f"Network names {NAMES}, not 'a b'"),
        ("inputs.0.name", "l\n", f"Network names {NAMES}, not 'l\\n'"),
        ("inputs.1.name", "left", "Network names must differ; left is there twice"),
        ("inputs.1.name", "first", "Network names must differ; first is there twice"),
        (
            "inputs.1.name",
            "other",
            "Layer first must be fed by inputs or layers, not by 'right'",
        ),
        ("coding.kind", "rate", "Coding must be of kind latency or graded or counts, not 'rate'"),
        (
            "coding.kind",
            ["latency"],
            "Coding must be of kind latency or graded or counts, not ['latency']",
        ),
        ("coding.kind", GONE, "Coding must be of kind latency or graded or counts, not None"),
        ("coding", None, "Coding must be of kind latency or graded or counts, not None"),
        ("coding", "latency", "Coding must have the fields kind, floor and no other"),
        ("coding.kind", "graded", "Coding must have the fields kind, shift, every and no other"),
        ("coding.floor", -1, "Latency floor must be in 1..255, not -1"),
        ("coding.floor", 1.5, "Latency floor must be an integer in 1..255, not 1.5"),
        ("coding.floor", GONE, "Coding must have the fields kind, floor and no other"),
        ("coding.surplus", 1, "Coding must have the fields kind, floor and no other"),
        ("layers", [], "Network must have at least one layer"),
        ("layers", None, "Description layers must be a list, not None"),
        ("layers", {"0": 1}, "Description layers must be a list, not {'0': 1}"),
        ("layers.0", None, LAYER),
        ("layers.1", [], LAYER),
        ("layers.0.connections", GONE, LAYER),
        ("layers.2.neuron", GONE, LAYER),
        ("layers.0.name", GONE, LAYER),
        ("layers.0.surplus", 1, LAYER),
        ("layers.0.name", None, f"Network names {NAMES}, not None"),
        ("layers.0.name", {}, f"Network names {NAMES}, not {{}}"),
        ("layers.0.name", "_a", f"Network names {NAMES}, not '_a'"),
        ("layers.0.name", "a__b", f"Network names {NAMES}, not 'a__b'"),
        ("layers.0.name", "a.b", f"Network names {NAMES}, not 'a.b'"),
        ("layers.0.name", "ä", f"Network names {NAMES}, not 'ä'"),
        ("layers.1.name", "first", "Network names must differ; first is there twice"),
        ("layers.0.name", "left", "Layer left kernel must be left or an earlier one, not 'first'"),
        ("layers.0.connections", [], "Layer must have at least one connection"),
        ("layers.0.connections", None, "Layer first connections must be a list, not None"),
        ("layers.0.connections.0", 1, f"Layer first {FED}"),
        ("layers.0.connections.0.delay", GONE, f"Layer first {FED}"),
        ("layers.1.connections.1.surplus", 1, f"Layer middle {FED}"),
        (
            "layers.0.connections.0.sources",
            "left",
            "Layer first sources must be a list, not 'left'",
        ),
        (
            "layers.0.connections.0.sources",
            [],
            "Connection sources must be a sequence of names, not ()",
        ),
        ("layers.0.connections.0.sources.0", 1, f"Connection sources {NAMES}, not 1"),
        ("layers.0.connections.0.sources.0", "a-b", f"Connection sources {NAMES}, not 'a-b'"),
        (
            "layers.0.connections.0.sources.0",
            "up",
            "Layer first must be fed by inputs or layers, not by 'up'",
        ),
        (
            "layers.2.connections.1.sources.1",
            "left",
            "Layer last must add sources of one size, not first of 2, left of 4",
        ),
        (
            "layers.2.connections.1.sources.1",
            "last",
            "Layer last must not mix recurrent and other sources in a connection",
        ),
        ("layers.0.connections.0.views", None, "Layer first views must be a list, not None"),
        (
            "layers.0.connections.1.views.0",
            "shear",
            f"Layer first view must be of kind {' or '.join(VIEWS)}, not 'shear'",
        ),
        (
            "layers.0.connections.1.views.0.kind",
            "crop",
            "Layer first view must have the fields kind, start, count and no other",
        ),
        (
            "layers.2.connections.1.views.0.start",
            1,
            "Layer last: Crop must lie within the 2 addresses before it, not at 1..2",
        ),
        (
            "layers.2.connections.1.views.0.count",
            1,
            "Layer last must take 1 inputs, as what comes before it gives, not 2",
        ),
        (
            "layers.2.connections.1.views.0.count",
            -1,
            "Crop count must be in 0..16777216, not -1",
        ),
        (
            "layers.2.connections.1.views.0.start",
            -1,
            "Crop start must be in 0..16777216, not -1",
        ),
        ("layers.0.connections.0.delay", -1, "Connection delay must be in 0..1023, not -1"),
        ("layers.0.connections.0.delay", 1024, "Connection delay must be in 0..1023, not 1024"),
        (
            "layers.0.connections.0.delay",
            1.0,
            "Connection delay must be an integer in 0..1023, not 1.0",
        ),
        (
            "layers.0.connections.0.delay",
            3,
            "Layer first delays must be below the 3 steps of the network, not 3",
        ),
        (
            "layers.2.connections.0.delay",
            1,
            "Layer last delays must be below the 3 steps of the network, not 3",
        ),
        ("layers.0.connections.0.shift", -1, "Connection shift must be in 0..15, not -1"),
        ("layers.0.connections.0.shift", 16, "Connection shift must be in 0..15, not 16"),
        (
            "layers.0.connections.0.shift",
            False,
            "Connection shift must be an integer in 0..15, not False",
        ),
        (
            "layers.0.connections.0.kernel",
            None,
            "Layer first kernel must be first or an earlier one, not None",
        ),
        (
            "layers.0.connections.1.kernel",
            "right",
            "Layer first kernel must be first.1 or an earlier one, not 'right'",
        ),
        (
            "layers.0.connections.1.kernel",
            ["first"],
            "Layer first kernel must be first.1 or an earlier one, not ['first']",
        ),
        (
            "layers.2.connections.1.kernel",
            "last.1",
            "Tensor kernels.last.1.weights must be present",
        ),
        (
            "layers.2.connections.1.kernel",
            "first",
            "Layer last kernel first must be described the same way everywhere",
        ),
        (
            "layers.2.connections.1.synapses.bits",
            8,
            "Layer last kernel first.1 must be described the same way everywhere",
        ),
        (
            "layers.2.connections.1.synapses.bits",
            9.0,
            "Layer last kernel first.1 must be described the same way everywhere",
        ),
        (
            "layers.1.connections.1",
            GONE,
            f"Tensors must be those described, not also {OWN}.delays, {OWN}.weights",
        ),
        (
            "layers.2.connections.0.sources.0",
            "last",
            "Layer last must take 2 inputs, as what comes before it gives, not 3",
        ),
        (
            "layers.0.connections.0.synapses.kind",
            "sparse",
            f"Layer first synapses must be of kind {' or '.join(SYNAPSES)}, not 'sparse'",
        ),
        (
            "layers.0.connections.0.synapses.kind",
            ["dense"],
            f"Layer first synapses must be of kind {' or '.join(SYNAPSES)}, not ['dense']",
        ),
        (
            "layers.1.connections.0.synapses.kind",
            GONE,
            f"Layer middle synapses must be of kind {' or '.join(SYNAPSES)}, not None",
        ),
        (
            "layers.1.connections.0.synapses",
            None,
            f"Layer middle synapses must be of kind {' or '.join(SYNAPSES)}, not None",
        ),
        (
            "layers.1.connections.0.synapses",
            [],
            f"Layer middle synapses must be of kind {' or '.join(SYNAPSES)}, not []",
        ),
        ("layers.0.connections.0.synapses", "dense", f"Layer first synapses {DENSE}"),
        ("layers.1.connections.0.synapses", "delayed", f"Layer middle synapses {DELAYED}"),
        ("layers.0.connections.0.synapses.kind", "delayed", f"Layer first synapses {DELAYED}"),
        ("layers.2.connections.0.synapses.kind", "dense", f"Layer last synapses {DENSE}"),
        (
            "layers.0.connections.0.synapses",
            {"kind": "delayed", "bits": 4, "window": 2},
            "Tensor kernels.first.delays must be present",
        ),
        (
            "layers.2.connections.0.synapses",
            {"kind": "dense", "bits": 4},
            "Dense weights must be signed integers of shape (post, pre), not int8 (2, 3, 1)",
        ),
        ("layers.0.connections.0.synapses.bits", GONE, f"Layer first synapses {DENSE}"),
        ("layers.0.connections.0.synapses.window", 1, f"Layer first synapses {DENSE}"),
        (
            "layers.0.connections.0.synapses.weights",
            None,
            "Dense weights must be an array, not None",
        ),
        (
            "layers.0.connections.0.synapses.bits",
            1,
            "Dense weight width must be in 2..16, not 1",
        ),
        (
            "layers.0.connections.0.synapses.bits",
            17,
            "Dense weight width must be in 2..16, not 17",
        ),
        (
            "layers.0.connections.0.synapses.bits",
            9,
            "Tensor kernels.first.weights must be of type int16, not int8",
        ),
        (
            "layers.0.connections.0.synapses.bits",
            3.5,
            "Dense weight width must be an integer in 2..16, not 3.5",
        ),
        ("layers.1.connections.0.synapses.bits", GONE, f"Layer middle synapses {DELAYED}"),
        ("layers.1.connections.0.synapses.surplus", 1, f"Layer middle synapses {DELAYED}"),
        ("layers.1.connections.1.synapses.window", GONE, f"Layer middle synapses {DELAYED}"),
        (
            "layers.1.connections.0.synapses.bits",
            1,
            "Delayed weight width must be in 2..16, not 1",
        ),
        (
            "layers.1.connections.0.synapses.bits",
            None,
            "Delayed weight width must be an integer in 2..16, not None",
        ),
        (
            "layers.1.connections.0.synapses.bits",
            2,
            "Delayed weights must be in -2..1 to fit 2 bits, not 3",
        ),
        (
            "layers.1.connections.0.synapses.window",
            0,
            "Delayed window must be in 1..1024, not 0",
        ),
        (
            "layers.1.connections.0.synapses.window",
            1025,
            "Delayed window must be in 1..1024, not 1025",
        ),
        ("layers.1.connections.0.synapses.window", 2, "Delayed delays must be in 0..1, not 2"),
        ("layers.1.connections.1.synapses.window", 1, "Delayed delays must be in 0..0, not 2"),
        (
            "layers.1.connections.0.synapses.window",
            3.0,
            "Delayed window must be an integer in 1..1024, not 3.0",
        ),
        (
            "layers.2.connections.0.synapses.window",
            True,
            "Delayed window must be an integer in 1..1024, not True",
        ),
        (
            "layers.2.connections.0.synapses.window",
            "3",
            "Delayed window must be an integer in 1..1024, not '3'",
        ),
        ("steps", 2, "Layer middle delays must be below the 2 steps of the network, not 2"),
        (
            "layers.1.neuron",
            None,
            "Layer middle neuron must be of kind neuron or parallel, not None",
        ),
        ("layers.1.neuron", [], "Layer middle neuron must be of kind neuron or parallel, not []"),
        (
            "layers.1.neuron.kind",
            "lif",
            "Layer middle neuron must be of kind neuron or parallel, not 'lif'",
        ),
        ("layers.0.neuron.leak", GONE, f"Layer first neuron {NEURON}"),
        ("layers.2.neuron.surplus", 1, f"Layer last neuron {NEURON}"),
        ("layers.2.neuron.shift", 1, f"Layer last neuron {NEURON}"),
        ("layers.1.neuron.leak", [], "Neuron leak must be two integers, not []"),
        ("layers.1.neuron.leak", [1, 0, 0], "Neuron leak must be two integers, not [1, 0, 0]"),
        ("layers.1.neuron.leak", "10", "Neuron leak must be two integers, not '10'"),
        ("layers.1.neuron.leak", None, "Neuron leak must be two integers, not None"),
        (
            "layers.1.neuron.leak",
            [2, 0],
            "Neuron leak must be a multiplier in 0..2**k and a shift k in 0..15, not [2, 0]",
        ),
        (
            "layers.1.neuron.clamp",
            [0, float("inf")],
            "Neuron clamp must be two integers, not [0, inf]",
        ),
        ("layers.1.neuron.clamp", [1, 2], "Neuron clamp must hold 0 and fit 32 bits, not [1, 2]"),
        ("layers.1.neuron.clamp", [0], "Neuron clamp must be two integers, not [0]"),
        ("layers.1.neuron.clamp", {}, "Neuron clamp must be two integers, not {}"),
        ("layers.1.neuron.reset", 1, "Neuron reset must be one of none, zero, subtract, not 1"),
        ("layers.1.neuron.rounding", 1, "Neuron rounding must be one of floor, zero, not 1"),
        ("layers.0.neuron.reset", "zero", ONCE),
        ("layers.1.neuron.once", True, ONCE),
        ("layers.0.neuron.once", 1, "Neuron once must be true or false, not 1"),
        ("layers.0.neuron.once", None, "Neuron once must be true or false, not None"),
        ("layers.0.neuron.threshold", 1, f"Layer first neuron {NEURON}"),
        ("layers.0.neuron.threshold", None, ONCE),
        (
            "layers.1.neuron.threshold",
            None,
            "Layer middle must have a threshold, or be the output and feed nothing",
        ),
        (
            "layers.2.neuron.threshold",
            None,
            "Tensors must be those described, not also last.threshold",
        ),
        (
            "layers.2.neuron.bias",
            None,
            "Neuron bias must be an array, not None",
        ),
        ("readout", "first-spike", "Readout must have the fields kind and no other"),
        ("readout.surplus", 1, "Readout must have the fields kind and no other"),
        (
            "readout.kind",
            "first-spike",
            "Tensors must be those described, not also readout.weights",
        ),
        (
            "readout.kind",
            None,
            f"Readout kind must be one of {', '.join(KINDS)}, not None",
        ),
    ],
)
def test_wrong_description_is_refused(tmp_path, description, tensors, place, value, message):
    """A field that is missing, surplus, of a wrong type or out of range is refused by name."""
    *path, last = [int(x) if x.isdigit() else x for x in place.split(".")]
    entry = description
    for step in path:
        entry = entry[step]
    if value is GONE:
        del entry[last]
    else:
        entry[last] = value

    assert message == refusal(tmp_path, pack(description, tensors))


@pytest.mark.parametrize(
    ("field", "told"),
    [
        ('"steps": 3', "Network steps must be an integer in 1..32768"),
        ('"version": 3', "Version must be 2 or 3"),
        ('"window": 4', "Delayed window must be an integer in 1..1024"),
        ('"name": "first"', "Network names must begin with"),
        ('"shift": 1', "Connection shift must be an integer in 0..15"),
    ],
)
def test_deep_description_is_refused(tmp_path, description, tensors, field, told):
    """Lists in lists, be they too deep to be read or just too deep to be printed, are refused."""
    name, text = field.split()[0], json.dumps(description)
    for depth in (100, *range(880, sys.getrecursionlimit())):
        deep = "[" * depth + "]" * depth
        sentence = refusal(tmp_path, pack(text.replace(field, f"{name} {deep}"), tensors))
        if depth == 100:
            assert sentence.startswith(told) and sentence.endswith((", not list", deep))


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 300)
    | st.integers()
    | st.floats()
    | st.text(max_size=4)
    | st.sampled_from(
        ["dense", "delayed", "none", "zero", "latency", "graded", "counts", "weighted-sum"]
    )
    | st.sampled_from(
        ["left", "right", "first", "middle", "last", "first.1", "crop", "flatten", "neuron"]
    ),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=5,
)


def places(entry, path=()) -> list[tuple]:
    """List the paths to all values of a description."""
    items = entry.items() if isinstance(entry, dict) else enumerate(entry)
    below = [(p, v) for p, v in (((*path, key), value) for key, value in items)]
    deeper = [q for p, v in below if isinstance(v, dict | list) for q in places(v, p)]
    return [p for p, _ in below] + deeper


@examples(600)
@given(
    changes=st.lists(
        st.tuples(st.integers(0, 99), JSON, st.sampled_from("=-+")), min_size=1, max_size=2
    )
)
def test_any_description_loads_whole_or_is_refused(tmp_path_factory, changes):
    """Whatever stands in the description, the file is refused, or loads to just what it says."""
    description = copy.deepcopy(store.describe(example()))
    for number, value, action in changes:
        paths = places(description)
        if not paths:
            break
        *path, last = paths[number % len(paths)]
        entry = description
        for step in path:
            entry = entry[step]
        if action == "-":
            del entry[last]
        elif action == "+" and isinstance(entry, dict):
            entry[str(value)[:4]] = value
        else:
            entry[last] = value
    folder = tmp_path_factory.getbasetemp()

    try:
        network = load(folder, pack(description, store._tensors(example())))
    except InputError as refused:
        assert "\n" not in str(refused)
    else:
        canonical = json.dumps(description, sort_keys=True)
        assert canonical == json.dumps(store.describe(network), sort_keys=True)
        network.run(np.full((2, 6), 200), record=True)


@examples(600)
@given(
    edits=st.lists(
        st.tuples(st.integers(0, len(BYTES) - 1), st.integers(0, 255)), min_size=1, max_size=3
    )
)
def test_any_bytes_load_or_are_refused(tmp_path_factory, edits):
    """Whatever bytes are spoiled, the file is refused, or loads to a network that runs."""
    data = bytearray(BYTES)
    for place, value in edits:
        data[place] = value

    try:
        network = load(tmp_path_factory.getbasetemp(), bytes(data))
    except InputError as refused:
        assert "\n" not in str(refused)
    else:
        network.run(np.full((2, network.width), 200))


def test_file_is_written_whole(tmp_path):
    """Text and bytes arrive, folders are made on the way, and nothing else is left there."""
    store.write_atomically(tmp_path / "a" / "b" / "x", "é")
    store.write_atomically(str(tmp_path / "a" / "b" / "x"), b"new")

    assert b"new" == (tmp_path / "a" / "b" / "x").read_bytes()
    assert ["x"] == os.listdir(tmp_path / "a" / "b")


def test_text_is_written_as_utf8(tmp_path):
    """Text is UTF-8 with its line ends as they are."""
    store.write_atomically(tmp_path / "x", "é\r\n\n")

    assert b"\xc3\xa9\r\n\n" == (tmp_path / "x").read_bytes()


@pytest.mark.parametrize("name", ["write_bytes", "replace"])
@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_failed_write_leaves_the_old_file_alone(tmp_path, monkeypatch, name, failure):
    """When writing or renaming fails half-way, the old file stands and nothing lies beside it."""
    path = tmp_path / "x"
    path.write_bytes(b"old")

    def fail(target, *_):
        Path(target).open("wb").close()
        raise failure

    with monkeypatch.context() as patch:
        patch.setattr(Path if name == "write_bytes" else os, name, fail)
        kind = InputError if isinstance(failure, OSError) else type(failure)
        with pytest.raises(kind) as raised:
            store.write_atomically(path, b"new")

    assert b"old" == path.read_bytes()
    assert ["x"] == os.listdir(tmp_path)
    if isinstance(failure, OSError):
        assert f"{path} cannot be used: No space left on device" == str(raised.value)


@pytest.mark.parametrize(
    ("name", "reason", "blamed"),
    [
        ("folder", "Is a directory", "folder"),
        ("file/x", "File exists", "file"),
        ("file/deeper/x", "Not a directory", "file/deeper"),
        ("n" * 255, "File name too long", "n" * 255),
    ],
    ids=["folder", "file", "deeper", "long"],
)
def test_unwritable_place_is_named(tmp_path, name, reason, blamed):
    """The error names the file or the folder above it, never the temporary name, which is gone."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()

    with pytest.raises(InputError) as raised:
        store.write_atomically(tmp_path / name, b"new")

    assert f"{tmp_path / blamed} cannot be used: {reason}" == str(raised.value)
    assert ["file", "folder"] == sorted(os.listdir(tmp_path))
    assert [] == os.listdir(tmp_path / "folder")


def test_links_and_pipes_stay_what_they_are(tmp_path):
    """What a link leads to is written, and a pipe is written to; neither becomes a file."""
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to("real")
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    for name in ("link", "pipe"):
        store.write_atomically(tmp_path / name, "new")

    assert (tmp_path / "link").is_symlink() and (tmp_path / "pipe").is_fifo()
    assert "new" == (tmp_path / "real").read_text()
    assert b"new" == os.read(reader, 9)
    os.close(reader)
    assert ["link", "pipe", "real"] == sorted(os.listdir(tmp_path))


def test_pipe_without_a_name_is_written_to():
    """What a shell gives as the file of another command, /dev/fd/N, is a pipe too."""
    reader, writer = os.pipe()
    store.write_atomically(f"/dev/fd/{writer}", "new")

    assert b"new" == os.read(reader, 9)
    os.close(reader)
    os.close(writer)


def test_link_into_a_folder_not_yet_there(tmp_path):
    """The folder that the link leads to is made."""
    (tmp_path / "link").symlink_to("deep/er/real")
    store.write_atomically(tmp_path / "link", "new")

    assert "new" == (tmp_path / "deep/er/real").read_text()
    assert ["real"] == os.listdir(tmp_path / "deep/er")


def test_read_only_folder_stays_empty(tmp_path):
    """A folder without permission to write is named and stays empty."""
    tmp_path.chmod(0o500)
    if os.access(tmp_path, os.W_OK):
        pytest.skip("this user may write everywhere")

    with pytest.raises(InputError) as raised:
        store.save(example(), tmp_path / "x")

    assert f"{tmp_path / 'x'} cannot be used: Permission denied" == str(raised.value)
    assert [] == os.listdir(tmp_path)
