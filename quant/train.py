"""Training: a recipe, data and a seed in; a frozen integer network out.

Every random number is drawn from (seed, epoch), and each epoch ends with a checkpoint, so that a
run that was killed goes on as if it had not been. Everything is chosen on a held-out part of the
training set.
"""

import hashlib
import io
import pickle
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from math import pi
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

from ..model import network as golden
from ..model.refuse import Refused
from ..model.store import write_atomically
from .network import Trace, prove
from .norm import Norm
from .readout import choose_threshold, loss, weighting
from .recipes import Recipe

__all__ = ["Progress", "Trained", "train"]

RECOMPUTED = 10_000  # samples that the statistics of a normalisation are taken from


@dataclass(frozen=True, slots=True)
class Progress:
    """Where training is: `epoch` (from 0) of `epochs`, `batch` of `batches`, the mean `loss` of the
    epoch, the held-out `accuracy` after the last whole one."""

    epoch: int
    epochs: int
    batch: int
    batches: int
    loss: float
    accuracy: float


@dataclass(frozen=True, slots=True)
class Trained:
    """What came out.

    Attributes
    ----------
    network : model Network, of the best epoch
    best, last : float
        Accuracy on the held-out part, of the integer network, in the best epoch and in the last.
    epoch : int, the best one, from 0
    used : float
        Mean number of steps that a decision uses there.
    """

    network: golden.Network
    best: float
    last: float
    epoch: int
    used: float


def train(
    recipe: Recipe,
    x: np.ndarray,
    y: np.ndarray,
    *,
    seed: int,
    checkpoint: Path | None = None,
    device: str = "cpu",
    tick: Callable[[Progress], object] | None = None,
) -> Trained:
    """Train a network.

    Parameters
    ----------
    recipe : Recipe
    x : uint8 (samples, inputs)
    y : int (samples,)
    seed : int
    checkpoint : Path or None
        Where to keep the state after each epoch. If it exists, training goes on from there.
    device : str, what torch calls it
    tick : callable
        Called after each batch.
    """
    if x.ndim != 2 or x.shape[1] != recipe.shape[0]:
        raise Refused(f"Samples must have the shape (samples, {recipe.shape[0]}), not {x.shape}")
    if len(y) != len(x) or y.min() < 0 or y.max() >= recipe.shape[-1]:
        raise Refused(
            f"Labels must number {len(x)}, one per sample, and be in 0..{recipe.shape[-1] - 1}"
        )
    torch.set_num_threads(recipe.threads)
    torch.set_float32_matmul_precision("highest")
    torch.use_deterministic_algorithms(True, warn_only=True)
    run = _Run(recipe, x, y, seed, device)
    if checkpoint is not None and checkpoint.exists():
        run.resume(checkpoint)
    while run.epoch < recipe.epochs:
        run.train_epoch(tick)
        run.choose()
        if checkpoint is not None:
            run.save(checkpoint)
    return run.result()


