"""Co-simulation of a data set: the emitted Verilog beside the golden model."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..model.cycles import predict
from ..model.encode import pixels
from ..model.mapping import Mapping
from ..model.network import Network, Run, accuracy
from ..model.refuse import Refused
from ..model.store import content_hash, write_atomically
from ..rtl.emit import Emitted, emit
from .build import build, simulate
from .divergence import explain
from .harness import harness

__all__ = ["Result", "cosim", "vectors"]


@dataclass(slots=True)
class Result:
    """What a co-simulation found.

    Attributes
    ----------
    summary : dict
        What ``--json`` prints: network, hash, samples, spikes_compared (neurons x steps), mismatches, accuracy,
        cycles and interval {min, median, max}, cycles_predicted_wrong (None under stalls), wall_s.
    cycles, interval, predicted : int64 (samples,), (samples - 1,), (samples,)
        Measured latency and interval, predicted latency; empty under stalls.
    divergence : str or None
        The first difference, with its operands.
    """

    summary: dict[str, Any]
    cycles: np.ndarray
    interval: np.ndarray
    predicted: np.ndarray
    divergence: str | None

    def json(self) -> dict[str, Any]:
        """What ``--json`` prints."""
        return self.summary


def stimuli(description: dict[str, Any], s: np.ndarray) -> bytes:
    """Write encoded samples as beats, one record each (cosim/harness.py).

    Parameters
    ----------
    description : dict
        The one beside the Verilog.
    s : uint8 (steps, samples, inputs)
    """
    beat, bits = description["s_axis"]["beat"], description["s_axis"]["tdata_bits"]
    steps, samples, inputs = s.shape
    n, t, a = np.nonzero(s.transpose(1, 0, 2))
    events = a | s[t, n, a].astype(np.int64) << beat["value"]["lsb"]
    # The end of a step comes behind its events; the last one ends the packet.
    ends = np.full((samples, steps), 1 << beat["tick"]["lsb"])
    ends[:, -1] |= 1 << bits
    place = (n * steps + t) * (inputs + 1) + a
    end_place = np.arange(samples * steps) * (inputs + 1) + inputs
    order = np.argsort(np.concatenate([place, end_place]), kind="stable")
    words = np.concatenate([events, ends.ravel()])[order].astype(">u8")
    return words.view(np.uint8).reshape(-1, 8)[:, 7 - bits // 8 :].tobytes()


def pixel_stimuli(description: dict[str, Any], images: np.ndarray) -> bytes:
    """Write images as beats of packed pixels, one record each (cosim/harness.py).

    Parameters
    ----------
    description : dict
    images : uint8 (samples, inputs)
    """
    lanes = description["s_axis"]["tdata_bits"] // 8
    samples, inputs = images.shape
    words = -(-inputs // lanes)
    records = np.zeros((samples, words, lanes + 1), np.uint8)
    padded = np.zeros((samples, words * lanes), np.uint8)
    padded[:, :inputs] = images
    records[:, :, 1:] = padded.reshape(samples, words, lanes)[:, :, ::-1]
    records[:, -1, 0] = 1
    return records.tobytes()


def expectations(run: Run) -> str:
    """Write what must be seen, one JSON line per sample (cosim/bench.py)."""
    samples = len(run.decision.label)
    masks = []
    for s in run.spikes:
        packed = np.packbits(s, axis=2, bitorder="little")[:, :, ::-1]
        masks.append([[row.tobytes().hex() for row in step] for step in packed])
    h = run.membranes[-1].transpose(1, 0, 2).tolist()
    label, step, score = (
        x.tolist() for x in (run.decision.label, run.decision.step, run.decision.score)
    )
    lines = (
        json.dumps(
            {
                "label": label[n],
                "step": step[n],
                "score": score[n],
                "spikes": [[m[n] for m in layer] for layer in masks],
                "membranes": h[n],
            },
            separators=(",", ":"),
        )
        for n in range(samples)
    )
    return "\n".join(lines) + "\n"


def vectors(emitted: Emitted, run: Run, samples: np.ndarray) -> None:
    """Write stimuli, expectations and harness beside the Verilog."""
    assert run.input is not None
    folder, description = emitted.folder, json.loads(emitted.description.read_text())
    if "beat" in description["s_axis"]:
        beats = stimuli(description, run.input)
    else:
        beats = pixel_stimuli(description, pixels(samples, run.input.shape[2]))
    write_atomically(folder / "stimuli.bin", beats)
    write_atomically(folder / "expected.jsonl", expectations(run))
    write_atomically(folder / "harness.sv", harness(description))


def cosim(
    network: Network,
    mapping: Mapping,
    samples: np.ndarray,
    labels: np.ndarray | None,
    *,
    name: str,
    stalls: str = "none",
    seed: int = 0,
    folder: Path,
    tick: Callable[[str], object] | None = None,
) -> Result:
    """Run samples through golden model and Verilog and compare every spike, membrane, decision and cycle.

    Without stalls they run twice: one at a time with the core idle before (latency), and back to back (interval).

    Parameters
    ----------
    network : Network
    mapping : Mapping
    samples : (samples, ...), what the network's coding takes
    labels : int (samples,) or None
    name : str
        Name of the network.
    stalls : "none" or "random"
    seed : int
        Of the stalls.
    folder : Path
        Takes the Verilog, the vectors and the logs.
    tick : callable
        Called with what begins now.
    """
    if stalls not in ("none", "random"):
        raise Refused(f"Stalls must be none or random, not {stalls!r}")
    began = time.monotonic()
    say = tick or (lambda _: None)
    say("golden run")
    run = network.run(samples, record=True)
    say("Verilog")
    emitted = emit(network, mapping, folder, name=name)
    vectors(emitted, run, samples)
    say("building the simulator")
    simulator = build([folder / "harness.sv", *emitted.sources], "harness")

    if stalls == "random":
        passes = {"stalled": [f"+stall={seed * 2 + 1}"]}
    else:
        passes = {"isolated": ["+isolated=1"], "streamed": ["+isolated=0"]}
    results = {}
    for what, plusargs in passes.items():
        say(f"simulating, {what}")
        results[what] = _play(simulator, folder, what, plusargs)

    say("comparing cycles")
    wrong, predicted, cycles, interval = None, np.empty(0, int), np.empty(0, int), np.empty(0, int)
    if stalls == "none":
        predicted, predicted_interval = predict(network, mapping, run)
        cycles = np.array(results["isolated"]["cycles"])
        interval = np.array(results["streamed"]["interval"])
        counted = np.array(results["isolated"]["counted"])
        wrong = int((cycles != predicted).sum() + (counted != cycles).sum())
        wrong += int((interval != predicted_interval).sum())
    else:
        cycles, interval = (np.array(results["stalled"][k]) for k in ("cycles", "interval"))
    first = next((r["first"] for r in results.values() if r["first"]), None)
    decided = np.array(next(iter(results.values()))["labels"])
    summary = {
        "network": name,
        "hash": content_hash(network),
        "samples": len(run.decision.label),
        "spikes_compared": sum(r["compared"] for r in results.values()),
        "mismatches": sum(r["mismatches"] for r in results.values()),
        "accuracy": None if labels is None else accuracy(decided, labels),
        "cycles": spread(cycles),
        "interval": spread(interval),
        "cycles_predicted_wrong": wrong,
        "wall_s": round(time.monotonic() - began, 1),
    }
    text = explain(network, run, first) if first else None
    return Result(summary, cycles, interval, predicted, text)


def _play(simulator: Path, folder: Path, what: str, plusargs: list[str]) -> dict[str, Any]:
    """Run the bench once; returns what it found."""
    log = folder / f"{what}.log"
    result = log.with_suffix(".json")
    result.unlink(missing_ok=True)
    simulate(
        simulator,
        "harness",
        "spikeline.cosim.bench",
        where=folder,
        plusargs=["+stimuli=stimuli.bin", f"+log={log.name}", *plusargs],
        environment={"SPIKELINE_LOG": log.name},
        log=folder / f"{what}.out",
    )
    if not result.exists():
        raise Refused(f"The simulation must end with a result; it did not, see {folder / what}.out")
    return json.loads(result.read_text())


def spread(values: np.ndarray) -> dict[str, float | None]:
    """Smallest, median and largest."""
    if not len(values):
        return {"min": None, "median": None, "max": None}
    return {"min": int(values.min()), "median": float(np.median(values)), "max": int(values.max())}
