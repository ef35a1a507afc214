"""Stages and recorded spikes to cycles: lays them out as the kernel reads them, and compiles it."""

import os
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np

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
    """Run the kernel; returns what it leaves, starts and ends, and the samples answered."""
    steps, samples = records[0].shape[:2]
    state, memory = _lay_out(stages)
    places = 1 + np.cumsum([0, *(r.size for r in records)])
    rest = np.zeros(-places[-1] % 8, np.uint8)
    whole = [np.ones(1, np.uint8), *(r.ravel().view(np.uint8) for r in records), rest]
    shared = np.zeros(kernel.SHARED, np.int64)
    shared[kernel.SAMPLES], shared[kernel.STEPS] = samples, steps
    times = np.zeros((2, samples), np.int64)
    spikes = np.concatenate(whole).view("<u8")
    answered = _compiled()(state, memory, spikes, shared, places, times[0], times[1], alone)
    return state, memory, times, answered


def _lay_out(stages: Sequence[Stage]) -> tuple[np.ndarray, np.ndarray]:
    """Lay stages out as rows of numbers, and their memory."""
    memory = Memory()
    state = np.zeros((len(stages), kernel.COLUMNS), np.int64)
    for row, stage in zip(state, stages, strict=True):
        row[kernel.KIND], row[kernel.LINKED] = stage.kind, len(stage.links)
        row[kernel.LINKS] = memory.table(stage.links)
        row[kernel.SOURCE] = stage.links[0] if stage.links else -1
        numbers = stage.numbers(memory)
        row[kernel.NUMBERS : kernel.NUMBERS + len(numbers)] = numbers
    return state, np.concatenate([*memory.parts, np.zeros(1, np.int64)])


@cache
def _compiled() -> Callable[..., int]:
    """Compile the kernel, once for all processes where the cache folder can be written."""
    import numba  # the kernel found it

    config: Any = vars(numba)["config"]
    plain: Any = numba.njit(error_model="numpy")(kernel.simulate)
    folder = os.environ.get("NUMBA_CACHE_DIR") or str(cache_folder() / "numba")
    before, config.CACHE_DIR = config.CACHE_DIR, folder
    try:
        os.makedirs(folder, exist_ok=True)
        kept: Any = numba.njit(cache=True, error_model="numpy")(kernel.simulate)
    except (OSError, RuntimeError):
        return plain
    finally:
        config.CACHE_DIR = before
    return kept
