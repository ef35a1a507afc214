"""Wrong uses from the command line, by kind: one sentence each, and every file stays as it was."""

import errno
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spikeline.cosim import run as cosim
from spikeline.flow.zoo import zoo
from spikeline.model import extras
from spikeline.model.network import Network
from spikeline.model.store import content_hash, save, to_bytes
from spikeline.quant.loop import _Run
from spikeline.quant.recipes import RECIPES

Spikeline = Callable[..., tuple[int, str, str]]

RECIPE = """
data = "own"
[network]
steps = 3
inputs = 64
coding = { kind = "latency", floor = 16 }
readout = "max-membrane"
[[network.layers]]
synapses = { kind = "linear", out = 2 }
neuron = { kind = "li" }
[training]
epochs = 2
"""
PYTHON = """
from spikeline import quant as q
def network():
    return q.Sequential(
        q.Linear(2), q.LI(), inputs=64, steps=3, coding=q.Latency(), readout="max-membrane"
    )
"""
NETWORKS = ", ".join((*zoo.index(), *zoo.SYNTHETIC))
SETS = "digits, mnist, fashion-mnist, spoken, shd, ssc, gsc, nmnist, random, own"
UNKNOWN = "Data set must be given by --dataset, as {} is not of the zoo and no folder of one known"
DATA = "--dataset own --data mine"

Cases = dict[str, tuple[str, str]]  # words and sentence, by name


def value(option: str, told: str, command: str) -> str:
    """Tell what is said of the value of an option."""
    return f"Invalid value for '{option}': {told} (see spikeline {command} --help)"


# Words that a command does not know.
WORDS: Cases = {
    "option": ("--fast", "No such option '--fast' (see spikeline --help)"),
    "command-in-capitals": (
        "EVAL",
        "No such command 'EVAL' (see spikeline --help)",
    ),
    "too-many": (
        "eval tiny.safetensors other",
        "Got unexpected extra argument (other) (see spikeline eval --help)",
    ),
    "option-without-its-value": (
        "eval tiny.safetensors --json",
        "Option '--json' requires an argument",
    ),
    "no-target": (
        "synth tiny.safetensors",
        "Missing option '--target' (see spikeline synth --help)",
    ),
    "no-recipes": ("crossval", "Missing argument 'RECIPES...' (see spikeline crossval --help)"),
    "no-name": ("train", "Missing argument 'NAME' (see spikeline train --help)"),
    "zoo-of-something": (
        "zoo digits-ttfs",
        "Got unexpected extra argument (digits-ttfs) (see spikeline zoo --help)",
    ),
}

# Numbers that are none, or out of their range.
NUMBERS: Cases = {
    "samples-below-0": (
        f"eval tiny.safetensors {DATA} --samples -1",
        value("--samples", "-1 is not in the range x>=1", "eval"),
    ),
    "samples-of-halves": (
        f"eval tiny.safetensors {DATA} --samples 1.5",
        value("--samples", "'1.5' is not a valid integer range", "eval"),
    ),
    "scale-of-a-word": (
        f"eval tiny.safetensors {DATA} --scale one",
        value("--scale", "'one' is not a valid float", "eval"),
    ),
    "bench-of-none": (
        f"verilog tiny.safetensors {DATA} --bench 0 --out new",
        value("--bench", "0 is not in the range x>=1", "verilog"),
    ),
    "lanes-below-0": (
        "verilog tiny.safetensors --lanes -1,10 --out new",
        "Lanes of layer layer0 must be in 1..6, its neurons, not -1",
    ),
    "lanes-beyond": (
        f"verilog tiny.safetensors --lanes 6,{10**30} --out new",
        f"Lanes of layer layer1 must be in 1..10, its neurons, not {10**30}",
    ),
    "lanes-of-nothing": (
        "synth tiny.safetensors --target ecp5 --lanes= --out new",
        value(
            "--lanes",
            "Lanes must be whole numbers separated by commas, one per layer, not ''",
            "synth",
        ),
    ),
    "sweep-of-none": (
        "verilog tiny.safetensors --sweep 0,1 --out new",
        "Sweep width of layer layer0 must divide its 6 lanes, not 0",
    ),
    "pixels-too-many": (
        "verilog tiny.safetensors --pixels 65 --out new",
        "Pixels of a beat must be in 0..64, not 65",
    ),
    "pixels-of-a-word": (
        "verilog tiny.safetensors --pixels all --out new",
        value("--pixels", "'all' is not a valid integer", "verilog"),
    ),
    "plan-of-one-sample": (
        f"plan tiny.safetensors {DATA} --samples 1",
        value("--samples", "1 is not in the range x>=2", "plan"),
    ),
    "budget-of-none": (
        f"plan tiny.safetensors {DATA} --budget-lut 0",
        value("--budget-lut", "0 is not in the range x>=1", "plan"),
    ),
    "budget-of-a-word": (
        f"plan tiny.safetensors {DATA} --budget-lut many",
        value("--budget-lut", "'many' is not a valid integer range", "plan"),
    ),
    "placements-none": (
        "synth tiny.safetensors --target ecp5 --seeds 0",
        value("--seeds", "0 is not in the range x>=1", "synth"),
    ),
    "jobs-none": (
        "crossval mine.toml --data mine --jobs 0",
        value("--jobs", "0 is not in the range x>=1", "crossval"),
    ),
    "seeds-twice": (
        "crossval mine.toml --data mine --seeds 1,1",
        value(
            "--seeds",
            "Seeds must be different whole numbers from 0, separated by commas, not '1,1'",
            "crossval",
        ),
    ),
    "seed-of-a-word": (
        "train mine.toml --data mine --seed x",
        value("--seed", "'x' is not a valid integer range", "train"),
    ),
}

