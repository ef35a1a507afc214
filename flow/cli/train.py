"""``spikeline train``: a recipe, or a network of one's own, trained."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import click

from ...model.store import content_hash, save, write_atomically
from .. import own, show
from ..data.data import Data, load
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

    NAME is a recipe: digits-ttfs, mnist-ttfs, mnist-lif, fashion-ttfs, shd-256, ssc-512, gsc-512 or
    digits-spoken, which learns a delay for each synapse (digits-spoken-axonal: for each input;
    -fixed: random ones, not learned; -none: without). Or it is a Python file of your own, which
    ends in .py and defines network(), the untrained network, training(), how to train it, and DATA,
    the name of its data set. The epoch is chosen on a part of the training split that is held out.
    What was trained remembers which data it was trained on. Ctrl-C stops; the same command goes on.

    \b
    Example:
      spikeline train mnist-ttfs --data DIR --seed 1 --out mine.safetensors
      spikeline eval mine.safetensors
      spikeline train examples/residual.py --out r.safetensors
    """
    out = out or Path("out") / f"{Path(name).stem}-{seed}.safetensors"
    result = train(
        name, seed, out, folder, device=device, resume=resume, dataset=dataset, framing=framing
    )
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
    dataset: str | None = None,
    framing: str | None = None,
) -> dict[str, Any]:
    """Train a recipe or a Python file; write the network file and, beside it, how it was trained.

    Until then a checkpoint lies there.
    """
    from ...quant.train import Progress

    prepared = _file(Path(name), seed) if name.endswith(".py") else _recipe(name)
    data = load(dataset or prepared.data, "train", folder, framing or "grid")
    data = prepared.shaped(data)
    show.writable(out)
    stem = Path(name).stem
    checkpoint = out.with_name(f"{out.name}.{stem}-{seed}.checkpoint")
    show.writable(checkpoint)
    if not resume:
        checkpoint.unlink(missing_ok=True)
    with show.progress(f"train {stem}", 1000) as advance:
        done = 0

        def tick(at: Progress) -> None:
            nonlocal done
            now = 1000 * (at.epoch * at.batches + at.batch) // (at.epochs * at.batches)
            advance(now - done)
            done = now

        if checkpoint.exists():
            show.say(f"going on from {checkpoint}")
        try:
            trained = prepared.fit(
                data.x, data.y, seed=seed, checkpoint=checkpoint, device=device, tick=tick
            )
        except KeyboardInterrupt:
            if checkpoint.exists():
                show.say(f"{checkpoint} keeps the whole epochs; the same command goes on from it")
            raise
    save(trained.network, out)
    told = {"hash": content_hash(trained.network), **data.source, "history": trained.history}
    if folder is not None:
        told["folder"] = str(folder.resolve())
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


@dataclass(frozen=True, slots=True)
class _Prepared:
    """What can be trained: its data set, its data in the shape it takes, its training."""

    data: str
    shaped: Callable[[Data], Data]
    fit: Callable[..., Any]


def _recipe(name: str) -> _Prepared:
    from ...quant.recipes import recipe
    from ...quant.train import train

    how = recipe(name)
    return _Prepared(
        how.data,
        lambda data: data.shaped(how.limit > 0, how.shape[0], name).cut(how.steps),
        partial(train, how),
    )


def _file(path: Path, seed: int) -> _Prepared:
    import torch

    from ...quant.train import fit

    found = own.read(path)
    torch.manual_seed(seed)
    network = found.network()
    return _Prepared(
        found.data,
        lambda data: data.shaped(network.coding.counted, network.width, path.name).cut(
            network.steps
        ),
        partial(fit, network, training=found.training),
    )
