"""``spikeline train``: a recipe, trained."""

import json
from pathlib import Path
from typing import Any

import click

from ...model.store import content_hash, save, write_atomically
from .. import show
from ..data.data import load
from ..zoo.zoo import training
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
@options("data", "framing", "json")
def command(
    name: str,
    seed: int,
    out: Path | None,
    resume: bool,
    device: str,
    folder: Path | None,
    framing: str,
    json_to: str | None,
) -> None:
    """Train the network of a recipe, in the integers that the hardware computes.

    NAME is a recipe: digits-ttfs, mnist-ttfs, mnist-lif, fashion-ttfs, shd-256, ssc-512, gsc-512 or
    digits-spoken, which learns a delay for each synapse (digits-spoken-axonal: for each input;
    -fixed: random ones, not learned; -none: without). The epoch is chosen on a part of the training
    split that is held out. Ctrl-C stops; the same command goes on.

    \b
    Example:
      spikeline train mnist-ttfs --data DIR --seed 1 --out mine.safetensors
      spikeline eval mine.safetensors --data DIR
    """
    out = out or Path("out") / f"{name}-{seed}.safetensors"
    result = train(name, seed, out, folder, device=device, resume=resume, framing=framing)
    show.deliver(
        result,
        json_to,
        f"{out}: {result['held_out']:.2%} of the held-out part right (epoch {result['epoch']})",
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
    framing: str = "grid",
) -> dict[str, Any]:
    """Train a recipe; write the network file and, beside it, how it was trained.

    Until then a checkpoint lies there.
    """
    from ...quant.recipes import recipe
    from ...quant.train import Progress
    from ...quant.train import train as fit

    how = recipe(name)
    data = load(how.data, "train", folder, framing).cut(how.steps)
    show.writable(out)
    checkpoint = out.with_name(f"{out.name}.{name}-{seed}.checkpoint")
    show.writable(checkpoint)
    if not resume:
        checkpoint.unlink(missing_ok=True)
    with show.progress(f"train {name}", 1000) as advance:
        done = 0

        def tick(at: Progress) -> None:
            nonlocal done
            now = 1000 * (at.epoch * at.batches + at.batch) // (at.epochs * at.batches)
            advance(now - done)
            done = now

        if checkpoint.exists():
            show.say(f"going on from {checkpoint}")
        try:
            trained = fit(
                how, data.x, data.y, seed=seed, checkpoint=checkpoint, device=device, tick=tick
            )
        except KeyboardInterrupt:
            if checkpoint.exists():
                show.say(f"{checkpoint} keeps the whole epochs; the same command goes on from it")
            raise
    save(trained.network, out)
    told = {"hash": content_hash(trained.network), "history": trained.history}
    write_atomically(training(out), json.dumps(told) + "\n")
    checkpoint.unlink(missing_ok=True)
    return {
        "network": str(out),
        "hash": told["hash"],
        "recipe": name,
        "seed": seed,
        **data.source,
        "held_out": trained.best,
        "held_out_last": trained.last,
        "epoch": trained.epoch,
        "steps_used": trained.used,
        **({"frozen": trained.frozen} if trained.frozen else {}),
    }
