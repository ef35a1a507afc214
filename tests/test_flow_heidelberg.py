"""Events of the Heidelberg sets: frames by hand, files that are whole, files that are not."""

import gzip
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest

from spikeline.flow.data.data import guess, load
from spikeline.flow.data.heidelberg import frames
from spikeline.model.errors import InputError

# Two recordings. The first: frames of the grid 0, 0, 1, 6; with silence left out 0, 0, 1, 2.
TIMES = ([0.5, 0.5078125, 0.515625, 0.5625], [0.125])
UNITS = ([0, 4, 5, 699], [10])
LABELS = (19, 3)


def write(
    path: Path,
    times: object = TIMES,
    units: object = UNITS,
    labels: object = LABELS,
    kinds: tuple[type, type] = (np.float16, np.uint16),
) -> Path:
    """Write a file as the sets are distributed."""
    with h5py.File(path, "w") as file:
        for name, lists, kind in zip(("times", "units"), (times, units), kinds, strict=True):
            if lists is None:
                continue
            made = file.create_dataset(f"spikes/{name}", (len(lists),), h5py.vlen_dtype(kind))  # type: ignore[arg-type]
            for i, values in enumerate(lists):  # type: ignore[arg-type]
                made[i] = np.array(values, kind)
        if labels is not None:
            file["labels"] = np.array(labels)
        file["extra/speaker"] = np.zeros(2, np.uint16)
        file["extra/keys"] = ["null", "eins"]
    return path


def refusal(*arguments: object) -> str:
    """Load what must be refused; returns the sentence."""
    with pytest.raises(InputError) as error:
        load(*arguments)  # type: ignore[arg-type]
    return str(error.value)


def where(counts: np.ndarray) -> list[tuple[int, ...]]:
    """List frame, input and count of what is not zero."""
    return [(*map(int, at), int(counts[tuple(at)])) for at in np.argwhere(counts)]


def test_grid_keeps_silence() -> None:
    """A frame is 10 ms from the first event on; five channels are one input."""
    made = frames(np.array(TIMES[0], np.float16), np.array(UNITS[0], np.uint16), "grid")
    assert made.shape == (7, 140) and made.dtype == np.uint8
    assert where(made) == [(0, 0, 2), (1, 1, 1), (6, 139, 1)]


def test_squeezed_leaves_silence_out() -> None:
    """A frame begins at the first event that the frame before does not hold."""
    made = frames(np.array(TIMES[0], np.float16), np.array(UNITS[0], np.uint16), "squeezed")
    assert where(made) == [(0, 0, 2), (1, 1, 1), (2, 139, 1)]
    assert made.shape == (3, 140)


def test_end_of_a_frame() -> None:
    """An event 10 ms later is of the next frame on the grid, but of the same one squeezed; on the
    grid, one at the end of the last frame is of that frame."""
    units = np.array([0, 5, 10])
    for last, grid, squeezed in ((0.0101, [0, 1, 1], [0, 0, 1]), (0.02, [0, 1, 1], [0, 0, 1])):
        times = np.array([0, 0.01, last])
        assert np.argwhere(frames(times, units, "grid"))[:, 0].tolist() == grid
        assert np.argwhere(frames(times, units, "squeezed"))[:, 0].tolist() == squeezed
    once = np.array([0.25, 0.25])
    for framing in ("grid", "squeezed"):
        assert where(frames(once, np.array([0, 9]), framing)) == [(0, 0, 1), (0, 1, 1)]


def test_times_are_float64_before_anything() -> None:
    """0.71 s is 709.96 ms in float16 and of frame 70; in float16 milliseconds it would be 710."""
    times = np.array([0, 0.71, 1], np.float16)
    assert int(times[1] * np.float16(1000)) == 710
    assert np.argwhere(frames(times, np.array([0, 0, 0])))[:, 0].tolist() == [0, 70, 99]


def test_order_does_not_count_and_counts_are_clipped() -> None:
    """Events may come in any order; 300 of one input in one frame count 255."""
    times = np.concatenate([[0.125], np.zeros(300)])
    assert where(frames(times, np.zeros(301, int))) == [(0, 0, 255), (12, 0, 1)]
    assert frames(np.zeros(0), np.zeros(0)).shape == (0, 140)


@pytest.mark.parametrize("packed", ["", ".gz", ".zip"])
@pytest.mark.parametrize("below", ["", "shd"])
def test_files_are_read(tmp_path: Path, packed: str, below: str) -> None:
    """Samples are padded to the longest; the framing is told."""
    (tmp_path / below).mkdir(exist_ok=True)
    path = write(tmp_path / below / "shd_test.h5")
    if packed == ".gz":
        Path(f"{path}.gz").write_bytes(gzip.compress(path.read_bytes()))
    elif packed == ".zip":
        with zipfile.ZipFile(f"{path}.zip", "w") as folder:
            folder.write(path, path.name)
    if packed:
        path.unlink()
    assert guess("test", tmp_path) == "shd" and guess("train", tmp_path) is None
    for framing, last in (("grid", 6), ("squeezed", 2)):
        data = load("shd", "test", tmp_path, framing)
        assert where(data.x) == [(0, 0, 0, 2), (0, 1, 1, 1), (0, last, 139, 1), (1, 0, 2, 1)]
        assert data.x.shape == (2, last + 1, 140) and data.x.dtype == np.uint8
        assert data.y.tolist() == [19, 3] and data.y.dtype == np.int64
        assert data.source == {"data": "shd", "framing": framing}
        assert where(data.cut(1, 1).x) == [(0, 0, 0, 2)]


