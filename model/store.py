"""The frozen network file: the hand-over from training to hardware.

One safetensors file (nothing executes on load). Its metadata has one entry, ``spikeline``: a JSON
description with the keys ``version, steps, inputs, coding, layers, readout``; its tensors are
``<layer>.weights`` int8 (post, pre), ``<layer>.bias`` and, where there is one,
``<layer>.threshold`` int32 (post,), and ``readout.weights`` int32 (steps,). The same network always
gives the same bytes.
"""

import hashlib
import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as tensors_to_bytes

from .dense import Dense
from .encode import Coding, Counts, Graded, Latency
from .network import Layer, Network
from .neuron import Neuron
from .readout import Readout
from .refuse import Refused

__all__ = ["VERSION", "content_hash", "load", "save", "write_atomically"]

VERSION = 1
CODINGS: dict[str, type[Coding]] = {"latency": Latency, "graded": Graded, "counts": Counts}


def write_atomically(path: Path | str, data: bytes | str) -> None:
    """Write a file whole or not at all: to a temporary name beside it, then rename."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_bytes(data.encode() if isinstance(data, str) else data)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def describe(network: Network) -> dict[str, Any]:
    """Describe everything of a network but its tensors."""
    coding = next(name for name, kind in CODINGS.items() if isinstance(network.coding, kind))
    return {
        "version": VERSION,
        "steps": network.steps,
        "inputs": network.inputs,
        "coding": {"kind": coding, **asdict(network.coding)},
        "layers": [
            {
                "kind": "dense",
                "bits": layer.dense.bits,
                "leak": list(layer.neuron.leak),
                "shift": layer.neuron.shift,
                "clamp": None if layer.neuron.clamp is None else list(layer.neuron.clamp),
                "reset": layer.neuron.reset,
                "once": layer.neuron.once,
                "fires": layer.neuron.threshold is not None,
            }
            for layer in network.layers
        ],
        "readout": {"kind": network.readout.kind},
    }


def _tensors(network: Network) -> dict[str, np.ndarray]:
    tensors: dict[str, np.ndarray] = {}
    for i, layer in enumerate(network.layers):
        tensors[f"{i}.weights"] = layer.dense.weights
        tensors[f"{i}.bias"] = layer.neuron.bias
        if layer.neuron.threshold is not None:
            tensors[f"{i}.threshold"] = layer.neuron.threshold
    if network.readout.weights is not None:
        tensors["readout.weights"] = network.readout.weights
    return {name: np.ascontiguousarray(t) for name, t in tensors.items()}


def to_bytes(network: Network) -> bytes:
    """Serialise a network."""
    description = json.dumps(describe(network), sort_keys=True, separators=(",", ":"))
    return tensors_to_bytes(_tensors(network), {"spikeline": description})


def content_hash(network: Network) -> str:
    """SHA-256 of the network file, in hexadecimal."""
    return hashlib.sha256(to_bytes(network)).hexdigest()


def save(network: Network, path: Path | str) -> None:
    """Write a network file."""
    write_atomically(path, to_bytes(network))


def load(path: Path | str) -> Network:
    """Read a network file.

    Raises
    ------
    Refused
        If it is truncated, foreign, of another version, or holds what the law does not allow.
    """
    path = Path(path)
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}
    except (SafetensorError, TypeError, KeyError) as error:
        raise Refused(
            f"{path} must be a whole spikeline network file; it cannot be read ({error})"
        ) from None
    except OSError as error:
        raise Refused(
            f"{path} must be a readable network file: {error.strerror or error}"
        ) from None
    try:
        d = json.loads(metadata["spikeline"])
        version = d["version"]
    except (KeyError, TypeError, ValueError):
        raise Refused(
            f"{path} must be a spikeline network file; it holds no spikeline description"
        ) from None
    if version != VERSION:
        raise Refused(f"{path} must be of version {VERSION}, not {version}")
    try:
        return _build(d, tensors)
    except Refused as error:
        raise Refused(f"{path}: {error}") from None
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Refused(
            f"{path}: its description must be complete and well formed ({error!r})"
        ) from None


def _build(d: dict[str, Any], tensors: dict[str, np.ndarray]) -> Network:
    def take(name: str, dtype: type) -> np.ndarray:
        if name not in tensors:
            raise Refused(f"tensor {name} must be present")
        t = tensors.pop(name)
        if t.dtype != dtype:
            raise Refused(f"tensor {name} must be of type {np.dtype(dtype)}, not {t.dtype}")
        return t

    layers = []
    for i, e in enumerate(d["layers"]):
        if e["kind"] != "dense":
            raise Refused(f"layer {i} must be of kind dense, not {e['kind']!r}")
        dense = Dense(take(f"{i}.weights", np.int8), e["bits"])
        threshold = take(f"{i}.threshold", np.int32) if e["fires"] else None
        clamp = None if e["clamp"] is None else (int(e["clamp"][0]), int(e["clamp"][1]))
        leak = (int(e["leak"][0]), int(e["leak"][1]))
        neuron = Neuron(
            take(f"{i}.bias", np.int32), threshold, leak, e["shift"], clamp, e["reset"], e["once"]
        )
        layers.append(Layer(dense, neuron))
    coding = dict(d["coding"])
    kind = coding.pop("kind")
    if kind not in CODINGS:
        raise Refused(f"coding must be one of {', '.join(CODINGS)}, not {kind!r}")
    weights = take("readout.weights", np.int32) if d["readout"]["kind"] == "weighted-sum" else None
    network = Network(
        d["steps"],
        d["inputs"],
        CODINGS[kind](**coding),
        tuple(layers),
        Readout(d["readout"]["kind"], weights),
    )
    if tensors:
        raise Refused(
            f"tensors must be those of the description, not also {', '.join(sorted(tensors))}"
        )
    return network