# Names that nothing has.
NAMES: Cases = {
    "network": ("eval nothing", f"Network must be a file or one of {NETWORKS}, not 'nothing'"),
    "network-of-no-name": ("eval ''", f"Network must be a file or one of {NETWORKS}, not ''"),
    "network-a-folder": ("eval void", f"Network must be a file or one of {NETWORKS}, not 'void'"),
    "recipe": (
        "recipe mine.toml",
        f"Recipe must be one of {', '.join(RECIPES)}, not 'mine.toml'",
    ),
    "data-set-to-train-on": (
        "train mine.toml --data mine --dataset cats",
        f"Data set must be one of {SETS}, not 'cats'",
    ),
    "device": (
        "train mine.toml --data mine --device ''",
        "Device must be one that torch can use here, not ''",
    ),
    "stalls": (
        f"cosim tiny.safetensors {DATA} --stalls '' --out new",
        "Stalls must be none or random, not ''",
    ),
    "engine": (
        f"cosim tiny.safetensors {DATA} --delay ring --out new",
        "Delay engine of layer layer0 must be one of auto, line, wheel, not 'ring'",
    ),
    "taps": (
        "synth tiny.safetensors --taps column --target ecp5",
        "Tap of layer layer0 must be one of one, row, all, not 'column'",
    ),
    "products": (
        f"cosim tiny.safetensors {DATA} --products none --out new",
        "Product of layer layer0 must be one of auto, one, all, not 'none'",
    ),
    "target-without-a-calibration": (
        f"plan tiny.safetensors {DATA} --target ice40",
        "Target must be one of ecp5, not 'ice40'",
    ),
    "target": ("demo --target=", "Target must be one of ice40, ecp5, xilinx, not ''"),
    "part": (
        "crossval mine.toml --data mine --part halves",
        "Part must be one of stratified, official for own, not 'halves'",
    ),
    "verilog-word": (
        "verilog tiny.safetensors --name module",
        "Verilog name must be free to use, not 'module'",
    ),
}

