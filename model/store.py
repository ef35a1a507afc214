"""The frozen network file: the hand-over from training to hardware.

One safetensors file (nothing executes on load). Its metadata has one entry, ``spikeline``: a JSON
description with the keys ``version, steps, inputs, coding, layers, readout``; its tensors are

 - ``<layer>.weights`` int8 (post, pre), or (post, pre, taps) beside ``<layer>.delays`` int16
   (post or 1, pre, taps); both also as ``<layer>.recurrent.weights``, ``<layer>.recurrent.delays``;
 - ``<layer>.bias`` and, where there is one, ``<layer>.threshold`` int32 (post,);
 - ``readout.weights`` int32 (steps,).

The same network always gives the same bytes.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as tensors_to_bytes

from .codings.encode import Coding, Counts, Graded, Latency
from .network import Layer, Network, Synapses
from .neurons.neuron import Neuron
from .readouts.readout import Readout
from .refuse import Refused, flag
from .synapses.delayed import Delayed
from .synapses.dense import Dense

__all__ = [
    "VERSION",
    "blaming",
    "cache_folder",
    "content_hash",
    "load",
    "place",
    "save",
    "write_atomically",
]

VERSION = 2
FIELDS = ("version", "steps", "inputs", "coding", "layers", "readout")
LAYER_FIELDS = ("synapses", "recurrent", "neuron")
NEURON_FIELDS = ("leak", "shift", "clamp", "reset", "once", "fires")
CODINGS: dict[str, type[Coding]] = {"latency": Latency, "graded": Graded, "counts": Counts}


def cache_folder() -> Path:
    """Folder for what can be made again: ``SPIKELINE_CACHE``, else the user's cache folder."""
    base = os.environ.get("SPIKELINE_CACHE")
    if base:
        return Path(base)
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "spikeline"
    except RuntimeError:  # a user without a home
        raise Refused(
            "Cache folder must be named by SPIKELINE_CACHE, as no home is known"
        ) from None


def write_atomically(path: Path | str, data: bytes | str) -> None:
    """Write a file whole or not at all: to a temporary name beside it, then rename.

    A link stays one, and what it leads to is written; a device or a pipe is written to directly.

    Raises
    ------
    OSError
        If the file cannot be written; it names the file, not the temporary one.
    """
    data = data.encode() if isinstance(data, str) else data
    path = Path(path)
    with blaming(path):
        if path.exists() and not path.is_file():
            path.write_bytes(data)
            return
    real, temporary = place(path)
    with blaming(path):
        try:
            temporary.write_bytes(data)
            os.replace(temporary, real)
        finally:
            with suppress(OSError):
                temporary.unlink()


def place(path: Path) -> tuple[Path, Path]:
    """Make the folder of a file that is to be written; returns where it lies, links followed.

    The second is a temporary name beside it.
    """
    real = Path(os.path.realpath(path)) if path.is_symlink() else path
    real.parent.mkdir(parents=True, exist_ok=True)
    return real, real.with_name(f".{real.name}.{os.getpid()}")


