"""Synthesis: what is counted, what is placed, which tools are used."""

import re
import shutil
import sys
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

import numpy as np
import pytest

from spikeline.flow.synth import tools
from spikeline.flow.synth.carrier import carrier
from spikeline.flow.synth.hierarchy import Module, modules
from spikeline.flow.synth.synth import RELAYS, synth
from spikeline.flow.synth.targets import TARGETS, count
from spikeline.model import cache
from spikeline.model.codings.counts import Counts
from spikeline.model.errors import InputError, MissingTool, ToolFailed
from spikeline.model.network import chain
from spikeline.model.neurons.neuron import Neuron
from spikeline.model.readouts.spike_count import SpikeCount
from spikeline.model.synapses.delayed import Delayed
from spikeline.plan.mapping import Mapping
from spikeline.rtl.emit import emit

from .builders import delayed_chain
from .groups import each
from .maps import repeated

VERILOG = r"""
module \top.core.layer_readout (input clk, input [7:0] a, output reg [7:0] s);
  (* rom_style = "block" *) reg [7:0] memory [0:255];
  reg [7:0] word;
  initial $readmemh("weights.hex", memory);
  always @(posedge clk) begin
    word <= memory[a];
    s <= s + word;
  end
endmodule
module \top.core.readout (input clk, input [7:0] s, output reg o);
  always @(posedge clk) o <= s >= 8'd100;
endmodule
module \top.core (input clk, input [7:0] a, output o);
  wire [7:0] s;
  \top.core.layer_readout  layer_readout (
    .clk(clk), .a(a), .s(s)
  );
  \top.core.readout  readout (.clk(clk), .s(s), .o(o));
endmodule
module \top.framer (clk, i, a);
  input clk;
  wire clk;
  input [7:0] i;
  output [7:0] a;
  reg [7:0] a;
  always @(posedge clk) a <= i ^ 8'h5a;
endmodule
module top (input clk, input rst, input [7:0] s_axis_tdata, output m_axis_tvalid);
  wire [7:0] a;
  \top.framer  framer (.clk(clk), .i(s_axis_tdata), .a(a));
  \top.core  core (.clk(clk), .a(a), .o(m_axis_tvalid));
endmodule
"""


@dataclass
class Small:
    """A design of one layer, written by hand."""

    folder: Path
    sources: tuple[Path, ...]
    top: str = "top"
    core: str = "top.core"


@pytest.fixture
def design(tmp_path: Path) -> Small:
    """The small design, in files."""
    (tmp_path / "top.v").write_text(VERILOG)
    (tmp_path / "weights.hex").write_text("".join(f"{n * 7 % 251:02x}\n" for n in range(256)))
    return Small(tmp_path, (tmp_path / "top.v",))


def test_cells_count_as_the_docstring_says() -> None:
    """One of each kind of cell, counted by hand."""
    cells = {"LUT1": 1, "LUT6": 10, "INV": 100, "RAM32M": 1000, "MUXF7": 5, "$scopeinfo": 9}
    cells |= {"FDRE": 1, "FDSE": 10, "RAMB18E1": 1, "RAMB36E1": 10, "DSP48E1": 3, "CARRY4": 7}
    wanted = {"lut": 4111, "ff": 11, "bram": 21, "dsp": 3}
    assert count(TARGETS["xilinx"], cells) == wanted
    cells = {"LUT4": 1, "CCU2C": 10, "TRELLIS_DPR16X4": 100, "TRELLIS_FF": 5, "DP16KD": 6}
    wanted = {"lut": 621, "ff": 5, "bram": 6, "dsp": 2}
    assert count(TARGETS["ecp5"], cells | {"PFUMX": 8, "MULT18X18D": 2}) == wanted
    cells = {"SB_LUT4": 1, "SB_CARRY": 10, "SB_DFFSR": 2, "SB_DFF": 3, "SB_RAM40_4K": 4}
    assert count(TARGETS["ice40"], cells) == {"lut": 1, "ff": 5, "bram": 4, "dsp": 0}


def test_ports_and_instances_are_read_in_both_styles(design: Small) -> None:
    """Ports in the head or in the body of a module, names escaped or not."""
    top, core = modules(design)
    assert core.instances == {"layer_readout": "top.core.layer_readout"} | {
        "readout": "top.core.readout"
    }
    assert (core.inputs, core.outputs) == ({"a": 8, "clk": 1}, {"o": 1})
    assert top.instances == {"framer": "top.framer", "core": "top.core"}
    assert top.inputs == {"clk": 1, "rst": 1, "s_axis_tdata": 8}
    styles = r"module \m.x (i, \o.1 ); input [7:0] i; wire [7:0] i; output \o.1 ; reg \o.1 ;"
    design.sources[0].write_text(
        f"{styles} endmodule\nmodule n (input j, output [2:0] p);\nassign p = 5;\nendmodule"
    )
    design.top, design.core = "m.x", "n"
    assert modules(design) == (Module({"i": 8}, {"o.1": 1}, {}), Module({"j": 1}, {"p": 3}, {}))


