"""The bench: plays a folder of vectors through the harness and compares all that happens with what must happen.

It needs cocotb, the folder, and nothing of spikeline: an exported folder carries this file. The folder holds

    description.json  what the hardware is: ports, layers (rtl/emit.py)
    stimuli.bin       the beats (cosim/harness.py)
    expected.jsonl    per sample: label, step, score [class], spikes [layer][step] as hexadecimal masks (bit n is
                      neuron n), membranes [step][neuron] of the last layer, and where predicted: cycles, interval
    run.log           what the harness saw
    result.json       what this bench found

A value is wrong or right; nothing is compared within a tolerance.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge, Timer

__all__ = ["Seen", "compare", "play", "read_log"]


@dataclass
class Seen:
    """What one sample showed.

    Attributes
    ----------
    start, end : int, cycles
        First beat taken, first word of the result taken.
    words : list of int
        The result.
    spikes : per layer, per step, a mask
    membranes : per step, per neuron
    """

    start: int = -1
    end: int = -1
    words: list[int] = field(default_factory=list)
    spikes: list[list[int]] = field(default_factory=list)
    membranes: list[list[int]] = field(default_factory=list)


def signed(value: int, bits: int) -> int:
    """Read a two's complement number."""
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


def read_log(path: Path, layers: list[dict[str, Any]]) -> list[Seen]:
    """Read a log into one record per sample.

    Parameters
    ----------
    path : Path
    layers : list of dict
        ``layers`` of the description.
    """
    seen: list[Seen] = []

    def sample(n: int) -> Seen:
        while len(seen) <= n:
            seen.append(Seen(spikes=[[] for _ in layers]))
        return seen[n]

    starts = results = 0
    at = [0] * len(layers)  # sample each layer is at
    mask = [0] * len(layers)
    row: list[int] = []
    for line in path.read_text().splitlines():
        kind, *rest = line.split()
        if kind == "l":
            n, payload = int(rest[0]), int(rest[1], 16)
            layer, s = layers[n], sample(at[n])
            position = payload & ((1 << layer["position_bits"]) - 1)
            payload >>= layer["position_bits"]
            lanes = payload & ((1 << layer["lanes"]) - 1)
            payload >>= layer["lanes"]
            tick, last = payload & 1, payload >> 1 & 1
            first = position * layer["lanes"]
            mask[n] |= lanes << first
            if layer["membrane_bits"] and (tick or not last):
                payload >>= 3
                for k in range(min(layer["lanes"], layer["neurons"] - first)):
                    h = signed(payload >> k * layer["membrane_bits"], layer["membrane_bits"])
                    row.append(h + layer["offset"][first + k])
            if tick:
                s.spikes[n].append(mask[n])
                mask[n] = 0
                if layer["membrane_bits"]:
                    s.membranes.append(row)
                    row = []
            if last:
                at[n] += 1
        elif kind == "s":
            sample(starts).start = int(rest[0])
            starts += 1
        elif kind == "m":
            s = sample(results)
            if not s.words:
                s.end = int(rest[0])
            s.words.append(int(rest[2], 16))
            results += int(rest[1], 16)
    return seen


def differences(n: int, want: dict[str, Any], got: Seen, bits: int) -> Iterator[dict[str, Any]]:
    """Yield every difference of one sample; result words are `bits` wide."""
    here = {"sample": n}
    if not got.words:
        yield here | {"what": "result", "expected": 1, "actual": 0}
        return
    decision = {"label": got.words[0] & 0xFFFF, "step": got.words[0] >> 16 & 0xFFFF}
    steps = want["step"] + 1
    for layer, (w, g) in enumerate(zip(want["spikes"], got.spikes, strict=True)):
        # After an early decision the steps that were still computed are a prefix of the full run.
        if not steps <= len(g) <= len(w):
            yield here | {"what": "steps", "layer": layer, "expected": len(w), "actual": len(g)}
        for step, (a, b) in enumerate(zip(w, g, strict=False)):
            wrong = int(a, 16) ^ b
            while wrong:
                neuron = (wrong & -wrong).bit_length() - 1
                wrong &= wrong - 1
                at = {"layer": layer, "step": step, "neuron": neuron}
                yield (
                    here
                    | at
                    | {
                        "what": "spike",
                        "expected": int(a, 16) >> neuron & 1,
                        "actual": b >> neuron & 1,
                    }
                )
    for step, (a, b) in enumerate(zip(want["membranes"], got.membranes, strict=False)):
        for neuron, (x, y) in enumerate(zip(a, b, strict=True)):
            if x != y:
                at = {"layer": len(want["spikes"]) - 1, "step": step, "neuron": neuron}
                yield here | at | {"what": "membrane", "expected": x, "actual": y}
    for name, value in decision.items():
        if want[name] != value:
            yield here | {"what": name, "expected": want[name], "actual": value}
    scores = [signed(w, bits) for w in got.words[2:]]
    if len(scores) != len(want["score"]):
        yield here | {"what": "words", "expected": len(want["score"]), "actual": len(scores)}
    for neuron, (x, y) in enumerate(zip(want["score"], scores, strict=False)):
        if x != y:
            yield here | {"what": "score", "neuron": neuron, "expected": x, "actual": y}


def compare(
    expected: list[dict[str, Any]], seen: list[Seen], description: dict[str, Any]
) -> dict[str, Any]:
    """Compare a whole run.

    Returns
    -------
    dict
        ``samples``; ``compared``, neuron values (one per neuron and step) that were compared; ``mismatches``;
        ``first``, the first difference or None; ``labels``; per sample ``cycles`` (first beat to result),
        ``counted`` (the same, as the hardware counted) and ``interval`` (to the result before).
    """
    layers, bits = description["layers"], description["m_axis"]["tdata_bits"]
    found: list[dict[str, Any]] = []
    mismatches = compared = 0
    if len(seen) != len(expected):
        found.append(
            {
                "sample": min(len(seen), len(expected)),
                "what": "samples",
                "expected": len(expected),
                "actual": len(seen),
            }
        )
        mismatches += 1
    for n, (want, got) in enumerate(zip(expected, seen, strict=False)):
        compared += sum(
            len(g) * layer["neurons"] for g, layer in zip(got.spikes, layers, strict=True)
        )
        for difference in differences(n, want, got, bits):
            mismatches += 1
            if not found:
                found.append(difference)
    ends = [s.end for s in seen]
    return {
        "samples": len(seen),
        "compared": compared,
        "mismatches": mismatches,
        "first": found[0] if found else None,
        "labels": [s.words[0] & 0xFFFF if s.words else -1 for s in seen],
        "cycles": [s.end - s.start for s in seen],
        "counted": [s.words[1] if len(s.words) > 1 else -1 for s in seen],
        "interval": [b - a for a, b in zip(ends, ends[1:], strict=False)],
    }


@cocotb.test()
async def play(dut: Any) -> None:
    """Every spike, membrane and decision of the vectors is computed."""
    Clock(dut.clk, 2, "ns", impl="gpi").start(start_high=False)
    await Timer(20, "ns")
    dut.rst.value = 0
    await RisingEdge(dut.done)

    folder = Path(os.environ.get("SPIKELINE_VECTORS", "."))
    log = Path(os.environ.get("SPIKELINE_LOG", folder / "run.log"))
    description = json.loads((folder / "description.json").read_text())
    with (folder / "expected.jsonl").open() as lines:
        expected = [json.loads(line) for line in lines]
    result = compare(expected, read_log(log, description["layers"]), description)
    log.with_suffix(".json").write_text(json.dumps(result))
    assert result["mismatches"] == 0, f"first of {result['mismatches']}: {result['first']}"
