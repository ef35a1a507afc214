"""Vectors: the beats that go in and what must be seen, as files beside the Verilog."""

import json
from typing import Any

import numpy as np

from ..model.codings.pixels import pixels
from ..model.network import Run, recorded
from ..model.store import write_together
from ..plan.layout import first_step
from ..rtl.emit import Emitted
from .harness import harness

__all__ = ["expectations", "pixel_stimuli", "stimuli", "vectors"]


def stimuli(description: dict[str, Any], s: np.ndarray) -> bytes:
    """Write encoded samples as beats, one record each (cosim/harness.py).

    Parameters
    ----------
    description : dict
        The one beside the Verilog.
    s : uint8 (steps, samples, inputs)
        Of what is held, the first step is written.
    """
    s = first_step(s) if description["s_axis"]["held"] else s
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


def expectations(run: Run, times: tuple[np.ndarray, np.ndarray] | None = None) -> str:
    """Write what must be seen, one JSON line per sample (cosim/bench.py).

    Parameters
    ----------
    run : Run
        Recorded.
    times : (int (samples,), int (samples - 1,)) or None
        Predicted latency and interval.
    """
    samples = len(run.decision.label)
    masks = []
    for s in run.spikes.values():
        packed = np.packbits(s, axis=2, bitorder="little")[:, :, ::-1]
        masks.append([[row.tobytes().hex() for row in step] for step in packed])
    names = list(run.spikes)
    h = list(run.membranes.values())[-1].transpose(1, 0, 2).tolist()
    label, step, score = (
        x.tolist() for x in (run.decision.label, run.decision.step, run.decision.score)
    )
    timed = [{} for _ in range(samples)]
    if times is not None:
        timed = [{"cycles": cycles} for cycles in times[0].tolist()]
        for line, interval in zip(timed[1:], times[1].tolist(), strict=True):
            line["interval"] = interval
    lines = (
        json.dumps(
            {
                "label": label[n],
                "step": step[n],
                "score": score[n],
                "spikes": {
                    name: [m[n] for m in layer] for name, layer in zip(names, masks, strict=True)
                },
                "membranes": h[n],
            }
            | timed[n],
            separators=(",", ":"),
        )
        for n in range(samples)
    )
    return "\n".join(lines) + "\n"


def vectors(
    emitted: Emitted,
    run: Run,
    samples: np.ndarray,
    times: tuple[np.ndarray, np.ndarray] | None = None,
) -> None:
    """Write stimuli, expectations and harness beside the Verilog."""
    events = recorded(run)
    folder, description = emitted.folder, json.loads(emitted.description.read_text())
    if "beat" in description["s_axis"]:
        beats = stimuli(description, events)
    else:
        beats = pixel_stimuli(description, pixels(samples, events.shape[2]))
    write_together(
        {
            folder / "stimuli.bin": beats,
            folder / "expected.jsonl": expectations(run, times),
            folder / "harness.sv": harness(description),
        }
    )
