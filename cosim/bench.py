"""The bench: plays a folder of vectors through the harness and compares all that happens.

It needs cocotb, the folder, and nothing of spikeline: an exported folder carries this file. The
folder holds

    description.json  what the hardware is: ports, layers (rtl/emit.py)
    stimuli.bin       the beats (cosim/harness.py)
    expected.jsonl    per sample: label, step, score [class], spikes {layer: [step]} as hexadecimal
                      masks (bit n is neuron n), membranes [step][neuron] of the last layer, and
                      where they were predicted: cycles, interval. Where the result is no class,
                      label is -1, and score is what rtl/readouts/ makes words of
    run.log           what the harness saw (+log=FILE names another)
    run.json          what this bench found

A value is wrong or right; nothing is compared within a tolerance.
"""

import json
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge, Timer

__all__ = ["Log", "Seen", "compare", "play", "read_log"]

Difference = dict[str, Any]


@dataclass
class Seen:
    """What one sample showed.

    Attributes
    ----------
    start : int, cycles
        First beat taken; -1 if never.
    words : list of int
        The result.
    taken : list of int, cycles
        When they were taken.
    ended : per layer, whether its sample came to an end
    spikes : per layer, per step, a mask
    membranes : per step, per neuron; None where none came
    faults : list of dict
        What no layer may do, as `compare` reports it.
    """

    start: int = -1
    words: list[int] = field(default_factory=list)
    taken: list[int] = field(default_factory=list)
    ended: list[bool] = field(default_factory=list)
    spikes: list[list[int]] = field(default_factory=list)
    membranes: list[list[int | None]] = field(default_factory=list)
    faults: list[Difference] = field(default_factory=list)


@dataclass
class Log:
    """What a run showed.

    Attributes
    ----------
    samples : list of Seen
    end : str
        "idle" where all samples were played and the core came to rest; else what happened.
    refused : int
        Beats that the core refused.
    unstable : int
        Words of a result that were changed or taken back while they were offered.
    restless : int
        Cycles in which something came out of a core that was idle.
    """

    samples: list[Seen] = field(default_factory=list)
    end: str = "the log has no end"
    refused: int = 0
    unstable: int = 0
    restless: int = 0


def signed(value: int, bits: int) -> int:
    """Read a two's complement number."""
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


