"""The exported folder: it runs with cocotb, Verilator and pytest alone."""

import os
import subprocess
import sys

import numpy as np
import pytest

from spikeline.cosim import bench, simulator
from spikeline.cosim.export import export
from spikeline.plan.mapping import Mapping
from spikeline.rtl.emit import emit

from . import icarus


@pytest.fixture
def folders(tmp_path_factory):
    """Where the folder goes, and a spikeline that cannot be imported."""
    base = tmp_path_factory.mktemp("export")
    (base / "none" / "spikeline").mkdir(parents=True)
    (base / "none" / "spikeline" / "__init__.py").write_text("raise ImportError('not here')\n")
    return base / "tiny", base / "none"


def written(net, folder):
    """Write the folder; returns the samples."""
    mapping, samples = Mapping.of(net), np.random.default_rng(4).integers(0, 256, (8, 64))
    export(net, mapping, emit(net, mapping, folder, name="tiny"), samples.astype(np.uint8))
    return samples


def played(folders, path=()):
    """Run plain pytest in the folder, without spikeline."""
    folder, none = folders
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    where = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "COCOTB"))}
    return subprocess.run(
        command,
        cwd=folder,
        env=where | {"PYTHONPATH": os.pathsep.join(map(str, (*path, none)))},
        capture_output=True,
        text=True,
        check=False,
    )


def made(folders, *words, path=()):
    """Run plain make in the folder, without spikeline."""
    folder, none = folders
    where = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "COCOTB", "MAKE"))}
    places = os.pathsep.join(map(str, (*path, none)))
    binary = os.pathsep.join((os.path.dirname(sys.executable), os.environ["PATH"]))
    return subprocess.run(
        ["make", *words],
        cwd=folder,
        env=where | {"PYTHONPATH": places, "PATH": binary},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_folder_runs_alone_and_notices_a_wrong_digit(tiny, folders):
    """It passes as it is, and fails by one hexadecimal digit of a weight file.

    make needs a path without spaces, and says so; pytest does not.
    """
    folder, _ = folders
    samples = written(tiny, folder)
    assert sorted(path.name for path in folder.iterdir()) == [
        "Makefile",
        "README.txt",
        "bench.py",
        "description.json",
        "expected.jsonl",
        "harness.sv",
        "simulator.py",
        "stimuli.bin",
        "test_tiny.py",
        "tiny.v",
        "tiny_layer0.hex",
        "tiny_layer1.hex",
    ]
    for module in (bench, simulator):
        copy = folder / os.path.basename(module.__file__)
        assert copy.read_bytes() == open(module.__file__, "rb").read()
    assert made(folders, "SIM=verilator").returncode == 0
    folder = folder.rename(folder.with_name("a tiny one"))
    folders = folder, folders[1]
    refused = made(folders)
    assert refused.returncode != 0
    assert refused.stderr.endswith(
        "This bench needs a folder without spaces in its path for make; pytest runs it in any."
        "  Stop.\n"
    )
    good = played(folders)
    assert "4 passed" in good.stdout, good.stdout

    # The lowest digit of a row is the weight to neuron 0; every row of an input that spikes counts.
    weights = folder / "tiny_layer0.hex"
    brightest = int(samples.max(axis=0).argmax())
    rows = weights.read_text().splitlines()
    rows[brightest] = rows[brightest][:-1] + f"{int(rows[brightest][-1], 16) ^ 8:x}"
    weights.write_text("\n".join(rows) + "\n")
    bad = played(folders)
    assert "4 failed" in bad.stdout, bad.stdout
    assert "'layer': 'layer0'" in bad.stdout
    assert "'neuron': 0" in bad.stdout


@pytest.mark.slow
def test_cocotb_that_finds_no_test_is_refused(tiny, folders, tmp_path):
    """An older cocotb, which would run nothing and succeed, is refused in one sentence."""
    folder, _ = folders
    written(tiny, folder)
    (tmp_path / "cocotb.py").write_text("__version__ = '1.9.2'\n")
    done = made(folders, path=(tmp_path,))
    assert done.returncode != 0
    assert "This bench needs cocotb 2.0 or newer" in done.stderr
    # pytest looks for what only newer ones have.
    (tmp_path / "cocotb_tools.py").write_text("raise ModuleNotFoundError\n")
    done = played(folders, path=(tmp_path,))
    assert done.returncode != 0
    assert (
        "simulator.MissingTool: Simulation needs cocotb 2.0 or newer; install it with:"
        " pip install 'cocotb>=2.0'\n"
    ) in done.stdout


@pytest.mark.parametrize("module", ["bench", "other"])
def test_a_bench_that_ran_nothing_has_failed(tiny, folders, module):
    """Without a test in the results, make fails."""
    folder, _ = folders
    written(tiny, folder)
    makefile = folder / "Makefile"
    text = makefile.read_text()
    assert "include $(shell" in text
    # In place of cocotb's makefiles: one that runs no test, with and without results.
    text = text[: text.index("include $(shell")] + "sim:\n\t@true\n"
    if module == "other":
        text += "\t@echo '<testsuites></testsuites>' > results.xml\n"
    makefile.write_text(text)
    done = made(folders)
    assert done.returncode != 0
    assert done.stderr.startswith("no test was run")


@icarus.needs_icarus
@pytest.mark.parametrize("standard", icarus.STANDARDS)
def test_folder_runs_in_icarus(tiny, folders, standard):
    """Of either standard: make SIM=icarus passes, and fails by one digit of what is expected."""
    folder, _ = folders
    written(tiny, folder)
    done = made(folders, "SIM=icarus", f"STANDARD=-g{standard}")
    assert done.returncode == 0, done.stdout
    assert "PASS=1" in done.stdout

    expected = folder / "expected.jsonl"
    expected.write_text(expected.read_text().replace('"label":', '"label":1', 1))
    assert made(folders, "SIM=icarus", f"STANDARD=-g{standard}").returncode != 0
