"""Parts of a core as Verilog, all in one module: one build of the simulator serves every bench."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from amaranth.hdl import Module, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..model.store import write_atomically
from ..rtl.verilog import convert

__all__ = ["Parts", "emit_parts"]

SEEN = "/*verilator public_flat_rw*/"


class Parts(wiring.Component):
    """Components side by side; their ports have the component's name before their own.

    Parameters
    ----------
    parts : components by name

    Members
    -------
    (name) : Out(part.signature)
        In Verilog ``serializer_i_valid`` is port ``i.valid`` of the part ``serializer``.
    """

    def __init__(self, parts: Mapping[str, Any]) -> None:
        self.parts = parts
        super().__init__({name: Out(part.signature) for name, part in parts.items()})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        for name, part in self.parts.items():
            m.submodules[name] = part
            wiring.connect(m, wiring.flipped(getattr(self, name)), part)
        return m


def emit_parts(parts: Mapping[str, Any], folder: Path, name: str) -> list[Path]:
    """Write parts as Verilog, weights inside, and a top whose signals cocotb sees.

    Verilator 5.48 dies of VPI names with two underscores, so those of the top have one.

    Returns
    -------
    list of Path
        What Verilator builds.
    """
    whole = Parts(parts)
    inner = f"{name}_parts"
    text = convert(whole, inner)
    signals, pins = [], []
    ports = [
        ("__".join(map(str, path)), port, value)
        for path, port, value in whole.signature.flatten(whole)
    ]
    for port, member, value in ports:
        kind = "reg" if member.flow is In else "wire"
        bits = len(Value.cast(value))
        if bits:
            seen = port.replace("__", "_")
            signals.append(f"  {kind} [{bits - 1}:0] {seen} {SEEN};\n")
            pins.append(f", .{port}({seen})")
    top = (
        f"`timescale 1ns / 1ns\nmodule {name};\n  reg clk {SEEN} = 0;\n  reg rst {SEEN} = 1;\n"
        f"{''.join(signals)}  {inner} dut (.clk(clk), .rst(rst){''.join(pins)});\nendmodule\n"
    )
    files = {f"{name}.sv": top, f"{inner}.v": text}
    for file, contents in files.items():
        write_atomically(folder / file, contents)
    return [folder / file for file in files]
