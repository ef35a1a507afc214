"""Synthesis: what a design costs, per layer, for the core and for the wrapper around it.

The layers keep their borders through synthesis, so that one run of Yosys gives the cost of each; a
total is their sum. So do relays (rtl/gates.py), or equal ones would become one. How cells count:

    lut    xilinx  LUT1..LUT6, INV, SRL16E, SRLC32E 1; RAM32M, RAM64M 4; RAM32X1D, RAM64X1D 2
           ecp5    LUT4 1; CCU2C, two LUTs with a carry, 2; TRELLIS_DPR16X4 6, as in nextpnr
           ice40   SB_LUT4 1; a carry cell shares its LUT's place
    bram   xilinx RAMB18E1 1, RAMB36E1 2;  ecp5 DP16KD (18 kbit);  ice40 SB_RAM40 (4 kbit)

Place and route runs on the whole design, wrapper included, inside a shift register that reaches
every port through a flip-flop: so it fits the pins of any package, and paths from and to the ports
count. fmax is the median over seeds.
"""

import json
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from os import cpu_count
from pathlib import Path
from statistics import median
from typing import Any, Protocol

from ...model.errors import InputError
from . import tools

__all__ = ["TARGETS", "Design", "Target", "check", "synth"]

KINDS = ("lut", "ff", "bram", "dsp")
LAYER = "layer_"  # of the names of instances that are layers (rtl/network.py)
RELAYS = "*.relay*"  # modules that are kept apart though they are equal (rtl/gates.py)


class Design(Protocol):
    """An emitted design (rtl/emit.py): its folder, module names and Verilog files."""

    @property
    def folder(self) -> Path: ...
    @property
    def top(self) -> str: ...
    @property
    def core(self) -> str: ...
    @property
    def sources(self) -> tuple[Path, ...]: ...


@dataclass(frozen=True, slots=True)
class Target:
    """A family of devices.

    Parameters
    ----------
    passes : str
        The Yosys commands that map to it. On xilinx adders that are never used at once are
        shared: 9 % fewer LUT where lanes have folds.
    cells : dict
        For each of lut, ff, bram, dsp: pattern of a cell's name -> how much it counts.
    place : str
        The program that places and routes; empty where no free one does.
    pins : str
        Constraints of pins, for ``harness.lpf``: the clock comes in where clocks do.
    devices : tuple of (arguments, lut, bram, dsp)
        What to place for and what is there, from small to large.
    """

    passes: str
    cells: dict[str, dict[str, int]]
    place: str = ""
    pins: str = ""
    devices: tuple[tuple[str, int, int, int], ...] = ()


XILINX = "synth_xilinx -family xc7 -noiopad -noclkbuf -flatten -top harness"
TARGETS = {
    "ice40": Target(
        "synth_ice40 -abc9 -device hx -top harness",
        {
            "lut": {"SB_LUT4": 1},
            "ff": {"SB_DFF.*": 1},
            "bram": {"SB_RAM40_.*": 1},
            "dsp": {"SB_MAC16": 1},
        },
        "nextpnr-ice40",
        "",
        (("--hx8k --package ct256 --freq 100", 7680, 32, 0),),
    ),
    "ecp5": Target(
        "synth_ecp5 -abc9 -nowidelut -top harness",
        {
            "lut": {"LUT4": 1, "CCU2C": 2, "TRELLIS_DPR16X4": 6},
            "ff": {"TRELLIS_FF": 1},
            "bram": {"DP16KD|PDPW16KD": 1},
            "dsp": {"MULT18X18D": 1},
        },
        "nextpnr-ecp5",
        'LOCATE COMP "clk" SITE "G2";\n',
        (("--85k --speed 6 --package CABGA381 --freq 150", 83640, 208, 156),),
    ),
    "xilinx": Target(
        "\n".join(
            (
                f"{XILINX} -run begin:fine",
                "share -aggressive",
                "opt -full",
                f"{XILINX} -run fine:",
            )
        ),
        {
            "lut": {
                "LUT[1-6]|INV|SRL16E|SRLC32E": 1,
                "RAM32X1D|RAM64X1D": 2,
                "RAM32M|RAM64M": 4,
            },
            "ff": {"FD[RSCP]E(_1)?": 1},
            "bram": {"RAMB18E1": 1, "RAMB36E1": 2},
            "dsp": {"DSP48E1": 1},
        },
    ),
}


def count(target: Target, cells: dict[str, int]) -> dict[str, int]:
    """Count cells (type -> number) as lut, ff, bram, dsp."""
    return {
        kind: sum(
            number * weight
            for cell, number in cells.items()
            for pattern, weight in target.cells[kind].items()
            if re.fullmatch(pattern, cell)
        )
        for kind in KINDS
    }