def test_commands_have_a_validation_split(tmp_path: Path) -> None:
    """ssc has three splits and 35 words, shd two and 20 digits."""
    write(tmp_path / "ssc_valid.h5", labels=(34, 0))
    assert load("ssc", "valid", tmp_path).y.tolist() == [34, 0]
    assert refusal("shd", "valid", tmp_path) == "Split must be one of train, test, not 'valid'"


def test_files_are_asked_for(tmp_path: Path) -> None:
    """Without its file, or a folder, a set is refused, as is a framing that is none."""
    assert refusal("ssc", "train") == (
        "Data set ssc must be given a folder that holds ssc_train.h5"
    )
    assert refusal("ssc", "train", tmp_path) == (
        f"Data folder {tmp_path} must hold ssc_train.h5, plain, .gz or .zip"
    )
    assert refusal("shd", "test", tmp_path, "loose") == (
        "Framing must be one of grid, squeezed, not 'loose'"
    )
    assert refusal("digits", "test", None, "squeezed") == (
        "Framing must be given for shd and ssc only, not for digits"
    )


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        (
            {"times": None},
            " must hold the data sets spikes/times, spikes/units and labels",
        ),
        (
            {"labels": None},
            " must hold the data sets spikes/times, spikes/units and labels",
        ),
        ({"labels": (1,)}, ": labels must be 2 integers, one per recording"),
        ({"labels": (1.0, 2.0)}, ": labels must be 2 integers, one per recording"),
        ({"labels": (1, 20)}, ": labels must be in 0..19, not 20"),
        ({"labels": (-1, 2)}, ": labels must be in 0..19, not -1"),
        ({"units": UNITS[:1]}, ": spikes/units must be 2 lists, not 1"),
        (
            {"units": (UNITS[0], [])},
            ": Recording 1 must have 1 units, one per time, not 0",
        ),
        (
            {"units": ([0, 4, 700, 1], [10])},
            ": Recording 0 must have units in 0..699, not 700",
        ),
        (
            {"units": (UNITS[0], [-1]), "kinds": (np.float16, np.int16)},
            ": Recording 1 must have units in 0..699, not -1",
        ),
        (
            {"times": (TIMES[0], [np.nan])},
            ": Recording 1 must have times in 0..10 seconds, not nan",
        ),
        (
            {"times": ([0, 1, -0.5, 2], [0])},
            ": Recording 0 must have times in 0..10 seconds, not -0.5",
        ),
        (
            {"times": (TIMES[0], [np.inf])},
            ": Recording 1 must have times in 0..10 seconds, not inf",
        ),
        (
            {"kinds": (np.int16, np.uint16)},
            ": spikes/times must be lists of floats, one per recording",
        ),
        (
            {"kinds": (np.float16, np.float16)},
            ": spikes/units must be lists of integers, one per recording",
        ),
        ({"times": (), "units": (), "labels": ()}, " must hold at least one recording"),
    ],
    ids=lambda value: value.strip(" :")[:40] if isinstance(value, str) else "",
)
def test_files_are_checked(tmp_path: Path, written: dict[str, object], sentence: str) -> None:
    """What is no event and no label is refused."""
    path = write(tmp_path / "shd_test.h5", **written)  # type: ignore[arg-type]
    assert refusal("shd", "test", tmp_path) == f"{path}{sentence}"


def test_flat_events_are_refused(tmp_path: Path) -> None:
    """A file whose times are one array is not of these sets."""
    path = tmp_path / "shd_test.h5"
    with h5py.File(path, "w") as file:
        file["spikes/times"], file["spikes/units"] = np.zeros(4), np.zeros(4, int)
        file["labels"] = np.zeros(4, int)
    assert refusal("shd", "test", tmp_path) == (
        f"{path}: spikes/times must be lists of floats, one per recording"
    )


def test_damaged_files_are_refused(tmp_path: Path) -> None:
    """A file that is no HDF5, or ends anywhere early, is refused in one sentence."""
    path = write(tmp_path / "shd_test.h5")
    whole = path.read_bytes()
    sentence = f"{path} must be a whole HDF5 file; it is foreign, cut off or damaged"
    for content in (b"", b"no HDF5", *(whole[:n] for n in range(100, len(whole), 500))):
        path.write_bytes(content)
        assert refusal("shd", "test", tmp_path) == sentence
    broken = bytearray(whole)
    at = whole.index(b"GCOL")
    broken[at : at + 4] = b"XXXX"
    path.write_bytes(broken)
    assert refusal("shd", "test", tmp_path) == sentence


def test_damaged_archives_are_refused(tmp_path: Path) -> None:
    """A packed file that is cut off, or holds another, is refused."""
    path = write(tmp_path / "shd_test.h5")
    whole = path.read_bytes()
    path.unlink()
    gz, zip_ = tmp_path / "shd_test.h5.gz", tmp_path / "shd_test.h5.zip"
    gz.write_bytes(gzip.compress(whole)[:-20])
    assert refusal("shd", "test", tmp_path) == (
        f"{gz} must be a whole gz file; it is cut off or damaged"
    )
    gz.unlink()
    with zipfile.ZipFile(zip_, "w") as folder:
        folder.writestr("other.h5", whole)
    assert refusal("shd", "test", tmp_path) == f"{zip_} must hold shd_test.h5"
    zip_.write_bytes(zip_.read_bytes()[:-20])
    assert refusal("shd", "test", tmp_path) == (
        f"{zip_} must be a whole zip file; it is cut off or damaged"
    )