def test_kernel_of_two_layers_takes_half_the_memory(tmp_path: Path) -> None:
    """Both ports of the block memories are used, where layers share a kernel."""
    found = {}
    for shared in (False, True):
        net = repeated(2, shared, channels=16, size=2)
        made = emit(net, Mapping.of(net, (4, 4, 3)), tmp_path / str(shared), name="net")
        result = synth(made, "ecp5")
        rows = [*result["layers"], *result["parts"]]
        found[shared] = {row["name"]: row["bram"] for row in rows if row["bram"]}
    assert found[False] == {"map0": 1, "map1": 1, "output": 1}
    assert found[True] == {"memory_map0": 1, "output": 1}


def test_module_that_is_not_there_is_refused(design: Small) -> None:
    """A name that no module has is told."""
    design.core = "top.heart"
    with pytest.raises(InputError) as refused:
        synth(design, "ice40")
    assert str(refused.value) == "Module top.heart must be in the Verilog files of the design"


def test_carrier_reaches_every_port_once() -> None:
    """Each bit of each port has its own bit of a shift register."""
    top = Module({"clk": 1, "rst": 1, "a": 8, "b.x": 1}, {"c": 4, "d": 1}, {})
    made = carrier(top, "m.x")
    for link in ("clk(clk)", "rst(rst)", "a (given[0 +: 8])", "\\b.x  (given[8 +: 1])"):
        assert f".{link}" in made
    for link in ("c (seen[0 +: 4])", "d (seen[4 +: 1])"):
        assert f".{link}" in made
    assert "  \\m.x  dut (" in made
    assert "reg [8:0] given;" in made
    assert "reg [4:0] taken, held;" in made


def test_probes_are_left_open() -> None:
    """What shows the layers is connected to nothing, so that it costs nothing."""
    top = Module({"clk": 1, "rst": 1, "i": 1}, {"o": 1, "probe_a_data": 4}, {})
    text = carrier(top, "top")
    assert "probe" not in text and ".o (seen[0 +: 1])" in text


@pytest.mark.parametrize("target", ["xilinx", "ecp5"])
def test_parts_add_up(design: Small, target: str) -> None:
    """The core is the sum of its parts, the wrapper stands apart; weights are a block memory.

    A layer may be named as another part is.
    """
    result = synth(design, target)
    layers = {layer["name"]: layer for layer in result["layers"]}
    parts = {part["name"]: part for part in result["parts"]}
    assert set(layers) == set(parts) == {"readout"}
    layer, part = layers["readout"], parts["readout"]
    for kind in ("lut", "ff", "bram", "dsp"):
        assert result[kind] == result["core"][kind] == layer[kind] + part[kind]
    assert (layer["bram"], part["bram"]) == (1, 0)
    assert part["ff"] == 1 < layer["ff"]
    assert result["wrapper"] == {"lut": result["wrapper"]["lut"], "ff": 8, "bram": 0, "dsp": 0}
    assert 0 < result["wrapper"]["lut"] <= 8
    assert result["target"] == target
    assert result["fmax_mhz"] is None


def test_equal_relays_stay_apart(design: Small) -> None:
    """Two registers of the same value, in modules called relay, both count for their layer."""
    alone = synth(design, "ecp5")["core"]["ff"]
    text = VERILOG.replace("s <= s + word;", "s <= s + x + y;").replace(
        "  reg [7:0] word;",
        r"""  reg [7:0] word;
  wire [7:0] x, y;
  \top.core.layer_readout.relay0  relay0 (.clk(clk), .i(word), .o(x));
  \top.core.layer_readout.relay1  relay1 (.clk(clk), .i(word), .o(y));""",
    )
    for n in range(2):
        text += rf"""
module \top.core.layer_readout.relay{n} (input clk, input [7:0] i, output reg [7:0] o);
  always @(posedge clk) o <= i;
endmodule
"""
    design.sources[0].write_text(text)
    assert synth(design, "ecp5")["core"]["ff"] == alone + 16


@each("delay", ["wheel", "line"], quick=1)
def test_delays_are_synthesised_at_full_width(delay: str, tmp_path: Path) -> None:
    """Yosys takes both delay engines with all neurons at once, and counts each layer."""
    network = delayed_chain(1)
    made = emit(network, Mapping.of(network, delay=delay), tmp_path, name="net")
    result = synth(made, "ecp5")
    layers = {layer["name"]: layer for layer in result["layers"]}
    assert set(layers) == {"layer0", "layer1", "layer2"}
    assert "readout" in {part["name"] for part in result["parts"]}
    assert all(layers[f"layer{n}"]["lut"] > 0 for n in range(3))