class Reader:
    """Puts the lines of a log together to samples.

    Parameters
    ----------
    layers : list of dict
        ``layers`` of the description.
    """

    def __init__(self, layers: list[dict[str, Any]]) -> None:
        self.layers = layers
        self.log = Log()
        self.starts = self.results = 0
        self.at = [0] * len(layers)  # sample each layer is at
        self.mask = [0] * len(layers)  # spikes of the step so far
        self.row: dict[int, int] = {}  # membranes of the step so far

    def sample(self, n: int) -> Seen:
        """Find the record of a sample, or begin it."""
        samples = self.log.samples
        while len(samples) <= n:
            count = len(self.layers)
            samples.append(Seen(ended=[False] * count, spikes=[[] for _ in range(count)]))
        return samples[n]

    def item(self, n: int, payload: int) -> None:
        """Take what layer n told (rtl/stream.py, of the last one rtl/soma.py `measured`)."""
        layer, sample = self.layers[n], self.sample(self.at[n])
        position = payload & ((1 << layer["position_bits"]) - 1)
        payload >>= layer["position_bits"]
        first, lanes = position * layer["stride"], payload & ((1 << layer["lanes"]) - 1)
        spikes = lanes << first
        if layer["offsets"]:  # of several places of a map
            spikes = sum(1 << first + layer["offsets"][lane] for lane in bits_of(lanes))
        payload >>= layer["lanes"]
        tick, last = payload & 1, payload >> 1 & 1
        place = {"layer": layer["name"], "step": len(sample.spikes[n])}
        for neuron in bits_of(self.mask[n] & spikes):
            sample.faults.append(place | {"neuron": neuron} | fault("spikes", 1, 2))
        self.mask[n] |= spikes
        if layer["membrane_bits"] and (tick or not last):
            self.membranes(layer, first, payload >> 3, sample, place)
        if tick:
            sample.spikes[n].append(self.mask[n])
            self.mask[n] = 0
            if layer["membrane_bits"]:
                sample.membranes.append([self.row.get(k) for k in range(layer["neurons"])])
                self.row = {}
        if last:
            self.end(n, sample, place)

    def membranes(
        self, layer: dict[str, Any], first: int, payload: int, sample: Seen, place: Difference
    ) -> None:
        """Take the membranes of the neurons from `first` on."""
        bits = layer["membrane_bits"]
        for k in range(min(layer["lanes"], layer["neurons"] - first)):
            if first + k in self.row:
                sample.faults.append(place | {"neuron": first + k} | fault("membranes", 1, 2))
            self.row[first + k] = signed(payload >> k * bits, bits) + layer["offset"][first + k]

    def end(self, n: int, sample: Seen, place: Difference) -> None:
        """End the sample of layer n; what belongs to no step is a fault."""
        for neuron in bits_of(self.mask[n]):
            found = fault("spikes after the last step", 0, 1)
            sample.faults.append(place | {"neuron": neuron} | found)
        if self.layers[n]["membrane_bits"] and self.row:
            sample.faults.append(place | fault("membranes after the last step", 0, len(self.row)))
            self.row = {}
        self.mask[n] = 0
        sample.ended[n] = True
        self.at[n] += 1

    def line(self, kind: str, *rest: str) -> None:
        """Take a line (cosim/harness.py)."""
        if kind == "l":
            self.item(int(rest[0]), int(rest[1], 16))
        elif kind == "m":
            cycle, last, word = int(rest[0]), int(rest[1], 16), int(rest[2], 16)
            sample = self.sample(self.results)
            sample.words.append(word)
            sample.taken.append(cycle)
            self.results += last
        elif kind == "s":
            self.sample(self.starts).start = int(rest[0])
            self.starts += 1
        elif kind == "u":
            self.log.unstable += 1
        elif kind == "i":
            self.log.restless += 1
        elif kind == "e":
            self.log.end, self.log.refused = "idle", int(rest[1])
        elif kind == "q":
            self.log.end = f"hung: nothing moved in the {rest[1]} cycles before cycle {rest[0]}"
        elif kind == "x":
            self.log.end = f"stopped: more results than samples in cycle {rest[0]}"
        else:
            raise ValueError


def fault(what: str, expected: int, actual: int) -> Difference:
    """Say what is wrong."""
    return {"what": what, "expected": expected, "actual": actual}


def bits_of(mask: int) -> Iterator[int]:
    """Yield the places of the bits that are set, from the lowest."""
    while mask:
        yield (mask & -mask).bit_length() - 1
        mask &= mask - 1


def read_log(path: Path, layers: list[dict[str, Any]]) -> Log:
    """Read a log up to its end, or to the first line that makes no sense.

    Parameters
    ----------
    path : Path
    layers : list of dict
        ``layers`` of the description.
    """
    reader = Reader(layers)
    for n, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
        if reader.log.end == "idle":
            reader.log.end = f"line {n} of the log stands behind its end"
            break
        try:
            reader.line(*line.split())
        except (ValueError, IndexError, TypeError):
            reader.log.end = f"line {n} of the log makes no sense: {line[:40]!r}"
            break
    return reader.log


