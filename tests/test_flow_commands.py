"""Speech Commands: WAV files of words to events, by the lists that part them."""

import wave
from pathlib import Path

import numpy as np
import pytest

from spikeline.flow.data import commands
from spikeline.flow.data.commands import WORDS
from spikeline.flow.data.data import guess, load
from spikeline.flow.data.speech import events
from spikeline.model.errors import InputError

NOISE = np.random.default_rng(1).integers(-9000, 9000, 16_000).astype("<i2")
FILES = {
    "backward/a_nohash_0.wav": 16_000,
    "bed/a_nohash_0.wav": 8_000,
    "zero/a_nohash_0.wav": 16_000,
    "zero/b_nohash_0.wav": 161,
}


def record(path: Path, samples: int, rate: int = 16_000, width: int = 2, channels: int = 1) -> None:
    """Write a recording of noise."""
    path.parent.mkdir(exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setparams((channels, width, rate, 0, "NONE", ""))
        file.writeframes(NOISE[:samples].tobytes()[: samples * width] * channels)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small set in the form of the real one; what is made is kept beside it."""
    monkeypatch.setenv("SPIKELINE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("SPIKELINE_DATA", raising=False)
    place = tmp_path / "gsc"
    place.mkdir()
    for name, samples in FILES.items():
        record(place / name, samples)
    record(place / "_background_noise_" / "hum.wav", 16_000)
    (place / "README.md").write_text("words")
    (place / "validation_list.txt").write_text("bed/a_nohash_0.wav\n")
    (place / "testing_list.txt").write_text("zero/b_nohash_0.wav\nbackward/a_nohash_0.wav\n")
    return tmp_path


def refusal(folder: Path | None, split: str = "test") -> str:
    """Load what must be refused; returns the sentence."""
    with pytest.raises(InputError) as error:
        load("gsc", split, folder)
    return str(error.value)


def test_there_are_35_words_in_order() -> None:
    """Labels are the numbers of the words in the alphabet."""
    assert len(WORDS) == 35 and sorted(WORDS) == list(WORDS)


def test_lists_part_the_files(folder: Path) -> None:
    """What is in no list is the training split; noise is no word; the order is that of names."""
    assert {
        split: load("gsc", split, folder).y.tolist() for split in ("train", "valid", "test")
    } == {
        "train": [34],
        "valid": [1],
        "test": [0, 34],
    }
    assert guess("valid", folder) == guess("test", folder / "gsc") == "gsc"


def test_events_are_of_140_bands_and_10_ms(folder: Path) -> None:
    """A second is 100 bins; shorter recordings end in zeros."""
    test, valid = load("gsc", "test", folder), load("gsc", "valid", folder)
    assert test.x.shape == (2, 100, 140) and test.x.dtype == np.uint8
    assert test.y.dtype == np.int64 and test.source == {"data": "gsc"}
    assert np.array_equal(test.x[0], events(NOISE, 16_000, 140, 0.01, 100))
    assert np.array_equal(test.x[1, :2], events(NOISE[:161], 16_000, 140, 0.01, 100))
    assert not test.x[1, 2:].any()
    assert valid.x[0, :50].any() and not valid.x[0, 50:].any()


def test_events_are_made_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same files give the same events from the cache; another byte makes them anew."""
    first = load("gsc", "test", folder)
    monkeypatch.setattr(commands, "events", lambda *_: np.full((1, 140), 3, np.uint8))
    assert np.array_equal(load("gsc", "test", folder).x, first.x)
    record(folder / "gsc" / "zero" / "b_nohash_0.wav", 162)
    assert load("gsc", "test", folder).x.sum() == 2 * 140 * 3


def test_folder_without_lists_is_refused(tmp_path: Path) -> None:
    """Both lists must be there, and a folder must be given."""
    assert refusal(None) == (
        "Data set gsc must be given a folder that holds validation_list.txt and testing_list.txt"
    )
    assert refusal(tmp_path) == (
        f"Data folder {tmp_path} must hold validation_list.txt and testing_list.txt"
    )


def test_empty_split_is_refused(folder: Path) -> None:
    """A split has one recording at least."""
    place, sentence = folder / "gsc", f"Data folder {folder / 'gsc'} must hold recordings of the"
    (place / "zero" / "a_nohash_0.wav").unlink()
    assert refusal(folder, "train") == f"{sentence} train split"
    (place / "validation_list.txt").write_text("")
    assert refusal(folder, "valid") == f"{sentence} valid split"


@pytest.mark.parametrize(
    "line", ["cat2/a.wav", "bed", "bed/../../a.wav", "/bed/a.wav", "bed/a.mp3"]
)
def test_lists_are_checked(folder: Path, line: str) -> None:
    """A line is a word and a WAV file, and leads nowhere else."""
    path = folder / "gsc" / "testing_list.txt"
    path.write_text(f"zero/b_nohash_0.wav\n{line}\n")
    assert refusal(folder) == f"{path} must list WORD/FILE.wav of the 35 words, not {line!r}"


def test_list_that_is_no_text_is_refused(folder: Path) -> None:
    """A list is text."""
    path = folder / "gsc" / "testing_list.txt"
    path.write_bytes(b"\xff\xfe\xff")
    assert refusal(folder) == f"{path} must be a readable list of WORD/FILE.wav"


def test_missing_recording_is_refused(folder: Path) -> None:
    """What a list names must be there."""
    path = folder / "gsc" / "zero" / "b_nohash_0.wav"
    path.unlink()
    assert refusal(folder) == f"{path} must be a readable file: No such file or directory"


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ((8_000, 2, 1), "8000 Hz, 16 bits, mono"),
        ((16_000, 1, 1), "16000 Hz, 8 bits, mono"),
        ((16_000, 2, 2), "16000 Hz, 16 bits, 2 channels"),
    ],
)
def test_other_recordings_are_refused(folder: Path, form: tuple[int, int, int], told: str) -> None:
    """A recording of another rate, width or number of channels is refused."""
    path = folder / "gsc" / "zero" / "b_nohash_0.wav"
    record(path, 161, *form)
    assert refusal(folder) == f"{path} must be of 16000 Hz, 16 bits, mono, not of {told}"
    assert not (folder / "cache").exists()


def test_damaged_recordings_are_refused(folder: Path) -> None:
    """A recording that is cut off, or is none, is refused."""
    path = folder / "gsc" / "zero" / "b_nohash_0.wav"
    whole = path.read_bytes()
    assert len(whole) == 44 + 322
    path.write_bytes(whole[:100])
    assert refusal(folder) == f"{path} must hold 161 samples, as its header says, not 28"
    float_ = whole[:20] + b"\x03\x00" + whole[22:]
    endless = whole[:19] + b"\x01" + whole[20:]
    for content in (b"", whole[:10], whole[:30], b"RIFX" + whole[4:], float_, endless):
        path.write_bytes(content)
        assert refusal(folder) == f"{path} must be a WAV file of plain samples"
