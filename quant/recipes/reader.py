"""Recipes in TOML.

    data = "digits"                                     a name that --dataset takes, or "own"

    [network]
    steps = 4                                           fields of quant/architecture.py
    inputs = 64                                         or { left = 32, right = 32 }
    coding = { kind = "latency", floor = 16 }           a value with a kind: fields of its class
    readout = "first-spike"

    [[network.layers]]                                  from the input to the output
    synapses = { kind = "linear", out = 96, bits = 4 }
    neuron = { kind = "ttfs" }
    # name = "hidden"                                   layer0, layer1, ... by default
    # from = ["input"]                                  the layer before by default
    # delay = 0, shift = 0, views = [...]               of this connection
    # also = [{ from = "...", synapses = { ... } }]     further connections
    # whole = { kind = "max-pool2d", window = 2 }       in place of synapses and neuron

    [training]
    epochs = 150                                        fields of quant/training.py

Every field has the name and the default that it has in Python.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Any

from ...model.check import choice, shown
from ...model.check import path as path_of
from ...model.codings import KINDS as CODINGS
from ...model.errors import InputError
from ..architecture import Architecture, ConnectionSpec, LayerSpec
from ..layers import SPECS as WHOLE
from ..neurons import SPECS as NEURONS
from ..neurons.surrogate import SURROGATES
from ..synapses import SPECS as SYNAPSES
from ..training import Training
from ..views import SPECS as VIEWS
from .recipe import Recipe

__all__ = ["read"]

# Fields whose values have a kind, and the kinds; those of a list have one each.
KINDS: dict[str, Mapping[str, type]] = {
    "coding": CODINGS,
    "synapses": SYNAPSES,
    "recurrent": SYNAPSES,
    "neuron": NEURONS,
    "surrogate": SURROGATES,
    "views": VIEWS,
    "whole": WHOLE,
}


def read(path: Path | str) -> Recipe:
    """Read a recipe from a file; its name is that of the file, without the end.

    Raises
    ------
    InputError
        If it cannot be read or is no recipe; the sentence begins with the path, and names the table
        and the key that are wrong.
    """
    path = path_of("Recipe file", path)
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"Recipe file {path} must exist") from None
    except OSError as error:
        raise InputError(f"Recipe file {path} must be readable: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: must be TOML: {error}") from None
    except RecursionError:
        raise InputError(f"{path}: must be TOML of fewer brackets within brackets") from None
    try:
        return _recipe(path.stem, content)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def _recipe(name: str, content: dict[str, Any]) -> Recipe:
    _keys("the file", content, ("data", "network", "training"), ("data", "network"))
    if not isinstance(content["data"], str):
        raise InputError(f"data must be the name of a data set, not {shown(content['data'])}")
    training = _fill("training", content.get("training", {}), Training)
    return Recipe(
        name=name,
        data=content["data"],
        architecture=_architecture(_table("network", content["network"])),
        training=training,
    )


def _architecture(table: dict[str, Any]) -> Architecture:
    _fields("network", table, Architecture)
    layers, source = [], None
    inputs = table["inputs"]
    if isinstance(inputs, dict):
        if not inputs:
            raise InputError("network.inputs must name at least one input")
        source = next(iter(inputs), None) if len(inputs) == 1 else None
    else:
        source = "input"
    listed = table["layers"]
    if not isinstance(listed, list):
        raise InputError("network.layers must be a list of tables, as [[network.layers]] makes")
    for n, given in enumerate(listed):
        layer = _layer(f"layer{n}", _table(f"network.layers[{n}]", given), source)
        layers.append(layer)
        source = layer.name
    return _fill("network", table | {"layers": tuple(layers)}, Architecture)


def _layer(name: str, table: dict[str, Any], source: str | None) -> LayerSpec:
    """Make a layer; `source` is what feeds it where it does not say."""
    name = table.get("name", name)
    where = f"layer {name}"
    own = ("from", *(f.name for f in fields(ConnectionSpec)[1:]))
    parts = ("whole",) if "whole" in table else ("neuron", "synapses")
    _keys(where, table, ("name", "neuron", "whole", "also", *own), parts)
    if "whole" in table:
        for key in ("synapses", "neuron"):
            if key in table:
                raise InputError(f"{key} of {where} must be left out, as whole brings it")
        whole = _value(where, "whole", table["whole"])
        table = table | {"synapses": whole.synapses, "neuron": whole.neuron}
    connections = [_connection(where, {k: table[k] for k in own if k in table}, source)]
    also = table.get("also", [])
    if not isinstance(also, list):
        raise InputError(f"also of {where} must be a list of connections, not {shown(also)}")
    for given in also:
        connections.append(_connection(f"also of {where}", _table(f"also of {where}", given), None))
    return LayerSpec(name, tuple(connections), _value(where, "neuron", table["neuron"]))


def _connection(where: str, table: dict[str, Any], source: str | None) -> ConnectionSpec:
    given = dict(table)
    sources = given.pop("from", source)
    if sources is None:
        raise InputError(f"from of {where} must be given: an input or a layer, by its name")
    named = [sources] if isinstance(sources, str) else sources
    if not isinstance(named, list) or not named or not all(isinstance(x, str) for x in named):
        raise InputError(f"from of {where} must be inputs or layers, not {shown(sources)}")
    return _fill(where, given | {"sources": tuple(named)}, ConnectionSpec)


def _fill(where: str, table: Any, kind: type) -> Any:
    """Make a value of the fields that a table gives."""
    _fields(where, table, kind)
    return kind(**{key: _value(where, key, value) for key, value in table.items()})


def _fields(where: str, table: Any, kind: type) -> None:
    """Refuse fields that are unknown, or missing."""
    table = _table(where, table)
    known = {f.name: f for f in fields(kind)}
    needed = [
        name for name, f in known.items() if f.default is MISSING and f.default_factory is MISSING
    ]
    _keys(where, table, tuple(known), needed)


def _value(where: str, key: str, value: Any) -> Any:
    """Make the value of a key, if it is not one already; lists become tuples."""
    if key in KINDS and not is_dataclass(value):
        if key == "views":
            if not isinstance(value, list):
                raise InputError(f"views of {where} must be a list of tables, not {shown(value)}")
            return tuple(_of_kind(f"{key} of {where}", x, KINDS[key]) for x in value)
        return _of_kind(f"{key} of {where}", value, KINDS[key])
    return tuple(value) if isinstance(value, list) else value


def _of_kind(what: str, value: Any, kinds: Mapping[str, type]) -> Any:
    table = dict(_table(what, value))
    kind = choice(f"kind of {what}", table.pop("kind", None), kinds)
    return _fill(what, table, kinds[kind])


def _table(what: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InputError(f"{what} must be a table, not {shown(value)}")
    return value


def _keys(where: str, table: dict[str, Any], known: Any, needed: Any) -> None:
    """Refuse keys that are unknown, or missing."""
    hidden = ("sources",)  # what the file calls from
    for key in table:
        if key not in known:
            names = ", ".join(x for x in known if x not in hidden)
            raise InputError(f"{key!r} of {where} is unknown; there are {names}")
    for key in needed:
        if key not in table:
            raise InputError(f"{key!r} of {where} must be given")