def differences(
    want: dict[str, Any], got: Seen, layers: list[str], result: dict[str, Any]
) -> Iterator[Difference]:
    """Yield every difference of one sample, causes first; `result` describes its words.

    Within a layer by step, membranes before the spikes they lead to; then the result.
    """
    for layer, g, ended in zip(layers, got.spikes, got.ended, strict=True):
        w = want["spikes"][layer]
        for step, (a, b) in enumerate(zip(w, g, strict=False)):
            at = {"layer": layer, "step": step}
            if layer == layers[-1] and step < len(got.membranes):
                yield from _membranes(want["membranes"][step], got.membranes[step], at)
            a = int(a, 16)
            for neuron in bits_of(a ^ b):
                yield at | {"neuron": neuron} | fault("spike", a >> neuron & 1, b >> neuron & 1)
        # After an early decision the steps that were still computed are a prefix of the full run;
        # every layer computes the same ones.
        least = want["step"] + 1
        if not least <= len(g) <= len(w):
            yield {"layer": layer} | fault("steps", len(w), len(g))
        elif len(g) != len(got.spikes[0]):
            yield {"layer": layer} | fault("steps", len(got.spikes[0]), len(g))
        if not ended:
            yield {"layer": layer} | fault("ends of the sample", 1, 0)
    yield from got.faults
    if not got.words:
        yield fault("results", 1, 0)
        return
    yield from RESULTS[result["result"]](want, got.words, result["tdata_bits"])


def _membranes(want: list[int], got: list[int | None], at: Difference) -> Iterator[Difference]:
    for neuron, (x, y) in enumerate(zip(want, got, strict=True)):
        if x != y:
            yield at | {"neuron": neuron, "what": "membrane", "expected": x, "actual": y}


def _class(want: dict[str, Any], words: list[int], bits: int) -> Iterator[Difference]:
    for name, value in (("label", words[0] & 0xFFFF), ("step", words[0] >> 16)):
        if want[name] != value:
            yield fault(name, want[name], value)
    yield from _values(want["score"], words, 2, "score", bits)


def _membranes_sent(want: dict[str, Any], words: list[int], bits: int) -> Iterator[Difference]:
    yield from _values(want["score"], words, 1, "membrane of the result", bits)


def _values(
    want: list[int], words: list[int], first: int, what: str, bits: int
) -> Iterator[Difference]:
    """Compare words from the `first` on with what neurons must have."""
    if len(words) != first + len(want):
        yield fault("words of the result", first + len(want), len(words))
    for neuron, (x, y) in enumerate(zip(want, words[first:], strict=False)):
        if x != signed(y, bits):
            yield {"neuron": neuron} | fault(what, x, signed(y, bits))


def _spikes_sent(want: dict[str, Any], words: list[int], bits: int) -> Iterator[Difference]:
    """Compare spikes in their order; the first that differs tells of all behind it."""
    steps = list(want["spikes"].values())[-1]
    spikes = [(t, n) for t, mask in enumerate(steps) for n in bits_of(int(mask, 16))]
    for (step, neuron), word in zip(spikes, words[:-1], strict=False):
        if (step, neuron) != (word >> 16, word & 0xFFFF):
            place = {"step": step, "neuron": neuron}
            yield place | fault("spike of the result", step << 16 | neuron, word)
            break
    if len(words) != len(spikes) + 1:
        yield fault("words of the result", len(spikes) + 1, len(words))


# By the ``result`` of the description's ``m_axis``.
RESULTS = {"class": _class, "spikes": _spikes_sent, "membranes": _membranes_sent}


def nth(values: list[int], n: int) -> int:
    """Take a value by its place, -1 the last; -1 where there is none."""
    return values[n] if -len(values) <= n < len(values) else -1


def times(
    want: dict[str, Any], got: Seen, before: Seen | None, kind: str, result: dict[str, Any]
) -> Iterator[Difference]:
    """Yield every difference in time; `before` is the sample before."""
    timed = result["timed_word"]
    end = nth(got.taken, timed)
    measured, counted = end - got.start, nth(got.words, result["cycles_word"])
    # A sink that refuses lets the result wait after it was counted.
    if counted > measured or (kind != "stalled" and counted != measured):
        yield fault("cycles counted", measured, counted)
    if kind == "isolated" and want.get("cycles") not in (None, measured):
        yield fault("cycles", want["cycles"], measured)
    interval = end - nth(before.taken, timed) if before else None
    if kind == "streamed" and interval is not None and want.get("interval", interval) != interval:
        yield fault("interval", want["interval"], interval)


