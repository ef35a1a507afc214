"""The frozen network file: the same bytes for the same network, one sentence for any other file."""

import copy
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save as tensors_to_bytes

from spikeline.model import store
from spikeline.model.codings.encode import Latency
from spikeline.model.network import Layer, Network
from spikeline.model.neurons.neuron import Neuron
from spikeline.model.readouts import KINDS
from spikeline.model.readouts.first_spike import FirstSpike
from spikeline.model.readouts.weighted_sum import WeightedSum
from spikeline.model.refuse import Refused
from spikeline.model.synapses.delayed import Delayed
from spikeline.model.synapses.dense import Dense

from .profiles import examples
from .test_model_network import delayed_networks, networks


def example() -> Network:
    """Make a network with every kind of tensor.

    4-2-3-2: fully connected and time-to-first-spike; delays of synapses, recurrent and leaky; then
    delays of axons.
    """
    first = Neuron(np.array([1, -2]), np.array([3, 4]), shift=1, once=True)
    middle = Neuron(
        np.array([0, 0, 1]), np.array([3, 4, 5]), (15, 4), clamp=(-9, 99), reset="subtract"
    )
    last = Neuron(np.array([0, 0]), np.array([2, 3]), reset="zero")
    taps = Delayed(
        np.array([[[1, 0], [3, 2]], [[-1, 1], [0, 1]], [[1, -2], [-4, 3]]]),
        np.array([[[0, 1], [2, 2]], [[1, 0], [0, 2]], [[2, 0], [1, 1]]]),
        3,
        3,
    )
    back = Delayed(np.arange(-4, 5).reshape(3, 3, 1), np.array([[[1], [2], [1]]]), 4, 4)
    axons = Delayed(np.arange(-3, 3).reshape(2, 3, 1), np.array([[[2], [0], [1]]]), 3, 3)
    return Network(
        3,
        4,
        Latency(32),
        (
            Layer(Dense(np.arange(-4, 4).reshape(2, 4), 4), first),
            Layer(taps, middle, back),
            Layer(axons, last),
        ),
        WeightedSum(np.array([3, 2, 1])),
    )


BYTES = store.to_bytes(example())
# Pins the format: a change of it needs a new version.
PINNED = "d06b9230b028f036"


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
    with pytest.raises(Refused) as refused:
        load(folder, data)
    sentence = str(refused.value)
    assert "\n" not in sentence
    assert sentence.startswith(str(folder / "x.net"))
    return sentence.removeprefix(str(folder / "x.net")).removeprefix(":").removeprefix(" ")


@examples(200)
@given(network=networks() | delayed_networks())
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
    dense, neuron = network.layers[0].synapses, network.layers[0].neuron
    wide = lambda x: np.asfortranarray(x).astype(np.int64)  # noqa: E731
    turned = Dense(wide(dense.weights), np.int64(dense.bits))
    same = Neuron(
        neuron.bias[::-1][::-1], neuron.threshold, [1, np.int32(0)], np.int8(1), once=True
    )

    again, back = (
        Delayed(wide(x.weights), wide(x.delays), np.int8(x.bits), np.int16(x.window))
        for x in network.layers[1].connections
    )
    layers = Layer(turned, same), Layer(again, network.layers[1].neuron, back), network.layers[2]
    again = Network(np.int64(3), np.int64(4), Latency(np.uint8(32)), layers, network.readout)

    assert BYTES == store.to_bytes(again)


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


def with_delays(delays, window: int) -> dict:
    """Change the delays and the window of the last layer."""
    *before, last = example().layers
    w = last.synapses.weights
    return {"layers": (*before, Layer(Delayed(w, np.array(delays), 3, window), last.neuron))}


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
    ],
    ids=["steps", "coding", "weights", "kind", "delay", "rows", "window"],
)
def test_hash_tells_networks_apart(change):
    """A network that differs anywhere has another hash."""
    network = example()
    names = ("steps", "inputs", "coding", "layers", "readout")
    other = Network(**{**{n: getattr(network, n) for n in names}, **change})

    assert store.content_hash(network) != store.content_hash(other)


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
        ("a\0b", "embedded null byte"),
    ],
    ids=["missing", "folder", "null"],
)
def test_unreadable_file_is_refused(tmp_path, name, reason):
    """What cannot be opened is refused with the system's reason."""
    with pytest.raises(Refused) as refused:
        store.load(tmp_path / name)

    assert f"{tmp_path / name} must be a readable network file: {reason}" == str(refused.value)