def instances(sources: tuple[Path, ...], module: str) -> Iterator[tuple[str, str]]:
    """Read the (module, name) of every instance in a module of the Verilog files, in order."""
    texts = [path.read_text() for path in sources]
    names = {
        m.strip() for text in texts for m in re.findall(r"^\s*module\s+(\\\S+|\w+)", text, re.M)
    }
    for words in re.findall(
        r"^\s*(\\\S+|\w+)\s+(?:#\s*\(.*?\)\s*)?(\\\S+\s|\w+)\s*\(", body(texts, module), re.M | re.S
    ):
        if words[0] in names:
            yield words[0], words[1].strip()


def body(texts: list[str], module: str) -> str:
    """Find the text of a module, from its ports to its end."""
    for text in texts:
        found = re.search(
            rf"^\s*module\s+{re.escape(module)}\s*\(.*?\bendmodule\b", text, re.M | re.S
        )
        if found:
            return found[0]
    raise InputError(f"Module {module} must be in the Verilog files of the design")


def ports(text: str) -> dict[str, list[tuple[str, int]]]:
    """Read the ports of a module: direction -> (name, width)."""
    found: dict[str, list[tuple[str, int]]] = {"input": [], "output": []}
    for way, high, low, name in re.findall(
        r"\b(input|output)\s+(?:wire\s+|reg\s+)?(?:\[(\d+):(\d+)\]\s*)?(\\\S+\s|\w+)", text
    ):
        found[way].append((name.strip(), int(high) - int(low) + 1 if high else 1))
    return found


def harness(text: str, module: str) -> str:
    """Write the module `harness`: a shift register around every port, on four pins."""
    io = ports(text)
    # Nobody looks at probes (rtl/accelerator.py): left open, they cost nothing.
    io["output"] = [port for port in io["output"] if not port[0].startswith("probe_")]
    data = [(name, width) for name, width in io["input"] if name not in ("clk", "rst")]
    given, taken = sum(width for _, width in data), sum(width for _, width in io["output"])
    links, at = [f".{name}({name})" for name, _ in io["input"] if name in ("clk", "rst")], 0
    for name, width in data:
        links.append(f".{name} (given[{at} +: {width}])")
        at += width
    at = 0
    for name, width in io["output"]:
        links.append(f".{name} (seen[{at} +: {width}])")
        at += width
    return f"""module harness (input clk, input rst, input i, output o);
  reg [{given - 1}:0] given;
  reg [{taken - 1}:0] taken, held;
  wire [{taken - 1}:0] seen;
  always @(posedge clk) begin
    given <= {{given, i}};
    held <= seen;
    taken <= {{taken, given[{given - 1}]}} ^ held;
  end
  assign o = taken[{taken - 1}];
  {module} dut ({", ".join(links)});
endmodule
"""


def synth(
    design: Design,
    target: str,
    *,
    pnr: bool = False,
    seeds: int = 3,
    stage: Callable[[str], object] = lambda said: None,
) -> dict[str, Any]:
    """Synthesise a design.

    Parameters
    ----------
    design : Design
    target : a key of `TARGETS`
    pnr : bool
        Whether to place and route.
    seeds : int >= 1
        Placement seeds.
    stage : callable
        Called with a sentence when a long part begins.

    Returns
    -------
    dict
        ``target, lut, ff, bram, dsp`` of the core, ``fmax_mhz`` (None without place and route),
        ``core``, ``wrapper``, ``layers`` (a list of these and of what else the core consists of,
        with the name of each), ``device`` and
        ``fmax_mhz_seeds`` and ``critical_path``.

    Raises
    ------
    InputError
        If the target is unknown, has no place and route, or is too small.
    MissingTool, ToolFailed
        If Yosys or nextpnr is missing, or fails.
    """
    check(target, pnr, seeds)
    to, top, core = TARGETS[target], plain(design.top), plain(design.core)
    stage(f"Yosys for {target}")
    cells = map_cells(design, to, target)
    costs = {module: count(to, number) for module, number in cells.items()}
    parts = [name for name in instances(design.sources, core) if name[0] in costs]
    layers = [{"name": name.removeprefix(LAYER), **whole(costs, module)} for module, name in parts]
    cost = total([*layers, costs[core]])
    around = [costs[m] for m, _ in instances(design.sources, top) if m != core]
    result: dict[str, Any] = {"target": target, **cost, "fmax_mhz": None}
    result |= {"core": cost, "wrapper": total([*around, costs[top]]), "layers": layers}
    if pnr:
        result |= place(design.folder, to, target, total([cost, result["wrapper"]]), seeds, stage)
    return result


