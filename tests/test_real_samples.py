"""Real recordings: where SPIKELINE_SAMPLES names a folder that holds them below speech/."""

import os
import wave
from pathlib import Path

import numpy as np
import pytest

from spikeline.flow.data.commands import WORDS
from spikeline.flow.data.data import load
from spikeline.flow.data.speech import events
from spikeline.flow.data.spoken import recordings

SAMPLES = Path(os.environ.get("SPIKELINE_SAMPLES", "")) / "speech"
pytestmark = pytest.mark.skipif(
    "SPIKELINE_SAMPLES" not in os.environ, reason="SPIKELINE_SAMPLES names no folder"
)


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what is made in the test's own folder."""
    monkeypatch.setenv("SPIKELINE_CACHE", str(tmp_path / "cache"))


def sound(file: Path) -> dict[str, np.ndarray]:
    """Read recordings; their samples, int16, as `pcm`."""
    with np.load(file) as held:
        arrays = dict(held)
    low, high = arrays["pcm_lo"].astype("<u2"), arrays["pcm_hi"].astype("<u2")
    return arrays | {"pcm": (low | high << 8).view("<i2")}


def test_events_of_spoken_digits_are_those_that_ship() -> None:
    """The real audio is known by its hash; its transform here differs in hardly any count."""
    shipped, given = recordings(), recordings(SAMPLES / "fsdd.npz")
    assert np.array_equal(given.x, shipped.x) and np.array_equal(given.y, shipped.y)
    audio = sound(SAMPLES / "fsdd.npz")
    pairs = list(zip(audio["offsets"], audio["offsets"][1:], strict=False))
    wrong = counted = 0
    for n in range(0, 3000, 60):
        made = events(audio["pcm"][slice(*pairs[n])], int(audio["sample_rate"]))
        wrong += int((made != shipped.x[n, : len(made)]).sum())
        wrong += int(shipped.x[n, len(made) :].any())
        counted += made.size
    # Rounding differs between machines, so a level may fall on the other side of a threshold.
    assert wrong <= counted // 10_000


def test_real_speech_commands_are_read(tmp_path: Path) -> None:
    """Clips of ten real words, as the archive keeps them, give the events of their samples."""
    clips = sound(SAMPLES / "speech_commands_kws12.npz")
    names = [str(clips["class_names"][label]) for label in clips["label"]]
    files = {}
    for n, word in enumerate(names[:60]):
        if word not in WORDS:
            continue
        files[f"{word}/{n:08x}_nohash_0.wav"] = clips["pcm"][n]
    for file, pcm in files.items():
        (tmp_path / file).parent.mkdir(exist_ok=True)
        with wave.open(str(tmp_path / file), "wb") as out:
            out.setparams((1, 2, int(clips["sample_rate"]), 0, "NONE", ""))
            out.writeframes(pcm.tobytes())
    (tmp_path / "testing_list.txt").write_text("\n".join(files))
    (tmp_path / "validation_list.txt").write_text("")
    data = load("gsc", "test", tmp_path)

    assert len(files) > 40
    assert [WORDS[label] for label in data.y] == [file.partition("/")[0] for file in sorted(files)]
    for x, file in zip(data.x, sorted(files), strict=True):
        assert np.array_equal(x, events(files[file], 16_000, 140, 0.010, 100))
    # Speech: neither silence nor noise that fills every band.
    assert 0.01 < (data.x > 0).mean() < 0.5
