"""N-MNIST: recordings of an event camera to counts, from both kinds of files."""

import re
from pathlib import Path

import numpy as np
import pytest

from spikeline.flow.data.data import guess, load
from spikeline.flow.data.nmnist import bins
from spikeline.model.errors import InputError


def written(path: Path, events: list[tuple[int, int, int, int]]) -> None:
    """Write a recording of events (t, x, y, p) as it is distributed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = b"".join(bytes([x, y]) + (p << 23 | t).to_bytes(3, "big") for t, x, y, p in events)
    path.write_bytes(content)


EVENTS = [(0, 3, 5, 1), (34_999, 3, 5, 1), (35_000, 0, 33, 0), (400_000, 33, 0, 1)]


def wanted() -> np.ndarray:
    """Count these events by hand."""
    x = np.zeros((9, 2, 34, 34), np.uint8)
    x[0, 1, 5, 3], x[1, 0, 33, 0], x[8, 1, 0, 33] = 2, 1, 1
    return x


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder as it is distributed, of a recording of 0 and two of 7."""
    for split in ("Train", "Test"):
        written(tmp_path / split / "0" / "00002.bin", EVENTS)
        for name in ("00009.bin", "00001.bin"):
            written(tmp_path / split / "7" / name, EVENTS[:2])
    return tmp_path


def test_folders_are_read(folder: Path) -> None:
    """By digit, then by name; the order of inputs is polarity, row, column."""
    data = load("nmnist", "test", folder)
    assert data.x.shape == (3, 9, 2312)
    assert data.y.tolist() == [0, 7, 7]
    assert np.array_equal(data.x[0], wanted().reshape(9, -1))
    assert data.x[1].sum() == 2
    assert data.counted and data.name == "nmnist"
    assert guess("test", folder) == "nmnist"


def small(path: Path, **changed: object) -> None:
    """Write the small archive: a recording of each split, and an empty one."""
    t, x, y, p = np.array(EVENTS * 2).T
    arrays = {
        "t": t.astype(np.int32),
        "x": x.astype(np.uint8),
        "y": y.astype(np.uint8),
        "p": p.astype(np.uint8),
        "offsets": np.array([0, 4, 4, 8]),
        "label": np.array([3, 1, 9], np.uint8),
        "is_test": np.array([False, False, True]),
    }
    np.savez(path / "nmnist_small.npz", **(arrays | changed))  # type: ignore[arg-type]


def test_small_archive_is_read(tmp_path: Path) -> None:
    """The recordings of a split, empty ones too."""
    small(tmp_path)
    train, test = load("nmnist", "train", tmp_path), load("nmnist", "test", tmp_path)
    assert train.y.tolist() == [3, 1] and test.y.tolist() == [9]
    assert np.array_equal(train.x[0], wanted().reshape(9, -1))
    assert not train.x[1].any()
    assert np.array_equal(test.x[0], wanted().reshape(9, -1))


def test_many_events_of_one_bin_are_clipped() -> None:
    """A count is at most 255."""
    t = np.zeros(300, np.int64)
    assert bins("It", t, t, t, t).max() == 255


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"x": np.full(8, 34)}, ": Recording 0: columns must be in 0..33, not 34"),
        ({"p": np.full(8, 2)}, ": Recording 0: polarities must be in 0..1, not 2"),
        ({"t": np.full(8, -1)}, ": Recording 0: times must be at least 0, not -1"),
        ({"label": np.array([3, 10, 9])}, ": labels must be in 0..9, not 10"),
        (
            {"offsets": np.array([0, 4, 9])},
            (
                " must hold t, x, y, p of equally many events, offsets that rise from 0 to as"
                " many, and a label and is_test for each recording"
            ),
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_wrong_archive_is_refused(tmp_path: Path, change: dict, sentence: str) -> None:
    """One sentence tells what is wrong where."""
    small(tmp_path, **change)
    path = re.escape(str(tmp_path / "nmnist_small.npz"))
    with pytest.raises(InputError, match=f"^{path}{re.escape(sentence)}$"):
        load("nmnist", "train", tmp_path)


def test_wrong_folders_are_refused(folder: Path) -> None:
    """A file that is cut off, a folder without recordings, none at all."""
    cut = folder / "Test" / "0" / "00002.bin"
    cut.write_bytes(cut.read_bytes()[:-1])
    with pytest.raises(InputError, match=r"00002\.bin must be events of 5 bytes, not 19 bytes$"):
        load("nmnist", "test", folder)
    with pytest.raises(InputError, match=r"must hold Train or nmnist_small\.npz$"):
        load("nmnist", "train", folder / "Test")
    with pytest.raises(InputError, match=r"must be given a folder that holds Train or nmnist"):
        load("nmnist", "train")