def check(target: str, pnr: bool, seeds: int) -> None:
    """Refuse what `synth` cannot do, before anything is computed."""
    if target not in TARGETS:
        raise InputError(f"Target must be one of {', '.join(TARGETS)}, not {target!r}")
    if pnr and not TARGETS[target].place:
        raise InputError(f"Target must be ice40 or ecp5 to place and route, not {target!r}")
    if seeds < 1:
        raise InputError(f"Seeds must number at least one, not {seeds}")
    tools.find("yosys")
    if pnr:
        tools.find(TARGETS[target].place)


def total(parts: list[dict[str, Any]]) -> dict[str, int]:
    """Add up costs."""
    return {kind: sum(part[kind] for part in parts) for kind in KINDS}


def whole(costs: dict[str, dict[str, int]], module: str) -> dict[str, int]:
    """Add up the costs of a module and of those kept inside it."""
    return total([cost for m, cost in costs.items() if m == module or m.startswith(f"{module}.")])


def map_cells(design: Design, to: Target, target: str) -> dict[str, dict[str, int]]:
    """Run Yosys: the netlist goes to ``<target>.json``; returns the cells of each kept module."""
    top, core = plain(design.top), plain(design.core)
    texts = [path.read_text() for path in design.sources]
    (design.folder / "harness.v").write_text(harness(body(texts, top), top))
    kept = [top, core]
    kept += [m for parent in kept for m, _ in instances(design.sources, parent) if m not in kept]
    names = " ".join(kept)
    sources = " ".join(str(path.relative_to(design.folder)) for path in design.sources)
    script = f"""
read_verilog {sources} harness.v
hierarchy -check -top harness
setattr -mod -set keep_hierarchy 1 {names} {RELAYS}
{to.passes}
tee -q -o {target}.stat.json stat -json
flatten
opt_clean
write_json {target}.json
"""
    (design.folder / f"{target}.ys").write_text(script)
    tools.run("yosys", ["-q", "-s", f"{target}.ys"], design.folder, f"{target}.yosys.log")
    modules = json.loads((design.folder / f"{target}.stat.json").read_text())["modules"]
    return {
        plain(name): stat["num_cells_by_type"]
        for name, stat in modules.items()
        if plain(name) != "harness"
    }


def plain(name: str) -> str:
    """Turn a Yosys name into Verilog: the escape stays only where it is needed."""
    name = name.removeprefix("\\")
    return name if re.fullmatch(r"\w+", name) else "\\" + name


def place(
    folder: Path,
    to: Target,
    target: str,
    need: dict[str, int],
    seeds: int,
    stage: Callable[[str], object],
) -> dict[str, Any]:
    """Place and route the netlist on the smallest device that holds it, once per seed."""
    fits = [
        d
        for d in to.devices
        if need["lut"] <= d[1] and need["bram"] <= d[2] and need["dsp"] <= d[3]
    ]
    if not fits:
        _, lut, bram, dsp = to.devices[-1]
        raise InputError(
            f"The design must fit {lut} LUT, {bram} BRAM and {dsp} DSP to be placed on {target},"
            f" not need {need['lut']}, {need['bram']} and {need['dsp']}"
        )
    device = fits[0][0]
    pins = ""
    if to.pins:
        (folder / "harness.lpf").write_text(to.pins)
        pins = "--lpf harness.lpf --lpf-allow-unconstrained"
    stage(f"nextpnr for {target}, {seeds} placement seed{'s' * (seeds > 1)}")

    def once(seed: int) -> tuple[float, str]:
        report = f"{target}.{seed}.report.json"
        words = (
            f"{device} {pins} --seed {seed} --json {target}.json --report {report}"
            " --timing-allow-fail -q"
        )
        tools.run(to.place, words.split(), folder, f"{target}.{seed}.nextpnr.log")
        found = json.loads((folder / report).read_text())
        slowest = round(min(clock["achieved"] for clock in found["fmax"].values()), 2)
        return slowest, critical(found["critical_paths"])

    # Started once alone, a WebAssembly program is compiled and cached before several use it.
    tools.version(tools.find(to.place))
    with ThreadPoolExecutor(min(seeds, cpu_count() or 1)) as pool:
        try:
            reached = list(pool.map(once, range(1, seeds + 1)))
        except BaseException:
            tools.stop()  # or the pool would wait for those that run
            raise
    return {
        "fmax_mhz": median(fmax for fmax, _ in reached),
        "fmax_mhz_seeds": [fmax for fmax, _ in reached],
        "device": device.split()[0][2:],
        "critical_path": min(reached)[1],
    }


def critical(paths: list[dict[str, Any]]) -> str:
    """Tell where the slowest path of a clock begins and ends, as parts of the design."""
    for found in paths:
        if "posedge" in found["from"] and "posedge" in found["to"]:
            cells = found["path"][0]["from"]["cell"], found["path"][-1]["to"]["cell"]
            return " to ".join(re.sub(r"^dut\.|[.$\\]*\$.*|_(SB|TRELLIS)_.*", "", c) for c in cells)
    return ""
