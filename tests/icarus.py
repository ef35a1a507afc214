"""Icarus Verilog under cocotb, for tests: skipped where it is not, unless it must be there."""

import json
import os
import re
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from cocotb_tools.runner import get_runner

__all__ = ["STANDARDS", "needs_icarus", "play", "stripped"]

STANDARDS = ("2005", "2012")

# Where the variable is set, as in continuous integration, a test without Icarus fails.
needs_icarus = pytest.mark.skipif(
    shutil.which("iverilog") is None and not os.environ.get("SPIKELINE_NEEDS_ICARUS"),
    reason="Icarus Verilog is not installed (apt install iverilog)",
)


def stripped(text: str) -> str:
    """Take from emitted Verilog what registers and memories hold at power-up."""
    text = re.sub(r"^(\s*reg\b[^;=]*?) = [^;]*;", r"\1;", text, flags=re.MULTILINE)
    return re.sub(r"^  initial begin\n.*?^  end\n", "", text, flags=re.MULTILINE | re.DOTALL)


def play(folder: Path, sources: list[Path], standard: str, *plusargs: str) -> dict[str, Any]:
    """Run the bench over a folder of vectors; returns what it found."""
    runner = get_runner("icarus")
    where = folder / f"icarus{standard}"
    runner.build(
        sources=sources,
        hdl_toplevel="harness",
        build_dir=where,
        build_args=[f"-g{standard}"],
        always=True,
        log_file=folder / "icarus.build",
    )
    result = folder / "icarus.json"
    result.unlink(missing_ok=True)
    with suppress(RuntimeError, SystemExit):
        runner.test(
            test_module="spikeline.cosim.bench",
            hdl_toplevel="harness",
            hdl_toplevel_lang="verilog",
            build_dir=where,
            test_dir=folder,
            plusargs=["+log=icarus.log", *plusargs],
            results_xml=str(folder / "icarus.xml"),
            log_file=folder / "icarus.out",
        )
    assert result.exists(), (folder / "icarus.out").read_text()[-2000:]
    return json.loads(result.read_text())
