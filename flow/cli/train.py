"""``spikeline train``: a recipe, or a network of one's own, trained."""

from pathlib import Path
from typing import Any

import click

from ...model.store import content_hash
from .. import show
from ..data.data import load
from ..subject import Subject
from .options import SEED, options

__all__ = ["command", "train"]


@click.command("train")
@click.argument("name")
@click.option("--seed", type=SEED, default=1, show_default=True)
@click.option(
    "--out", "out", type=click.Path(path_type=Path), metavar="FILE", help="Network file to write."
)
@click.option(
    "--resume/--fresh",
    default=True,
    help="Go on from the checkpoint of the same recipe and seed beside FILE (default), or anew.",
)
@click.option("--device", default="cpu", show_default=True, help="What torch calls it.")
@options("data", "dataset", "framing", "json")
def command(
    name: str,
    seed: int,
    out: Path | None,
    resume: bool,
    device: str,
    folder: Path | None,
    dataset: str | None,
    framing: str | None,
    json_to: str | None,
) -> None:
    """Train a network, in the integers that the hardware computes.

    NAME is a recipe that ships: digits-ttfs, mnist-ttfs, mnist-lif, fashion-ttfs, shd-256, ssc-512,
    gsc-512 or digits-spoken, which learns a delay for each synapse (digits-spoken-axonal: for each
    input; -fixed: random ones, not learned; -none: without); `spikeline recipe NAME` prints it.

    Or NAME is a file of your own: a recipe in TOML, as those; or Python, which defines network(),
    the untrained network, training(), how to train it, and DATA, the name of its data set.

    The epoch is chosen on a part of the training split that is held out. What was trained remembers
    which data it was trained on, so that other commands need not be told. Ctrl-C stops; the same
    command goes on.

    \b
    Example:
      spikeline train mnist-ttfs --data DIR --seed 1 --out mine.safetensors
      spikeline eval mine.safetensors
      spikeline train examples/residual.py --out r.safetensors
      spikeline train mine.toml --data FOLDER --out mine.safetensors
    """
    out = out or Path("out") / f"{Path(name).stem}-{seed}.safetensors"
    result = train(
        name, seed, out, folder, device=device, resume=resume, dataset=dataset, framing=framing
    )
    show.deliver(
        result,
        json_to,
        f"{out}: {_score(result)} (epoch {result['epoch']})",
        f"hash {result['hash']}",
    )


def train(
    name: str,
    seed: int,
    out: Path,
    folder: Path | None,
    *,
    device: str,
    resume: bool,
    dataset: str | None = None,
    framing: str | None = None,
) -> dict[str, Any]:
    """Train a recipe or a file of one's own; write the network, and beside it how it was trained.

    Until then a checkpoint lies there.
    """
    from ...quant.loop import Progress, usable

    subject = Subject.of(name, seed)
    data = load(dataset or subject.data, "train", folder, framing or "grid")
    data = subject.shaped(data)
    usable(device)
    show.writable(out)
    stem = Path(name).stem
    checkpoint = out.with_name(f"{out.name}.{stem}-{seed}.checkpoint")
    show.writable(checkpoint)
    if not resume:
        checkpoint.unlink(missing_ok=True)
    with show.progress(f"train {stem}", 1000) as advance:
        done = 0

        def on_progress(at: Progress) -> None:
            nonlocal done
            now = 1000 * (at.epoch * at.batches + at.batch) // (at.epochs * at.batches)
            advance(now - done)
            done = now

        if checkpoint.exists():
            show.say(f"going on from {checkpoint}")
        try:
            trained = subject.fit(
                data.x,
                data.y,
                seed=seed,
                checkpoint=checkpoint,
                device=device,
                on_progress=on_progress,
            )
        except KeyboardInterrupt:
            if checkpoint.exists():
                show.say(f"{checkpoint} keeps the whole epochs; the same command goes on from it")
            raise
    trained.save(out, data=data.name, folder=folder, framing=data.framing)
    checkpoint.unlink(missing_ok=True)
    return {
        "network": str(out),
        "hash": content_hash(trained.network),
        "recipe": name,
        "seed": seed,
        **data.source,
        "metric": trained.metric,
        "held_out": trained.best,
        "held_out_last": trained.last,
        "epoch": trained.epoch,
        "steps_used": trained.steps_used,
        **({"frozen": trained.frozen} if trained.frozen else {}),
    }


def _score(result: dict[str, Any]) -> str:
    if result["metric"] == "accuracy":
        return f"{result['held_out']:.2%} of the held-out part right"
    return f"mean squared error of {result['held_out']:.4g} on the held-out part"
