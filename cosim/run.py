"""Co-simulation of a data set: the emitted Verilog beside the golden model."""

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
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
from .build import build
from .divergence import explain, record
from .harness import harness
from .play import play

__all__ = ["Result", "cosim", "vectors"]

# The runs of a co-simulation, by stalls, with their plus arguments; {} takes the seed.
PASSES = {
    "none": (("isolated", ["+isolated=1"]), ("streamed", ["+isolated=0"])),
    "random": (("stalled", ["+stall={}"]), ("reluctant", ["+stall={}", "+refuse=1"])),
}


@dataclass(slots=True)
class Result:
    """What a co-simulation found.

    Attributes
    ----------
    summary : dict
        What ``--json`` prints: network, hash, samples, spikes_compared (neurons x steps),
        mismatches, accuracy, cycles and interval {min, median, max}, cycles_predicted_wrong (None
        under stalls), wall_s.
    cycles, interval, predicted : int64 (samples,), (samples - 1,), (samples,)
        Measured latency and interval, predicted latency (empty under stalls).
    divergence : str or None
        The first difference, with its operands and where its waveforms are.
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
    """Run samples through golden model and Verilog; compare every spike, membrane and decision.

    They run twice. Without stalls, one at a time with the core idle before (latency), and back to
    back (interval), and every cycle is compared too. With stalls, by a sink that refuses at random,
    and by one that never takes a word in the cycle it is first offered.

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
    if stalls not in PASSES:
        raise Refused(f"Stalls must be none or random, not {stalls!r}")
    began = time.monotonic()
    say = tick or (lambda _: None)
    say("golden run")
    run = network.run(samples, record=True)
    say("Verilog")
    emitted = emit(network, mapping, folder, name=name)
    vectors(emitted, run, samples)
    say("building the simulator")
    sources = [folder / "harness.sv", *emitted.sources]
    simulator = build(sources, "harness")

    say("simulating")
    passes = {what: [word.format(2 * seed + 1) for word in words] for what, words in PASSES[stalls]}
    with ThreadPoolExecutor() as pool:
        played = [pool.submit(play, simulator, folder, *one) for one in passes.items()]
        foreseen = predict(network, mapping, run) if stalls == "none" else None
        results = {what: one.result() for what, one in zip(passes, played, strict=True)}

    one = next(iter(results.values()))
    cycles = np.array(one["cycles"])
    interval = np.array(results.get("streamed", one)["interval"])
    wrong, predicted = None, np.empty(0, int)
    if foreseen is not None:
        predicted = foreseen[0]
        wrong = unequal(cycles, predicted) + unequal(interval, foreseen[1])
    found = next((what for what, result in results.items() if result["first"]), None)
    text = None
    if found is not None:
        say("simulating the divergence with waveforms")
        waves = record(sources, folder, results[found]["first"]["sample"], passes[found])
        text = f"{found}: {explain(network, run, results[found])}\n  {waves}"
    summary = {
        "network": name,
        "hash": content_hash(network),
        "samples": len(run.decision.label),
        "spikes_compared": sum(r["compared"] for r in results.values()),
        "mismatches": sum(r["mismatches"] for r in results.values()),
        "accuracy": None if labels is None else accuracy(fitted(one["labels"], labels), labels),
        "cycles": spread(cycles),
        "interval": spread(interval),
        "cycles_predicted_wrong": wrong,
        "wall_s": round(time.monotonic() - began, 1),
    }
    return Result(summary, cycles, interval, predicted, text)


def unequal(measured: np.ndarray, predicted: np.ndarray) -> int:
    """Count what differs, and what one of them has more."""
    both = min(len(measured), len(predicted))
    return (
        int((measured[:both] != predicted[:both]).sum() + len(measured) + len(predicted)) - 2 * both
    )


def fitted(decided: list[int], labels: np.ndarray) -> np.ndarray:
    """Decisions, one per label: -1 where a broken core gave none."""
    return np.array([*decided, *[-1] * len(labels)][: len(labels)])


def spread(values: np.ndarray) -> dict[str, float | None]:
    """Smallest, median and largest."""
    if not len(values):
        return {"min": None, "median": None, "max": None}
    return {"min": int(values.min()), "median": float(np.median(values)), "max": int(values.max())}
