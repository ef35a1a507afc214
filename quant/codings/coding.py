"""What every coding is in training: the model's, of tensors."""

import numpy as np
import torch
from torch import Tensor

from ...model.check import array
from ...model.codings import Coding as Golden
from ...model.errors import InputError

__all__ = ["Coding"]


class Coding:
    """A coding that the model computes; a kind that torch computes faster overrides `encode`.

    Parameters
    ----------
    golden : Coding of the model
    """

    def __init__(self, golden: Golden) -> None:
        self.golden = golden

    def check(self, samples: Tensor | np.ndarray, steps: int, inputs: int) -> Tensor:
        """Check samples, and give each of them, or each of its steps, as a row.

        Returns
        -------
        (samples, inputs) of pixels, (samples, up to `steps`, inputs) of counts, on their device

        Raises
        ------
        InputError
            If they are no integers in 0..255, or of another shape.
        """
        if not isinstance(samples, Tensor):
            samples = _tensor(array("Samples", samples))
        if samples.dtype in (torch.uint16, torch.uint32, torch.uint64):  # of little use to torch
            samples = samples.to(torch.int64)
        axes, steps_told = 1 + self.golden.counted, f"up to {steps}, " * self.golden.counted
        shape = tuple(samples.shape)
        if (
            len(shape) <= axes
            or int(np.prod(shape[axes:])) != inputs
            or (self.golden.counted and shape[1] > steps)
        ):
            raise InputError(
                f"Samples must have the shape (samples, {steps_told}{inputs}), not {shape}"
            )
        if samples.is_complex():
            raise InputError("Samples must be integers in 0..255, not complex numbers")
        if samples.dtype != torch.uint8 and samples.numel():
            low, high = samples.min().item(), samples.max().item()
            if samples.is_floating_point() or low < 0 or high > 255:
                kind = str(samples.dtype).removeprefix("torch.")
                raise InputError(
                    f"Samples must be integers in 0..255, not {kind} from {low:g} to {high:g}"
                )
        return samples.flatten(axes)

    def encode(self, samples: Tensor, steps: int, inputs: int, summed: bool) -> Tensor:
        """Encode samples as events, whole numbers of any type (steps, samples, inputs).

        Parameters
        ----------
        samples : what `check` gives
        summed : bool
            Whether to give the sum up to each step instead of the value of each step.
        """
        s = torch.from_numpy(self.golden.encode(samples.cpu().numpy(), steps, inputs))
        s = s.to(samples.device)
        return s.cumsum(0) if summed else s


def _tensor(samples: np.ndarray) -> Tensor:
    if samples.dtype.kind in "iu" and samples.dtype != np.uint8:
        samples = samples.astype(np.int64)  # the machine's own order of bytes, too
    try:
        return torch.from_numpy(np.require(samples, requirements=["C", "W"]))
    except TypeError:
        raise InputError(f"Samples must be numbers, not {samples.dtype}") from None
