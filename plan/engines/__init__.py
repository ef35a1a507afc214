"""Engines by name: what each says of its cycles."""

from .dense import Dense
from .engine import Engine
from .line import Line
from .wheel import Wheel

__all__ = ["ENGINES"]

ENGINES: dict[str, type[Engine]] = {kind.kind: kind for kind in (Dense, Line, Wheel)}
