"""Cross-validation: recipes for spoken digits, trained fold by fold, tested on the one left out."""

import json
from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from ...model.errors import InputError
from ...model.extras import need
from ...model.network import accuracy
from ...model.store import content_hash, load, save, write_atomically
from ..data.spoken import by_speaker, folds, recordings

__all__ = ["PARTS", "cross_validate", "summary"]

# Ways to part all 3,000 recordings, and the folds that are tested of each.
PARTS = {
    "folds": (lambda r: folds(r.y, r.speaker, r.index), range(5)),
    "speakers": (lambda r: by_speaker(r.speaker), range(6)),
    "official": (lambda r: folds(r.y, r.speaker, r.index, 10), range(1)),
}


def cross_validate(
    names: Sequence[str],
    part: str,
    seeds: Sequence[int],
    out: Path,
    *,
    jobs: int = 2,
    tick: Callable[[int], object] | None = None,
) -> list[dict[str, Any]]:
    """Train every recipe on every fold with every seed; what was done before is kept.

    It is done again where recipe, data or torch have changed since, or its file is damaged.

    Parameters
    ----------
    names : recipes for the data set spoken
    part : one of `PARTS`
    seeds : int, one per training of a fold
    out : folder of the networks and of one JSON file beside each
    jobs : trainings at a time
    tick : callable, called with 1 after each

    Returns
    -------
    list of dict
        ``recipe, part, fold, seed, samples, accuracy, held_out, hash, frozen, identity``
    """
    need("joblib", "torch")
    from joblib import Parallel, delayed

    from ...quant.recipes import recipe

    if part not in PARTS:
        raise InputError(f"Part must be one of {', '.join(PARTS)}, not {part!r}")
    for name in names:
        if recipe(name).data != "spoken":
            raise InputError(f"Recipe must be one for spoken, not {name}")
    for what, given in (("Recipes", names), ("Seeds", seeds)):
        if len(set(given)) < len(given):
            raise InputError(f"{what} must differ from each other")
    work = list(product(PARTS[part][1], names, seeds))
    done = Parallel(n_jobs=jobs, return_as="generator_unordered")(
        delayed(train_fold)(name, part, fold, seed, out) for fold, name, seed in work
    )
    results = []
    for result in done:
        results.append(result)
        if tick:
            tick(1)
    return sorted(results, key=lambda r: (names.index(r["recipe"]), r["fold"], r["seed"]))


def train_fold(name: str, part: str, fold: int, seed: int, out: Path) -> dict[str, Any]:
    """Train a recipe on all folds but one, and test it on that, unless this was done before."""
    from ...quant.checkpoint import identity
    from ...quant.loop import train
    from ...quant.recipes import recipe

    file = out / f"{name}-{part}{fold}-{seed}.json"
    all_of_them, how = recordings(), recipe(name)
    x, y = all_of_them.x[:, : how.architecture.steps], all_of_them.y.astype(np.int64)
    test = PARTS[part][0](all_of_them) == fold
    made_of = identity(how, x, y, seed, "cpu")
    before = _read(file)
    if before.get("identity") == made_of:
        return before
    trained = train(how, x[~test], y[~test], seed=seed)
    result = {
        "recipe": name,
        "part": part,
        "fold": fold,
        "seed": seed,
        "samples": int(test.sum()),
        "accuracy": accuracy(trained.network.run(x[test]).decision.label, y[test]),
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
    except (OSError, ValueError, InputError):
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
