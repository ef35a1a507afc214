"""Synthesis: what a design costs, per layer, for the core and for the wrapper around it.

The layers keep their borders through synthesis, so that one run of Yosys gives the cost of each; a
total is their sum. So do relays (rtl/gates.py), or equal ones would become one. How cells count
stands in targets.py.

Place and route runs on the whole design, wrapper included, inside a shift register that reaches
every port through a flip-flop: so it fits the pins of any package, and paths from and to the ports
count. fmax is the median over seeds.
"""

import json
from collections.abc import Callable, Iterable
from typing import Any

from ...model.check import choice, instance, integer
from ...model.errors import InputError
from . import tools
from .carrier import carrier
from .hierarchy import Design, Module, escaped, modules
from .place import place
from .targets import KINDS, TARGETS, Target, count

__all__ = ["check", "synth"]

LAYER = "layer_"  # of the names of instances that are layers (rtl/network.py)
RELAYS = "*.relay*"  # modules that are kept apart though they are equal (rtl/gates.py)

Cost = dict[str, int]


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
        ``core`` and ``wrapper``; ``layers``, a list of these with the name of each, and ``parts``,
        the same of what else is in the core, by the names in the Verilog; with place and route
        ``device``, ``fmax_mhz_seeds`` and ``critical_path``.

    Raises
    ------
    InputError
        If the target is unknown, has no place and route, or is too small.
    MissingTool, ToolFailed
        If Yosys or nextpnr is missing, or fails.
    """
    check(target, pnr, seeds)
    instance("Design", design, Design, "what emit() gives")
    to = TARGETS[target]
    stage(f"Yosys for {target}")
    top, core = modules(design)
    cells = map_cells(design, to, target, top, core)
    costs = {module: count(to, number) for module, number in cells.items()}
    layers, parts = [], []
    for name, module in core.instances.items():
        if module in costs:
            layer = name.startswith(LAYER)
            row = {"name": name.removeprefix(LAYER), **whole(costs, module)}
            (layers if layer else parts).append(row)
    cost = total([*layers, *parts, costs[design.core]])
    around = [costs[module] for module in top.instances.values() if module != design.core]
    wrapper = total([costs[design.top], *around])
    result: dict[str, Any] = {"target": target, **cost, "fmax_mhz": None}
    result |= {"core": cost, "wrapper": wrapper, "layers": layers, "parts": parts}
    if pnr:
        result |= place(design.folder, to, target, total([cost, wrapper]), seeds, stage)
    return result


def check(target: str, pnr: bool, seeds: int) -> None:
    """Refuse what `synth` cannot do, before anything is computed."""
    choice("Target", target, TARGETS)
    if pnr and not TARGETS[target].place:
        raise InputError(f"Target must be ice40 or ecp5 to place and route, not {target!r}")
    integer("Number of seeds", seeds, 1, 1 << 16)
    tools.find("yosys")
    if pnr:
        tools.find(TARGETS[target].place)


def total(costs: Iterable[Cost]) -> Cost:
    """Add up costs."""
    costs = list(costs)
    return {kind: sum(cost[kind] for cost in costs) for kind in KINDS}


def whole(costs: dict[str, Cost], module: str) -> Cost:
    """Add up the costs of a module and of those kept inside it."""
    return total(cost for m, cost in costs.items() if m == module or m.startswith(f"{module}."))


def map_cells(
    design: Design, to: Target, target: str, top: Module, core: Module
) -> dict[str, dict[str, int]]:
    """Run Yosys: the netlist goes to ``<target>.json``; returns the cells of each kept module."""
    (design.folder / "carrier.v").write_text(carrier(top, design.top))
    kept = [design.top, design.core, *top.instances.values(), *core.instances.values()]
    names = " ".join(escaped(module) for module in dict.fromkeys(kept))
    sources = " ".join(str(path.relative_to(design.folder)) for path in design.sources)
    script = f"""
read_verilog {sources} carrier.v
hierarchy -check -top carrier
setattr -mod -set keep_hierarchy 1 {names} {RELAYS}
{to.passes}
tee -q -o {target}.stat.json stat -json
flatten
opt_clean
write_json {target}.json
"""
    (design.folder / f"{target}.ys").write_text(script)
    tools.run("yosys", ["-q", "-s", f"{target}.ys"], design.folder, f"{target}.yosys.log")
    found = json.loads((design.folder / f"{target}.stat.json").read_text())["modules"]
    cells = {name.removeprefix("\\"): stat["num_cells_by_type"] for name, stat in found.items()}
    del cells["carrier"]
    return cells
