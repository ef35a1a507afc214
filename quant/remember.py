"""What later commands need not be told: it lies beside the network file."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..model.check import path as path_of
from ..model.check import word
from ..model.network import Network
from ..model.store import content_hash, to_bytes, training_file, write_together

__all__ = ["remember"]


def remember(
    network: Network,
    path: Path | str,
    *,
    data: str = "own",
    folder: Path | str | None = None,
    framing: str | None = None,
    scale: float | None = None,
    history: Sequence[dict[str, Any]] = (),
) -> None:
    """Write a network file, and beside it what it was trained on; both or none.

    Parameters
    ----------
    network : Network of the model
    path : of the network file
    data : name of the data set it was trained on, one that ``--dataset`` takes
    folder, framing : where and how that is read, what ``--data`` and ``--framing`` take
    scale : of a regression, integers of the output per 1.0 of a target
    history : as `Trained.history`
    """
    told: dict[str, Any] = {"hash": content_hash(network), "history": list(history)}
    told["data"] = word("Data set", data)
    if framing is not None:
        told["framing"] = word("Framing", framing)
    if scale is not None:
        told["scale"] = scale
    if folder is not None:
        told["folder"] = str(path_of("Data folder", folder).resolve())
    at, beside = path_of("Network file", path), training_file(path)
    write_together({at: to_bytes(network), beside: json.dumps(told) + "\n"})
