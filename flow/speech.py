"""Speech to events: how loud each of 40 bands is in each bin of 20 ms, as a count of 0 to 3.

    power     of a Hann window of 32 ms, in bands that are triangles on the mel scale
    level     in decibels, relative to the loudest band and bin of the recording
    count     number of `THRESHOLDS` that the level reaches

Every recording begins at bin 0; bins beyond `BINS` are cut off. A transform in floating point is
not the same to the last bit on every machine, so events that were made once are kept in a file, and
that file, by its hash, is the data set.
"""

import numpy as np

__all__ = ["BANDS", "BINS", "THRESHOLDS", "events"]

BANDS = 40
BINS = 46
BIN = 0.020  # seconds
WINDOW = 0.032  # seconds
LOW, HIGH = 100.0, 3800.0  # Hz, ends of the bands
THRESHOLDS = (-36.0, -24.0, -12.0)  # dB


def events(pcm: np.ndarray, rate: int) -> np.ndarray:
    """Turn a recording into events.

    Parameters
    ----------
    pcm : int16 (samples,)
    rate : int, Hz

    Returns
    -------
    uint8 (bins, bands), bins at most `BINS`
    """
    hop, width = round(BIN * rate), round(WINDOW * rate)
    bins = min(BINS, max(1, -(-len(pcm) // hop)))
    padded = np.zeros((bins - 1) * hop + width, np.float64)
    head = pcm[: len(padded)]
    padded[: len(head)] = head / 32768
    frames = np.lib.stride_tricks.sliding_window_view(padded, width)[::hop]
    power = np.abs(np.fft.rfft(frames * np.hanning(width), 2 * width)) ** 2
    level = 10 * np.log10(power @ _bands(2 * width, rate) + 1e-10)
    level -= level.max()
    return (level[:, :, None] >= THRESHOLDS).sum(2).astype(np.uint8)


def _bands(size: int, rate: int) -> np.ndarray:
    """Make the triangles, float64 (frequencies, bands)."""
    ends = np.linspace(_mel(LOW), _mel(min(HIGH, rate / 2)), BANDS + 2)
    at = 700 * (10 ** (ends / 2595) - 1)
    frequency = np.fft.rfftfreq(size, 1 / rate)[:, None]
    rise = (frequency - at[:-2]) / (at[1:-1] - at[:-2])
    fall = (at[2:] - frequency) / (at[2:] - at[1:-1])
    return np.maximum(0, np.minimum(rise, fall))


def _mel(frequency: float) -> float:
    return 2595 * np.log10(1 + frequency / 700)