@pytest.mark.parametrize("version", [0, 1, 3, 2.0, True, "2", None, [2], {}])
def test_other_version_is_refused(tmp_path, description, tensors, version):
    """Only the integer 2 is version 2."""
    description["version"] = version

    message = f"Version must be 2, not {version!r}"
    assert message == refusal(tmp_path, pack(description, tensors))


@pytest.mark.parametrize("name", sorted(store._tensors(example())))
def test_missing_tensor_is_refused(tmp_path, description, tensors, name):
    """Each tensor of the description must be there."""
    del tensors[name]

    assert f"Tensor {name} must be present" == refusal(tmp_path, pack(description, tensors))


def test_extra_tensors_are_refused(tmp_path, description, tensors):
    """What the description does not speak of is named, in order."""
    tensors |= {"b": np.zeros(1, np.int8), "3.bias": np.zeros(1, np.int32)}

    message = "Tensors must be those described, not also 3.bias, b"
    assert message == refusal(tmp_path, pack(description, tensors))


@pytest.mark.parametrize("dtype", ["uint16", "uint8", "float32", "int64", "bool"])
@pytest.mark.parametrize("name", sorted(store._tensors(example())))
def test_tensor_of_wrong_type_is_refused(tmp_path, description, tensors, name, dtype):
    """Weights are int8, delays int16, everything else int32; nothing is converted."""
    expected = tensors[name].dtype
    tensors[name] = np.ones(tensors[name].shape, dtype)

    message = f"Tensor {name} must be of type {expected}, not {dtype}"
    assert message == refusal(tmp_path, pack(description, tensors))


