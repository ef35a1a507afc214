"""Training: a recipe or a network, data and a seed in; a frozen integer network out.

Every random number is drawn from (seed, epoch), and each epoch ends with a checkpoint, so that a
run that was killed goes on as if it had not been. Everything is chosen on a held-out part of the
training set.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..model import network as golden
from ..model.errors import InputError
from ..model.readouts import named
from . import checkpoint as checkpoints
from .augment import moved
from .network import Network
from .neurons.norm import Norm
from .readouts.first_spike import choose_threshold
from .readouts.losses import crowd, loss, weighting
from .recipes import Recipe
from .synapses import Synapses
from .synapses.delayed import SHARP
from .training import Training

__all__ = ["Progress", "Trained", "fit", "train"]

STATE = ("epoch", "last", "best", "history")  # of a run, beside its parts
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
    frozen : dict
        What freezing delays costs: accuracy on the held-out part with the profile as wide as it
        was in that epoch, ``trained``; with rounded delays, ``rounded``; of the integer network,
        ``integer``; each with statistics of its own, if they still moved in that epoch.
        ``same``: samples on which the last two decide alike. Empty for a network without delays.
    history : list of dict
        After each epoch: mean ``loss``, held-out ``accuracy``, ``width`` of the profile of delays,
        and ``delays``, how many taps have each delay, per layer that has delays; the first entry,
        without loss and accuracy, is before training.
    """

    network: golden.Network
    best: float
    last: float
    epoch: int
    used: float
    frozen: dict[str, Any]
    history: list[dict[str, Any]]


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
    x : uint8 (samples, inputs) pixels, or (samples, up to T, inputs) counts
    y : int (samples,)
    seed : int
    checkpoint : Path or None
        Where to keep the state after each epoch. If it exists, training goes on from there.
    device : str, what torch calls it
    tick : callable
        Called after each batch.
    """
    _usable(device)
    if not named(recipe.readout).classifies:
        raise InputError(f"Recipe readout must give a class, not {recipe.readout}")
    axes = f"up to {recipe.steps}, " if recipe.limit else ""
    if x.ndim != 2 + bool(axes) or x.shape[-1] != recipe.shape[0]:
        raise InputError(
            f"Samples must have the shape (samples, {axes}{recipe.shape[0]}), not {x.shape}"
        )
    _refuse_data(x, y, recipe.shape[-1])
    with _reproducible(recipe.threads):
        kept, _ = _split(len(x), recipe, seed)
        torch.manual_seed(seed)
        network = recipe.build(x[kept])
        identity = checkpoints.identity(recipe, x, y, seed, device)
        return _Run(network, recipe, x, y, seed, device, identity).go(checkpoint, tick)


def fit(
    network: Network,
    x: np.ndarray,
    y: np.ndarray,
    training: Training | None = None,
    *,
    seed: int,
    checkpoint: Path | None = None,
    device: str = "cpu",
    tick: Callable[[Progress], object] | None = None,
) -> Trained:
    """Train a network, whatever its layers and kinds are; it ends as the best epoch left it.

    Parameters
    ----------
    network : Network
    x : what its coding takes, whole numbers in 0..255
    y : int (samples,)
    training : Training, `Training()` by default
    seed, checkpoint, device, tick : as of `train`
    """
    training = training or Training()
    _usable(device)
    if not network.readout.classifies:
        raise InputError(f"Network readout must give a class, not {network.readout.kind}")
    if len(x):
        network.encoder.check(x, network.steps, network.width)
    _refuse_data(x, y, network.last.neuron.size)
    with _reproducible(training.threads):
        identity = checkpoints.identity(training, x, y, seed, device, network)
        return _Run(network, training, x, y, seed, device, identity).go(checkpoint, tick)


def _refuse_data(x: np.ndarray, y: np.ndarray, classes: int) -> None:
    if len(x) < 2:
        raise InputError(f"Samples must number at least 2, one of them held out, not {len(x)}")
    if x.dtype.kind not in "iu" or x.min() < 0 or x.max() > 255:
        raise InputError(f"Samples must be whole numbers in 0..255, not {_range(x)}")
    if len(y) != len(x) or y.min() < 0 or y.max() >= classes:
        raise InputError(f"Labels must number {len(x)}, one per sample, and be in 0..{classes - 1}")


def _split(samples: int, how: Training, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Choose which samples are learned from, and which are held out."""
    order = np.random.default_rng(seed).permutation(samples)
    cut = max(1, round(how.held * samples))
    return order[cut:], order[:cut]


def _range(x: np.ndarray) -> str:
    return f"{x.dtype} from {x.min():g} to {x.max():g}"


def _usable(device: str) -> None:
    try:
        torch.zeros(1, device=device).sum().item()
    except (RuntimeError, AssertionError, ImportError):
        raise InputError(f"Device must be one that torch can use here, not {device!r}") from None


