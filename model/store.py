"""The frozen network file: the hand-over from training to hardware.

One safetensors file (nothing executes on load). Its metadata has one entry, ``spikeline``: a JSON
description with the keys ``version, steps, inputs, coding, layers, readout``. Lists keep an order:
``inputs`` of {name, size}; ``layers`` of {name, connections, neuron}, a connection being {sources,
views, delay, shift, kernel, synapses}. What is of a kind, ``coding``, a view, ``synapses``,
``neuron`` and ``readout``, has its ``kind`` and the fields of that kind that are no arrays. Arrays
are tensors:

 - ``kernels.<kernel>.<field>``, of synapses: weights int8, above 8 bits int16; delays int16.
   Connections that name the same kernel share it;
 - ``<layer>.<field>``, of neurons: int32 (neurons,);
 - ``readout.<field>``: int32.

The same network always gives the same bytes. Files of version 2, chains of layers, load too.
"""

import hashlib
import json
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
from platformdirs import user_cache_path
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as tensors_to_bytes

from . import check, older
from .codings import KINDS as CODINGS
from .errors import InputError
from .network import Connection, Layer, Network, names, of_model
from .neurons import KINDS as NEURONS
from .readouts import named
from .synapses import KINDS as SYNAPSES
from .views import KINDS as VIEWS

__all__ = [
    "VERSION",
    "blaming",
    "cache_folder",
    "content_hash",
    "load",
    "place",
    "save",
    "training_file",
    "write_atomically",
    "write_together",
]

VERSION = 3
FIELDS = ("version", "steps", "inputs", "coding", "layers", "readout")
INPUT_FIELDS = ("name", "size")
LAYER_FIELDS = ("name", "connections", "neuron")
CONNECTION_FIELDS = ("sources", "views", "delay", "shift", "kernel", "synapses")


def cache_folder() -> Path:
    """Folder for what can be made again: ``SPIKELINE_CACHE``, else the user's cache folder."""
    base = os.environ.get("SPIKELINE_CACHE")
    if base:
        return Path(base)
    with suppress(RuntimeError):  # a user without a home; older platformdirs leave the ~
        folder = user_cache_path("spikeline", appauthor=False)
        if folder.is_absolute():
            return folder
    raise InputError("Cache folder must be named by SPIKELINE_CACHE, as no home is known")


def write_atomically(path: Path | str, data: bytes | str) -> None:
    """Write a file whole or not at all: to a temporary name beside it, then rename.

    A link stays one, and what it leads to is written; a device or a pipe is written to directly.

    Raises
    ------
    InputError
        If the file cannot be written; it names the file, not the temporary one.
    """
    write_together({check.path("Output", path): data})


def write_together(files: Mapping[Path, bytes | str]) -> None:
    """Write files that belong together, all of them whole or none, as `write_atomically` one."""
    moves: list[tuple[Path, Path, Path]] = []
    try:
        for path, data in files.items():
            data = data.encode() if isinstance(data, str) else data
            with blaming(path):
                if path.exists() and not path.is_file():
                    path.write_bytes(data)
                    continue
            real, temporary = place(path)
            moves.append((path, real, temporary))
            with blaming(path):
                temporary.write_bytes(data)
        for path, real, temporary in moves:
            with blaming(path):
                os.replace(temporary, real)
    finally:
        for *_, temporary in moves:
            with suppress(OSError):
                temporary.unlink()


def place(path: Path) -> tuple[Path, Path]:
    """Make the folder of a file that is to be written; returns where it lies, links followed.

    The second is a temporary name beside it.
    """
    real = Path(os.path.realpath(path)) if path.is_symlink() else path
    with blaming():
        real.parent.mkdir(parents=True, exist_ok=True)
    return real, real.with_name(f".{real.name}.{os.getpid()}")


@contextmanager
def blaming(path: Path | None = None) -> Iterator[None]:
    """Make one sentence of what the system refuses; it names `path`, if given, not what stands for
    it for a while."""
    try:
        yield
    except OSError as error:
        blamed = path or error.filename or "Output"
        raise InputError(f"{blamed} cannot be used: {error.strerror or error}") from None


