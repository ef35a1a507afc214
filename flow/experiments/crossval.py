"""Cross-validation: samples are cut into folds; each is tested once, trained on are the others."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from ...model.errors import InputError
from ...model.extras import need
from ...model.network import accuracy
from ...model.store import content_hash, load, save, write_atomically
from .. import show
from ..data import archive, data, spoken
from ..data.data import Data
from ..subject import Subject

__all__ = ["PARTS", "Source", "common", "cross_validate", "dealt", "summary"]

# Ways to cut the 3,000 spoken digits into folds, and which of these are tested.
PARTS = {
    "stratified": (lambda r: spoken.stratified(r.y, r.speaker, r.index), range(5)),
    "speakers": (lambda r: spoken.by_speaker(r.speaker), range(6)),
    "official": (lambda r: spoken.stratified(r.y, r.speaker, r.index, 10), range(1)),
}
COUNT = 5  # folds of the training split of any other data set


@dataclass(frozen=True, slots=True)
class Source:
    """Where samples come from: what `data.load` takes.

    Attributes
    ----------
    name : of the data set
    folder, framing
    """

    name: str
    folder: Path | None = None
    framing: str = "grid"

    def load(self, split: str) -> Data:
        """Load a split."""
        return data.load(self.name, split, self.folder, self.framing)

    @property
    def recordings(self) -> spoken.Recordings | None:
        """All spoken digits, where they are the source; None where it is another."""
        if self.name != "spoken":
            return None
        if self.folder is None:
            return spoken.recordings()
        path = self.folder / "fsdd.npz"
        return spoken.recordings(path) if path.is_file() else None

    def tested(self, part: str) -> range:
        """List the folds that are tested, by their numbers; refuse an unknown part."""
        parts = tuple(PARTS) if self.recordings is not None else ("stratified", "official")
        if part not in parts:
            raise InputError(
                f"Part must be one of {', '.join(parts)} for {self.name}, not {part!r}"
            )
        if self.recordings is not None:
            return PARTS[part][1]
        return range(COUNT if part == "stratified" else 1)

    def sets(self, part: str, fold: int, shaped: Callable[[Data], Data]) -> tuple[Data, Data]:
        """Give the samples that are trained on, and those that are tested, `shaped` as they are
        taken."""
        found = self.recordings
        if found is not None:
            whole = shaped(Data(found.x, found.y.astype(np.int64), self.name))
            test = PARTS[part][0](found) == fold
        elif part == "official":
            return shaped(self.load("train")), shaped(self.load("test"))
        else:
            whole = shaped(self.load("train"))
            if len(whole.x) < COUNT:
                raise InputError(
                    f"Samples must number at least {COUNT}, one for each fold, not {len(whole.x)}"
                )
            test = dealt(whole.y, COUNT) == fold
        return (
            replace(whole, x=whole.x[~test], y=whole.y[~test]),
            replace(whole, x=whole.x[test], y=whole.y[test]),
        )


def dealt(y: np.ndarray, n: int) -> np.ndarray:
    """Cut samples into n folds at random, the same way each time, equal in size and in classes.

    The samples of a class, shuffled, are dealt to the folds in turn, and those of the next class
    behind them.

    Parameters
    ----------
    y : labels int (samples,)
    n : int

    Returns
    -------
    int64 (samples,), the fold 0..n-1 that tests a sample
    """
    order = np.random.default_rng(0).permutation(len(y))
    order = order[np.argsort(y[order], kind="stable")]
    fold = np.empty(len(y), np.int64)
    fold[order] = np.arange(len(y)) % n
    return fold


def cross_validate(
    names: Sequence[str],
    part: str,
    seeds: Sequence[int],
    out: Path,
    *,
    source: Source | None = None,
    jobs: int = 2,
    on_progress: Callable[[int], object] | None = None,
) -> list[dict[str, Any]]:
    """Train every recipe on every fold with every seed; what was done before is kept.

    It is done again where recipe, data or torch have changed since, or its file is damaged.

    Parameters
    ----------
    names : recipes, or Python files (flow/own.py)
    part : one of `PARTS`, how samples are cut into folds; "speakers" of spoken digits only
    seeds : int, one per training of a fold
    out : folder of the networks and of one JSON file beside each
    source : by default the one data set that all the recipes are for
    jobs : trainings at a time
    on_progress : callable, called with 1 after each

    Returns
    -------
    list of dict
        ``recipe, part, fold, seed, samples, accuracy, held_out, hash, frozen, identity``
    """
    need("joblib", "torch")
    from joblib import Parallel, delayed

    for what, given in (("Recipes", [Path(name).stem for name in names]), ("Seeds", seeds)):
        if len(set(given)) < len(given):
            raise InputError(f"{what} must differ from each other")
    source = source or common(names)
    runs = list(product(source.tested(part), names, seeds))
    for name in names:  # what does not fit is told before hours are spent
        subject = Subject.of(name, seeds[0])
        if not subject.classifies:
            raise InputError(f"Network of {name} must give a class for cross-validation")
        source.sets(part, 0, subject.shaped)
    show.writable_folder(out)
    done = Parallel(n_jobs=jobs, return_as="generator_unordered")(
        delayed(train_fold)(name, part, fold, seed, out, source) for fold, name, seed in runs
    )
    results = []
    for result in done:
        results.append(result)
        if on_progress:
            on_progress(1)
    order = [Path(name).stem for name in names]
    return sorted(results, key=lambda r: (order.index(r["recipe"]), r["fold"], r["seed"]))


def common(names: Sequence[str]) -> Source:
    """Find the one data set that recipes are for."""
    found = sorted({Subject.of(name, 0).data for name in names})
    if len(found) > 1:
        raise InputError(f"Recipes must be for one data set, not for {' and '.join(found)}")
    return Source(found[0])


def train_fold(
    name: str, part: str, fold: int, seed: int, out: Path, source: Source
) -> dict[str, Any]:
    """Train a recipe on all folds but one, and test it on that one, unless this was done before."""
    subject = Subject.of(name, seed)
    file = out / f"{subject.name}-{part}{fold}-{seed}.json"
    train, test = source.sets(part, fold, subject.shaped)
    tested = archive.digest({"x": test.x, "y": test.y})
    made_of = subject.identity(train.x, train.y, seed, "cpu") + tested
    made_of = hashlib.sha256(made_of.encode()).hexdigest()
    before = _read(file)
    if before.get("identity") == made_of:
        return before
    trained = subject.fit(train.x, train.y, seed=seed)
    result = {
        "recipe": subject.name,
        "part": part,
        "fold": fold,
        "seed": seed,
        "samples": len(test.y),
        "accuracy": accuracy(trained.network.run(test.x).decision.label, test.y),
        "held_out": trained.best,
        "hash": content_hash(trained.network),
        "frozen": trained.frozen,
        "identity": made_of,
    }
    save(trained.network, file.with_suffix(".safetensors"))
    write_atomically(file, json.dumps(result) + "\n")
    return result


def _read(file: Path) -> dict[str, Any]:
    """Read a result; nothing if it, or the network that it tells of, is not there as a whole."""
    try:
        result = json.loads(file.read_text())
        network = load(file.with_suffix(".safetensors"))
    except (OSError, ValueError, RecursionError, InputError):
        return {}
    whole = isinstance(result, dict) and result.get("hash") == content_hash(network)
    return result if whole else {}


def summary(results: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Sum up each recipe, and how far each is from the first, on the same folds and seeds.

    Returns
    -------
    list of dict
        ``recipe, runs``; ``percent``, the mean accuracy, and ``spread``, its standard deviation
        over the runs; ``less``, mean of what the first recipe reaches more, and ``error``, the
        standard error of that mean, in points.
    """
    by_name: dict[str, list[float]] = {}
    for result in results:
        by_name.setdefault(result["recipe"], []).append(100 * result["accuracy"])
    first = np.array(next(iter(by_name.values())))
    rows = []
    for name, values in by_name.items():
        less, runs = first - values, len(values)
        error = less.std(ddof=1) / runs**0.5 if runs > 1 else 0.0
        rows.append(
            {
                "recipe": name,
                "runs": runs,
                "percent": round(float(np.mean(values)), 2),
                "spread": round(float(np.std(values, ddof=1)) if runs > 1 else 0.0, 2),
                "less": round(float(less.mean()), 2),
                "error": round(float(error), 2),
            }
        )
    return rows
