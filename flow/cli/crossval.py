"""``spikeline crossval``: recipes, cross-validated."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from .. import show
from ..experiments.crossval import Source, common, summary
from ..experiments.crossval import cross_validate as run
from .options import Seeds, options

__all__ = ["command", "cross_validate"]


@click.command("crossval")
@click.argument("recipes", nargs=-1, required=True)
@click.option(
    "--part",
    default="stratified",
    show_default=True,
    metavar="NAME",
    help="stratified, official or, of spoken digits, speakers.",
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

    RECIPES, and Python files of your own, are those of train, and so are the data sets. A fold is
    what is tested at a time: by stratified one of five shares of the training split, each with as
    many samples of every class; by official the test split. Of spoken digits, stratified shares
    are of all 3,000 recordings, and by speakers there are six folds, a voice each. Epochs are
    chosen on a part of what is trained on. Trainings that have ended are kept in the folder, so a
    command that was stopped goes on behind them.

    \b
    Columns, in percent and points:
      percent, spread   accuracy: its mean, and standard deviation over the runs
      less, error       what is missing to the first recipe, on the same folds and seeds: its mean,
                        and the standard error of that

    \b
    Example:
      spikeline crossval digits-spoken digits-spoken-none
      spikeline crossval digits-spoken --part official --seeds 1,2,3
      spikeline crossval mine.py --data DIR
    """
    out = out or Path("out/crossval")
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
    """Train and test recipes, fold by fold; returns the result as JSON."""
    total = len(names) * len(seeds) * len(source.tested(part))
    with show.progress(f"{part} of {source.name}", total) as advance:
        results = run(names, part, seeds, out, source=source, jobs=jobs, on_progress=advance)
    return {
        "data": source.name,
        "part": part,
        "recipes": summary(results),
        "runs": results,
    }
