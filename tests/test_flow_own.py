"""Networks of one's own, from Python files: trained, remembered, refused."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

Spikeline = Callable[..., tuple[int, str, str]]
FILE = """
from spikeline.model.codings.counts import Counts
from spikeline.model.readouts.max_membrane import MaxMembrane
from spikeline.quant.network import chain
from spikeline.quant.neurons.neuron import Neuron
from spikeline.quant.synapses.dense import Dense
from spikeline.quant.training import Training


def network():
    return chain(5, 32, Counts(3), [(Dense(32, 3, 4, 5), Neuron(3))], MaxMembrane())


def training():
    return Training(loss="maximum", epochs=1, batch_size=8)
"""


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A folder with a Python file, and counts of 5 steps of 2 x 4 x 4 in data/."""
    (tmp_path / "mine.py").write_text(FILE)
    (tmp_path / "data").mkdir()
    random = np.random.default_rng(1)
    for split in ("train", "test"):
        x, y = random.integers(0, 3, (24, 5, 2, 4, 4), np.uint8), np.arange(24) % 3
        np.savez(tmp_path / "data" / f"{split}.npz", x=x, y=y)
    return tmp_path


def test_own_counts_go_through_every_command(spikeline: Spikeline, mine: Path) -> None:
    """What was trained on counts of one's own is run on them again, without naming them."""
    code, out, _ = spikeline("train", "mine.py", "--data", "data", "--out", "m.safetensors")
    assert (code, out.count("hash")) == (0, 1)
    for command in ("eval", "cosim"):
        code, out, _ = spikeline(command, "m.safetensors", "--json", "-")
        result = json.loads(out)
        assert (code, result["data"], result["samples"]) == (0, "own", 24)
    assert result["mismatches"] == result["cycles_predicted_wrong"] == 0
    for command in ("report", "verilog --bench 3"):
        code, _, err = spikeline(*command.split(), "m.safetensors", "--out", "made")
        assert code == 0, err


def test_training_may_be_a_value(spikeline: Spikeline, mine: Path) -> None:
    """How to train may be given without a function; what is drawn as the file runs goes by the
    seed, too."""
    text = FILE.replace("def training():\n    return ", "training = ")
    text = (
        text.replace("def network():\n    return ", "made = ")
        + "\n\ndef network():\n    return made\n"
    )
    (mine / "mine.py").write_text(text)
    hashes = []
    for out in ("a.safetensors", "b.safetensors"):
        code, told, err = spikeline(
            "train", "mine.py", "--data", "data", "--out", out, "--json", "-"
        )
        assert code == 0, err
        hashes.append(json.loads(told)["hash"])
    assert hashes[0] == hashes[1]
    assert len(json.loads((mine / "a.training.json").read_text())["history"]) == 2


def test_file_and_seed_decide(spikeline: Spikeline, mine: Path) -> None:
    """The same file and seed give the same network twice."""
    hashes = []
    for out in ("a.safetensors", "b.safetensors"):
        _, told, _ = spikeline("train", "mine.py", "--data", "data", "--out", out, "--json", "-")
        hashes.append(json.loads(told)["hash"])
    assert hashes[0] == hashes[1]


def test_another_network_of_the_same_name_remembers_nothing(
    spikeline: Spikeline, mine: Path
) -> None:
    """What is remembered goes by the hash of the network."""
    spikeline("train", "mine.py", "--data", "data", "--out", "a.safetensors", "--seed", 1)
    spikeline("train", "mine.py", "--data", "data", "--out", "b.safetensors", "--seed", 2)
    (mine / "b.safetensors").rename(mine / "a.safetensors")
    code, _, err = spikeline("eval", "a.safetensors")
    assert code == 2
    assert err == (
        "spikeline: Data set must be given by --dataset, as a.safetensors is not of the zoo and no"
        " folder of one known data set is given\n"
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("x = 1", "mine.py must define a function network() that gives the untrained network"),
        ("def f(:", "mine.py, line 1: SyntaxError: invalid syntax (mine.py, line 1)"),
        ("\nimport nowhere", "mine.py, line 2: ModuleNotFoundError: No module named 'nowhere'"),
        (
            "def network(): return 3",
            "mine.py: network() must give a spikeline.quant Network, not a int",
        ),
        (
            "def network():\n    return 1 / 0",
            "mine.py, line 2: ZeroDivisionError: division by zero",
        ),
        (
            FILE + "\ndef training(): return None",
            "mine.py: training() must give a spikeline.quant Training, not a NoneType",
        ),
        (FILE + "\nDATA = 3", "mine.py: DATA must be the name of a data set, not 3"),
        (
            FILE.replace("Counts(3)", "Counts(-3)"),
            "mine.py, line 11: Counts limit must be in 1..255, not -3",
        ),
        (
            FILE.replace("32", "31"),
            "Samples must have 31 values for mine, not 32 as those of own",
        ),
    ],
)
def test_wrong_files_are_refused(
    spikeline: Spikeline, mine: Path, text: str, sentence: str
) -> None:
    """What somebody wrote and fails is told by file and line, and nothing is written."""
    (mine / "mine.py").write_text(text)
    code, _, err = spikeline("train", "mine.py", "--data", "data", "--out", "m.safetensors")
    assert (code, err.splitlines()[-1]) == (2, f"spikeline: {sentence}")
    assert "Traceback" not in err and not list(mine.glob("m.*"))


def test_missing_file_is_refused(spikeline: Spikeline) -> None:
    """A Python file that is not there is named."""
    assert spikeline("train", "no.py") == (2, "", "spikeline: Recipe file no.py must exist\n")