def test_relays_bear_the_name_that_keeps_them_apart(tmp_path: Path) -> None:
    """A word reaches 34 lanes by three relays; Yosys is told to keep modules of their names."""
    synapses = Delayed(np.ones((34, 2, 1), int), np.ones((1, 2, 1), int), 2, 2)
    neuron = Neuron(np.zeros(34, int), np.ones(34, int), leak=(1, 1))
    net = chain(4, 2, Counts(), [(synapses, neuron)], SpikeCount())
    made = emit(net, Mapping.of(net, delay="wheel"), tmp_path, name="net")
    modules = re.findall(r"^module \\(\S+)", made.sources[0].read_text(), re.M)

    relays = [name for name in modules if fnmatch(name, RELAYS)]
    for word in ("source.relay_op", "lanes.relay_enable", "lanes.relay_sweeps", "lanes.relay_last"):
        assert sum(f".{word}" in name for name in relays) == 3
    assert len(relays) == sum("relay" in name for name in modules)


def test_place_and_route_gives_the_median_of_its_seeds(design: Small) -> None:
    """Each seed is placed and routed; fmax is the one in the middle."""
    result = synth(design, "ice40", pnr=True, seeds=3)
    reached = result["fmax_mhz_seeds"]
    assert len(reached) == 3
    assert result["fmax_mhz"] == sorted(reached)[1]
    assert 20 < min(reached) <= max(reached) < 1000
    assert result["device"] == "hx8k"


def test_design_that_does_not_fit_is_refused(design: Small) -> None:
    """A memory larger than the largest device: told before placing, with both sizes."""
    text = VERILOG.replace("[0:255]", "[0:65535]").replace("[7:0] a", "[15:0] a")
    text = text.replace("reg [7:0] a;", "reg [15:0] a;").replace("wire [7:0] a;", "wire [15:0] a;")
    design.sources[0].write_text(text.replace("output [7:0] a", "output [15:0] a"))
    sentence = (
        r"^The design must fit 7680 LUT, 32 BRAM and 0 DSP to be placed on ice40,"
        r" not need \d+, 128 and 0$"
    )
    with pytest.raises(InputError, match=sentence):
        synth(design, "ice40", pnr=True)


def test_verilog_that_yosys_refuses_is_told(design: Small) -> None:
    """Yosys' own first error is in the sentence, and the log is named."""
    design.sources[0].write_text(VERILOG.replace("s <= s + word;", "s <= s +;"))
    with pytest.raises(
        ToolFailed, match=r"^yosys must accept the design; it said: .*ERROR.*log\)$"
    ):
        synth(design, "xilinx")


def test_missing_tool_is_named(design: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Yosys on PATH and as a package, one sentence tells what to install."""
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    sentence = (
        r"^yosys 0\.40 or newer must be on PATH, or installed by pip install 'spikeline\[flow\]'$"
    )
    with pytest.raises(MissingTool, match=sentence):
        synth(design, "xilinx")
    assert not (design.folder / "carrier.v").exists()


@pytest.mark.parametrize(("said", "native"), [("Yosys 0.41+9 (git)", True), ("Yosys 0.9", False)])
def test_tool_on_path_is_used_if_new_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, native: bool
) -> None:
    """An old program on PATH is passed over for the package."""
    program = tmp_path / "yosys"
    program.write_text(f"#!/bin/sh\necho '{said}'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    found = tools.find("yosys")
    assert (found == [str(program)]) is native
    assert native or found[0] == sys.executable


def test_cache_may_be_looked_at_by_several_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What one thread made to see whether it may write, another may have taken away."""
    touch = Path.touch
    monkeypatch.setattr(Path, "touch", lambda self: (touch(self), self.unlink()))
    cache.check()


def test_failure_without_words_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that fails without a word still gives a sentence."""
    monkeypatch.setattr(tools, "find", lambda name: [sys.executable, "-c", "raise SystemExit(3)"])
    with pytest.raises(ToolFailed, match=r"^yosys must accept the design; it said: nothing \(all"):
        tools.run("yosys", [], tmp_path, "log")


@pytest.mark.parametrize("failing", [1, 2])
def test_seed_that_fails_ends_the_others(
    design: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: int
) -> None:
    """Where one placement fails, whichever it is, none is waited for."""
    program = tmp_path / "bin" / "nextpnr-ice40"
    program.parent.mkdir()
    program.write_text(
        f"#!{sys.executable}\n"
        "import pathlib, sys, time\n"
        "if '--version' in sys.argv: sys.exit(print('nextpnr 9.9'))\n"
        f"if sys.argv[sys.argv.index('--seed') + 1] == '{failing}': sys.exit('ERROR: no room')\n"
        "time.sleep(30)\n"
        "pathlib.Path('waited').touch()\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")
    with pytest.raises(
        ToolFailed, match=r"^nextpnr-ice40 must accept the design; .*: ERROR: no room"
    ):
        synth(design, "ice40", pnr=True, seeds=2)
    assert not (design.folder / "waited").exists()


def test_no_program_starts_after_all_were_stopped(tmp_path: Path) -> None:
    """A thread that was about to start one when another failed does not start it any more."""
    programs = tools.Programs()
    programs.stop()
    with pytest.raises(ToolFailed, match=r"^touch must not start: .* was stopped$"):
        programs.start(["touch", "started"], tmp_path)
    assert not (tmp_path / "started").exists()
