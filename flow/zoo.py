"""The trained networks that ship with spikeline, and every other way to name a network."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..model.network import Network
from ..model.refuse import Refused
from ..model.store import content_hash, load

__all__ = ["Named", "index", "resolve"]

FOLDER = Path(__file__).parent / "zoo"


@dataclass(frozen=True, slots=True, eq=False)
class Named:
    """A network, its name, its content hash and the data set it was made for, where known."""

    network: Network
    name: str
    hash: str
    data: str | None


def index() -> dict[str, dict[str, Any]]:
    """Read what is known of the shipped networks: name -> file, command, seed, data, hash, ..."""
    path = FOLDER / "zoo.json"
    return json.loads(path.read_text()) if path.exists() else {}


def resolve(given: str, data: str | None = None) -> Named:
    """Find a network.

    Parameters
    ----------
    given : a name of the zoo, or a network file
    data : name of the data set; by default the zoo's; None for a file of none of those

    Raises
    ------
    Refused
        If it is neither, or the file is none.
    """
    known = index()
    if given in known:
        network = load(FOLDER / known[given]["file"])
        return Named(network, given, content_hash(network), data or known[given]["data"])
    if not Path(given).is_file():
        names = f" or one of {', '.join(known)}" if known else ""
        raise Refused(f"Network must be a file{names}, not {given!r}")
    network = load(given)
    digest = content_hash(network)
    same = [entry["data"] for entry in known.values() if entry.get("hash") == digest]
    return Named(network, Path(given).stem, digest, data or (same or [None])[0])
