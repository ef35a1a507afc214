"""Estimated areas, beside what Yosys gave."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from spikeline.flow.experiments.area import HELD_OUT, Case, laid_out
from spikeline.flow.synth import tools
from spikeline.model.errors import InputError
from spikeline.model.neurons.parallel import Parallel
from spikeline.model.synapses.dense import Dense
from spikeline.plan import area
from spikeline.plan.area import blocks, calibration, estimate
from spikeline.plan.layout import Layout
from spikeline.plan.mapping import Mapping
from spikeline.plan.memories import Cells, Memory, mapped

from .builders import Law, network_of, random_network

# What Yosys gave for the layouts that no weight was fitted to, in their order: LUT, FF, BRAM
# (python -m spikeline.flow.experiments.area).
YOSYS = (
    (1929, 1127, 6),
    (1955, 890, 27),
    (2382, 919, 26),
    (4605, 3375, 38),
    (6433, 4169, 18),
    (20528, 5894, 20),
    (2297, 1527, 14),
    (4408, 2066, 22),
    (3547, 2187, 14),
    (5416, 4134, 65),
    (3711, 1436, 5),
    (2732, 1461, 25),
)


def area_of(case: Case) -> area.Area:
    """Estimate the area of a case."""
    return estimate(Layout.of(*laid_out(case)))


@pytest.mark.parametrize(
    ("case", "lut", "ff", "bram"),
    [(case, *sizes) for case, sizes in zip(HELD_OUT, YOSYS, strict=True)],
    ids=[f"{name}-{'-'.join(map(str, lanes))}" for name, lanes, *_ in HELD_OUT],
)
def test_estimate_is_near_what_yosys_gave(case: Case, lut: int, ff: int, bram: int) -> None:
    """LUT and FF are within 15 % of synthesis, which no weight was fitted to; BRAM is equal."""
    found = area_of(case)
    assert abs(found.lut - lut) <= 0.15 * lut
    assert abs(found.ff - ff) <= 0.15 * ff
    assert found.bram == bram


@pytest.mark.parametrize(
    ("case", "lut", "bram"),
    [
        (Case("digits-spoken", (128, 128, 10), "wheel"), 28979, 68),
        (Case("digits-spoken", (128, 128, 10), "line"), 28294, 70),
        (Case("mnist-cnn", (16, 32, 10)), 4368, 30),
        (Case("mnist-cnn", (16, 32, 10), taps="one,row,one"), 5347, 61),
    ],
    ids=["wheels", "lines", "maps", "banks"],
)
def test_layouts_larger_than_any_calibrated_are_estimated(case: Case, lut: int, bram: int) -> None:
    """So are those with all lanes, and with a row of taps at once, near what Yosys gave."""
    found = area_of(case)
    assert abs(found.lut - lut) <= 0.15 * lut and found.bram == bram


@pytest.mark.parametrize(
    ("case", "bram"),
    [
        (Case("nmnist-cnn", (16, 32, 10), taps="row,row,one"), 67),
        (Case("digits-cnn", (16, 32, 10), taps="all,one,one"), 22),
        (Case("mnist-cnn", (16, 16, 5), taps="row,one,one"), 30),
        (Case("spaced", (4, 8, 2)), 17),
        (Case("constant", (24, 8, 5)), 5),
    ],
    ids=["rows", "all", "equal-bits", "spacings", "held"],
)
def test_block_ram_is_exact(case: Case, bram: int) -> None:
    """So is that of banks, of spacings and of held currents; bits that never change take none."""
    assert area_of(case).bram == bram


def test_errors_that_are_told_are_those_of_the_held_out_layouts() -> None:
    """The error stored beside the weights is the largest of all twelve."""
    told = calibration("ecp5")["error"]
    found = [area_of(case) for case in HELD_OUT]
    for n, of in enumerate(("lut", "ff", "bram")):
        off = [100 * abs(getattr(a, of) / y[n] - 1) for a, y in zip(found, YOSYS, strict=True)]
        assert told[of] == pytest.approx(max(off), abs=0.01)
    assert told["layouts"] == len(YOSYS)


# Memories, and what Yosys made of them.
MEMORIES = (
    (Memory(64, 384, rom=True), Cells(blocks=11)),
    (Memory(600, 40, rom=True), Cells(blocks=3)),
    (Memory(64, 9), Cells(luts=12, muxes=27)),
    (Memory(256, 9), Cells(blocks=1, emulated=9)),
    (Memory(208, 8), Cells(blocks=1, emulated=8)),
    (Memory(144, 8), Cells(luts=18, muxes=64)),
    (Memory(160, 8), Cells(luts=20, muxes=72)),
    (Memory(176, 8), Cells(luts=22, muxes=80)),
    (Memory(192, 8, through=True), Cells(blocks=1, emulated=8)),
    (Memory(208, 8, through=True), Cells(blocks=1, emulated=8)),
    (Memory(3000, 24), Cells(blocks=5, muxes=48, emulated=24)),
    (Memory(64, 32, part=8), Cells(blocks=1, emulated=32)),
    (Memory(64, 36, part=3), Cells(luts=48, muxes=108)),
    (Memory(1200, 40, part=10), Cells(blocks=6, muxes=80, emulated=40)),
    (Memory(16, 22, sync=False), Cells(luts=6)),
    (Memory(196, 128, through=True, style="block"), Cells(blocks=4, emulated=128)),
    (Memory(64, 72, through=True, part=18, style="block"), Cells(blocks=2, emulated=72)),
    (Memory(784, 40, part=10, through=True, style="block"), Cells(blocks=4, emulated=40)),
    (Memory(64, 16, style="block", loose=True), Cells(blocks=1)),
    (Memory(100, 16, sync=False, style="distributed"), Cells(luts=28, muxes=96)),
    (Memory(2, 8, sync=False, style="distributed"), Cells(luts=2)),
    (Memory(20, 5, sync=False), Cells(luts=4, muxes=5)),
    (Memory(3, 2, sync=False), Cells(bits=6)),
    (Memory(2, 3, sync=False), Cells(bits=6)),
    (Memory(1, 5, sync=False), Cells(bits=5)),
)


@pytest.mark.parametrize(("memory", "cells"), MEMORIES)
def test_memories_become_what_is_cheapest(memory: Memory, cells: Cells) -> None:
    """Block RAM, LUTs or flip-flops, by the costs of Yosys."""
    assert mapped(memory) == cells


def verilog(n: int, memory: Memory) -> str:
    """Write the module of a memory."""
    depth, width, high = memory.depth, memory.width, max((memory.depth - 1).bit_length(), 1) - 1
    part = memory.part or width
    writes = "".join(
        f"if (e[{k}]) m[w][{k * part} +: {part}] <= d[{k * part} +: {part}];\n"
        for k in range(width // part)
    )
    if memory.rom:
        numbers = np.random.default_rng(n).integers(0, 2, (depth, width))
        words = (f"m[{i}] = {width}'b{''.join(map(str, row))};\n" for i, row in enumerate(numbers))
        writes, start = "", f"initial begin {''.join(words)} end"
    else:
        start = ""
    style = '(* rom_style = "block" *)' if memory.rom else ""
    if memory.style:
        style = f'(* ram_style = "{memory.style}"{", no_rw_check = 1" * memory.loose} *)'
    read = "always @(posedge clk) q <= m[r];" if memory.sync else "always @(*) q = m[r];"
    if memory.through:
        read = "reg [HIGH:0] s; always @(posedge clk) s <= r; always @(*) q = m[s];"
    return f"""
