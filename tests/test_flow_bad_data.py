"""Bad data is refused by the same sentence from Python and from the command line."""

import gzip
import io
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spikeline.flow.data.data import load
from spikeline.flow.experiments.evaluate import evaluate
from spikeline.model.codings.counts import Counts
from spikeline.model.errors import InputError
from spikeline.model.network import Network, chain
from spikeline.model.neurons.neuron import Neuron
from spikeline.model.readouts.final_membrane import FinalMembrane
from spikeline.model.readouts.membranes import Membranes
from spikeline.model.store import save
from spikeline.model.synapses.dense import Dense

Spikeline = Callable[..., tuple[int, str, str]]
X, Y = np.arange(4 * 8 * 8, dtype=np.uint8).reshape(4, 8, 8), np.arange(4)
COUNTS = X.reshape(4, 4, 4, 4)
ANSWERS = (
    "y must be labels, integers of shape (samples,), or targets, floats of shape (samples, outputs)"
)
AXES = "(samples, steps, ...) for net, which takes counts"
BITS = "y must be labels below 65536, as a result has 16 bits for them"
ARCHIVE = "{} must be a whole .npz file that holds the arrays x and y"
PIXELS = "Pixels must be whole numbers in 0..255"


def archive(**arrays: Any) -> bytes:
    """Make an .npz file of x and y, with changes."""
    file = io.BytesIO()
    np.savez(file, **({"x": X, "y": Y} | arrays))  # type: ignore[arg-type]
    return file.getvalue()


def spoilt(byte: int) -> bytes:
    """Make an .npz file with another byte in it."""
    content = bytearray(archive())
    content[byte] ^= 255
    return bytes(content)


def idx(array: np.ndarray) -> bytes:
    """Make an IDX file."""
    shape = b"".join(n.to_bytes(4, "big") for n in array.shape)
    return bytes([0, 0, 8, array.ndim]) + shape + array.astype(np.uint8).tobytes()


def keras(**arrays: Any) -> bytes:
    """Make mnist.npz, with changes."""
    file = io.BytesIO()
    np.savez(file, **({"x_test": X, "y_test": Y} | arrays))  # type: ignore[arg-type]
    return file.getvalue()


