"""Input coding: samples to input spikes, in integers.

Every coding turns a batch of samples into an array ``s`` (steps, samples, inputs) of small
non-negative integers, and declares what a layer may rely on when it proves its widths: `limit`, the
largest value of one step, and `once`, whether an input is non-zero in at most one step of a sample.
"""

from dataclasses import dataclass

import numpy as np

from ..refuse import Refused, flag, integer

__all__ = ["Coding", "Counts", "Graded", "Latency", "pixels"]


def pixels(samples: np.ndarray, inputs: int) -> np.ndarray:
    """Check a batch of 8-bit samples and flatten each to a row.

    Parameters
    ----------
    samples : (samples, ...), integers or whole floats in 0..255

    Returns
    -------
    uint8 (samples, inputs)

    Raises
    ------
    Refused
        If a value is not a whole number in 0..255 (NaN and negative ones included), or the shape
        does not fit.
    """
    samples = np.asarray(samples)
    if samples.ndim < 2 or int(np.prod(samples.shape[1:])) != inputs:
        raise Refused(f"Samples must have the shape (samples, {inputs}), not {samples.shape}")
    if samples.dtype != np.uint8:
        if samples.dtype.kind not in "iufb":
            raise Refused(f"Samples must be numbers, not {samples.dtype}")
        wrong = ~((samples >= 0) & (samples <= 255) & (samples == np.floor(samples)))
        if wrong.any():
            raise Refused(f"Pixels must be whole numbers in 0..255, not {samples[wrong].flat[0]}")
    return samples.reshape(len(samples), inputs).astype(np.uint8)


@dataclass(frozen=True, slots=True)
class Latency:
    """Latency coding of 8-bit pixels: the brighter, the earlier, at most one spike.

        t = ((255 - p) * steps) // (256 - floor)      if p >= floor, else never

    Parameters
    ----------
    floor : int, 1..255
        Pixels below it never fire.
    """

    floor: int = 64
    once = True
    limit = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "floor", integer("Latency floor", self.floor, 1, 255))

    def table(self, steps: int) -> np.ndarray:
        """Step at which each pixel value fires, int64 (256,); `steps` where it never does."""
        p = np.arange(256)
        return np.where(p >= self.floor, ((255 - p) * steps) // (256 - self.floor), steps)

    def encode(self, samples: np.ndarray, steps: int, inputs: int) -> np.ndarray:
        """Encode samples (samples, inputs) of 0..255 as spikes, uint8 (steps, samples, inputs)."""
        fire = self.table(steps).astype(np.min_scalar_type(steps))[pixels(samples, inputs)]
        return (fire == np.arange(steps)[:, None, None]).view(np.uint8)


@dataclass(frozen=True, slots=True)
class Graded:
    """The value itself, ``p >> shift``, at step 0, or at every step (a constant current).

    Parameters
    ----------
    shift : int, 0..7, bits
    every : bool
        Whether the value comes at every step instead of at step 0 only.
    """

    shift: int = 0
    every: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "shift", integer("Graded shift", self.shift, 0, 7))
        object.__setattr__(self, "every", flag("Graded every", self.every))

    @property
    def once(self) -> bool:
        """Whether an input is non-zero in at most one step."""
        return not self.every

    @property
    def limit(self) -> int:
        """Largest value of one input in one step."""
        return 255 >> self.shift

    def encode(self, samples: np.ndarray, steps: int, inputs: int) -> np.ndarray:
        """Encode samples (samples, inputs) of 0..255 as values, uint8 (steps, samples, inputs)."""
        values = pixels(samples, inputs) >> self.shift
        s = np.zeros((steps, *values.shape), np.uint8)
        s[: steps if self.every else 1] = values
        return s


@dataclass(frozen=True, slots=True)
class Counts:
    """Event counts per time bin: samples come as (samples, steps, inputs) already.

    Parameters
    ----------
    limit : int, 1..255
        Largest count of one input in one step; larger ones are clipped, here and in training alike.
    """

    limit: int = 1
    once = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "limit", integer("Counts limit", self.limit, 1, 255))

    def encode(self, samples: np.ndarray, steps: int, inputs: int) -> np.ndarray:
        """Clip counts (samples, up to `steps`, inputs); missing steps are zero.

        Returns
        -------
        uint8 (steps, samples, inputs)
        """
        samples = np.asarray(samples)
        if samples.ndim != 3 or samples.shape[1] > steps or samples.shape[2] != inputs:
            raise Refused(
                f"Samples must have the shape (samples, up to {steps}, {inputs}), "
                f"not {samples.shape}"
            )
        if samples.dtype.kind not in "iub" or (samples.size and samples.min() < 0):
            raise Refused("Counts must be non-negative integers")
        s = np.zeros((steps, len(samples), inputs), np.uint8)
        s[: samples.shape[1]] = np.minimum(samples, np.uint8(self.limit)).transpose(1, 0, 2)
        return s


Coding = Latency | Graded | Counts