# Settings that contradict each other, or what the network is.
SETTINGS: Cases = {
    "scale-of-classes": (
        f"report tiny.safetensors {DATA} --scale 2 --out new",
        "Scale must be given for networks without classes only, not for tiny",
    ),
    "framing-of-pixels": (
        f"eval tiny.safetensors {DATA} --framing squeezed",
        "Framing must be given for shd and ssc only, not for own",
    ),
    "folder-of-what-is-shipped": (
        "eval tiny.safetensors --dataset digits --data void",
        "Data set digits must be given no folder, as none holds it, not void",
    ),
    "own-without-a-folder": (
        "train mine.toml",
        "Data set own must be given a folder that holds train.npz and test.npz",
    ),
    "lanes-of-three-layers": (
        f"cosim tiny.safetensors {DATA} --lanes 6,10,3 --out new",
        "Lanes must be given for each of the 2 layers, not for 3",
    ),
    "plan-without-data": (
        "plan tiny.safetensors",
        f"{UNKNOWN.format('tiny.safetensors')} data set is given",
    ),
    "plan-of-data-with-one-sample": (
        "plan tiny.safetensors --dataset own --data one",
        "Samples must be 2 or more to count cycles back to back, not 1",
    ),
    "engines-of-three-layers": (
        f"cosim tiny.safetensors {DATA} --delay auto,auto,line --out new",
        "Delay engines must be given for each of the 2 layers, not for 3",
    ),
    "recipes-twice": (
        "crossval mine.toml mine.toml --data mine",
        "Recipes must differ from each other",
    ),
    "recipes-of-other-data": (
        "crossval mine.toml digits-ttfs",
        "Recipes must be for one data set, not for digits and own",
    ),
    "classes-too-few": (
        "train mine.toml --data many",
        "Labels must be below 2, as the network has as many classes, not 2",
    ),
}

# Files that are foreign, cut off, empty or missing.
FILES: Cases = {
    "network-of-numpy": (
        "verilog mine/test.npz --out new",
        "mine/test.npz must be a whole network file, not a truncated or foreign one",
    ),
    "network-cut": (
        "synth cut.safetensors --target ecp5",
        "cut.safetensors must be a whole network file, not a truncated or foreign one",
    ),
    "data-cut": (
        "train mine.toml --data cut",
        "cut/train.npz must be a whole .npz file that holds the arrays x and y",
    ),
    "data-without-training": (
        "train mine.toml --data half",
        "Data folder half must hold train.npz",
    ),
    "recipe-missing": ("train no.toml", "Recipe file no.toml must exist"),
    "recipe-empty": ("train empty.toml", "empty.toml: 'data' of the file must be given"),
    "recipe-too-deep": (
        "train deep.toml",
        "deep.toml: must be TOML of fewer brackets within brackets",
    ),
    "recipe-a-folder": (
        "train folder.toml",
        "Recipe file folder.toml must be readable: Is a directory",
    ),
    "python-that-leaves": ("train leaves.py --data mine", "leaves.py, line 2: SystemExit: 3"),
    "python-a-folder": ("train folder.py", "Recipe file folder.py must exist"),
    "checkpoint-foreign": (
        "train mine.toml --data mine --out old",
        "Checkpoint old.mine-1.checkpoint must be a whole checkpoint of spikeline",
    ),
    "checkpoint-of-a-network": (
        "train mine.toml --data mine --out older",
        "Checkpoint older.mine-1.checkpoint must be a whole checkpoint of spikeline",
    ),
}

# Places that cannot be written to.
PLACES: Cases = {
    "json-below-a-file": (
        f"eval tiny.safetensors {DATA} --json busy/x",
        "busy cannot be used: File exists",
    ),
    "json-a-folder": ("zoo --json void", "Output void must be a file, not a folder"),
    "network-below-a-file": (
        "train mine.toml --data mine --out busy/x",
        "busy cannot be used: File exists",
    ),
    "verilog-for-a-network": (
        "verilog tiny.safetensors --out tiny.safetensors",
        "Output tiny.safetensors must be a folder, not a file",
    ),
    "verilog-deep-below-a-file": (
        "verilog tiny.safetensors --out busy/deep/er",
        "busy/deep/er cannot be used: Not a directory",
    ),
    "cosim-a-file": (
        f"cosim tiny.safetensors {DATA} --out busy",
        "Output busy must be a folder, not a file",
    ),
    "synth-a-file": (
        "synth tiny.safetensors --target ecp5 --out busy",
        "Output busy must be a folder, not a file",
    ),
    "report-a-file": (
        f"report tiny.safetensors {DATA} --out busy",
        "Output busy must be a folder, not a file",
    ),
    "crossval-a-file": (
        "crossval mine.toml --data mine --out busy",
        "Output busy must be a folder, not a file",
    ),
    "demo-below-a-file": ("demo --out busy", "busy cannot be used: File exists"),
}

