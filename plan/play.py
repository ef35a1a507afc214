"""Stages and recorded spikes to cycles: lays them out as the kernel reads them, and compiles it."""

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import numpy as np
from numba import njit
from numba.core import config

from ..model.store import cache_folder
from . import kernel
from .stages import Memory, Stage

__all__ = ["play", "trace"]


def play(
    stages: Sequence[Stage], records: Sequence[np.ndarray], *, alone: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Play samples through stages.

    Parameters
    ----------
    stages : Sequence of Stage
    records : arrays (steps, samples, ...) of bool or uint8
        What the input and the layers were in each step.
    alone : bool
        Whether everything is idle before each sample; otherwise they come back to back.

    Returns
    -------
    starts : int64 (samples,)
        Cycle in which its first beat is taken; counted from the first such, or for each sample.
    ends : int64 (samples,)
        Cycle in which its result is offered.

    Raises
    ------
    RuntimeError
        If nothing moves any more though a sample has no result.
    """
    _, _, times, answered = _simulate(stages, records, alone)
    if answered < times.shape[1]:
        raise RuntimeError(f"Stages must answer every sample; they stop at sample {answered}")
    return times[0], times[1]


def trace(stages: Sequence[Stage], records: Sequence[np.ndarray] = ()) -> dict[int, list[int]]:
    """Play until a taker ends; gives for each player and taker when items were taken, by number."""
    state, memory, _, _ = _simulate(stages, records or [np.zeros((1, 1, 1), np.uint8)], False)
    taken = {}
    for n, (row, stage) in enumerate(zip(state, stages, strict=True)):
        if stage.kind in (kernel.PLAYER, kernel.TAKER):
            place = row[kernel.NUMBERS + 2]
            taken[n] = memory[place : place + row[kernel.TAKEN]].tolist()
    return taken


def _simulate(
    stages: Sequence[Stage], records: Sequence[np.ndarray], alone: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    """Run the kernel; gives what it leaves, starts and ends, and how many samples were answered."""
    steps, samples = records[0].shape[:2]
    places = 1 + np.cumsum([0, *(r.size for r in records)])
    rest = np.zeros(-places[-1] % 8, np.uint8)
    whole = [np.ones(1, np.uint8), *(r.ravel().view(np.uint8) for r in records), rest]
    memory = Memory(places.tolist())
    memory.room(kernel.SHARED)
    times = memory.room(2 * samples)
    state = _lay_out(stages, memory)
    room = np.concatenate(memory.parts)
    room[[kernel.SAMPLES, kernel.STEPS]] = samples, steps
    room[[kernel.STARTS, kernel.ENDINGS]] = times, times + samples
    answered = _compiled()(state, room, np.concatenate(whole).view("<u8"), alone)
    return state, room, room[times : times + 2 * samples].reshape(2, samples), answered


def _lay_out(stages: Sequence[Stage], memory: Memory) -> np.ndarray:
    """Lay stages out as rows of numbers."""
    state = np.zeros((len(stages), kernel.COLUMNS), np.int64)
    state[:, [kernel.SOURCE, kernel.READER, kernel.WRITER]] = -1
    for n, (row, stage) in enumerate(zip(state, stages, strict=True)):
        links, numbers = stage.sources + stage.written, stage.numbers(memory)
        row[kernel.KIND], row[kernel.LINKED] = stage.kind, len(links)
        row[kernel.LINKS] = memory.table(links)
        row[kernel.NUMBERS : kernel.NUMBERS + len(numbers)] = numbers
        row[kernel.SOURCE] = next(iter(stage.sources), -1)
        state[list(stage.sources), kernel.READER] = n
        state[list(stage.written), kernel.WRITER] = n
    return state


@cache
def _compiled() -> Callable[..., int]:
    """Compile the kernel, once for all processes where the cache folder can be written."""
    plain: Any = njit(error_model="numpy")(kernel.simulate)
    settings: Any = config
    before = settings.CACHE_DIR
    settings.CACHE_DIR = before or str(cache_folder() / "numba")
    try:
        Path(settings.CACHE_DIR).mkdir(parents=True, exist_ok=True)
        TemporaryFile(dir=settings.CACHE_DIR).close()
        kept: Any = njit(cache=True, error_model="numpy")(kernel.simulate)
    except (OSError, RuntimeError):
        return plain
    finally:
        settings.CACHE_DIR = before
    return kept
