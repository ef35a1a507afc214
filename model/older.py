"""Network files of version 2: chains of layers, as they were written before there were graphs."""

from typing import Any

import numpy as np

from .check import flag
from .errors import InputError

__all__ = ["upgrade"]

FIELDS = ("version", "steps", "inputs", "coding", "layers", "readout")
NEURON_FIELDS = ("leak", "shift", "clamp", "reset", "once", "fires")


def upgrade(d: Any, tensors: dict[str, np.ndarray]) -> dict[str, Any]:
    """Turn a description of version 2 into one of version 3; tensors get their new names.

    A layer becomes ``layer0``, ``layer1``, ...; what recurred becomes a connection of its own, and
    the shift of the neurons one of all connections.
    """
    if not isinstance(d, dict) or d.keys() != set(FIELDS):
        raise InputError(f"Description must have the fields {', '.join(FIELDS)} and no other")
    if not isinstance(d["layers"], list):
        raise InputError(f"Description layers must be a list, not {d['layers']!r}")
    layers, source, renamed = [], "input", {}
    for i, entry in enumerate(d["layers"]):
        if not isinstance(entry, dict) or entry.keys() != {"synapses", "recurrent", "neuron"}:
            raise InputError(
                f"Layer {i} must have the fields synapses, recurrent, neuron and no other"
            )
        cells = entry["neuron"]
        if not isinstance(cells, dict) or cells.keys() != set(NEURON_FIELDS):
            raise InputError(
                f"Layer {i} neuron must have the fields {', '.join(NEURON_FIELDS)} and no other"
            )
        fires = flag(f"Layer {i} fires", cells["fires"])
        name = f"layer{i}"
        fed = [(source, name, f"{i}", entry["synapses"])]
        if entry["recurrent"] is not None:
            fed.append((name, f"{name}.1", f"{i}.recurrent", entry["recurrent"]))
        layers.append(
            {
                "name": name,
                "connections": [
                    {
                        "sources": [source],
                        "views": [],
                        "delay": 0,
                        "shift": cells["shift"],
                        "kernel": kernel,
                        "synapses": synapses,
                    }
                    for source, kernel, _, synapses in fed
                ],
                "neuron": {
                    "kind": "neuron",
                    **{k: cells[k] for k in ("leak", "clamp", "reset", "once")},
                    "rounding": "floor",
                    **({} if fires else {"threshold": None}),
                },
            }
        )
        names = {
            f"{old}.{field}": f"kernels.{kernel}.{field}"
            for _, kernel, old, _ in fed
            for field in ("weights", "delays")
        }
        names |= {f"{i}.{field}": f"{name}.{field}" for field in ("bias", "threshold")}
        renamed |= {names[old]: tensors.pop(old) for old in names if old in tensors}
        source = name
    if unknown := tensors.keys() - {"readout.weights"}:
        raise InputError(f"Tensors must be those described, not also {', '.join(sorted(unknown))}")
    tensors |= renamed
    return {
        **d,
        "version": 3,
        "inputs": [{"name": "input", "size": d["inputs"]}],
        "layers": layers,
    }
