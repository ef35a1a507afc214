"""Co-simulation of a data set: the emitted Verilog beside the golden model."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from ..model.answers import answers, suit
from ..model.check import function, integer, path, shown
from ..model.errors import InputError
from ..model.network import Network, accuracy, recorded
from ..model.store import blaming, content_hash
from ..plan.cycles import predict, work
from ..plan.layout import Layout
from ..plan.mapping import Mapping, mapped
from ..rtl.emit import emit
from .build import build
from .divergence import explain, record
from .play import clear, play
from .vectors import vectors

__all__ = ["Result", "cosim"]

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
        mismatches, accuracy (None without classes), cycles, interval and overhead (cycles less
        events less steps) {min, median, max}, cycles_predicted_wrong (None under stalls), wall_s;
        firing and work, by layer: the share of its neurons that spike in a step, and the median
        of the cycles in which it adds (plan/cycles.py `work`), both of the golden run.
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
    on_progress: Callable[[str], object] | None = None,
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
    on_progress : callable
        Called with what begins now.
    """
    if not isinstance(stalls, str) or stalls not in PASSES:
        raise InputError(f"Stalls must be none or random, not {shown(stalls)}")
    mapped(mapping, network)
    integer("Seed", seed, 0, (1 << 32) - 1)
    function("Argument on_progress", on_progress)
    folder = path("Co-simulation folder", folder)
    began = time.monotonic()
    say = on_progress or (lambda _: None)
    say("golden run")
    run = network.run(samples, record=True, keep=(network.output,))
    if labels is not None:
        labels = answers(labels, len(run.decision.label))
        suit(labels, network.classes, network.readout.classifies)
    say("Verilog")
    with blaming(folder):
        folder.mkdir(parents=True, exist_ok=True)
    clear(folder, *(what for what, _ in chain(*PASSES.values())), "divergence")
    emitted = emit(network, mapping, folder, name=name)
    sent = Layout.of(network, mapping).sent(recorded(run))
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
        text = f"{found}: {explain(network, samples, results[found])}\n  {waves}"
    summary = {
        "network": name,
        "hash": content_hash(network),
        "samples": len(run.decision.label),
        "spikes_compared": sum(r["compared"] for r in results.values()),
        "mismatches": sum(r["mismatches"] for r in results.values()),
        "accuracy": accuracy(fitted(one["labels"], labels), labels)
        if labels is not None and network.readout.classifies
        else None,
        "cycles": spread(cycles),
        "interval": spread(interval),
        "overhead": spread(beyond(cycles, sent.sum(axis=(0, 2), dtype=int) + network.steps)),
        "cycles_predicted_wrong": wrong,
        "firing": {name: round(float(s.mean()), 4) for name, s in run.spikes.items()},
        "work": {n: float(np.median(x)) for n, x in work(network, mapping, run).items()},
        "wall_s": round(time.monotonic() - began, 1),
    }
    return Result(summary, cycles, interval, predicted, text)


def unequal(measured: np.ndarray, predicted: np.ndarray) -> int:
    """Count what differs, and what one of them has more."""
    both = min(len(measured), len(predicted))
    return (
        int((measured[:both] != predicted[:both]).sum() + len(measured) + len(predicted)) - 2 * both
    )


def beyond(cycles: np.ndarray, beats: np.ndarray) -> np.ndarray:
    """Count the cycles of latency beyond one for every event and every step."""
    return cycles - beats[: len(cycles)] if len(cycles) <= len(beats) else np.empty(0, int)


def fitted(decided: list[int], labels: np.ndarray) -> np.ndarray:
    """Decisions, one per label: -1 where a broken core gave none."""
    return np.array([*decided, *[-1] * len(labels)][: len(labels)])


def spread(values: np.ndarray) -> dict[str, float | None]:
    """Smallest, median and largest."""
    if not len(values):
        return {"min": None, "median": None, "max": None}
    return {"min": int(values.min()), "median": float(np.median(values)), "max": int(values.max())}
