"""Speech to events: how loud each band is in each bin of time, as a count of 0 to 3.

    power     of a Hann window of 32 ms that begins with the bin, in bands that are triangles on the
              mel scale, from 100 Hz to 0.95 of half the sampling rate (3,800 Hz at 8 kHz)
    level     in decibels, relative to the loudest band and bin of the recording
    count     number of `THRESHOLDS` that the level reaches; 0 in a band without any power

Every recording begins at bin 0; bins beyond `bins` are cut off. A transform in floating point is
not the same to the last bit on every machine, so events that were made once are kept in a file, and
that file, by its hash, is the data set.
"""

from functools import cache

import numpy as np

__all__ = ["VERSION", "events"]

VERSION = 1  # of the numbers; another one makes cached events anew
WINDOW = 0.032  # seconds
LOW, HIGH = 100.0, 0.475  # ends of the bands: Hz, and share of the sampling rate
THRESHOLDS = (-36.0, -24.0, -12.0)  # dB


def events(
    pcm: np.ndarray, rate: int, bands: int = 40, bin: float = 0.020, bins: int = 46
) -> np.ndarray:
    """Turn a recording into events.

    Parameters
    ----------
    pcm : int16 (samples,)
    rate : int, Hz
    bands : int
    bin : float, seconds
    bins : int, the most there are

    Returns
    -------
    uint8 (bins, bands), as many bins as the recording fills, one at least
    """
    hop, width = round(bin * rate), round(WINDOW * rate)
    bins = min(bins, max(1, -(-len(pcm) // hop)))
    padded = np.zeros((bins - 1) * hop + width, np.float64)
    head = pcm[: len(padded)]
    padded[: len(head)] = head / 32768
    frames = np.lib.stride_tricks.sliding_window_view(padded, width)[::hop]
    power = np.abs(np.fft.rfft(frames * np.hanning(width), 2 * width)) ** 2
    power = power @ _triangles(bands, 2 * width, rate)
    level = 10 * np.log10(power + 1e-10)
    level -= level.max()
    reached = (level[:, :, None] >= THRESHOLDS) & (power > 0)[:, :, None]
    return reached.sum(2).astype(np.uint8)


@cache
def _triangles(bands: int, size: int, rate: int) -> np.ndarray:
    """Make the bands, float64 (frequencies, bands)."""
    ends = np.linspace(_mel(LOW), _mel(HIGH * rate), bands + 2)
    at = 700 * (10 ** (ends / 2595) - 1)
    frequency = np.fft.rfftfreq(size, 1 / rate)[:, None]
    rise = (frequency - at[:-2]) / (at[1:-1] - at[:-2])
    fall = (at[2:] - frequency) / (at[2:] - at[1:-1])
    return np.maximum(0, np.minimum(rise, fall))


def _mel(frequency: float) -> float:
    return 2595 * np.log10(1 + frequency / 700)
