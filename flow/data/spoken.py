"""The Free Spoken Digit Dataset as events: 3,000 recordings, 10 digits, 6 speakers, 50 of each.

The events of the audio were made once and ship as events/spoken-digits.npz; its hash is checked
each time. From the audio, a file fsdd.npz, the same file is made again by

    python -m spikeline.flow.data.spoken fsdd.npz spoken-digits.npz

which also tells its hash: the same wherever the transform of speech.py rounds the same.

fsdd.npz holds pcm_lo and pcm_hi, the lower and upper bytes of the 16-bit samples of all recordings;
offsets, where each begins, and the end; digit, speaker and index of each; and sample_rate.
"""

import sys
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from ...model.errors import InputError
from . import archive
from .speech import VERSION, events

__all__ = ["Recordings", "by_speaker", "holds", "load", "main", "make", "recordings", "stratified"]

FILE = Path(__file__).parent / "events" / "spoken-digits.npz"
CONTENT = "b849927df7906774dbb8fef2d90345571705943db105978fc3d4f3b2ee2b9dc7"
ARRAYS = ("x", "y", "speaker", "index", "audio")
AUDIO = ("pcm_lo", "pcm_hi", "offsets", "digit", "speaker", "index", "sample_rate")
TEST = 5  # recordings of each speaker and digit, the first ones, are the official test split


@dataclass(frozen=True, slots=True, eq=False)
class Recordings:
    """All recordings, in the order of digit, speaker and index.

    Attributes
    ----------
    x : uint8 (samples, bins, bands), counts
    y, speaker, index : uint8 (samples,)
    known : whether they are those that ship
    """

    x: np.ndarray
    y: np.ndarray
    speaker: np.ndarray
    index: np.ndarray
    known: bool


def recordings(path: Path | None = None) -> Recordings:
    """Read all recordings: the events that ship, or those of a file fsdd.npz.

    Audio that is that of the events that ship gives those; events of other audio are made once and
    kept in the cache folder.
    """
    shipped = archive.read(FILE, ARRAYS)
    if archive.digest(shipped) != CONTENT:
        raise InputError(f"{FILE} must be the file that ships with spikeline, not a changed one")
    if path is None:
        return _recordings(shipped)
    audio = _audio(path)
    key = archive.digest(audio)
    if key == str(shipped["audio"]):
        return _recordings(shipped)
    key = archive.digest({"audio": np.array(key), "version": np.array(VERSION)})
    made = archive.cached("spoken", key, ARRAYS, lambda: _events(audio))
    return _recordings(made, known=False)


def load(name: str, split: str, places: list[Path]) -> tuple[np.ndarray, np.ndarray, str]:
    """Load the official split: index 0 to 4 are the test split, the others the training split.

    The training split goes by digit, speaker and index; the test split by index, speaker and digit,
    so that its first samples are like all.

    Returns
    -------
    x uint8 (samples, bins, bands), y int64 (samples,), and whose they are: "spoken" or "own"
    """
    path = next((path / "fsdd.npz" for path in places if holds(name, split, path)), None)
    if places and path is None:
        raise InputError(
            f"Data folder {places[-1]} must hold fsdd.npz; without a folder the events that ship"
            " are taken"
        )
    all_ = recordings(path)
    chosen = np.flatnonzero((all_.index < TEST) == (split == "test"))
    if not len(chosen):
        raise InputError(f"{path} must hold recordings of the {split} split")
    if split == "test":
        chosen = chosen[np.lexsort([a[chosen] for a in (all_.y, all_.speaker, all_.index)])]
    whose = "spoken" if all_.known else "own"
    return all_.x[chosen], all_.y[chosen].astype(np.int64), whose


def holds(name: str, split: str, folder: Path) -> bool:
    """Whether the audio lies in a folder."""
    return split in ("train", "test") and (folder / "fsdd.npz").is_file()