IMAGES, LABELS = "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"
# By kind: the network; the data set; what its folder holds; the sentence, with the first of the
# files for {}.
KINDS: dict[str, tuple[str, str, dict[str, bytes], str]] = {
    "missing": ("pixels", "own", {}, "Data folder data must hold test.npz"),
    "empty-file": ("pixels", "own", {"test.npz": b""}, ARCHIVE),
    "foreign": ("pixels", "own", {"test.npz": b"x,y\n1,2\n"}, ARCHIVE),
    "pickle": ("pixels", "own", {"test.npz": pickle.dumps({"x": X, "y": Y})}, ARCHIVE),
    "truncated": ("pixels", "own", {"test.npz": archive()[:-40]}, ARCHIVE),
    "damaged": ("pixels", "own", {"test.npz": spoilt(200)}, ARCHIVE),
    "no-y": ("pixels", "own", {"test.npz": keras()}, ARCHIVE),
    "objects": (
        "pixels",
        "own",
        {"test.npz": archive(x=np.array([[1], [2, 3], [4], [5]], object))},
        "{} must hold arrays of numbers, not pickled Python objects",
    ),
    "labels-objects": (
        "pixels",
        "own",
        {"test.npz": archive(y=np.array([0, None, 1, 2], object))},
        "{} must hold arrays of numbers, not pickled Python objects",
    ),
    "words": (
        "pixels",
        "own",
        {"test.npz": archive(x=X.astype(str))},
        "{}: Samples must be numbers, not <U3",
    ),
    "complex": (
        "pixels",
        "own",
        {"test.npz": archive(x=X.astype(complex))},
        "{}: Samples must be numbers, not complex128",
    ),
    "nan": ("pixels", "own", {"test.npz": archive(x=X * np.nan)}, "{}: " + PIXELS + ", not nan"),
    "infinite": (
        "pixels",
        "own",
        {"test.npz": archive(x=X + np.inf)},
        "{}: " + PIXELS + ", not inf",
    ),
    "negative": (
        "pixels",
        "own",
        {"test.npz": archive(x=X.astype(int) - 3)},
        "{}: " + PIXELS + ", not -3",
    ),
    "large": (
        "pixels",
        "own",
        {"test.npz": archive(x=X.astype(int) + 1)},
        "{}: " + PIXELS + ", not 256",
    ),
    "fractions": ("pixels", "own", {"test.npz": archive(x=X / 2)}, "{}: " + PIXELS + ", not 0.5"),
    "scaled": ("counts", "own", {"test.npz": archive(x=COUNTS / 2)}, "{}: " + PIXELS + ", not 0.5"),
    "flat": (
        "pixels",
        "own",
        {"test.npz": archive(x=X[:, 0, 0])},
        "{}: x must have the shape (samples, ...), not (4,)",
    ),
    "hollow": (
        "pixels",
        "own",
        {"test.npz": archive(x=X[:, :0])},
        "{}: x must have the shape (samples, ...), not (4, 0, 8)",
    ),
    "empty": (
        "pixels",
        "own",
        {"test.npz": archive(x=X[:0], y=Y[:0])},
        "{}: x must hold at least one sample",
    ),
    "inputs": (
        "pixels",
        "own",
        {"test.npz": archive(x=X[:, 1:])},
        "Samples must have 64 values for net, not 56 as those of own",
    ),
    "steps": (
        "counts",
        "own",
        {"test.npz": archive(x=X.reshape(4, 64))},
        f"Samples must have the shape {AXES}, not (4, 64) as those of own",
    ),
    "labels-few": (
        "pixels",
        "own",
        {"test.npz": archive(y=Y[:3])},
        "{}: y must hold 4 labels, one per sample, not 3",
    ),
    "labels-one-hot": (
        "pixels",
        "own",
        {"test.npz": archive(y=np.eye(4, dtype=int))},
        "{}: " + ANSWERS + ", not int64 (4, 4)",
    ),
    "labels-floats": (
        "pixels",
        "own",
        {"test.npz": archive(y=Y * 1.0)},
        "{}: " + ANSWERS + ", not float64 (4,)",
    ),
    "labels-words": (
        "pixels",
        "own",
        {"test.npz": archive(y=np.array(list("abcd")))},
        "{}: " + ANSWERS + ", not <U1 (4,)",
    ),
    "labels-one": (
        "pixels",
        "own",
        {"test.npz": archive(y=np.array(3))},
        "{}: " + ANSWERS + ", not int64 ()",
    ),
    "labels-negative": (
        "pixels",
        "own",
        {"test.npz": archive(y=Y - 1)},
        "{}: y must be labels from 0, not -1",
    ),
    "labels-beyond": (
        "pixels",
        "own",
        {"test.npz": archive(y=Y + 7)},
        "Labels must be below 10, as the network has as many classes, not 10",
    ),
    "labels-vast": (
        "pixels",
        "own",
        {"test.npz": archive(y=Y.astype(np.uint64) + 2**63)},
        "{}: " + BITS + ", not 9223372036854775811",
    ),
    "targets": (
        "pixels",
        "own",
        {"test.npz": archive(y=np.ones((4, 10)))},
        "Answers must be labels, as the network gives a class, not targets",
    ),
    "targets-nan": (
        "regression",
        "own",
        {"test.npz": archive(y=np.full((4, 10), np.nan))},
        "{}: y must be finite targets, not nan",
    ),
    "targets-few": (
        "regression",
        "own",
        {"test.npz": archive(y=np.ones((3, 10)))},
        "{}: y must hold 4 targets, one per sample, not 3",
    ),
    "targets-many": (
        "regression",
        "own",
        {"test.npz": archive(y=np.ones((4, 11)))},
        "Targets must number 10 per sample, one for each neuron of the output, not 11",
    ),
    "targets-without-scale": (
        "regression",
        "own",
        {"test.npz": archive(y=np.ones((4, 10)))},
        "Scale must be given (--scale X) for targets: the integer output for a target of 1",
    ),
    "idx-missing": (
        "pixels",
        "fashion-mnist",
        {IMAGES: idx(X)},
        f"Data folder data must hold {IMAGES} and {LABELS}, plain or .gz",
    ),
    "idx-truncated": (
        "pixels",
        "mnist",
        {IMAGES: idx(X)[:-1], LABELS: idx(Y)},
        "{} must hold 272 bytes, as its header says, not 271",
    ),
    "idx-foreign": (
        "pixels",
        "mnist",
        {IMAGES: b"no images", LABELS: idx(Y)},
        "{} must begin with the IDX magic 00000803, not 6e6f2069",
    ),
    "idx-packed": (
        "pixels",
        "mnist",
        {f"{IMAGES}.gz": gzip.compress(idx(X))[:-9], LABELS: idx(Y)},
        "{} must be a whole gzip file; it is cut off or damaged",
    ),
    "idx-labels": (
        "pixels",
        "mnist",
        {LABELS: idx(Y[:2]), IMAGES: idx(X)},
        "{} must hold 4 labels, one per image, not 2",
    ),
    "idx-beyond": (
        "pixels",
        "mnist",
        {IMAGES: idx(X), LABELS: idx(Y + 9)},
        "Labels must be below 10, as the network has as many classes, not 12",
    ),
    "keras-truncated": (
        "pixels",
        "mnist",
        {"mnist.npz": keras()[:-1]},
        "{} must be a whole .npz file that holds the arrays x_test and y_test",
    ),
    "keras-fractions": (
        "pixels",
        "mnist",
        {"mnist.npz": keras(x_test=X / 255)},
        "{}: " + PIXELS + f", not {1 / 255}",
    ),
    "keras-labels": (
        "pixels",
        "mnist",
        {"mnist.npz": keras(y_test=Y[:3])},
        "{}: y_test must hold 4 labels, one per sample, not 3",
    ),
}
# Of these the arrays themselves, given in Python, are refused by the same words.
ALIKE = (
    "words complex nan infinite negative large fractions labels-few labels-one-hot labels-floats"
    " labels-words labels-one labels-negative labels-beyond labels-vast targets targets-nan"
    " targets-few targets-many targets-without-scale"
).split()