def describe(network: Network) -> dict[str, Any]:
    """Describe everything of a network but its tensors."""
    kernels = _kernels(network)
    return {
        "version": VERSION,
        "steps": network.steps,
        "inputs": [{"name": name, "size": size} for name, size in network.inputs.items()],
        "coding": _plain(network.coding),
        "layers": [
            {
                "name": name,
                "connections": [
                    {
                        "sources": list(c.sources),
                        "views": [_plain(view) for view in c.views],
                        "delay": c.delay,
                        "shift": c.shift,
                        "kernel": kernels[id(c.synapses)],
                        "synapses": _plain(c.synapses),
                    }
                    for c in layer.connections
                ],
                "neuron": _plain(layer.neuron),
            }
            for name, layer in network.layers.items()
        ],
        "readout": {"kind": network.readout.kind},
    }


def _kernels(network: Network) -> dict[int, str]:
    """Name the kernels, by identity: after the first connection that has each."""
    names: dict[int, str] = {}
    for name, layer in network.layers.items():
        for n, c in enumerate(layer.connections):
            names.setdefault(id(c.synapses), name if n == 0 else f"{name}.{n}")
    return names


def _arrays(kind: Any) -> tuple[str, ...]:
    return getattr(kind, "arrays", ())


def _optional(kind: Any) -> tuple[str, ...]:
    return getattr(kind, "optional", ())


def _plain(value: Any) -> dict[str, Any]:
    """Describe the fields that are no arrays, and tell which arrays are missing."""
    plain = {
        field.name: getattr(value, field.name)
        for field in fields(value)
        if field.name not in _arrays(value)
        and not (field.name in _optional(value) and getattr(value, field.name) == field.default)
    }
    missing = [name for name in _arrays(value) if getattr(value, name) is None]
    return {
        "kind": value.kind,
        **{name: list(x) if isinstance(x, tuple) else x for name, x in plain.items()},
        **dict.fromkeys(missing),
    }


def _tensors(network: Network) -> dict[str, np.ndarray]:
    tensors: dict[str, np.ndarray] = {}
    kernels = _kernels(network)
    for name, layer in network.layers.items():
        parts = [(f"kernels.{kernels[id(c.synapses)]}", c.synapses) for c in layer.connections]
        for prefix, part in (*parts, (name, layer.neuron)):
            found = {f"{prefix}.{field}": getattr(part, field) for field in part.arrays}
            tensors |= {key: value for key, value in found.items() if value is not None}
    for name in network.readout.tensors:
        tensors[f"readout.{name}"] = getattr(network.readout, name)
    return {name: np.ascontiguousarray(t) for name, t in tensors.items()}


def to_bytes(network: Network) -> bytes:
    """Serialize a network."""
    of_model(network)
    description = json.dumps(describe(network), sort_keys=True, separators=(",", ":"))
    return tensors_to_bytes(_tensors(network), {"spikeline": description})


def content_hash(network: Network) -> str:
    """SHA-256 of the network file, in hexadecimal."""
    return hashlib.sha256(to_bytes(network)).hexdigest()


def save(network: Network, path: Path | str) -> None:
    """Write a network file."""
    write_atomically(path, to_bytes(network))


def training_file(network: Path | str) -> Path:
    """Name the file beside a network file that tells how it was trained, and on what."""
    path = check.path("Network file", network)
    if not path.name:
        raise InputError(f"Network file must be given its name, not {str(network)!r}")
    return path.with_name(path.name.removesuffix(".safetensors") + ".training.json")


def load(path: Path | str) -> Network:
    """Read a network file.

    Raises
    ------
    InputError
        If it is truncated, foreign, of another version, or holds what the law does not allow.
    """
    path = check.path("Network file", path)
    try:
        with path.open("rb"):  # whose errors, unlike those of safe_open, name the reason alone
            pass
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}
    except (SafetensorError, TypeError, AttributeError):  # the last two: types unknown to NumPy
        raise InputError(
            f"{path} must be a whole network file, not a truncated or foreign one"
        ) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{path} must be a readable network file: {reason}") from None
    try:
        d = json.loads(metadata["spikeline"])
        version, shown = d["version"], repr(d["version"])
    except (KeyError, TypeError, ValueError, RecursionError):
        raise InputError(
            f"{path} must be a spikeline network file; it holds no spikeline description"
        ) from None
    if type(version) is not int or not 2 <= version <= VERSION:
        raise InputError(f"{path}: Version must be 2 or {VERSION}, not {shown}")
    try:
        return _build(older.upgrade(d, tensors) if version == 2 else d, tensors)
    except (InputError, RecursionError) as error:  # the latter: a list of lists too deep to print
        raise InputError(f"{path}: {error}") from None


