"""The trained networks that ship with spikeline, and every other way to name a network."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...model.network import Network
from ...model.refuse import Refused
from ...model.store import content_hash, load
from .untrained import UNTRAINED
from .untrained import network as untrained

__all__ = ["Named", "index", "resolve", "training"]

FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True, eq=False)
class Named:
    """A network.

    Attributes
    ----------
    network : Network
    name, hash : its name, its content hash
    data : the data set it was made for, where known
    history : how it was trained, epoch by epoch (see quant/train.py); empty where not known
    """

    network: Network
    name: str
    hash: str
    data: str | None
    history: Sequence[dict[str, Any]] = ()


def index() -> dict[str, dict[str, Any]]:
    """Read what is known of the shipped networks: name -> file, command, seed, data, hash, ..."""
    path = FOLDER / "zoo.json"
    return json.loads(path.read_text()) if path.exists() else {}


def resolve(given: str, data: str | None = None) -> Named:
    """Find a network.

    Parameters
    ----------
    given : a name of the zoo or of untrained.py, or a network file
    data : name of the data set; by default the zoo's; None for a file of none of those

    Raises
    ------
    Refused
        If it is neither, the file is none, or one that shipped has been changed.
    """
    known = index()
    if given in UNTRAINED:
        network = untrained(given)
        return Named(network, given, content_hash(network), data or "random")
    if given in known:
        file = FOLDER / known[given]["file"]
        network = load(file)
        digest = content_hash(network)
        if digest != known[given]["hash"]:
            raise Refused(f"{file} must be as it shipped, of hash {known[given]['hash']}")
        return Named(network, given, digest, data or known[given]["data"], history(file, digest))
    if not Path(given).is_file():
        names = ", ".join((*known, *UNTRAINED))
        raise Refused(f"Network must be a file or one of {names}, not {given!r}")
    network = load(given)
    digest = content_hash(network)
    same = [entry["data"] for entry in known.values() if entry.get("hash") == digest]
    source = data or (same or [None])[0]
    return Named(network, Path(given).stem, digest, source, history(Path(given), digest))


def history(network: Path, digest: str) -> list[dict[str, Any]]:
    """Read what `spikeline train` wrote of the network with this hash, or nothing."""
    try:
        told = json.loads(training(network).read_text())
        return told["history"] if told["hash"] == digest else []
    except (OSError, ValueError, KeyError, TypeError):
        return []


def training(network: Path) -> Path:
    """Name the file beside a network file that tells how it was trained."""
    return network.with_name(network.name.removesuffix(".safetensors") + ".training.json")
