"""Place and route: a netlist on the smallest device that holds it, once per seed."""

import json
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from os import cpu_count
from pathlib import Path
from statistics import median
from typing import Any

from ...model.errors import InputError
from . import tools
from .targets import Target

__all__ = ["place"]


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
        (folder / "carrier.lpf").write_text(to.pins)
        pins = "--lpf carrier.lpf --lpf-allow-unconstrained"
    stage(f"nextpnr for {target}, {seeds} placement seed{'s' * (seeds > 1)}")

    programs = tools.Programs()

    def once(seed: int) -> tuple[float, str]:
        report = f"{target}.{seed}.report.json"
        words = (
            f"{device} {pins} --seed {seed} --json {target}.json --report {report}"
            " --timing-allow-fail -q"
        )
        programs.run(to.place, words.split(), folder, f"{target}.{seed}.nextpnr.log")
        found = json.loads((folder / report).read_text())
        slowest = round(min(clock["achieved"] for clock in found["fmax"].values()), 2)
        return slowest, critical(found["critical_paths"])

    # Started once alone, a WebAssembly program is compiled and cached before several use it.
    tools.version(tools.find(to.place))
    with ThreadPoolExecutor(min(seeds, cpu_count() or 1)) as pool:
        try:
            runs = [pool.submit(once, seed) for seed in range(1, seeds + 1)]
            for run in as_completed(runs):
                run.result()  # the first that failed, if one did
        except BaseException:
            programs.stop()  # or the pool would wait for those that run
            raise
    reached = [run.result() for run in runs]
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
