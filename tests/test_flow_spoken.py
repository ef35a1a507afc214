"""Spoken digits: the events that ship, their splits, and events made from audio."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from spikeline.flow.data import archive, spoken
from spikeline.flow.data.data import guess, load
from spikeline.flow.data.speech import events
from spikeline.flow.data.spoken import by_speaker, main, recordings, stratified
from spikeline.model.errors import InputError

LENGTHS = (1600, 161, 9000, 320)


def audio() -> dict[str, np.ndarray]:
    """Four recordings of noise, as fsdd.npz holds them; the last one is of index 5."""
    pcm = np.random.default_rng(1).integers(0, 65536, sum(LENGTHS)).astype("<u2")
    return {
        "pcm_lo": (pcm & 255).astype(np.uint8),
        "pcm_hi": (pcm >> 8).astype(np.uint8),
        "offsets": np.cumsum([0, *LENGTHS]),
        "digit": np.array([0, 3, 9, 9], np.uint8),
        "speaker": np.array([1, 0, 2, 2], np.uint8),
        "index": np.array([0, 4, 2, 5], np.uint8),
        "sample_rate": np.array(8000),
    }


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what is made in the test's own folder."""
    monkeypatch.setenv("SPIKELINE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("SPIKELINE_DATA", raising=False)


def test_events_that_ship_need_no_folder() -> None:
    """There are 2,700 + 300 recordings, all of which speaker and digit share evenly."""
    train, test = load("spoken", "train"), load("spoken", "test")
    assert train.x.shape == (2700, 46, 40) and test.x.shape == (300, 46, 40)
    assert train.x.dtype == np.uint8 and train.y.dtype == np.int64
    assert (np.bincount(train.y) == 270).all() and (np.bincount(test.y) == 30).all()
    assert test.source == {"data": "spoken"}
    x = recordings().x
    assert np.bincount(x.ravel()).tolist() == [4255089, 633320, 441766, 189825]
    digest = hashlib.sha256(x.tobytes()).hexdigest()
    assert digest == "7fd1321b715ad4970ec6fb8cb05805b1cd23a515e80e734d9db7027425823ee3"


def test_few_test_samples_hold_every_digit() -> None:
    """The test split goes by index and speaker, ten digits each; those are the official ones."""
    test, all_ = load("spoken", "test"), recordings()
    assert (test.y.reshape(30, 10) == np.arange(10)).all()
    first = (all_.index == 0) & (all_.speaker == 0)
    assert np.array_equal(test.x[:10], all_.x[first])


def test_folds_take_the_same_share_of_everyone() -> None:
    """Each fold tests 10 recordings of each digit and speaker; of ten, the first is official."""
    all_ = recordings()
    fold = stratified(all_.y, all_.speaker, all_.index)
    group = fold * 60 + all_.y * 6 + all_.speaker
    assert (np.bincount(group) == 10).all() and group.max() == 299
    official = stratified(all_.y, all_.speaker, all_.index, 10) == 0
    assert np.array_equal(official, all_.index < 5)


def test_folds_go_by_index() -> None:
    """Recordings of one digit and speaker are cut in the order of their index."""
    y, speaker = np.array([0, 0, 0, 0, 0, 1]), np.array([0, 0, 0, 0, 0, 0])
    index = np.array([9, 3, 1, 7, 5, 2])
    assert stratified(y, speaker, index, 2).tolist() == [1, 0, 0, 1, 0, 0]


def test_no_voice_is_tested_that_was_trained_on() -> None:
    """Each speaker is a fold."""
    assert by_speaker(np.array([4, 2, 4, 7], np.uint8)).tolist() == [1, 0, 1, 2]
    assert (np.bincount(by_speaker(recordings().speaker)) == 500).all()


def test_other_audio_is_transformed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Events of other audio are those of speech.py, padded with zeros, and kept in the cache."""
    given = audio()
    np.savez(tmp_path / "fsdd.npz", **given)
    pcm = (given["pcm_lo"] + 256 * given["pcm_hi"].astype(int)).astype(np.uint16).view(np.int16)
    test = load("spoken", "test", tmp_path)
    assert test.source == load("own", "test", tmp_path).source == {"data": "own"}
    assert test.x.shape == (3, 46, 40) and test.y.tolist() == [0, 9, 3]
    assert np.array_equal(test.x[2, :2], events(pcm[1600:1761], 8000))
    assert not test.x[2, 2:].any()
    monkeypatch.setattr(spoken, "events", None)
    assert load("spoken", "train", tmp_path).y.tolist() == [9]
    (kept,) = (tmp_path / "cache").rglob("*.npz")
    kept.write_bytes(kept.read_bytes()[:100])
    monkeypatch.setattr(spoken, "events", events)
    assert np.array_equal(load("spoken", "test", tmp_path).x, test.x)


def test_known_audio_gives_the_events_that_ship(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Audio is known by its hash; nothing is transformed, whatever this machine would round."""
    np.savez(tmp_path / "fsdd.npz", **audio())
    main([str(tmp_path / "fsdd.npz"), str(tmp_path / "made.npz")])
    made = archive.read(tmp_path / "made.npz", spoken.ARRAYS)
    made["x"] = np.full_like(made["x"], 2)
    archive.write(tmp_path / "made.npz", made)
    monkeypatch.setattr(spoken, "FILE", tmp_path / "made.npz")
    monkeypatch.setattr(spoken, "CONTENT", archive.digest(made))
    test = load("spoken", "test", tmp_path)
    assert (test.x == 2).all() and test.source == {"data": "spoken"}
    assert not (tmp_path / "cache").exists()


def test_changed_events_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file that ships is checked by its hash."""
    arrays = archive.read(spoken.FILE, spoken.ARRAYS)
    arrays["x"][7, 0, 0] ^= 1
    monkeypatch.setattr(spoken, "FILE", tmp_path / "changed.npz")
    archive.write(spoken.FILE, arrays)
    with pytest.raises(InputError) as error:
        load("spoken", "test")
    assert str(error.value) == (
        f"{spoken.FILE} must be the file that ships with spikeline, not a changed one"
    )


def test_command_makes_the_same_bytes_each_time(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The event file depends on the audio alone, and the command tells its hash."""
    np.savez(tmp_path / "fsdd.npz", **audio())
    assert main([str(tmp_path / "fsdd.npz"), str(tmp_path / "a.npz")]) == 0
    assert main([str(tmp_path / "fsdd.npz"), str(tmp_path / "b.npz")]) == 0
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    told = archive.digest(archive.read(tmp_path / "a.npz", spoken.ARRAYS))
    assert capsys.readouterr().out == f"{told}\n{told}\n"
    assert main([]) == 2
    assert main([str(tmp_path / "a.npz"), str(tmp_path / "c.npz")]) == 2
    assert capsys.readouterr().err == (
        "usage: python -m spikeline.flow.data.spoken fsdd.npz OUT.npz\n"
        f"spikeline: {tmp_path / 'a.npz'} must be a whole .npz file that holds the arrays pcm_lo,"
        " pcm_hi, offsets, digit, speaker, index and sample_rate\n"
    )


def test_audio_that_lies_in_the_folder_is_found(tmp_path: Path) -> None:
    """A folder given must hold the audio; one that does is known by it."""
    assert guess("test", tmp_path) is None
    with pytest.raises(InputError) as error:
        load("spoken", "test", tmp_path)
    assert str(error.value) == (
        f"Data folder {tmp_path} must hold fsdd.npz;"
        " without a folder the events that ship are taken"
    )
    (tmp_path / "spoken").mkdir()
    np.savez(tmp_path / "spoken" / "fsdd.npz", **audio())
    assert guess("test", tmp_path) == "spoken"
    assert guess("valid", tmp_path) is None
    assert load("spoken", "test", tmp_path).y.tolist() == [0, 9, 3]


def change(name: str, value: object) -> Callable[[dict[str, np.ndarray]], None]:
    """Give an array another value."""
    return lambda arrays: arrays.update({name: np.array(value)})


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (change("pcm_lo", 0), "pcm_lo and pcm_hi must be bytes of shape (samples,)"),
        (
            lambda a: a.update(pcm_hi=a["pcm_hi"].astype(int)),
            "pcm_lo and pcm_hi must be bytes of shape (samples,)",
        ),
        (
            lambda a: a.update(pcm_hi=a["pcm_hi"][1:]),
            "pcm_hi must hold 11081 bytes, as pcm_lo, not 11080",
        ),
        (change("offsets", [0]), "offsets must be integers of shape (recordings + 1,)"),
        (change("offsets", [0.0, 9.0]), "offsets must be integers of shape (recordings + 1,)"),
        (
            change("offsets", [0, 9, 8, 10, 11081]),
            "offsets must rise from 0 to 11081, the number of samples",
        ),
        (
            change("offsets", [0, 1, 2, 3, 4]),
            "offsets must rise from 0 to 11081, the number of samples",
        ),
        (change("digit", [1, 2, 3]), "digit must be 4 integers, one per recording"),
        (change("digit", [1, 2, 3, 10]), "digit must be in 0..9"),
        (change("speaker", [0.0] * 4), "speaker must be 4 integers, one per recording"),
        (change("index", [0, 0, 0, -1]), "index must be in 0..255"),
        (change("sample_rate", 0), "sample_rate must be a whole number of Hz in 1000..192000"),
        (change("sample_rate", 8e3), "sample_rate must be a whole number of Hz in 1000..192000"),
    ],
)
def test_audio_is_checked(
    tmp_path: Path, damage: Callable[[dict[str, np.ndarray]], None], sentence: str
) -> None:
    """Arrays that do not fit together are refused."""
    arrays, path = audio(), tmp_path / "fsdd.npz"
    damage(arrays)
    np.savez(path, **arrays)
    with pytest.raises(InputError) as error:
        load("spoken", "test", tmp_path)
    assert str(error.value) == f"{path}: {sentence}"


def test_split_without_recordings_is_refused(tmp_path: Path) -> None:
    """A split has one recording at least."""
    np.savez(tmp_path / "fsdd.npz", **{**audio(), "index": np.array([5, 6, 7, 8])})
    with pytest.raises(InputError) as error:
        load("spoken", "test", tmp_path)
    assert str(error.value) == f"{tmp_path / 'fsdd.npz'} must hold recordings of the test split"


@pytest.mark.parametrize("length", [0, 100, 20_000])
def test_archive_that_is_cut_off_is_refused(tmp_path: Path, length: int) -> None:
    """A file that ends early is refused, as is one without the arrays."""
    path = tmp_path / "fsdd.npz"
    np.savez(path, **audio())
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(InputError) as error:
        load("spoken", "test", tmp_path)
    assert str(error.value) == (
        f"{path} must be a whole .npz file that holds the arrays pcm_lo, pcm_hi, offsets, digit,"
        " speaker, index and sample_rate"
    )
