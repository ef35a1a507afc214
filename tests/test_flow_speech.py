"""Speech to events: counts that a tone of known loudness must give."""

import numpy as np
import pytest

from spikeline.flow.data.speech import events

RATE = 8000


def tone(frequency: float, rate: int, *decibels: float) -> np.ndarray:
    """Make a tone in parts of 0.2 s, each as loud as told, relative to full scale."""
    part = rate // 5
    loud = np.repeat([10 ** (level / 20) for level in decibels], part)
    wave = np.sin(2 * np.pi * frequency * np.arange(len(loud)) / rate)
    return np.rint(32767 * loud * wave).astype(np.int16)


def centre(band: int, bands: int, high: float) -> float:
    """Frequency in Hz of the middle of a band: bands + 2 ends, evenly on the mel scale."""
    low, top = (2595 * np.log10(1 + f / 700) for f in (100, high))
    return 700 * (10 ** ((low + (top - low) * (band + 1) / (bands + 1)) / 2595) - 1)


@pytest.mark.parametrize("band", [3, 20, 39])
def test_count_tells_how_loud_a_tone_is(band: int) -> None:
    """A tone in the middle of a band counts 3, 2, 1, 0 at 0, -20, -30 and -40 dB there."""
    made = events(tone(centre(band, 40, 3800), RATE, 0, -20, -30, -40), RATE)
    assert made.shape == (40, 40) and made.dtype == np.uint8
    # The window of 32 ms reaches from the last bin of a part into the next one.
    inside = made.reshape(4, 10, 40)[:, :9]
    assert np.array_equal(inside[..., band], np.repeat([[3], [2], [1], [0]], 9, axis=1))
    assert not inside[0][:, np.abs(np.arange(40) - band) > 8].any()


def test_bands_and_bins_are_parameters() -> None:
    """At 16 kHz bands reach 7,600 Hz; shorter bins are as many more."""
    made = events(tone(centre(100, 140, 7600), 16_000, 0, 0), 16_000, 140, 0.01, 100)
    assert made.shape == (40, 140)
    assert (made[:36, 100] == 3).all()


@pytest.mark.parametrize(
    ("samples", "bins"), [(0, 1), (1, 1), (160, 1), (161, 2), (7360, 46), (9000, 46)]
)
def test_recording_has_as_many_bins_as_it_fills(samples: int, bins: int) -> None:
    """160 samples at 8 kHz are one bin; there are 46 at most."""
    assert events(np.ones(samples, np.int16), RATE).shape == (bins, 40)


def test_silence_has_no_events() -> None:
    """A recording of zeros has no loudest band that others could be compared with."""
    assert not events(np.zeros(4000, np.int16), RATE).any()


def test_loudness_of_the_recording_does_not_count() -> None:
    """Half as loud gives the same events, but for what rounding to 16 bits adds."""
    sound = tone(700, RATE, 0, -20)
    assert np.array_equal(events(sound, RATE), events(sound // 2, RATE))
