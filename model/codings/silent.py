"""Samples to train with must make events, or there is nothing to learn."""

from dataclasses import fields
from typing import Any

import numpy as np

from ..errors import InputError

__all__ = ["refuse_silent"]

AT_ONCE = 256  # samples encoded at a time


def refuse_silent(coding: Any, samples: np.ndarray, steps: int, inputs: int) -> None:
    """Refuse samples to train with of which a coding makes no event at all.

    Parameters
    ----------
    coding : Coding
    samples : (samples, ...), what the coding takes
    steps, inputs : int
        Of the network.

    Raises
    ------
    InputError
        If it makes none of any sample; it names the range of the samples, and the coding with its
        fields.
    """
    for at in range(0, len(samples), AT_ONCE):
        if coding.encode(samples[at : at + AT_ONCE], steps, inputs).any():
            return
    if samples.size:
        how = " and ".join(f"{f.name} {getattr(coding, f.name)}" for f in fields(coding))
        raise InputError(
            f"Training samples must make events, not lie in {samples.min()}..{samples.max()}, of"
            f" which {coding.kind} coding{f' with {how}' if how else ''} makes none:"
            " scale them to 0..255, or change the coding"
        )
