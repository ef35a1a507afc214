"""Checkpoints: the state of a training run in one file, whole or not at all."""

import hashlib
import io
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..model.errors import InputError
from ..model.store import to_bytes, write_atomically
from .network import Network
from .state import settings

__all__ = ["identity", "resume", "save"]


def identity(
    how: Any,
    x: np.ndarray,
    y: np.ndarray,
    seed: int,
    device: str,
    network: Network | None = None,
) -> str:
    """Hash all that a network comes from, SHA-256 in hexadecimal.

    Parameters
    ----------
    how : a value whose repr tells all of it: a Training, or a Recipe
    x, y, seed, device : as of `fit` in loop.py
    network : the untrained network, where `how` does not make it
    """
    words = repr((how, seed, torch.__version__, device)).encode()
    file = io.BytesIO()
    if network is not None:
        file.write(to_bytes(network.export()))
        file.write(repr(settings(network)).encode())
        for name, tensor in (*network.named_parameters(), *network.named_buffers()):
            file.write(name.encode() + tensor.detach().cpu().numpy().tobytes())
    content = words + x.tobytes() + y.tobytes() + file.getvalue()
    return hashlib.sha256(content).hexdigest()


def save(path: Path, identity: str, state: dict[str, Any]) -> None:
    """Write the state of a run."""
    file = io.BytesIO()
    torch.save({"identity": identity, **state}, file)
    write_atomically(path, file.getvalue())


def resume(path: Path, identity: str, device: str) -> dict[str, Any]:
    """Read the state of a run.

    Raises
    ------
    InputError
        If it is damaged, or of a run that would lead elsewhere.
    """
    try:
        state = dict(torch.load(path, map_location=device, weights_only=True))
        found = state["identity"]
    except Exception:  # there is nothing that an unpickler may not raise
        raise InputError(f"Checkpoint {path} must be a whole checkpoint of spikeline") from None
    if found != identity:
        raise InputError(
            f"Checkpoint {path} must be of the same recipe, data, seed, device and torch;"
            " remove it to start anew"
        )
    return state
