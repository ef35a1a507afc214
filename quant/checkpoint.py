"""Checkpoints: the state of a training run in one file, whole or not at all."""

import hashlib
import io
import pickle
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..model.refuse import Refused
from ..model.store import write_atomically
from .recipes import Recipe

__all__ = ["identity", "resume", "save"]

UNREADABLE = (RuntimeError, OSError, pickle.UnpicklingError, EOFError, KeyError, TypeError)


def identity(recipe: Recipe, x: np.ndarray, y: np.ndarray, seed: int, device: str) -> str:
    """Hash all that a network comes from, SHA-256 in hexadecimal."""
    words = repr((asdict(recipe), seed, torch.__version__, device)).encode()
    return hashlib.sha256(words + x.tobytes() + y.astype(np.int64).tobytes()).hexdigest()


def save(path: Path, identity: str, state: dict[str, Any]) -> None:
    """Write the state of a run."""
    file = io.BytesIO()
    torch.save({"identity": identity, **state}, file)
    write_atomically(path, file.getvalue())


def resume(path: Path, identity: str, device: str) -> dict[str, Any]:
    """Read the state of a run.

    Raises
    ------
    Refused
        If it is damaged, or of a run that would lead elsewhere.
    """
    try:
        state = torch.load(path, map_location=device, weights_only=True)
        found = state["identity"]
    except UNREADABLE:
        raise Refused(f"Checkpoint {path} must be a whole checkpoint of spikeline") from None
    if found != identity:
        raise Refused(
            f"Checkpoint {path} must be of the same recipe, data, seed, device and torch;"
            " remove it to start anew"
        )
    return state