module m{n} (input clk, input [{high}:0] r, w, input [{width // part - 1}:0] e,
             input [{width - 1}:0] d, output reg [{width - 1}:0] q);
  {style} reg [{width - 1}:0] m [0:{depth - 1}];
  {start}
  always @(posedge clk) begin {writes} end
  {read.replace("HIGH", str(high))}
endmodule
"""


@pytest.mark.parts
def test_memories_become_what_yosys_makes_of_them(tmp_path: Path) -> None:
    """Every memory is counted as Yosys maps it: block RAM, and cells in LUTs."""
    modules = [verilog(n, memory) for n, (memory, _) in enumerate(MEMORIES)]
    ports = [
        (max((m.depth - 1).bit_length(), 1), m.width // (m.part or m.width), m.width)
        for m, _ in MEMORIES
    ]
    inside = "".join(
        f"wire [{w - 1}:0] q{n}; assign o[{n}] = ^q{n};\n"
        f"m{n} i{n} (clk, i[{a - 1}:0], i[{a + 19}:20], i[{e + 39}:40], i[{w + 79}:80], q{n});\n"
        for n, (a, e, w) in enumerate(ports)
    )
    wires = f"input clk, input [499:0] i, output [{len(ports) - 1}:0] o"
    top = f"module top ({wires});\n{inside}endmodule\n"
    (tmp_path / "m.v").write_text("".join([*modules, top]))
    (tmp_path / "m.ys").write_text(
        "read_verilog m.v\nsetattr -mod -set keep_hierarchy 1 m*\n"
        "synth_ecp5 -top top -run begin:map_ffram\ntee -q -o stat.json stat -json\n"
    )
    tools.run("yosys", ["-q", "-s", "m.ys"], tmp_path, "log")
    found = json.loads((tmp_path / "stat.json").read_text())["modules"]
    for n, (memory, _) in enumerate(MEMORIES):
        cells = Counter(found[f"\\m{n}"]["num_cells_by_type"])
        blocks = cells["DP16KD"] + cells["PDPW16KD"]
        mine = mapped(memory)
        assert (n, blocks, cells["TRELLIS_DPR16X4"]) == (n, mine.blocks, mine.luts)


def test_blocks_are_those_of_the_core() -> None:
    """Any graph has a block for each layer, and names that differ; none is below 0."""
    for seed in range(30):
        rng = np.random.default_rng(seed)
        network = random_network(rng, parallel=0)
        found = blocks(Layout.of(network, Mapping.of(network)))
        names = [block.name for block in found]
        assert len(set(names)) == len(names)
        assert {f"layer_{name}" for name in network.layers} <= set(names)
        size = estimate(Layout.of(network, Mapping.of(network)))
        assert min(size.lut, size.ff) > 0 and size.bram >= 0


def test_unknown_target_is_refused() -> None:
    """Weights are known of one family."""
    with pytest.raises(InputError) as error:
        calibration("ice40")
    assert str(error.value) == "Target must be one of ecp5, not 'ice40'"


def test_parallel_neurons_are_refused() -> None:
    """Nothing is estimated of neurons that were never synthesised for it."""
    weight, theta = np.ones((1, 1, 2), int), np.ones((3, 1), int)
    law = Law(Dense(np.ones((3, 4), int), 2), Parallel(np.zeros(3, int), theta, weight))
    network = network_of(law, 4)
    with pytest.raises(InputError) as error:
        estimate(Layout.of(network, Mapping.of(network)))
    sentence = "Area of layer layer0 must be of a kind that is calibrated, not 'parallel'"
    assert str(error.value) == sentence


def test_foreign_kind_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is estimated of what was never synthesised."""
    monkeypatch.delitem(area.SOURCES, "dense")
    with pytest.raises(InputError) as error:
        area_of(Case("digits-ttfs", (96, 10)))
    sentence = "Area of layer layer0 must be of a kind that is calibrated, not 'dense'"
    assert str(error.value) == sentence