def compare(
    expected: list[dict[str, Any]], log: Log, description: dict[str, Any], kind: str
) -> dict[str, Any]:
    """Compare a whole run.

    Parameters
    ----------
    expected : list of dict
        Lines of ``expected.jsonl``.
    log : Log
    description : dict
    kind : "isolated", "streamed" or "stalled"
        Whether each sample waited for the core to be idle; came at once; or with stalls.

    Returns
    -------
    dict
        ``samples``; ``compared``, spikes (neurons x steps) that were compared; ``mismatches``;
        ``first``, the first difference or None; ``end`` of the log; ``labels``, empty where the
        result is no class; per sample ``cycles`` (first beat to result, the word of it that the
        description names), ``counted`` (the same, as the hardware counted) and ``interval`` (to the
        result before).
    """
    layers, result = description["layers"], description["m_axis"]
    names = [layer["name"] for layer in layers]
    seen = log.samples
    first: Difference | None = None
    mismatches = compared = 0

    def note(n: int, found: Difference) -> None:
        nonlocal first, mismatches
        mismatches += 1
        first = first or {"sample": n} | found

    for n, (want, got) in enumerate(zip(expected, seen, strict=False)):
        compared += sum(
            len(g) * layer["neurons"] for g, layer in zip(got.spikes, layers, strict=True)
        )
        for found in differences(want, got, names, result):
            note(n, found)
        for found in times(want, got, seen[n - 1] if n else None, kind, result):
            note(n, found)
    some = max(len(expected), 1)
    if len(seen) != some:
        note(min(len(seen), some), fault("samples", some, len(seen)))
    if log.end != "idle":
        note(len(seen) - 1, {"what": "end", "expected": "idle", "actual": log.end})
    if log.refused:
        note(0, fault("beats refused", 0, log.refused))
    if log.unstable:
        note(0, fault("result words changed while offered", 0, log.unstable))
    if log.restless:
        note(0, fault("cycles in which an idle core was not", 0, log.restless))
    ends = [nth(s.taken, result["timed_word"]) for s in seen]
    return {
        "samples": len(seen),
        "compared": compared,
        "mismatches": mismatches,
        "first": first,
        "end": log.end,
        "labels": [s.words[0] & 0xFFFF if s.words else -1 for s in seen]
        if result["result"] == "class"
        else [],
        "cycles": [end - s.start for end, s in zip(ends, seen, strict=True)],
        "counted": [nth(s.words, result["cycles_word"]) for s in seen],
        "interval": [b - a for a, b in pairwise(ends)],
    }


@cocotb.test()
async def play(dut: Any) -> None:
    """Every spike, membrane and decision of the vectors is computed."""
    # The simulator runs on its own: Python would hold back Ctrl-C until the end.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    Clock(dut.clk, 2, "ns", impl="gpi").start(start_high=False)
    await Timer(2, "ns")  # one cycle of reset is enough
    dut.rst.value = 0
    await RisingEdge(dut.done)

    log = Path(str(cocotb.plusargs.get("log", "run.log")))
    stalls = int(cocotb.plusargs.get("stall", 0)) != 0
    isolated = int(cocotb.plusargs.get("isolated", 0)) != 0
    kind = "stalled" if stalls else "isolated" if isolated else "streamed"
    description = json.loads(Path("description.json").read_text())
    with open(str(cocotb.plusargs.get("expected", "expected.jsonl"))) as lines:
        expected = [json.loads(line) for line in lines]
    result = compare(expected, read_log(log, description["layers"]), description, kind)
    log.with_suffix(".json").write_text(json.dumps(result))
    assert result["mismatches"] == 0, f"first of {result['mismatches']}: {result['first']}"