@pytest.fixture
def networks(tiny: Network) -> dict[str, Network]:
    """A network of 64 pixels, one of 16 counts in 4 steps, and one of pixels without classes."""
    random = np.random.default_rng(1)
    last = Dense(random.integers(-8, 8, (10, 16)), 4), Neuron(np.zeros(10, int), None)
    counts = chain(4, 16, Counts(3), [last], FinalMembrane())
    regression = Network(tiny.steps, tiny.inputs, tiny.coding, tiny.layers, Membranes())
    return {"pixels": tiny, "counts": counts, "regression": regression}


@pytest.fixture
def folder(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """The folder data, with the files of a kind."""
    (tmp_path / "data").mkdir()
    for name, content in KINDS[request.param][2].items():
        (tmp_path / "data" / name).write_bytes(content)
    return tmp_path / "data"


@pytest.mark.parametrize(("folder", "kind"), [(kind, kind) for kind in KINDS], indirect=["folder"])
def test_bad_data_is_told_alike(
    spikeline: Spikeline, networks: dict[str, Network], folder: Path, kind: str
) -> None:
    """What is wrong is one sentence, the same from Python and from the command line."""
    which, name, files, sentence = KINDS[kind]
    network = networks[which]
    wanted = sentence.format(f"data/{next(iter(files), '')}")
    with pytest.raises(InputError) as error:
        data = load(name, "test", Path("data"))
        data = data.shaped(network.coding.counted, network.width, "net")
        evaluate(network, data.x, data.y)
    assert str(error.value) == wanted
    save(network, "net.safetensors")
    words = ("net.safetensors", "--dataset", name, "--data", "data")
    assert spikeline("eval", *words) == (2, "", f"spikeline: {wanted}\n")


@pytest.mark.parametrize("kind", ALIKE)
def test_bad_arrays_are_told_alike(networks: dict[str, Network], kind: str) -> None:
    """Arrays are refused by the words that their file is refused by."""
    which, _, files, sentence = KINDS[kind]
    with np.load(io.BytesIO(files["test.npz"])) as file, pytest.raises(InputError) as error:
        evaluate(networks[which], file["x"], file["y"])
    assert str(error.value) == sentence.removeprefix("{}: ")


COMMANDS = ("eval", "cosim", "report", "verilog --bench 2")


@pytest.mark.parametrize("folder", ["nan"], indirect=True)
@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_tells_the_same(
    spikeline: Spikeline, networks: dict[str, Network], folder: Path, command: str
) -> None:
    """Whatever reads data refuses it by the same words, and writes nothing."""
    save(networks["pixels"], "net.safetensors")
    words = ("net.safetensors", "--dataset", "own", "--data", "data")
    told = spikeline(*command.split(), *words)
    assert told == (2, "", f"spikeline: data/test.npz: {PIXELS}, not nan\n")
    assert not Path("out").exists()


def test_splits_for_training_are_told_the_same(spikeline: Spikeline, tmp_path: Path) -> None:
    """Training and cross-validation refuse the training split by the words of the test split."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "train.npz").write_bytes(archive(x=X * np.nan))
    for command in ("train", "crossval"):
        code, out, err = spikeline(command, "digits-ttfs", "--data", "data")
        assert (code, out) == (2, "")
        assert err == f"spikeline: data/train.npz: {PIXELS}, not nan\n"


@pytest.mark.parametrize("name", ["test.npz", IMAGES])
def test_what_cannot_be_read_is_told(
    spikeline: Spikeline, networks: dict[str, Network], tmp_path: Path, name: str
) -> None:
    """A folder in the place of the file is no data."""
    (tmp_path / "data" / name).mkdir(parents=True)
    save(networks["pixels"], "net.safetensors")
    own = name == "test.npz"
    code, out, err = spikeline(
        "eval", "net.safetensors", "--data", "data", "--dataset", "own" if own else "mnist"
    )
    told = (
        "data/test.npz must be a readable file: Is a directory"
        if own
        else f"Data folder data must hold {IMAGES} and {LABELS}, plain or .gz, or mnist.npz"
    )
    assert (code, out, err) == (2, "", f"spikeline: {told}\n")
