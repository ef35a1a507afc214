"""Verilog of a component, for any simulator of the standard."""

import re
from typing import Any

from amaranth._toolchain.yosys import YosysError, find_yosys
from amaranth.back import rtlil  # pyright: ignore[reportAttributeAccessIssue]: no stub

from ..model.cache import caching
from ..model.errors import MissingTool, ToolFailed

__all__ = ["convert"]

# Amaranth's own script (amaranth/back/verilog.py) keeps choices as ``always @*``, with an initial
# event that SystemVerilog does not know: such a block never runs where its inputs never change.
# Here choices become expressions, and there is no such block.
SCRIPT = """\
read_rtlil <<rtlil
{text}
rtlil
proc -norom
memory_collect
attrmap {attributes}
attrmap -modattr {attributes}
write_verilog
"""
OLDEST = (0, 40)  # Yosys that has the commands above
ATTRIBUTES = "generator", "top", "src", "amaranth.hierarchy", "amaranth.decoding"


def convert(component: Any, name: str, platform: object = None) -> str:
    """Write a component and what is in it as Verilog.

    Parameters
    ----------
    component : wiring.Component
    name : str
        Of the top module; those inside are called ``name.instance``.
    platform : object
        What `elaborate` is given.

    Raises
    ------
    MissingTool, ToolFailed
        If Yosys is missing or too old, or fails.
    InputError
        If it cannot keep what it compiles of itself.
    """
    yosys = _yosys()
    attributes = " ".join(f"-remove {attribute}" for attribute in ATTRIBUTES)
    text = rtlil.convert(component, name=name, platform=platform, emit_src=False)
    script = SCRIPT.format(text=text, attributes=attributes)
    with caching():
        try:
            text = yosys.run(["-q", "-"], script, ignore_warnings=True)
        except YosysError as error:
            said = [line for line in str(error).splitlines() if line.strip()] or ["nothing"]
            raise ToolFailed(f"Yosys must write {name} as Verilog; it said: {said[-1]}") from None
    text = re.sub(r"\A/\*.*?\*/\s*", "", text, flags=re.DOTALL)
    # A field of no bits, declared for its name alone, would be a wire of two.
    text = re.sub(r"^\s*wire \[-1:0\] .*;\n", "", text, flags=re.MULTILINE)
    # Yosys takes a wire that is named like a bit of another one for that bit.
    return re.sub(r"\\\S+", lambda found: re.sub(r"\[(\d+)\]", r".\1", found[0]), text)


def _yosys() -> Any:
    """Find Yosys: on PATH where it is new enough, else as Amaranth's package brings it."""
    try:
        return find_yosys(lambda version: version >= OLDEST)
    except YosysError:
        raise MissingTool(
            f"Yosys {'.'.join(map(str, OLDEST))} or newer must be on PATH, or installed by"
            " pip install 'spikeline[rtl]'"
        ) from None
