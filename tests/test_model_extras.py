"""Packages that are not there: one sentence, on the command line and in Python."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from spikeline.model.errors import MissingTool
from spikeline.model.extras import EXTRAS, missing, need

# What a user imports first, and the module that it needs.
FIRST = {
    "spikeline.rtl.emit": "amaranth",
    "spikeline.plan.cycles": "numba",
    "spikeline.cosim.run": "cocotb_tools",
    "spikeline.flow.report.page": "jinja2",
    "spikeline.flow.report.pictures": "matplotlib",
}


def sentence(module: str) -> str:
    """What is told of a module that is missing."""
    package, extra = EXTRAS[module]
    return f"{package} must be installed for this: pip install 'spikeline[{extra}]'"


def test_every_extra_named_brings_the_package() -> None:
    """The extra of pyproject.toml that a sentence names lists the package."""
    with (Path(__file__).parent.parent / "pyproject.toml").open("rb") as file:
        extras = tomllib.load(file)["project"]["optional-dependencies"]
    for package, extra in EXTRAS.values():
        listed = {word.partition(">")[0] for word in extras[extra]}
        assert package.partition(" ")[0] in listed


@pytest.mark.parametrize("name", FIRST)
def test_python_without_a_package_tells_what_to_install(name: str) -> None:
    """An import of what needs a package that is not there ends in the sentence."""
    code = f"import sys; sys.modules[{FIRST[name]!r}] = None; import {name}"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    said = f"spikeline.model.errors.MissingTool: {sentence(FIRST[name])}"
    assert told.stderr.splitlines()[-1] == said


def test_digits_without_scikit_learn_tell_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """The data set digits is scikit-learn's."""
    from spikeline.flow.data.data import load

    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(MissingTool) as refused:
        load("digits", "test", None)
    assert str(refused.value) == sentence("sklearn")


def test_modules_there_are_needed_in_silence() -> None:
    """What is installed is not loaded, nor refused."""
    need("amaranth", "numba")


def test_errors_of_other_modules_are_left_alone() -> None:
    """What no extra brings has no sentence; a module inside a package has that of the package."""
    assert missing(ModuleNotFoundError("No module named 'mine'", name="mine")) is None
    found = missing(ModuleNotFoundError("No module named 'torch.nn'", name="torch.nn"))
    assert str(found) == sentence("torch")