class _Run:
    """The state of a training run."""

    def __init__(self, recipe: Recipe, x: np.ndarray, y: np.ndarray, seed: int, device: str):
        self.recipe, self.device, self.seed = recipe, device, seed
        order = np.random.default_rng(seed).permutation(len(x))
        cut = max(1, round(recipe.held * len(x)))
        self.held, kept = order[:cut], order[cut:]
        self.x, self.y = _tensors(x[kept], y[kept], device)
        self.held_x, self.held_y = _tensors(x[self.held], y[self.held], device)
        torch.manual_seed(seed)
        self.network = recipe.build(x[kept]).to(device)
        self.optimizer = torch.optim.Adam(self.network.parameters(), recipe.rate)
        self.batches = -(-len(kept) // recipe.batch)
        self.scheduler = torch.optim.lr_scheduler.OneCycleLR(
            self.optimizer, recipe.rate, total_steps=recipe.epochs * self.batches, pct_start=0.2
        )
        self.epoch, self.last = 0, 0.0
        self.best: dict[str, Any] | None = None
        self.identity = hashlib.sha256(
            repr((asdict(recipe), seed, torch.__version__, device)).encode()
            + x.tobytes()
            + y.astype(np.int64).tobytes()
        ).hexdigest()

    def train_epoch(self, tick: Callable[[Progress], object] | None) -> None:
        """Go once through the training samples."""
        r, network = self.recipe, self.network.train()
        for norm in self.norms():
            norm.frozen = self.epoch >= round(r.epochs * (1 - r.frozen))
        random = torch.Generator().manual_seed(self.seed * 100_003 + self.epoch)
        order = torch.randperm(len(self.x), generator=random).to(self.device)
        w = torch.from_numpy(weighting(r.weighting, r.steps, r.gamma)).float().to(self.device)
        last, total = network.layers[-1], 0.0
        for batch in range(self.batches):
            chosen = order[batch * r.batch : (batch + 1) * r.batch]
            x = moved(self.x[chosen], r, random)
            trace = network(x)
            error = loss(
                r.loss,
                trace.spikes[-1],
                trace.membranes[-1],
                self.y[chosen],
                scale=r.temperature / last.dense.unit,
                theta=last.neuron.integers()[0],
                w=w,
            )
            if r.quiet:
                error = error + r.quiet * crowd(trace, r.spare)
            self.optimizer.zero_grad(set_to_none=True)
            error.backward()
            self.optimizer.step()
            self.scheduler.step()
            total += float(error.detach())
            if tick:
                mean = total / (batch + 1)
                tick(Progress(self.epoch, r.epochs, batch + 1, self.batches, mean, self.last))
        self.epoch += 1

    @torch.no_grad()
    def choose(self) -> None:
        """Measure on the held-out part, choose the output threshold, keep the best epoch."""
        network, r, y = self.network.eval(), self.recipe, self.held_y.cpu().numpy()
        self.recompute()
        parts = [network(x) for x in self.held_x.split(1000)]
        h = torch.cat([p.membranes[-1] for p in parts], 1).cpu().numpy().astype(np.int64)
        s = torch.cat([p.spikes[-1] for p in parts], 1).cpu().numpy().astype(bool)
        if r.readout == "first-spike":
            theta, self.last, used = choose_threshold(h, y, slack=r.slack, steps=r.used * r.steps)
        else:
            decision = network.readout.decide(s, h)
            theta, self.last = 0, float((decision.label == y).mean())
            used = float(decision.step.mean()) + 1
        if self.best is None or self.last >= self.best["accuracy"]:
            self.best = {
                "accuracy": self.last,
                "epoch": self.epoch - 1,
                "used": used,
                "threshold": theta,
                "state": {k: v.detach().clone() for k, v in network.state_dict().items()},
            }

    def norms(self) -> list[Norm]:
        """The normalisations of the layers that have one."""
        norms = [layer.neuron.norm for layer in self.network.layers]
        return [norm for norm in norms if norm is not None]

    @torch.no_grad()
    def recompute(self) -> None:
        """Take the statistics of the normalisations from unmoved training samples."""
        for norm in self.norms():
            if norm.frozen:
                continue
            norm.restart()
            norm.recomputing = True
            for x in self.x[:RECOMPUTED].split(1000):
                self.network(x)
            norm.recomputing = False

    def result(self) -> Trained:
        """Freeze the best epoch."""
        best = self.best
        assert best is not None
        self.network.load_state_dict(best["state"])
        network = self.network.export()
        if best["threshold"]:
            last = network.layers[-1]
            neuron = replace(
                last.neuron, threshold=np.full(last.neuron.size, best["threshold"], np.int32)
            )
            layers = (*network.layers[:-1], replace(last, neuron=neuron))
            network = replace(network, layers=layers)
        prove(network)
        return Trained(network, best["accuracy"], self.last, best["epoch"], best["used"])

    def save(self, path: Path) -> None:
        """Write the checkpoint whole or not at all."""
        file = io.BytesIO()
        torch.save(
            {
                "identity": self.identity,
                "epoch": self.epoch,
                "last": self.last,
                "best": self.best,
                "network": self.network.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "scheduler": self.scheduler.state_dict(),
            },
            file,
        )
        write_atomically(path, file.getvalue())

    def resume(self, path: Path) -> None:
        """Go on from a checkpoint."""
        try:
            state = torch.load(path, map_location=self.device, weights_only=True)
            identity = state["identity"]
        except (RuntimeError, OSError, pickle.UnpicklingError, EOFError, KeyError, TypeError):
            raise Refused(f"Checkpoint {path} must be a whole checkpoint of spikeline") from None
        if identity != self.identity:
            raise Refused(
                f"Checkpoint {path} must be of the same recipe, data, seed, device and torch;"
                " remove it to start anew"
            )
        self.epoch, self.last, self.best = state["epoch"], state["last"], state["best"]
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.scheduler.load_state_dict(state["scheduler"])


def crowd(trace: Trace, spare: int) -> Tensor:
    """Measure by how many cycles hidden spikes that wait in line delay the answer, beyond `spare`.

    One event is added per cycle and layer. Spikes of step t queue behind those before them, beside
    the input events of the steps to come, so the sample ends late by the largest of: spikes since
    t, less input events since t + 1.
    """
    after = _since(trace.events) - trace.events
    waits = [(_since(s.sum(2)) - after).max(0).values for s in trace.spikes[:-1]]
    return sum(((w - spare).relu().mean() for w in waits), torch.zeros(()))


def _since(x: Tensor) -> Tensor:
    return x.flip(0).cumsum(0).flip(0)


def _tensors(x: np.ndarray, y: np.ndarray, device: str) -> tuple[Tensor, Tensor]:
    return (
        torch.from_numpy(np.ascontiguousarray(x, np.uint8)).to(device),
        torch.from_numpy(y.astype(np.int64)).to(device),
    )


def moved(x: Tensor, recipe: Recipe, random: torch.Generator) -> Tensor:
    """Shift, turn and scale square images (samples, pixels) at random, black coming in."""
    if not (recipe.shift or recipe.turn or recipe.scale):
        return x
    side = round(x.shape[1] ** 0.5)
    # Drawn on the processor, so that every device sees the same images.
    u = torch.rand(4, len(x), generator=random) * 2 - 1
    angle, size = u[0] * (recipe.turn * pi / 180), 1 + u[1] * recipe.scale
    across, down = u[2:] * (recipe.shift * 2 / side)
    c, s = angle.cos() * size, angle.sin() * size
    affine = torch.stack([c, -s, across, s, c, down], 1).view(-1, 2, 3).to(x.device)
    images = x.view(-1, 1, side, side).float()
    grid = affine_grid(affine, list(images.shape), align_corners=False)
    return grid_sample(images, grid, align_corners=False).round().to(torch.uint8).view(x.shape)