@contextmanager
def _reproducible(threads: int) -> Iterator[None]:
    """Fix what rounds sums differently; leave torch as it was, its random numbers too."""
    before = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    precision, random = torch.get_float32_matmul_precision(), torch.get_rng_state()
    torch.set_num_threads(threads)
    torch.set_float32_matmul_precision("highest")
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        yield
    finally:
        torch.set_num_threads(before[0])
        torch.use_deterministic_algorithms(before[1])
        torch.set_float32_matmul_precision(precision)
        torch.set_rng_state(random)


class _Run:
    """The state of a training run."""

    def __init__(
        self,
        network: Network,
        how: Training,
        x: np.ndarray,
        y: np.ndarray,
        seed: int,
        device: str,
        identity: str,
    ):
        self.how, self.device, self.seed, self.identity = how, device, seed, identity
        kept, self.held = _split(len(x), how, seed)
        self.x, self.y = _tensors(x[kept], y[kept], device)
        self.held_x, self.held_y = _tensors(x[self.held], y[self.held], device)
        self.network = network.to(device)
        positions = [p for x in network.kernels() for p in x.positions()]
        others = [p for p in self.network.parameters() if all(p is not x for x in positions)]
        self.batches = -(-len(kept) // how.batch)
        total = how.epochs * self.batches
        self.optimizers: list[torch.optim.Optimizer] = [torch.optim.Adam(others, how.rate)]
        self.schedulers: list[Any] = [
            torch.optim.lr_scheduler.OneCycleLR(
                self.optimizers[0], how.rate, total_steps=total, pct_start=0.2
            )
        ]
        if positions:
            self.optimizers.append(torch.optim.Adam(positions, how.position_rate))
            self.schedulers.append(
                torch.optim.lr_scheduler.CosineAnnealingLR(self.optimizers[1], total)
            )
        self.epoch, self.last, self.loss = 0, 0.0, 0.0
        self.history: list[dict[str, Any]] = [self.delays()]
        self.best: dict[str, Any] | None = None

    def go(self, checkpoint: Path | None, tick: Callable[[Progress], object] | None) -> Trained:
        """Train to the end, from a checkpoint if there is one."""
        if checkpoint is not None and checkpoint.exists():
            self.resume(checkpoint)
        while self.epoch < self.how.epochs:
            self.train_epoch(tick)
            self.choose()
            if checkpoint is not None:
                self.save(checkpoint)
        return self.result()

    def train_epoch(self, tick: Callable[[Progress], object] | None) -> None:
        """Go once through the training samples."""
        r, network = self.how, self.network.train()
        self.enter(self.epoch)
        random = torch.Generator().manual_seed(self.seed * 100_003 + self.epoch)
        torch.manual_seed(self.seed * 100_003 + self.epoch)
        order = torch.randperm(len(self.x), generator=random).to(self.device)
        w = torch.from_numpy(weighting(r.weighting, network.steps, r.gamma)).float().to(self.device)
        last, total = network.last.neuron, 0.0
        for batch in range(self.batches):
            chosen = order[batch * r.batch : (batch + 1) * r.batch]
            x = moved(self.x[chosen], r, random)
            trace = network(x)
            error = loss(
                r.loss,
                trace.output.spikes,
                trace.output.membranes,
                self.y[chosen],
                scale=r.temperature / last.unit,
                theta=last.theta(),
                w=w,
            )
            if r.quiet:
                hidden = list(trace.spikes.values())[:-1]
                error = error + r.quiet * crowd(trace.events, hidden, r.spare)
            for optimizer in self.optimizers:
                optimizer.zero_grad(set_to_none=True)
            error.backward()
            for part in (*self.optimizers, *self.schedulers):
                part.step()
            for synapses in network.kernels():
                synapses.clamp()
            total += float(error.detach())
            if tick:
                mean = total / (batch + 1)
                tick(Progress(self.epoch, r.epochs, batch + 1, self.batches, mean, self.last))
        self.epoch, self.loss = self.epoch + 1, total / self.batches

    @torch.no_grad()
    def choose(self) -> None:
        """Measure on the held-out part, choose the output threshold, keep the best epoch."""
        network, r, y = self.network.eval(), self.how, self.held_y.cpu().numpy()
        self.recompute()
        s, h = self.outputs()
        if network.readout.early:
            steps = r.used * network.steps
            theta, self.last, used = choose_threshold(h, y, slack=r.slack, steps=steps)
        else:
            decision = network.readout.decide(s, h)
            theta, self.last = 0, float((decision.label == y).mean())
            used = float(decision.step.mean()) + 1
        self.history.append({"loss": self.loss, "accuracy": self.last, **self.delays()})
        if self.best is None or self.last >= self.best["accuracy"]:
            self.best = {
                "accuracy": self.last,
                "epoch": self.epoch - 1,
                "used": used,
                "threshold": theta,
                "state": {k: v.detach().clone() for k, v in network.state_dict().items()},
            }

    def outputs(self) -> tuple[np.ndarray, np.ndarray]:
        """Run the held-out part; returns spikes and membranes of the last layer, and keeps no more.

        Returns
        -------
        s bool, h int64 (steps, samples, classes)
        """
        s, h = [], []
        for x in self.held_x.split(1000):
            output = self.network(x).output
            s.append(output.spikes.cpu().numpy().astype(bool))
            h.append(output.membranes.cpu().numpy().astype(np.int64))
        return np.concatenate(s, 1), np.concatenate(h, 1)

    def enter(self, epoch: int) -> None:
        """Set what goes by the epoch: the width of delays, and whether statistics still move."""
        r = self.how
        for norm in self.norms():
            norm.settled = epoch >= round(r.epochs * (1 - r.settled))
        for synapses in self.delayed():
            synapses.width = self.width(synapses.window // 2, epoch)

    def width(self, widest: float, epoch: int) -> float:
        """Narrow the profile of delays: from `widest` by a constant factor, at last to a delta."""
        r, share = self.how, epoch / self.how.epochs
        if share >= r.delta or not widest:
            return 0.0
        return widest * (SHARP / widest) ** min(1.0, share / r.narrow)

    def delays(self) -> dict[str, Any]:
        """Describe the delays as they stand."""
        found = self.delayed()
        return {
            "width": found[0].width if found else 0.0,
            "delays": [
                np.bincount(delays.flatten().int().cpu(), minlength=x.window).tolist()
                for x in found
                if (delays := x.delays()) is not None
            ],
        }

    def delayed(self) -> list[Synapses]:
        """The synapses that have delays."""
        return [x for x in self.network.kernels() if x.delays() is not None]

    def norms(self) -> list[Norm]:
        """The normalisations of the layers that have one."""
        return [norm for layer in self.network.layers.values() for norm in layer.neuron.norms()]

    @torch.no_grad()
    def recompute(self) -> None:
        """Take the statistics of the normalisations that still move from unmoved samples."""
        for norm in self.norms():
            if norm.settled:
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
        self.network.eval().load_state_dict(best["state"])
        if best["threshold"]:
            self.network.last.neuron.place(best["threshold"])
        network = self.network.export()
        self.network.exact()
        return Trained(
            network,
            best["accuracy"],
            self.last,
            best["epoch"],
            best["used"],
            self.freeze(network, best["epoch"]) if self.delayed() else {},
            self.history,
        )

    @torch.no_grad()
    def freeze(self, network: golden.Network, epoch: int) -> dict[str, Any]:
        """Measure what rounding delays and freezing them costs, see `Trained.frozen`."""
        rounded, y = self.decide(), self.held_y.cpu().numpy()
        integer = network.run(self.held_x.cpu().numpy()).decision.label
        state = {k: v.clone() for k, v in self.network.state_dict().items()}
        self.enter(epoch)
        for synapses in self.delayed():
            synapses.train()
        self.recompute()
        trained = self.decide()
        self.network.load_state_dict(state)
        self.network.eval()
        return {
            "trained": golden.accuracy(trained, y),
            "rounded": golden.accuracy(rounded, y),
            "integer": golden.accuracy(integer, y),
            "same": int((rounded == integer).sum()),
            "samples": len(y),
        }

    def decide(self) -> np.ndarray:
        """Decide the held-out samples; returns labels (samples,)."""
        return torch.cat([self.network.decide(x)[0] for x in self.held_x.split(1000)]).cpu().numpy()

    def save(self, path: Path) -> None:
        """Write a checkpoint."""
        parts = {name: part.state_dict() for name, part in self.parts()}
        state = {name: getattr(self, name) for name in STATE}
        checkpoints.save(path, self.identity, parts | state)

    def resume(self, path: Path) -> None:
        """Go on from a checkpoint."""
        state = checkpoints.resume(path, self.identity, self.device)
        for name in STATE:
            setattr(self, name, state[name])
        for name, part in self.parts():
            part.load_state_dict(state[name])

    def parts(self) -> list[tuple[str, Any]]:
        """What has a state of its own; random numbers have none, they are drawn from the epoch."""
        return [
            ("network", self.network),
            *((f"optimizer{i}", part) for i, part in enumerate(self.optimizers)),
            *((f"scheduler{i}", part) for i, part in enumerate(self.schedulers)),
        ]


def _tensors(x: np.ndarray, y: np.ndarray, device: str) -> tuple[Tensor, Tensor]:
    return (
        torch.from_numpy(np.ascontiguousarray(x, np.uint8)).to(device),
        torch.from_numpy(y.astype(np.int64)).to(device),
    )