def _fields(what: str, entry: Any, names: Iterable[str]) -> list[Any]:
    """Take the values of an entry of the description that has these fields and no other."""
    names = list(names)
    if not isinstance(entry, dict) or entry.keys() != set(names):
        raise InputError(f"{what} must have the fields {', '.join(names)} and no other")
    return [entry[name] for name in names]


Take = Callable[[str], np.ndarray]


def _build(d: Any, tensors: dict[str, np.ndarray]) -> Network:
    taken: dict[str, np.ndarray] = {}

    def take(name: str) -> np.ndarray:
        if name not in tensors:
            raise InputError(f"Tensor {name} must be present")
        if tensors[name].dtype.kind != "i":
            raise InputError(f"Tensor {name} must be signed integers, not {tensors[name].dtype}")
        taken[name] = tensors[name]
        return tensors[name]

    _, steps, inputs, coding, entries, readout = _fields("Description", d, FIELDS)
    sizes: dict[str, int] = {}
    for entry in _list("Description inputs", inputs):
        name, size = _fields("Input", entry, INPUT_FIELDS)
        sizes[_new(name, sizes)] = size
    layers, kernels = {}, {}
    for entry in _list("Description layers", entries):
        name, connections, neuron = _fields("Layer", entry, LAYER_FIELDS)
        what = f"Layer {_new(name, layers)}"
        fed = []
        for connection in _list(f"{what} connections", connections):
            sources, views, delay, shift, kernel, synapses = _fields(
                f"{what} connection", connection, CONNECTION_FIELDS
            )
            own = f"{name}.{len(fed)}" if fed else name
            if not isinstance(kernel, str) or kernel not in (own, *kernels):
                raise InputError(f"{what} kernel must be {own} or an earlier one, not {kernel!r}")
            known = kernels.setdefault(kernel, (synapses, []))
            if json.dumps(known[0], sort_keys=True) != json.dumps(synapses, sort_keys=True):
                raise InputError(
                    f"{what} kernel {kernel} must be described the same way everywhere"
                )
            if not known[1]:
                known[1].append(
                    _make(f"{what} synapses", synapses, SYNAPSES, f"kernels.{kernel}.", take)
                )
            looks = [_make(f"{what} view", view, VIEWS) for view in _list(f"{what} views", views)]
            sources = _list(f"{what} sources", sources)
            fed.append(Connection(tuple(sources), known[1][0], tuple(looks), delay, shift))
        cells = _make(f"{what} neuron", neuron, NEURONS, f"{name}.", take)
        layers[name] = Layer(tuple(fed), cells)
    coding = _make("Coding", coding, CODINGS)
    (kind,) = _fields("Readout", readout, ["kind"])
    found = named(kind)
    rule = found(**{name: take(f"readout.{name}") for name in found.tensors})
    network = Network(steps, sizes, coding, layers, rule)
    for name, made in _tensors(network).items():
        if made.dtype != taken[name].dtype:
            raise InputError(f"Tensor {name} must be of type {made.dtype}, not {taken[name].dtype}")
    unknown = tensors.keys() - taken.keys()
    if unknown:
        shown = ", ".join(name if name.isprintable() else repr(name) for name in sorted(unknown))
        raise InputError(f"Tensors must be those described, not also {shown}")
    return network


def _new(name: Any, known: Collection[str]) -> str:
    """Check a name, and that it is another than those known."""
    (name,) = names("Network names", (name,))
    if name in known:
        raise InputError(f"Network names must differ; {name} is there twice")
    return name


def _list(what: str, value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise InputError(f"{what} must be a list, not {value!r}")
    return value


def _make(
    what: str,
    entry: Any,
    kinds: Mapping[str, type[Any]],
    prefix: str = "",
    take: Take | None = None,
) -> Any:
    """Make a value of a kind from its entry and its tensors, whose names begin with `prefix`."""
    kind = entry.get("kind") if isinstance(entry, dict) else entry
    if not isinstance(kind, str) or kind not in kinds:
        raise InputError(f"{what} must be of kind {' or '.join(kinds)}, not {kind!r}")
    arrays = _arrays(kinds[kind])
    missing = [name for name in arrays if name in entry and entry[name] is None]
    left_out = [name for name in _optional(kinds[kind]) if name not in entry]
    names = [f.name for f in fields(kinds[kind]) if f.name not in (*arrays, *left_out)]
    values = _fields(what, entry, ["kind", *names, *missing])[1 : len(names) + 1]
    found = {name: take(prefix + name) for name in arrays if take and name not in missing}
    return kinds[kind](**dict.fromkeys(missing), **dict(zip(names, values, strict=True)), **found)
