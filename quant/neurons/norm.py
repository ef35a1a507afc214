"""Batch normalisation that only moves thresholds and biases.

    y = gain (I - mean) / deviation + offset           I = the current of one step

With f = deviation / |gain|, measuring the membrane in y is measuring it in integers after y -> y f,
which multiplies no weight:

    sign  = -1 where gain < 0, else 1                  flips the row
    theta = threshold f
    b     = offset f - sign mean

So the forward adds plain integers in training and in deployment alike; while training, mean and
deviation are those of the batch, afterwards those of `Schedule.settle`.
"""

import torch
from torch import Tensor, nn

__all__ = ["Norm"]

EPS = 1e-3
MOMENTUM = 0.1


class Norm(nn.Module):
    """The normalisation of one layer.

    Parameters
    ----------
    size : int, channels

    Attributes
    ----------
    mean, variance : (channels,)
        The running ones. Before the first batch the variance is what the neurons put there.
    """

    mean: Tensor
    variance: Tensor
    batches: Tensor

    def __init__(self, size: int) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(size))
        self.offset = nn.Parameter(torch.zeros(size))
        self.settled = False
        self.recomputing = False
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("variance", torch.ones(size))
        self.register_buffer("batches", torch.zeros(()))

    def forward(self, current: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Look at the current of every step.

        Parameters
        ----------
        current : (steps, samples, ..., channels)

        Returns
        -------
        sign, f, mean : (channels,)
            The row's sign, integers per real 1, and the signed mean to take off, as in the module's
            docstring.
        """
        mean, variance = self.mean, self.variance
        if self.recomputing or (self.training and not self.settled):
            axes = tuple(range(current.ndim - 1))
            mean, variance = current.mean(axes), current.var(axes, correction=0)
            with torch.no_grad():
                self.batches += 1
                share = 1 / self.batches if self.recomputing else MOMENTUM
                self.mean += share * (mean - self.mean)
                self.variance += share * (variance - self.variance)
        return self.fold(mean, variance)

    def fold(
        self, mean: Tensor | None = None, variance: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Fold statistics (the running ones by default) into sign, f, mean."""
        mean = self.mean if mean is None else mean
        variance = self.variance if variance is None else variance
        sign = torch.where(self.gain < 0, -1.0, 1.0)
        f = (variance + EPS).sqrt() / self.gain.abs().clamp_min(EPS)
        return sign, f, sign * mean

    def restart(self) -> None:
        """Forget the running statistics: the average of the next batches takes their place."""
        self.batches.zero_()
