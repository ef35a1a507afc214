"""Images, checked."""

import numpy as np

from ..check import array
from ..errors import InputError

__all__ = ["pixels"]


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
    InputError
        If a value is not a whole number in 0..255 (NaN and negative ones included), or the shape
        does not fit.
    """
    samples = array("Samples", samples)
    if samples.ndim < 2 or int(np.prod(samples.shape[1:])) != inputs:
        raise InputError(f"Samples must have the shape (samples, {inputs}), not {samples.shape}")
    if samples.dtype != np.uint8:
        if samples.dtype.kind not in "iufb":
            raise InputError(f"Samples must be numbers, not {samples.dtype}")
        wrong = ~((samples >= 0) & (samples <= 255) & (samples == np.floor(samples)))
        if wrong.any():
            raise InputError(
                f"Pixels must be whole numbers in 0..255, not {samples[wrong].flat[0]}"
            )
    return samples.reshape(len(samples), inputs).astype(np.uint8)
