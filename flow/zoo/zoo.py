"""The trained networks that ship with spikeline, and every other way to name a network."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any

import numpy as np

from ...model.check import path, several, shown, word
from ...model.errors import InputError
from ...model.network import Network
from ...model.store import content_hash, load, training_file
from .synthetic import SYNTHETIC
from .synthetic import network as synthetic

__all__ = ["Named", "checked_scale", "index", "resolve", "told"]

FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True, eq=False)
class Named:
    """A network.

    Attributes
    ----------
    network : Network
    name, hash : its name, its content hash
    data : the data set it was made for, where known
    folder, framing : where and how that was read when it was trained, where known
    history : how it was trained, epoch by epoch (see quant/loop.py); empty where not known
    scale : the integer output for a target of 1, of regression; None where not known
    """

    network: Network
    name: str
    hash: str
    data: str | None
    folder: Path | None = None
    framing: str | None = None
    history: Sequence[dict[str, Any]] = ()
    scale: float | None = None


def checked_scale(scale: Any, what: str = "Scale") -> float:
    """Check the integer output for a target of 1."""
    if isinstance(scale, int | float | np.floating) and scale is not True and 0 < scale < inf:
        return float(scale)
    raise InputError(f"{what} must be a number above 0, not {shown(scale)}")


def index() -> dict[str, dict[str, Any]]:
    """Read what is known of the shipped networks: name -> file, command, seed, data, hash, ..."""
    path = FOLDER / "zoo.json"
    return json.loads(path.read_text()) if path.exists() else {}


def resolve(given: str, data: str | None = None) -> Named:
    """Find a network.

    Parameters
    ----------
    given : a name of the zoo or of synthetic.py, or a network file
    data : name of the data set; by default the zoo's; None for a file of none of those

    Raises
    ------
    InputError
        If it is neither, the file is none, or one that shipped has been changed.
    """
    path("Network", given)
    given, known = str(given), index()
    if given in SYNTHETIC:
        network = synthetic(given)
        return Named(network, given, content_hash(network), data or "random")
    if given in known:
        file = FOLDER / known[given]["file"]
        network = load(file)
        digest = content_hash(network)
        if digest != known[given]["hash"]:
            raise InputError(f"{file} must be as it shipped, of hash {known[given]['hash']}")
        history = told(file, digest).get("history", ())
        return Named(network, given, digest, data or known[given]["data"], history=history)
    if not Path(given).is_file():
        names = ", ".join((*known, *SYNTHETIC))
        raise InputError(f"Network must be a file or one of {names}, not {given!r}")
    network = load(given)
    digest = content_hash(network)
    found = told(Path(given), digest)
    same = [entry["data"] for entry in known.values() if entry.get("hash") == digest]
    source = found.get("data") or (same or [None])[0]
    trained_on, scale = data in (None, source), found.get("scale")
    return Named(
        network,
        Path(given).stem,
        digest,
        data or source,
        Path(found["folder"]) if trained_on and "folder" in found else None,
        found.get("framing") if trained_on else None,
        found.get("history", ()),
        checked_scale(scale, f"{training_file(given)}: scale") if scale is not None else None,
    )


def told(network: Path, digest: str) -> dict[str, Any]:
    """Read what `spikeline train` wrote of the network with this hash, or nothing.

    Raises
    ------
    InputError
        If it is of this network, and was changed into what no training writes.
    """
    try:
        found = json.loads(training_file(network).read_text())
        if found["hash"] != digest:
            return {}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return {}
    where = training_file(network)
    for name in ("data", "folder", "framing"):
        if name in found:
            word(f"{where}: {name}", found[name])
    several(f"{where}: history", found.get("history", []), dict)
    return found
