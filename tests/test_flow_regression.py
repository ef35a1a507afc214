"""Networks that give their membranes go through every command, on targets of one's own."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from spikeline.model.codings.counts import Counts
from spikeline.model.network import chain
from spikeline.model.neurons.neuron import Neuron
from spikeline.model.readouts.membranes import Membranes
from spikeline.model.store import content_hash, save
from spikeline.model.synapses.dense import Dense

Spikeline = Callable[..., tuple[int, str, str]]
SCALE = 8.0


@pytest.fixture
def mine(tmp_path: Path) -> np.ndarray:
    """Make net.safetensors, 2 x 3 x 3 counts in 6 steps to 2 membranes, and test.npz in data/,
    whose targets are wrong by 0.5 in each sample of the second output; returns the targets."""
    random = np.random.default_rng(1)
    neuron = Neuron(np.zeros(9, int), np.full(9, 90), reset="zero")
    hidden = Dense(random.integers(-6, 8, (9, 18)), 4), neuron
    output = Dense(random.integers(-8, 8, (2, 9)), 4), Neuron(np.zeros(2, int), None)
    network = chain(6, 18, Counts(3), (hidden, output), Membranes())
    x = random.integers(0, 4, (12, 6, 2, 3, 3), np.uint8)
    y = network.run(x.reshape(12, 6, 18), record=True).membranes["layer1"][-1] / SCALE
    y[:, 1] += 0.5 * np.where(np.arange(12) % 2, 1, -1)
    (tmp_path / "data").mkdir()
    np.savez(tmp_path / "data" / "test.npz", x=x, y=y)
    save(network, tmp_path / "net.safetensors")
    told = {"hash": content_hash(network), "data": "own", "scale": SCALE, "folder": "data"}
    (tmp_path / "net.training.json").write_text(json.dumps(told))
    return y


def test_targets_go_through_every_command(spikeline: Spikeline, mine: np.ndarray) -> None:
    """What was told beside the network is enough: errors, comparison, report and bench."""
    code, out, err = spikeline("eval", "net.safetensors", "--json", "-")
    assert code == 0, err
    result = json.loads(out)
    r2 = 1 - 0.25 / mine[:, 1].var()
    assert result["outputs"] == [{"mse": 0, "r2": 1}, {"mse": 0.25, "r2": pytest.approx(r2)}]
    assert (result["mse"], result["scale"], result["data"]) == (0.125, SCALE, "own")
    code, out, _ = spikeline("eval", "net.safetensors")
    mean = f"mean squared error 0.125, R2 {(1 + r2) / 2:.4f}"
    assert code == 0 and out.splitlines()[:3] == [
        f"net: membranes of 12 samples: {mean} at 8 for a target of 1",
        "  output 0        mean squared error 0, R2 1.0000",
        f"  output 1        mean squared error 0.25, R2 {r2:.4f}",
    ]
    code, out, _ = spikeline("cosim", "net.safetensors", "--json", "-")
    result = json.loads(out)
    assert (code, result["mismatches"], result["cycles_predicted_wrong"]) == (0, 0, 0)
    assert result["accuracy"] is None
    code, out, _ = spikeline("report", "net.safetensors", "--out", "page", "--json", "-")
    result = json.loads(out)
    assert (code, result["eval"]["mse"], result["cosim"]["mismatches"]) == (0, 0.125, 0)
    assert "mean squared error of 12" in Path("page/report.html").read_text()


def test_bench_of_regression_runs_alone(spikeline: Spikeline, mine: np.ndarray) -> None:
    """The exported bench compares the membranes that are sent, without spikeline."""
    code, _, err = spikeline("verilog", "net.safetensors", "--bench", 12, "--out", "bench")
    assert code == 0, err
    environment = {name: v for name, v in os.environ.items() if name != "PYTHONPATH"}
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "bench"]
    told = subprocess.run(words, capture_output=True, text=True, env=environment)
    assert told.returncode == 0, told.stdout
    results = [json.loads(path.read_text()) for path in Path("bench").glob("*.json")]
    runs = [result for result in results if "mismatches" in result]
    assert runs and all((r["mismatches"], r["samples"]) == (0, 12) for r in runs)


def test_scale_is_given_or_refused(spikeline: Spikeline, mine: np.ndarray) -> None:
    """Another scale may be given; where there is none at all, a sentence asks for it."""
    words = ("net.safetensors", "--data", "data", "--dataset", "own")
    code, out, _ = spikeline("eval", *words, "--scale", 4, "--json", "-")
    result = json.loads(out)
    first = np.square(mine[:, 0]).mean()
    assert (code, result["scale"]) == (0, 4)
    assert result["outputs"][0]["mse"] == pytest.approx(first)
    Path("net.training.json").unlink()
    for command in ("eval", "report"):
        told = "Scale must be given (--scale X) for targets: the integer output for a target of 1"
        assert spikeline(command, *words) == (2, "", f"spikeline: {told}\n")
        code, _, err = spikeline(command, *words, "--scale", "nan")
        assert (code, err) == (2, "spikeline: Scale must be a number above 0, not nan\n")
        code, _, err = spikeline(command, "digits-ttfs", "--scale", 2)
        told = "Scale must be given for networks without classes only, not for digits-ttfs"
        assert (code, err) == (2, f"spikeline: {told}\n")


@pytest.mark.parametrize("command", ["eval", "cosim", "report"])
def test_answers_must_suit_the_network(
    spikeline: Spikeline, mine: np.ndarray, command: str
) -> None:
    """Targets of another number, and targets for a network of classes, are refused alike."""
    x = np.load("data/test.npz")["x"]
    np.savez("data/test.npz", x=x, y=np.ones((12, 3)))
    code, _, err = spikeline(
        command, "net.safetensors", "--out" if command != "eval" else "--json", "o"
    )
    told = "Targets must number 2 per sample, one for each neuron of the output, not 3"
    assert (code, err.splitlines()[-1]) == (2, f"spikeline: {told}")
    np.savez("data/test.npz", x=np.ones((12, 64)), y=np.ones((12, 3)))
    code, _, err = spikeline(command, "digits-ttfs", "--data", "data")
    told = "Answers must be labels, as the network gives a class, not targets"
    assert (code, err.splitlines()[-1]) == (2, f"spikeline: {told}")
