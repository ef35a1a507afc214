"""What every coding is in training: the model's, of tensors."""

import numpy as np
import torch
from torch import Tensor

from ...model.codings import Coding as Golden

__all__ = ["Coding"]


class Coding:
    """A coding that the model computes; a kind that torch computes faster overrides `encode`.

    Parameters
    ----------
    golden : Coding of the model
    """

    def __init__(self, golden: Golden) -> None:
        self.golden = golden

    def check(self, samples: np.ndarray, steps: int, inputs: int) -> None:
        """Refuse samples of a shape that the coding does not take."""
        self.golden.encode(samples[:1], steps, inputs)

    def encode(self, samples: Tensor, steps: int, inputs: int, summed: bool) -> Tensor:
        """Encode samples as events, whole numbers of any type (steps, samples, inputs).

        Parameters
        ----------
        samples : what the model's coding takes
        summed : bool
            Whether to give the sum up to each step instead of the value of each step.
        """
        s = torch.from_numpy(self.golden.encode(samples.cpu().numpy(), steps, inputs))
        s = s.to(samples.device)
        return s.cumsum(0) if summed else s
