"""``spikeline folds``: recipes, cross-validated."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from .. import show
from ..experiments.folds import Source, common, summary
from ..experiments.folds import cross_validate as run
from .options import Seeds, options

__all__ = ["command", "cross_validate"]


@click.command("folds")
@click.argument("recipes", nargs=-1, required=True)
@click.option(
    "--part",
    default="folds",
    show_default=True,
    metavar="NAME",
    help="folds, official or, of spoken digits, speakers.",
)
@click.option(
    "--seeds",
    type=Seeds(),
    default=(1,),
    help="Seeds; every fold is trained once with each.  [default: 1]",
)
@click.option("--jobs", type=click.IntRange(1), default=2, show_default=True, help="At a time.")
@options("data", "dataset", "framing", "out", "json")
def command(
    recipes: tuple[str, ...],
    part: str,
    seeds: tuple[int, ...],
    jobs: int,
    folder: Path | None,
    dataset: str | None,
    framing: str | None,
    out: Path | None,
    json_to: str | None,
) -> None:
    """Train RECIPES fold by fold, and test each fold on what it never saw.

    RECIPES, and Python files of your own, are those of train, and so are the data sets. Part folds:
    five, of the training split, each with as many samples of every class; official: the test split.
    Of spoken digits, folds are of all 3,000 recordings, and speakers are six, a voice each. Epochs
    are chosen on a part of the other folds. Trainings that have ended are kept in the folder, so
    the command goes on behind them.

    \b
    Columns, in percent and points:
      percent, spread   accuracy: its mean, and standard deviation over the runs
      less, error       what is missing to the first recipe, on the same folds and seeds: its mean,
                        and the standard error of that

    \b
    Example:
      spikeline folds digits-spoken digits-spoken-none
      spikeline folds digits-spoken --part official --seeds 1,2,3
      spikeline folds mine.py --data DIR
    """
    out = out or Path("out/folds")
    source = Source(dataset or common(recipes).name, folder, framing or "grid")
    result = cross_validate(recipes, part, seeds, out, source, jobs=jobs)
    show.deliver(result, json_to, show.table(result["recipes"]))


def cross_validate(
    names: Sequence[str],
    part: str,
    seeds: Sequence[int],
    out: Path,
    source: Source,
    *,
    jobs: int,
) -> dict[str, Any]:
    """Train and test recipes, fold by fold."""

    total = len(names) * len(seeds) * len(source.folds(part))
    with show.progress(f"{part} of {source.name}", total) as advance:
        results = run(names, part, seeds, out, source=source, jobs=jobs, tick=advance)
    return {
        "data": source.name,
        "part": part,
        "recipes": summary(results),
        "runs": results,
    }
