"""The first divergence: in words, with the operands it comes from, and as waveforms."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from ..model.errors import MissingTool, ToolFailed
from ..model.network import Network, Run
from ..model.store import write_atomically
from .build import build, waveforms
from .play import clear, play

__all__ = ["explain", "record"]


def explain(network: Network, samples: np.ndarray, result: dict[str, Any]) -> str:
    """Describe the first difference that the bench found.

    Parameters
    ----------
    network : Network
    samples : what was simulated
    result : dict
        As cosim/bench.py `compare` returns it.
    """
    first = result["first"]
    place = ", ".join(
        str(first[k]) if k == "layer" else f"{k} {first[k]}"
        for k in ("sample", "layer", "step", "neuron")
        if k in first
    )
    text = f"{place}: {first['what']} must be {first['expected']}, not {first['actual']}"
    if first["what"] in ("spike", "membrane"):
        run = network.run(samples[first["sample"] :][:1], record=True)
        text += operands(network, run, first["layer"], first["step"], first["neuron"])
    if result["end"] != "idle" and first["what"] != "end":
        text += f"\n  the core {result['end']}"
    return text


def operands(network: Network, run: Run, layer: str, step: int, neuron: int) -> str:
    """List what a neuron's spike and membrane come from, as a golden run of one sample saw it."""
    if neuron >= network.layers[layer].size:
        return "\n  there is no such neuron"
    assert run.input is not None
    cells = network.layers[layer].neuron
    terms, total = [], 0
    for c in network.layers[layer].connections:
        for source in c.sources:
            if source in network.inputs:
                first = network.offset(source)
                s = run.input[:, 0, first : first + network.inputs[source]]
            else:
                s = run.spikes[source][:, 0].astype(np.int64)
            seen = c.look(s)
            for i, w, d in c.synapses.terms(neuron):
                at = step - d - c.delay
                value = int(seen[at, i]) if at >= 0 else 0
                total += (w * value) << c.shift
                if value:
                    scale = f"<<{c.shift}" if c.shift else ""
                    terms.append(f"{w:+d}{scale}*{source}[{i},{at}]={value}")
    h = run.membranes[layer][:, 0, neuron]
    before = f"h[{step - 1}] = {h[step - 1]}, " if step else ""
    fired = bool(run.spikes[layer][:step, 0, neuron].any())
    return (
        f"\n  {before}h[{step}] = {h[step]}, {cells.tell(neuron)}, fired before: {fired}"
        f"\n  I[{step}] = {total} = {' '.join(terms) or '0 (no input)'}"
    )


def record(sources: list[Path], folder: Path, sample: int, plusargs: list[str]) -> str:
    """Simulate a sample that diverged, and the one before it, once more with waveforms.

    If that does not show the divergence, all samples up to it are simulated, and the waveforms
    begin with the one before it.

    Parameters
    ----------
    sources : list of Path
    folder : Path
        Of the vectors; takes ``divergence.fst`` (``.vcd`` where FST cannot be built).
    sample : int
    plusargs : list of str
        Of the run that diverged.

    Returns
    -------
    str
        Where the waveforms are, in one line.
    """
    clear(folder, "divergence")
    try:
        kind = waveforms()
        waves = folder / f"divergence.{kind}"
        simulator = build(sources, "harness", waves=kind)
        for first in dict.fromkeys((max(sample - 1, 0), 0)):
            cut(folder, first, sample + 1)
            begin = max(sample - 1 - first, 0)
            words = ["+stimuli=divergence.bin", "+expected=divergence.jsonl"]
            words += [f"+waves={waves.name}", f"+waves_from={begin}"]
            if play(simulator, folder, "divergence", [*words, *plusargs])["mismatches"]:
                return f"waveforms of samples {max(sample - 1, 0)} to {sample}: {waves}"
    except (MissingTool, ToolFailed) as error:
        return f"no waveforms: {error}"
    return f"waveforms: {waves}, in which the divergence did not happen again"


def cut(folder: Path, first: int, end: int) -> None:
    """Write the vectors of samples ``first .. end - 1`` to ``divergence.bin`` and ``.jsonl``."""
    size = json.loads((folder / "description.json").read_text())["s_axis"]["tdata_bits"] // 8 + 1
    beats = np.frombuffer((folder / "stimuli.bin").read_bytes(), np.uint8).reshape(-1, size)
    ends = [0, *(np.flatnonzero(beats[:, 0] & 1) + 1)]
    write_atomically(
        folder / "divergence.bin", beats[ends[first] : ends[min(end, len(ends) - 1)]].tobytes()
    )
    lines = (folder / "expected.jsonl").read_text().splitlines(keepends=True)[first:end]
    write_atomically(folder / "divergence.jsonl", "".join(lines))
