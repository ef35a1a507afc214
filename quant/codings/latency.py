"""Latency coding, see model/codings/latency.py: a table from pixels to steps."""

import numpy as np
import torch
from torch import Tensor

from ...model.codings.latency import Latency as Golden
from .coding import Coding

__all__ = ["Latency"]


class Latency(Coding):
    """Latency coding of pixels that are tensors.

    Parameters
    ----------
    golden : Latency of the model
    """

    def __init__(self, golden: Golden) -> None:
        super().__init__(golden)
        self.table = golden.table

    def encode(self, samples: Tensor, steps: int, inputs: int, summed: bool) -> Tensor:
        """Encode samples uint8 (samples, ...) as events, bool (steps, samples, inputs)."""
        narrow = np.int16 if steps < 1 << 15 else np.int32
        table = torch.from_numpy(self.table(steps).astype(narrow))
        fire = table.to(samples.device)[samples.flatten(1).int()]
        t = torch.arange(steps, dtype=fire.dtype, device=fire.device)[:, None, None]
        return (fire <= t) if summed else (fire == t)
