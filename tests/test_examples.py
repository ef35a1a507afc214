"""The examples: short, and what each says about itself works as it stands there."""

import ast
import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
SPIKELINE = "import sys; from spikeline.flow.cli.main import main; sys.exit(main())"
by_example = pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.stem)


def commands(example: Path) -> list[list[str]]:
    """Read the commands in the docstring of an example."""
    told = ast.get_docstring(ast.parse(example.read_text("utf-8"))) or ""
    begun = ("python ", "spikeline ")
    return [shlex.split(line) for line in told.splitlines() if line.startswith(begun)]


@pytest.mark.unit
@by_example
def test_an_example_is_short(example: Path) -> None:
    """It has at most 60 lines."""
    assert len(example.read_text("utf-8").splitlines()) <= 60


@by_example
def test_an_example_trains_a_network_that_its_verilog_equals(example: Path, tmp_path: Path) -> None:
    """In an empty folder its commands end well; Verilog and model agree in values and cycles."""
    program = {"python": [sys.executable], "spikeline": [sys.executable, "-c", SPIKELINE]}
    first, *_, last = lines = commands(example)
    assert f"examples/{example.name}" in first and last[:2] == ["spikeline", "cosim"]
    for name, *words in lines:
        given = [str(ROOT / word) if word.startswith("examples/") else word for word in words]
        given += ["--json", "found.json"] if given[0] == "cosim" else []
        done = subprocess.run(
            [*program[name], *given], cwd=tmp_path, capture_output=True, text=True, timeout=1200
        )
        assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "found.json").read_text())
    assert found["spikes_compared"] > 0
    assert (found["mismatches"], found["cycles_predicted_wrong"]) == (0, 0)
