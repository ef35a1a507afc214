"""The modules of a design, as Yosys reads them: their ports, and what is in them."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from ...model.errors import InputError
from . import tools

__all__ = ["Design", "Module", "escaped", "modules"]


@runtime_checkable
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
class Module:
    """A module.

    Attributes
    ----------
    inputs, outputs : dict
        Name of each port -> its width.
    instances : dict
        Name of each instance -> the name of its module.
    """

    inputs: dict[str, int]
    outputs: dict[str, int]
    instances: dict[str, str]


def modules(design: Design) -> tuple[Module, Module]:
    """Read the top and the core of a design; leaves ``modules.json`` and a log in its folder.

    Raises
    ------
    InputError
        If the Verilog files lack one of them.
    MissingTool, ToolFailed
        If Yosys is missing, or refuses a file.
    """
    sources = " ".join(str(path.relative_to(design.folder)) for path in design.sources)
    # Processes have no form in JSON, and are not asked for.
    script = f"""
read_verilog {sources}
delete */p:* */m:*
select {escaped(design.top)} {escaped(design.core)}
write_json -selected modules.json
"""
    (design.folder / "modules.ys").write_text(script)
    tools.run("yosys", ["-q", "-s", "modules.ys"], design.folder, "modules.yosys.log")
    found = json.loads((design.folder / "modules.json").read_text())["modules"]
    for name in (design.top, design.core):
        if name not in found:
            raise InputError(f"Module {name} must be in the Verilog files of the design")
    return _module(found[design.top]), _module(found[design.core])


def _module(described: dict[str, Any]) -> Module:
    """Make a module of its description by Yosys."""
    ports: dict[str, dict[str, int]] = {"input": {}, "output": {}}
    for name, port in sorted(described["ports"].items()):
        ports[port["direction"]][name] = len(port["bits"])
    cells = {name: cell["type"] for name, cell in described["cells"].items()}
    instances = {name: kind for name, kind in cells.items() if not kind.startswith("$")}
    return Module(ports["input"], ports["output"], instances)


def escaped(name: str) -> str:
    """Write a name in Verilog, or in a script of Yosys: escaped where it must be."""
    return name if re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII) else f"\\{name} "