KINDS = {
    "words": WORDS,
    "numbers": NUMBERS,
    "names": NAMES,
    "settings": SETTINGS,
    "files": FILES,
    "places": PLACES,
}


def contents(folder: Path) -> dict[str, bytes | None]:
    """Read all that lies below a folder; folders hold None."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


@pytest.fixture
def folder(spikeline: Spikeline, tmp_path: Path, tiny: Network) -> Path:
    """The folder a command runs in: what is right, mine and tiny, and what is wrong."""
    save(tiny, "tiny.safetensors")
    Path("cut.safetensors").write_bytes(to_bytes(tiny)[:-9])
    x, y = np.full((8, 64), 200, np.uint8), np.arange(8)
    for name, classes in (("mine", 2), ("many", 3)):
        Path(name).mkdir()
        for split in ("train", "test"):
            np.savez(f"{name}/{split}.npz", x=x, y=y % classes)
    Path("one").mkdir()
    np.savez("one/test.npz", x=x[:1], y=y[:1])
    for name in ("void", "half", "cut", "folder.toml", "folder.py"):
        Path(name).mkdir()
    whole = Path("mine/train.npz").read_bytes()
    Path("half/test.npz").write_bytes(whole)
    Path("cut/train.npz").write_bytes(whole[:-40])
    Path("mine.toml").write_text(RECIPE)
    Path("mine.py").write_text(PYTHON)
    Path("empty.toml").write_text("")
    Path("deep.toml").write_text("a = " + "[" * 5000)
    Path("leaves.py").write_text("import sys\nsys.exit(3)\n")
    Path("busy").write_text("a file where a folder should be")
    Path("old.mine-1.checkpoint").write_bytes(b"")
    Path("older.mine-1.checkpoint").write_bytes(to_bytes(tiny))
    return tmp_path


def told(err: str) -> list[str]:
    """Give the lines of standard error but those of progress, and the end of that of a ^C."""
    assert "Traceback" not in err
    return [line for line in err.splitlines() if line and not line.endswith(" ...")]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        pytest.param(*case, id=f"{kind}-{name}")
        for kind, cases in KINDS.items()
        for name, case in cases.items()
    ],
)
def test_wrong_command_is_one_sentence(
    spikeline: Spikeline, folder: Path, words: str, sentence: str
) -> None:
    """Exit code 2 and one line that begins with spikeline:; no file comes, goes or changes."""
    before = contents(folder)
    code, out, err = spikeline(*("" if word == "''" else word for word in words.split()))
    going = ["going on from old.mine-1.checkpoint", "going on from older.mine-1.checkpoint"]
    assert (code, out) == (2, "")
    assert [line for line in told(err) if line not in going] == [f"spikeline: {sentence}"]
    assert contents(folder) == before


# What `spikeline train` tells beside a network, spoilt: by field, and the sentence; None: no such
# file is as good as none.
TOLD: dict[str, tuple[Any, str | None]] = {
    "empty": (b"", None),
    "foreign": (b"[1]", None),
    "not-utf-8": (b"\xff\xfe", None),
    "too-deep": (b"[" * 100_000, None),
    "folder": ({"folder": 3}, "folder must be a name, not 3"),
    "data": ({"data": ["own"]}, "data must be a name, not ['own']"),
    "framing": ({"framing": 1}, "framing must be a name, not 1"),
    "history": ({"history": 3}, "history must be a list of dicts, not 3"),
    "epoch": ({"history": [3]}, "history must each be a dict, not 3"),
    "scale": ({"scale": -1}, "scale must be a number above 0, not -1"),
}


@pytest.mark.parametrize(("fields", "sentence"), TOLD.values(), ids=TOLD)
def test_spoilt_history_is_one_sentence(
    spikeline: Spikeline, folder: Path, tiny: Network, fields: Any, sentence: str | None
) -> None:
    """What was told of a network and spoilt since is refused by its name, or as good as none."""
    beside = Path("tiny.training.json")
    spoilt = fields
    if sentence is not None:
        spoilt = json.dumps({"hash": content_hash(tiny), **fields}).encode()
    beside.write_bytes(spoilt)
    before = contents(folder)
    code, out, err = spikeline("eval", "tiny.safetensors")
    unknown = f"{UNKNOWN.format('tiny.safetensors')} data set is given"
    wanted = unknown if sentence is None else f"{beside}: {sentence}"
    assert (code, out, err) == (2, "", f"spikeline: {wanted}\n")
    assert contents(folder) == before


@pytest.mark.parametrize(
    ("words", "blamed"),
    [
        ("train mine.toml --data mine --out new", "new.mine-1.checkpoint"),
        ("train mine.py --data mine --out new", "new.mine-1.checkpoint"),
        (f"eval tiny.safetensors {DATA} --json new", "new"),
    ],
    ids=["train-recipe", "train-python", "json"],
)
def test_full_disk_is_one_sentence(
    spikeline: Spikeline,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: str,
    blamed: str,
) -> None:
    """Where no space is left, nothing half-written stays."""
    write_bytes, before = Path.write_bytes, contents(folder)

    def fail(path: Path, data: bytes) -> int:
        write_bytes(path, data[: len(data) // 2])
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(Path, "write_bytes", fail)
    code, out, err = spikeline(*words.split())
    monkeypatch.undo()
    assert (code, out) == (2, "")
    assert told(err) == [f"spikeline: {blamed} cannot be used: No space left on device"]
    left = contents(folder)
    assert {k: v for k, v in left.items() if "__pycache__" not in k} == before


def test_full_disk_in_verilog_leaves_the_earlier_export(
    spikeline: Spikeline, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An export that fails leaves the one before it whole."""
    assert spikeline("verilog", "tiny.safetensors", "--out", "new")[0] == 0
    write_bytes, before = Path.write_bytes, contents(folder)

    def fail(path: Path, data: bytes) -> int:
        write_bytes(path, data[: len(data) // 2])
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", fail)
        code, out, err = spikeline("verilog", "tiny.safetensors", "--lanes", "3,5", "--out", "new")
    assert (code, out) == (2, "")
    (line,) = told(err)
    assert line.startswith("spikeline: new/.spikeline-")
    assert line.endswith("cannot be used: No space left on device")
    assert contents(folder) == before


@pytest.mark.parametrize("name", ["mine.toml", "mine.py"])
def test_training_that_is_stopped_leaves_nothing_half_written(
    spikeline: Spikeline, folder: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Ctrl-C in the first epoch ends with 130, and no file is left."""
    before = contents(folder)

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(_Run, "train_epoch", stop)
    code, out, err = spikeline("train", name, "--data", "mine", "--out", "new")
    assert (code, out, told(err)) == (130, "", ["spikeline: Stopped."])
    assert contents(folder) == before


def test_cosim_that_is_stopped_leaves_whole_files(
    spikeline: Spikeline, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C as the simulator is built ends with 130; what is there is whole, and serves again."""

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cosim, "build", stop)
    words = ("cosim", "tiny.safetensors", *DATA.split(), "--out", "new")
    found = []
    for _ in range(2):
        code, out, err = spikeline(*words)
        assert (code, out, told(err)) == (130, "", ["spikeline: Stopped."])
        found.append(contents(Path("new")))
    assert found[0] == found[1]
    assert not [name for name in found[0] if name.startswith(".") and name != ".cosim.lock"]


@pytest.mark.parametrize(
    ("words", "package", "extra"),
    [
        ("train mine.toml --data mine", "torch", "train"),
        ("eval tiny.safetensors --dataset digits", "scikit-learn", "train"),
    ],
)
def test_missing_package_is_one_sentence(
    spikeline: Spikeline,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: str,
    package: str,
    extra: str,
) -> None:
    """What is not installed is named with the extra that brings it, and nothing is written."""
    before = contents(folder)
    monkeypatch.setattr(extras, "find_spec", lambda _: None)
    if package == "torch":
        import spikeline.quant as quant

        for name in [n for n in sys.modules if n.startswith("spikeline.quant")]:
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.setattr("spikeline.quant", quant)
    code, out, err = spikeline(*words.split())
    sentence = f"{package} must be installed for this: pip install 'spikeline[{extra}]'"
    assert (code, out, err) == (2, "", f"spikeline: {sentence}\n")
    assert contents(folder) == before
