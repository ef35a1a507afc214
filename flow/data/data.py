"""Data sets: samples and labels, from files that are checked.

8-bit samples (samples, inputs):

    digits           scikit-learn's 1,797 handwritten digits of 8 x 8, shipped inside that library
    mnist            60,000 + 10,000 digits of 28 x 28, IDX files or Keras' mnist.npz
    fashion-mnist    likewise, pieces of clothing

Counts of events (samples, bins, inputs):

    spoken           2,700 + 300 spoken digits, 46 bins of 40 inputs; they ship with spikeline
    shd, ssc         spoken digits and words, as spikes of a cochlea's model, 140 inputs, HDF5 files
    nmnist           digits seen by an event camera, 9 bins of 2 x 34 x 34 inputs, .bin files
    gsc              35 spoken words, 100 bins of 140 inputs, WAV files
    random           64 samples like those of shd, always the same ones; see zoo/synthetic.py

Either, as the network asks for:

    own              train.npz and test.npz with the arrays x and y: x (samples, ...) of pixels, or
                     (samples, bins, ...) of counts, with any axes behind; y integers (samples,),
                     labels, or floats (samples, outputs), targets; or else files that are called
                     like those of MNIST or of the spoken digits

Files are looked for in the folder given, else in SPIKELINE_DATA: first in its subfolder named like
the data set, then in it; with neither, IDX files are downloaded once to the cache folder
(SPIKELINE_CACHE). Of MNIST and Fashion-MNIST the folder may be torchvision's root, too. Files of
MNIST are refused as Fashion-MNIST, and the other way round. A folder
given that holds train.npz or test.npz is read as own, whatever the name; in SPIKELINE_DATA such
files are read for own only. digits, spoken and random ignore SPIKELINE_DATA; digits and random are
in no folder, and refuse one.

A result names what the data are, not what they were asked for as: files of MNIST, Fashion-MNIST and
the spoken digits are known by their bytes, and others of these names are own.

What each kind of file holds stands in arrays.py, idx.py, spoken.py, heidelberg.py, commands.py and
nmnist.py.
"""

import os
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ...model.check import choice, integer
from ...model.check import path as path_of
from ...model.errors import InputError
from ...model.extras import need
from ..zoo import synthetic
from . import arrays, commands, heidelberg, idx, nmnist, spoken

__all__ = ["NAMES", "Data", "guess", "load"]

TWO, THREE = ("train", "test"), ("train", "valid", "test")
SPLITS = {
    "digits": TWO,
    "mnist": TWO,
    "fashion-mnist": TWO,
    "spoken": TWO,
    "shd": TWO,
    "ssc": THREE,
    "gsc": THREE,
    "nmnist": TWO,
    "random": ("test",),
    "own": TWO,
}
NAMES = tuple(SPLITS)
# Who reads which files.
READERS = {
    "mnist": idx,
    "fashion-mnist": idx,
    "spoken": spoken,
    "shd": heidelberg,
    "ssc": heidelberg,
    "gsc": commands,
    "nmnist": nmnist,
}
SHIPPED = ("digits", "spoken", "random")


@dataclass(frozen=True, slots=True, eq=False)
class Data:
    """Samples.

    Attributes
    ----------
    x : uint8 (samples, inputs), pixels, or (samples, bins, inputs), counts of events
        With any axes, if open.
    y : int64 (samples,), labels, or float64 (samples, outputs), targets
    name : of the data set that they are of, or own
    framing : how events became counts, where there is more than one way; see heidelberg.py
    open : whether it is for the network to say what the axes of x are
    """

    x: np.ndarray
    y: np.ndarray
    name: str
    framing: str | None = None
    open: bool = False

    @property
    def source(self) -> dict[str, str]:
        """What a result says of its data: `data`, the name, and `framing` where there is one."""
        return {"data": self.name} | ({"framing": self.framing} if self.framing else {})

    @property
    def counted(self) -> bool:
        """Whether samples are counts of events."""
        return self.x.ndim == 3

    @property
    def targets(self) -> bool:
        """Whether samples have targets, not labels."""
        return self.y.dtype.kind == "f"

    def shaped(self, counted: bool, inputs: int, name: str) -> "Data":
        """Give the samples as a network takes them.

        Parameters
        ----------
        counted : bool
            Whether it takes counts of events, not pixels.
        inputs : int
            How many it has.
        name : str
            Of the network, for a refusal.
        """
        if self.open:
            axes = 1 + counted
            if self.x.ndim <= axes:
                raise InputError(
                    f"Samples must have the shape (samples, steps, ...) for {name}, which takes"
                    f" counts, not {self.x.shape} as those of {self.name}"
                )
            size = int(np.prod(self.x.shape[axes:]))
            return replace(self, x=self.x.reshape(*self.x.shape[:axes], size), open=False).shaped(
                counted, inputs, name
            )
        if self.counted != counted:
            wanted, given = ("counts", "pixels") if counted else ("pixels", "counts")
            raise InputError(
                f"Samples must be {wanted} for {name}, not {given} as those of {self.name}"
            )
        if self.x.shape[-1] != inputs:
            raise InputError(
                f"Samples must have {inputs} values for {name},"
                f" not {self.x.shape[-1]} as those of {self.name}"
            )
        return self

    def cut(self, steps: int, samples: int | None = None) -> "Data":
        """Keep the first samples, and of counts the first `steps` bins."""
        if samples is not None:
            integer("Number of samples", samples, 1, 1 << 31)
        x = self.x[:samples, :steps] if self.counted else self.x[:samples]
        return replace(self, x=x, y=self.y[:samples])


