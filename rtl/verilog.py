"""Verilog of a component, for any simulator of the standard."""

import re
from typing import Any

from amaranth._toolchain.yosys import find_yosys
from amaranth.back import rtlil  # pyright: ignore[reportAttributeAccessIssue]: no stub

from ..model.cache import caching

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
    InputError
        If Yosys cannot keep what it compiles of itself.
    """
    yosys = find_yosys(lambda version: version >= (0, 40))
    attributes = " ".join(f"-remove {attribute}" for attribute in ATTRIBUTES)
    text = rtlil.convert(component, name=name, platform=platform, emit_src=False)
    script = SCRIPT.format(text=text, attributes=attributes)
    with caching():
        text = yosys.run(["-q", "-"], script, ignore_warnings=True)
    text = re.sub(r"\A/\*.*?\*/\s*", "", text, flags=re.DOTALL)
    # A field of no bits, declared for its name alone, would be a wire of two.
    text = re.sub(r"^\s*wire \[-1:0\] .*;\n", "", text, flags=re.MULTILINE)
    # Yosys takes a wire that is named like a bit of another one for that bit.
    return re.sub(r"\\\S+", lambda found: re.sub(r"\[(\d+)\]", r".\1", found[0]), text)
