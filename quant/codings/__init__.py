"""Codings in training. One that is not in `KINDS` is computed by the model."""

from ...model.codings import Coding as Golden
from .coding import Coding
from .latency import Latency

__all__ = ["KINDS", "Coding", "twin"]

KINDS: dict[str, type[Coding]] = {"latency": Latency}


def twin(coding: Golden) -> Coding:
    """Make the form of a coding that training uses."""
    return KINDS.get(coding.kind, Coding)(coding)
