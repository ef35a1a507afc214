"""A run of the bench (cosim/bench.py) over a folder of vectors."""

import json
from itertools import product
from pathlib import Path
from typing import Any

from ..model.errors import ToolFailed
from .simulator import simulate

__all__ = ["clear", "play"]

# What a run called `what` may leave, as ``what.kind``: `play`, and divergence.py besides.
KINDS = ("log", "json", "out", "xml", "bin", "jsonl", "fst", "vcd")


def clear(folder: Path, *runs: str) -> None:
    """Remove what earlier runs of these names left: results, logs, vectors and waveforms."""
    for what, kind in product(runs, KINDS):
        (folder / f"{what}.{kind}").unlink(missing_ok=True)


def play(simulator: Path, folder: Path, what: str, plusargs: list[str]) -> dict[str, Any]:
    """Run the bench once.

    Parameters
    ----------
    simulator : Path
        Folder of the simulator, from cosim/build.py.
    folder : Path
        Holds Verilog, weight files and vectors; takes ``what.log``, ``.out``, ``.xml``, ``.json``.
    what : str
    plusargs : list of str
        Of cosim/harness.py.

    Returns
    -------
    dict
        As `compare` of cosim/bench.py returns it.

    Raises
    ------
    ToolFailed
        If the simulation ends without a result.
    """
    log, result, out = (folder / f"{what}.{kind}" for kind in ("log", "json", "out"))
    result.unlink(missing_ok=True)
    files = [f"+log={log.name}"]
    if not any(word.startswith("+stimuli=") for word in plusargs):
        files.append("+stimuli=stimuli.bin")
    simulate(
        simulator,
        "harness",
        "spikeline.cosim.bench",
        where=folder,
        plusargs=[*files, *plusargs],
        log=out,
    )
    if not result.exists():
        raise ToolFailed(f"The simulation must end with a result; it did not, see {out}")
    return json.loads(result.read_text())