def stratified(y: np.ndarray, speaker: np.ndarray, index: np.ndarray, n: int = 5) -> np.ndarray:
    """Cut recordings into n folds, each with the same share of every digit and speaker.

    The recordings of one digit and speaker, by index, are cut into n runs as equal as can be. With
    n = 10, fold 0 is the official test split.

    Returns
    -------
    int64 (samples,), the fold 0..n-1 of a recording
    """
    fold = np.empty(len(y), np.int64)
    for d, s in {(int(d), int(s)) for d, s in zip(y, speaker, strict=True)}:
        group = np.flatnonzero((y == d) & (speaker == s))
        fold[group[np.argsort(index[group], kind="stable")]] = (
            np.arange(len(group)) * n // len(group)
        )
    return fold


def by_speaker(speaker: np.ndarray) -> np.ndarray:
    """Cut recordings into folds by speaker, so that no voice is trained on that is tested.

    Returns
    -------
    int64 (samples,), the fold of a recording, in the order of the speakers' numbers
    """
    return np.unique(speaker, return_inverse=True)[1].astype(np.int64)


def make(source: Path, target: Path) -> str:
    """Make the event file from fsdd.npz; returns its hash."""
    arrays = _events(_audio(source))
    archive.write(target, arrays)
    return archive.digest(arrays)


def _audio(path: Path) -> archive.Arrays:
    """Read and check fsdd.npz; returns samples and all that tells recordings apart."""
    low, high, offsets, *which, rate = archive.read(path, AUDIO).values()
    if not low.ndim == high.ndim == 1 or not low.dtype == high.dtype == np.uint8:
        raise InputError(f"{path}: pcm_lo and pcm_hi must be bytes of shape (samples,)")
    if len(low) != len(high):
        raise InputError(f"{path}: pcm_hi must hold {len(low)} bytes, as pcm_lo, not {len(high)}")
    if offsets.ndim != 1 or offsets.dtype.kind not in "iu" or len(offsets) < 2:
        raise InputError(f"{path}: offsets must be integers of shape (recordings + 1,)")
    offsets = offsets.astype("<i8")
    if offsets[0] or offsets[-1] != len(low) or (np.diff(offsets) < 0).any():
        raise InputError(f"{path}: offsets must rise from 0 to {len(low)}, the number of samples")
    count = len(offsets) - 1
    for name, numbers, last in zip(AUDIO[3:6], which, (9, 255, 255), strict=True):
        if numbers.shape != (count,) or numbers.dtype.kind not in "iu":
            raise InputError(f"{path}: {name} must be {count} integers, one per recording")
        if numbers.min() < 0 or numbers.max() > last:
            raise InputError(f"{path}: {name} must be in 0..{last}")
    if rate.ndim or rate.dtype.kind not in "iu" or not 1000 <= rate <= 192_000:
        raise InputError(f"{path}: sample_rate must be a whole number of Hz in 1000..192000")
    pcm = (low.astype("<u2") | high.astype("<u2") << 8).view("<i2")
    digit, speaker, index = (numbers.astype(np.uint8) for numbers in which)
    return {
        "pcm": pcm,
        "offsets": offsets,
        "digit": digit,
        "speaker": speaker,
        "index": index,
        "rate": rate.astype("<i8"),
    }


def _events(audio: archive.Arrays) -> archive.Arrays:
    """Make the arrays of the event file."""
    pcm, offsets, rate = audio["pcm"], audio["offsets"], int(audio["rate"])
    made = [events(pcm[a:b], rate) for a, b in pairwise(offsets)]
    return {
        "x": archive.padded(made),
        "y": audio["digit"],
        "speaker": audio["speaker"],
        "index": audio["index"],
        "audio": np.array(archive.digest(audio)),
    }


def _recordings(arrays: archive.Arrays, known: bool = True) -> Recordings:
    x, y, speaker, index = (arrays[name] for name in ARRAYS[:4])
    return Recordings(x, y, speaker, index, known)


def main(arguments: list[str]) -> int:
    """Make the event file from the command line: 0, or 2 after one sentence."""
    if len(arguments) != 2:
        print("usage: python -m spikeline.flow.data.spoken fsdd.npz OUT.npz", file=sys.stderr)
        return 2
    try:
        print(make(*map(Path, arguments)))
    except (InputError, OSError) as error:
        print(f"spikeline: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