def load(name: str, split: str, folder: Path | str | None = None, framing: str = "grid") -> Data:
    """Load one split of a data set.

    Parameters
    ----------
    name : one of `NAMES`
    split : "train" or "test"; ssc and gsc also have "valid"
    folder : where the files lie; see the module's docstring
    framing : "grid" or "squeezed", of shd and ssc

    Raises
    ------
    InputError
        If a name is unknown, a file is missing or damaged, or a value is no pixel, event, label or
        target.
    """
    choice("Data set", name, NAMES)
    choice("Split", split, SPLITS[name])
    choice("Framing", framing, heidelberg.FRAMINGS)
    folder = path_of("Data folder", folder) if folder else None
    framed = READERS.get(name) is heidelberg
    if framing != "grid" and not framed:
        raise InputError(f"Framing must be given for shd and ssc only, not for {name}")
    place = folder or (None if name in SHIPPED else os.environ.get("SPIKELINE_DATA"))
    if place is not None and not Path(place).is_dir():
        lacks = "be a folder, not a file" if Path(place).exists() else "exist"
        raise InputError(f"Data folder {place} must {lacks}")
    places = [] if place is None else [Path(place) / name, Path(place)]
    for path in places[1:] if folder is not None else []:
        if any((path / f"{s}.npz").exists() for s in TWO):
            return _own(path / f"{split}.npz")
    if folder is not None and name in SHIPPED and name not in READERS:
        raise InputError(f"Data set {name} must be given no folder, as none holds it, not {folder}")
    if name == "digits":
        return _digits(split)
    if name == "random":
        x = synthetic.events(64)
        return Data(x, np.arange(len(x), dtype=np.int64) % 20, name)
    if name == "own":
        if place is None:
            raise InputError(
                "Data set own must be given a folder that holds train.npz and test.npz"
            )
        path = Path(place)
        reader = next((r for r in (idx, spoken) if r.holds(name, split, path)), None)
        if reader is None or any((path / f"{s}.npz").exists() for s in TWO):
            return _own(path / f"{split}.npz")
        return Data(*reader.load(name, split, [path]))
    if framed:
        x, y = heidelberg.load(name, split, places, framing)
        return Data(x, y, name, framing)
    return Data(*READERS[name].load(name, split, places))


def guess(split: str, folder: Path | str | None = None) -> str | None:
    """Tell which data set a folder, or SPIKELINE_DATA, holds; None where that is not certain."""
    place = folder or os.environ.get("SPIKELINE_DATA")
    if place is None or split not in THREE:
        return None
    path = Path(place)
    if any((path / f"{s}.npz").exists() for s in TWO):
        return "own"
    held = set()
    for name, reader in READERS.items():
        if folder or name not in SHIPPED:
            places = (path / name,) if reader is idx else (path / name, path)
            held |= {name for place in places if reader.holds(name, split, place)}
    held |= idx.tell(split, path)
    return (held.pop() or None) if len(held) == 1 else None


def _digits(split: str) -> Data:
    need("sklearn")
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    x, y = images.astype(np.int64) * 255 // 16, labels.astype(np.int64)
    # Every third sample of each class is the test split.
    place = np.empty(len(y), np.int64)
    for c in np.unique(y):
        place[y == c] = np.arange((y == c).sum())
    chosen = (place % 3 == 2) == (split == "test")
    return Data(x[chosen].astype(np.uint8), y[chosen], "digits")


def _own(path: Path) -> Data:
    if not path.exists():
        raise InputError(f"Data folder {path.parent} must hold {path.name}")
    x, y = arrays.read(path)
    return Data(x, y, "own", open=True)