@contextmanager
def blaming(path: Path) -> Iterator[None]:
    """Make errors name `path`, not what stands for it for a while."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None


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
                "synapses": _describe_synapses(layer.synapses),
                "recurrent": None
                if layer.recurrent is None
                else _describe_synapses(layer.recurrent),
                "neuron": {
                    "leak": list(layer.neuron.leak),
                    "shift": layer.neuron.shift,
                    "clamp": None if layer.neuron.clamp is None else list(layer.neuron.clamp),
                    "reset": layer.neuron.reset,
                    "once": layer.neuron.once,
                    "fires": layer.neuron.threshold is not None,
                },
            }
            for layer in network.layers
        ],
        "readout": {"kind": network.readout.kind},
    }


def _describe_synapses(synapses: Synapses) -> dict[str, Any]:
    if isinstance(synapses, Dense):
        return {"kind": "dense", "bits": synapses.bits}
    return {"kind": "delayed", "bits": synapses.bits, "window": synapses.window}


def _tensors(network: Network) -> dict[str, np.ndarray]:
    tensors: dict[str, np.ndarray] = {}
    for i, layer in enumerate(network.layers):
        for name, synapses in zip((f"{i}", f"{i}.recurrent"), layer.connections, strict=False):
            tensors[f"{name}.weights"] = synapses.weights
            if isinstance(synapses, Delayed):
                tensors[f"{name}.delays"] = synapses.delays
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
        with path.open("rb"):  # whose errors, unlike those of safe_open, name the reason alone
            pass
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}
    except (SafetensorError, TypeError, AttributeError):  # the last two: types unknown to NumPy
        raise Refused(
            f"{path} must be a whole network file, not a truncated or foreign one"
        ) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise Refused(f"{path} must be a readable network file: {reason}") from None
    try:
        d = json.loads(metadata["spikeline"])
        version, shown = d["version"], repr(d["version"])
    except (KeyError, TypeError, ValueError, RecursionError):
        raise Refused(
            f"{path} must be a spikeline network file; it holds no spikeline description"
        ) from None
    if type(version) is not int or version != VERSION:
        raise Refused(f"{path}: Version must be {VERSION}, not {shown}")
    try:
        return _build(d, tensors)
    except (Refused, RecursionError) as error:  # the latter: a list of lists too deep to print
        raise Refused(f"{path}: {error}") from None


def _fields(what: str, entry: Any, names: Iterable[str]) -> list[Any]:
    """Take the values of an entry of the description that has these fields and no other."""
    names = list(names)
    if not isinstance(entry, dict) or entry.keys() != set(names):
        raise Refused(f"{what} must have the fields {', '.join(names)} and no other")
    return [entry[name] for name in names]


def _build(d: Any, tensors: dict[str, np.ndarray]) -> Network:
    def take(name: str, dtype: type) -> np.ndarray:
        if name not in tensors:
            raise Refused(f"Tensor {name} must be present")
        t = tensors.pop(name)
        if t.dtype != dtype:
            raise Refused(f"Tensor {name} must be of type {np.dtype(dtype)}, not {t.dtype}")
        return t

    _, steps, inputs, coding, entries, readout = _fields("Description", d, FIELDS)
    if not isinstance(entries, list):
        raise Refused(f"Description layers must be a list, not {entries!r}")
    layers = []
    for i, entry in enumerate(entries):
        synapses, recurrent, neuron = _fields(f"Layer {i}", entry, LAYER_FIELDS)
        synapses = _build_synapses(f"Layer {i} synapses", synapses, str(i), take)
        if recurrent is not None:
            recurrent = _build_synapses(
                f"Layer {i} recurrent", recurrent, f"{i}.recurrent", take, ("delayed",)
            )
        leak, shift, clamp, reset, once, fires = _fields(f"Layer {i} neuron", neuron, NEURON_FIELDS)
        bias = take(f"{i}.bias", np.int32)
        threshold = take(f"{i}.threshold", np.int32) if flag(f"Layer {i} fires", fires) else None
        neuron = Neuron(bias, threshold, leak, shift, clamp, reset, once)
        layers.append(Layer(synapses, neuron, recurrent))
    kind = coding.get("kind") if isinstance(coding, dict) else coding
    if not isinstance(kind, str) or kind not in CODINGS:
        raise Refused(f"Coding must be one of {', '.join(CODINGS)}, not {kind!r}")
    parameters = [field.name for field in fields(CODINGS[kind])]
    coding = CODINGS[kind](*_fields("Coding", coding, ["kind", *parameters])[1:])
    (kind,) = _fields("Readout", readout, ["kind"])
    weights = take("readout.weights", np.int32) if kind == "weighted-sum" else None
    network = Network(steps, inputs, coding, tuple(layers), Readout(kind, weights))
    if tensors:
        raise Refused(f"Tensors must be those described, not also {', '.join(sorted(tensors))}")
    return network


def _build_synapses(
    what: str,
    entry: Any,
    tensor: str,
    take: Callable[[str, type], np.ndarray],
    kinds: tuple[str, ...] = ("dense", "delayed"),
) -> Any:
    kind = entry.get("kind") if isinstance(entry, dict) else entry
    if kind not in kinds:
        raise Refused(f"{what} must be of kind {' or '.join(kinds)}, not {kind!r}")
    weights = take(f"{tensor}.weights", np.int8)
    if kind == "dense":
        return Dense(weights, *_fields(what, entry, ("kind", "bits"))[1:])
    _, bits, window = _fields(what, entry, ("kind", "bits", "window"))
    return Delayed(weights, take(f"{tensor}.delays", np.int16), bits, window)
