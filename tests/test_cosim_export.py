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


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Where the folder goes, and a spikeline that cannot be imported."""
    base = tmp_path_factory.mktemp("export")
    (base / "none" / "spikeline").mkdir(parents=True)
    (base / "none" / "spikeline" / "__init__.py").write_text("raise ImportError('not here')\n")
    return base / "tiny", base / "none"


def played(folders):
    """Run plain pytest in the folder, without spikeline."""
    folder, none = folders
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    where = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "COCOTB"))}
    return subprocess.run(
        command,
        cwd=folder,
        env=where | {"PYTHONPATH": str(none)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_folder_runs_alone_and_notices_a_wrong_digit(tiny, folders):
    """It passes as it is, and fails by one hexadecimal digit of a weight file."""
    folder, _ = folders
    mapping, samples = Mapping.of(tiny), np.random.default_rng(4).integers(0, 256, (8, 64))
    export(tiny, mapping, emit(tiny, mapping, folder, name="tiny"), samples.astype(np.uint8))
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
