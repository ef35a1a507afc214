"""Neurons in gates. A new kind is a file here, and a line in `KINDS`."""

from typing import Any

from .neuron import Neuron
from .parallel import Parallel

__all__ = ["KINDS"]

KINDS: dict[str, Any] = {"neuron": Neuron, "parallel": Parallel}