SHAPE = "Delayed delays must have the shape"
DELAYS = "Delayed delays must be signed integers of shape (post or 1, pre, taps)"


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        (
            "0.weights",
            np.zeros((3, 4), np.int8),
            "Layer neurons must number 3, as its weights have rows, not 2",
        ),
        (
            "0.weights",
            np.zeros((2, 5), np.int8),
            "Layer 0 must take 4 inputs, as what comes before it gives, not 5",
        ),
        (
            "2.weights",
            np.zeros((3, 3, 1), np.int8),
            "Layer neurons must number 3, as its weights have rows, not 2",
        ),
        (
            "0.weights",
            np.zeros(8, np.int8),
            "Dense weights must be signed integers of shape (post, pre), not int8 (8,)",
        ),
        (
            "0.weights",
            np.zeros((2, 0), np.int8),
            "Dense weights must be signed integers of shape (post, pre), not int8 (2, 0)",
        ),
        (
            "0.weights",
            np.full((2, 4), 8, np.int8),
            "Dense weights must be in -8..7 to fit 4 bits, not 8",
        ),
        (
            "0.weights",
            np.zeros((2, 4, 1), np.int8),
            "Dense weights must be signed integers of shape (post, pre), not int8 (2, 4, 1)",
        ),
        (
            "1.weights",
            np.full((3, 2, 2), -5, np.int8),
            "Delayed weights must be in -4..3 to fit 3 bits, not -5",
        ),
        (
            "1.weights",
            np.zeros((3, 2), np.int8),
            "Delayed weights must be signed integers of shape (post, pre, taps), not int8 (3, 2)",
        ),
        (
            "1.weights",
            np.zeros((3, 2, 1), np.int8),
            f"{SHAPE} (3, 2, 1) of the weights, or (1, 2, 1), not (3, 2, 2)",
        ),
        (
            "1.delays",
            np.zeros((2, 2, 2), np.int16),
            f"{SHAPE} (3, 2, 2) of the weights, or (1, 2, 2), not (2, 2, 2)",
        ),
        (
            "1.delays",
            np.zeros((2, 2), np.int16),
            f"{DELAYS}, not int16 (2, 2)",
        ),
        (
            "1.delays",
            np.zeros((1, 2, 0), np.int16),
            f"{DELAYS}, not int16 (1, 2, 0)",
        ),
        ("1.delays", np.full((1, 2, 2), -1, np.int16), "Delayed delays must be in 0..2, not -1"),
        ("2.delays", np.full((2, 3, 1), 3, np.int16), "Delayed delays must be in 0..2, not 3"),
        (
            "2.delays",
            np.full((1, 3, 1), -(1 << 15), np.int16),
            "Delayed delays must be in 0..2, not -32768",
        ),
        (
            "1.recurrent.weights",
            np.zeros((2, 3, 1), np.int8),
            "Recurrent weights must have the shape (3, 3, taps), not (2, 3, 1)",
        ),
        (
            "1.recurrent.delays",
            np.zeros((1, 3, 1), np.int16),
            "Recurrent delays must be at least 1, not 0",
        ),
        (
            "1.recurrent.delays",
            np.full((3, 3, 1), 3, np.int16),
            "Layer 1 recurrent delays must be below the 3 steps of the network, not 3",
        ),
        (
            "0.bias",
            np.zeros(3, np.int32),
            "Neuron threshold must have the shape (3,) of the bias, not (2,)",
        ),
        (
            "0.bias",
            np.zeros((2, 1), np.int32),
            "Neuron bias must be signed integers of shape (neurons,), not int32 (2, 1)",
        ),
        (
            "0.threshold",
            np.ones(3, np.int32),
            "Neuron threshold must have the shape (2,) of the bias, not (3,)",
        ),
        (
            "0.threshold",
            np.array([1, 0], np.int32),
            "Neuron threshold must be at least 1, not 0",
        ),
        (
            "1.threshold",
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
LAYER = "must have the fields synapses, recurrent, neuron and no other"
NEURON = "neuron must have the fields leak, shift, clamp, reset, once, fires and no other"
DENSE = "must have the fields kind, bits and no other"
DELAYED = "must have the fields kind, bits, window and no other"
TOP = (
    "Description must have the fields version, steps, inputs, coding, layers, readout and no other"
)
ONCE = "A neuron that fires once must have a threshold and no reset"
GONE = object()


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
        ("inputs", 4.0, "Network inputs must be an integer in 1..16777216, not 4.0"),
        ("inputs", -4, "Network inputs must be in 1..16777216, not -4"),
        ("inputs", 3, "Layer 0 must take 3 inputs, as what comes before it gives, not 4"),
        ("coding.kind", "rate", "Coding must be one of latency, graded, counts, not 'rate'"),
        (
            "coding.kind",
            ["latency"],
            "Coding must be one of latency, graded, counts, not ['latency']",
        ),
        ("coding.kind", GONE, "Coding must be one of latency, graded, counts, not None"),
        ("coding", None, "Coding must be one of latency, graded, counts, not None"),
        ("coding", "latency", "Coding must have the fields kind, floor and no other"),
        ("coding.kind", "graded", "Coding must have the fields kind, shift, every and no other"),
        ("coding.floor", -1, "Latency floor must be in 1..255, not -1"),
        ("coding.floor", 1.5, "Latency floor must be an integer in 1..255, not 1.5"),
        ("coding.floor", GONE, "Coding must have the fields kind, floor and no other"),
        ("coding.surplus", 1, "Coding must have the fields kind, floor and no other"),
        ("layers", [], "Network must have at least one layer"),
        ("layers", None, "Description layers must be a list, not None"),
        ("layers", {"0": 1}, "Description layers must be a list, not {'0': 1}"),
        ("layers.0", None, f"Layer 0 {LAYER}"),
        ("layers.1", [], f"Layer 1 {LAYER}"),
        ("layers.1.synapses", GONE, f"Layer 1 {LAYER}"),
        ("layers.0.recurrent", GONE, f"Layer 0 {LAYER}"),
        ("layers.2.neuron", GONE, f"Layer 2 {LAYER}"),
        ("layers.0.surplus", 1, f"Layer 0 {LAYER}"),
        (
            "layers.0.synapses.kind",
            "conv",
            "Layer 0 synapses must be of kind dense or delayed, not 'conv'",
        ),
        (
            "layers.0.synapses.kind",
            ["dense"],
            "Layer 0 synapses must be of kind dense or delayed, not ['dense']",
        ),
        (
            "layers.1.synapses.kind",
            GONE,
            "Layer 1 synapses must be of kind dense or delayed, not None",
        ),
        (
            "layers.1.synapses",
            None,
            "Layer 1 synapses must be of kind dense or delayed, not None",
        ),
        (
            "layers.1.synapses",
            [],
            "Layer 1 synapses must be of kind dense or delayed, not []",
        ),
        ("layers.0.synapses", "dense", f"Layer 0 synapses {DENSE}"),
        ("layers.1.synapses", "delayed", f"Layer 1 synapses {DELAYED}"),
        ("layers.1.recurrent", "delayed", f"Layer 1 recurrent {DELAYED}"),
        ("layers.0.synapses.kind", "delayed", f"Layer 0 synapses {DELAYED}"),
        ("layers.2.synapses.kind", "dense", f"Layer 2 synapses {DENSE}"),
        (
            "layers.1.recurrent.kind",
            "dense",
            "Layer 1 recurrent must be of kind delayed, not 'dense'",
        ),
        ("layers.1.recurrent.kind", None, "Layer 1 recurrent must be of kind delayed, not None"),
        ("layers.1.recurrent", False, "Layer 1 recurrent must be of kind delayed, not False"),
        ("layers.1.recurrent", {}, "Layer 1 recurrent must be of kind delayed, not None"),
        (
            "layers.1.recurrent",
            None,
            "Tensors must be those described, not also 1.recurrent.delays, 1.recurrent.weights",
        ),
        (
            "layers.0.recurrent",
            {"kind": "delayed", "bits": 4, "window": 2},
            "Tensor 0.recurrent.weights must be present",
        ),
        (
            "layers.0.synapses",
            {"kind": "delayed", "bits": 4, "window": 2},
            "Tensor 0.delays must be present",
        ),
        (
            "layers.2.synapses",
            {"kind": "dense", "bits": 4},
            "Dense weights must be signed integers of shape (post, pre), not int8 (2, 3, 1)",
        ),
        ("layers.0.synapses.bits", GONE, f"Layer 0 synapses {DENSE}"),
        ("layers.0.synapses.window", 1, f"Layer 0 synapses {DENSE}"),
        ("layers.0.synapses.bits", 9, "Dense weight width must be in 2..8, not 9"),
        (
            "layers.0.synapses.bits",
            3.5,
            "Dense weight width must be an integer in 2..8, not 3.5",
        ),
        ("layers.1.synapses.bits", GONE, f"Layer 1 synapses {DELAYED}"),
        ("layers.1.synapses.surplus", 1, f"Layer 1 synapses {DELAYED}"),
        ("layers.1.recurrent.window", GONE, f"Layer 1 recurrent {DELAYED}"),
        ("layers.1.synapses.bits", 1, "Delayed weight width must be in 2..8, not 1"),
        (
            "layers.1.synapses.bits",
            None,
            "Delayed weight width must be an integer in 2..8, not None",
        ),
        ("layers.1.synapses.bits", 2, "Delayed weights must be in -2..1 to fit 2 bits, not 3"),
        ("layers.1.synapses.window", 0, "Delayed window must be in 1..1024, not 0"),
        ("layers.1.synapses.window", 1025, "Delayed window must be in 1..1024, not 1025"),
        ("layers.1.synapses.window", 2, "Delayed delays must be in 0..1, not 2"),
        ("layers.1.recurrent.window", 1, "Delayed delays must be in 0..0, not 2"),
        (
            "layers.1.synapses.window",
            3.0,
            "Delayed window must be an integer in 1..1024, not 3.0",
        ),
        (
            "layers.2.synapses.window",
            True,
            "Delayed window must be an integer in 1..1024, not True",
        ),
        (
            "layers.2.synapses.window",
            "3",
            "Delayed window must be an integer in 1..1024, not '3'",
        ),
        ("steps", 2, "Layer 1 delays must be below the 2 steps of the network, not 2"),
        ("layers.1.neuron", None, f"Layer 1 {NEURON}"),
        ("layers.1.neuron", [], f"Layer 1 {NEURON}"),
        ("layers.0.neuron.leak", GONE, f"Layer 0 {NEURON}"),
        ("layers.2.neuron.surplus", 1, f"Layer 2 {NEURON}"),
        ("layers.1.neuron.leak", [], "Neuron leak must be two integers, not []"),
        ("layers.1.neuron.leak", [1, 0, 0], "Neuron leak must be two integers, not [1, 0, 0]"),
        ("layers.1.neuron.leak", "10", "Neuron leak must be two integers, not '10'"),
        ("layers.1.neuron.leak", None, "Neuron leak must be two integers, not None"),
        (
            "layers.1.neuron.leak",
            [2, 0],
            "Neuron leak must be a multiplier in 0..2**k and a shift k in 0..15, not [2, 0]",
        ),
        ("layers.1.neuron.shift", -1, "Neuron shift must be in 0..15, not -1"),
        ("layers.1.neuron.shift", False, "Neuron shift must be an integer in 0..15, not False"),
        (
            "layers.1.neuron.clamp",
            [0, float("inf")],
            "Neuron clamp must be two integers, not [0, inf]",
        ),
        ("layers.1.neuron.clamp", [1, 2], "Neuron clamp must hold 0 and fit 32 bits, not [1, 2]"),
        ("layers.1.neuron.clamp", [0], "Neuron clamp must be two integers, not [0]"),
        ("layers.1.neuron.clamp", {}, "Neuron clamp must be two integers, not {}"),
        ("layers.1.neuron.reset", 1, "Neuron reset must be one of none, zero, subtract, not 1"),
        ("layers.0.neuron.reset", "zero", ONCE),
        ("layers.1.neuron.once", True, ONCE),
        ("layers.0.neuron.once", 1, "Neuron once must be true or false, not 1"),
        ("layers.0.neuron.once", None, "Neuron once must be true or false, not None"),
        ("layers.0.neuron.fires", 1, "Layer 0 fires must be true or false, not 1"),
        ("layers.0.neuron.fires", False, ONCE),
        ("layers.1.neuron.fires", False, "Tensors must be those described, not also 1.threshold"),
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
        ('"version": 2', "Version must be 2"),
        ('"window": 4', "Delayed window must be an integer in 1..1024"),
        ('"recurrent": null', "Layer 0 recurrent must be of kind delayed"),
    ],
)
def test_deep_description_is_refused(tmp_path, description, tensors, field, told):
    """Lists in lists, be they too deep to be read or just too deep to be printed, are refused."""
    name, text = field.split()[0], json.dumps(description)
    for depth in (100, *range(880, sys.getrecursionlimit())):
        deep = "[" * depth + "]" * depth
        sentence = refusal(tmp_path, pack(text.replace(field, f"{name} {deep}"), tensors))
        if depth == 100:
            assert sentence == f"{told}, not {deep}"


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 300)
    | st.integers()
    | st.floats()
    | st.text(max_size=4)
    | st.sampled_from(
        ["dense", "delayed", "none", "zero", "latency", "graded", "counts", "weighted-sum"]
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
    except Refused as refused:
        assert "\n" not in str(refused)
    else:
        canonical = json.dumps(description, sort_keys=True)
        assert canonical == json.dumps(store.describe(network), sort_keys=True)
        network.run(np.full((2, 4), 200), record=True)


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
    except Refused as refused:
        assert "\n" not in str(refused)
    else:
        network.run(np.full((2, network.inputs), 200))


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
        with pytest.raises(type(failure)) as raised:
            store.write_atomically(path, b"new")

    assert b"old" == path.read_bytes()
    assert ["x"] == os.listdir(tmp_path)
    if isinstance(failure, OSError):
        assert f"[Errno 28] No space left on device: '{path}'" == str(raised.value)


@pytest.mark.parametrize(
    ("name", "error", "blamed"),
    [
        ("folder", IsADirectoryError, "folder"),
        ("file/x", FileExistsError, "file"),
        ("file/deeper/x", NotADirectoryError, "file/deeper"),
        ("n" * 255, OSError, "n" * 255),
    ],
    ids=["folder", "file", "deeper", "long"],
)
def test_unwritable_place_is_named(tmp_path, name, error, blamed):
    """The error names the file or the folder above it, never the temporary name, which is gone."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()

    with pytest.raises(error) as raised:
        store.write_atomically(tmp_path / name, b"new")

    assert str(tmp_path / blamed) == str(raised.value.filename)
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

    with pytest.raises(PermissionError) as raised:
        store.save(example(), tmp_path / "x")

    assert str(tmp_path / "x") == raised.value.filename
    assert [] == os.listdir(tmp_path)
