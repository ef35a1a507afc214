"""Training: a network or a recipe, data and a seed in; a frozen integer network out.

Every random number is drawn from (seed, epoch), and each epoch ends with a checkpoint, so that a
run that was killed goes on as if it had not been. Everything is chosen on a held-out part of the
training set.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..model import network as golden
from ..model.check import function, instance, integer
from ..model.check import path as path_of
from ..model.codings.silent import refuse_silent
from ..model.errors import InputError
from . import checkpoint as checkpoints
from . import codings, readouts
from .augment import moved
from .codings import Coding
from .network import Network
from .readouts.losses import REGRESSION, crowd, loss, weighting
from .recipes import Recipe
from .remember import remember
from .schedule import Schedule, checked_answers, outputs
from .state import snapshot
from .training import Training

__all__ = ["Progress", "Trained", "fit", "train", "usable"]

STATE = ("epoch", "last", "best", "history")  # of a run, beside its parts


@dataclass(frozen=True, slots=True)
class Progress:
    """Where training is: `epoch` (from 0) of `epochs`, `batch` of `batches`, the mean `loss` of the
    epoch, and the held-out `score` after the last whole one (`Trained.last`), None in the first."""

    epoch: int
    epochs: int
    batch: int
    batches: int
    loss: float
    score: float | None


@dataclass(frozen=True, slots=True)
class Trained:
    """What came out.

    Attributes
    ----------
    network : model Network, of the best epoch
    metric : "accuracy", or "error" where there are targets instead of labels
    best, last : float
        Accuracy, or mean squared error, on the held-out part, of the integer network, in the best
        epoch and in the last.
    epoch : int, the best one, from 0
    steps_used : float
        Mean number of steps that a decision uses there.
    scale : float or None
        Integers of the output per 1.0 of a target; None where there are labels.
    frozen : dict
        What freezing delays costs: the score on the held-out part with the profile as wide as it
        was in that epoch, ``trained``; with rounded delays, ``rounded``; of the integer network,
        ``integer``; each with statistics of its own, if they still moved in that epoch.
        ``same``: samples on which the last two give the same. Empty for a network without delays.
    history : list of dict
        After each epoch: mean ``loss``, held-out ``accuracy`` or ``error``, ``width`` of the
        profile of delays, and ``delays``, how many taps have each delay, per layer that has delays;
        the first entry, without loss and score, is before training.
    """

    network: golden.Network
    metric: str
    best: float
    last: float
    epoch: int
    steps_used: float
    scale: float | None
    frozen: dict[str, Any]
    history: list[dict[str, Any]]

    def save(
        self,
        path: Path | str,
        *,
        data: str = "own",
        folder: Path | str | None = None,
        framing: str | None = None,
    ) -> None:
        """Write the network file, and beside it what later commands need not be told then.

        Parameters
        ----------
        path : of the network file
        data : name of the data set it was trained on, one that ``--dataset`` takes
        folder, framing : where and how that is read, what ``--data`` and ``--framing`` take
        """
        remember(
            self.network,
            path,
            data=data,
            folder=folder,
            framing=framing,
            scale=self.scale,
            history=self.history,
        )


def train(recipe: Recipe, x: np.ndarray, y: np.ndarray, *, seed: int, **options: Any) -> Trained:
    """Train the network of a recipe, drawn by the seed.

    Parameters
    ----------
    recipe : Recipe
    x, y, seed, **options : as of `fit`
    """
    instance("Recipe", recipe, Recipe, "one of spikeline.quant")
    seed, of = _seed(seed), recipe.architecture
    x = _samples(x, codings.twin(of.coding), of.steps, of.width)
    with _reproducible(recipe.training.threads):
        kept, _ = _split(len(x), recipe.training, seed)
        torch.manual_seed(seed)
        network = deepcopy(of).build(x[kept])
    return fit(network, x, y, recipe.training, seed=seed, **options)


def fit(
    network: Network,
    x: np.ndarray,
    y: np.ndarray,
    training: Training | None = None,
    *,
    seed: int,
    checkpoint: Path | str | None = None,
    device: str = "cpu",
    on_progress: Callable[[Progress], object] | None = None,
) -> Trained:
    """Train a network, whatever its layers and kinds are; it ends as the best epoch left it.

    Parameters
    ----------
    network : Network
    x : integers in 0..255, an array or a tensor
        (samples, ...) pixels, or (samples, up to T, ...) counts, as its coding takes them.
    y : int (samples,), labels; float (samples, outputs), targets, if its readout gives no class
    training : Training, `Training()` by default
    seed : int
        Of the order of samples, of augmentation, of what is held out.
    checkpoint : path or None
        Where to keep the state after each epoch. If it exists, training goes on from there.
    device : str, what torch calls it
    on_progress : callable
        Called after each batch.

    Raises
    ------
    InputError
        If the samples, what is said of them, the device or the checkpoint do not fit.
    """
    instance("Network", network, Network, "one of spikeline.quant")
    training = Training() if training is None else training
    instance("Training", training, Training, "one of spikeline.quant")
    function("Argument on_progress", on_progress)
    at = None if checkpoint is None else path_of("Checkpoint", checkpoint)
    seed = _seed(seed)
    usable(device)
    x = _samples(x, network.encoder, network.steps, network.width)
    if training.augments and (
        network.coding.counted or round(x.shape[1] ** 0.5) ** 2 != x.shape[1]
    ):
        raise InputError(
            "Training translate, rotate and scale must be 0 for samples that are no square images"
        )
    y = checked_answers(network, y, len(x))
    if y.dtype.kind == "f":
        with np.errstate(over="ignore"):
            y = y.astype(np.float32)
        if not np.isfinite(y).all():
            raise InputError("Targets must be below 3.4e38, which training computes with")
    with _reproducible(training.threads):
        identity = checkpoints.identity(training, x, y, seed, device, network)
        restore = snapshot(network)
        try:
            return _Run(network, training, x, y, seed, device, identity).go(at, on_progress)
        except BaseException:
            # As it was drawn, so that the same call goes on from its checkpoint.
            restore()
            raise


def _seed(seed: int) -> int:
    return integer("Seed", seed, 0, (1 << 32) - 1)


def _samples(x: Any, coding: Coding, steps: int, inputs: int) -> np.ndarray:
    """Check samples; returns uint8 (samples, inputs), or (samples, up to steps, inputs)."""
    samples = coding.check(x, steps, inputs).cpu().numpy().astype(np.uint8)
    if len(samples) < 2:
        raise InputError(
            f"Samples must number at least 2, one of them held out, not {len(samples)}"
        )
    refuse_silent(coding.golden, samples, steps, inputs)
    return samples


def _split(samples: int, how: Training, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Choose which samples are learned from, and which are held out."""
    order = np.random.default_rng(seed).permutation(samples)
    cut = min(samples - 1, max(1, round(how.validation * samples)))
    return order[cut:], order[:cut]


def usable(device: str) -> None:
    """Refuse what torch cannot compute on here."""
    try:
        torch.zeros(1, device=device).sum().item()
    except (RuntimeError, AssertionError, ImportError, TypeError):
        raise InputError(f"Device must be one that torch can use here, not {device!r}") from None


@contextmanager
def _reproducible(threads: int) -> Iterator[None]:
    """Fix what rounds sums differently; leave torch as it was, its random numbers too."""
    before = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    warns = torch.is_deterministic_algorithms_warn_only_enabled()
    precision, random = torch.get_float32_matmul_precision(), torch.get_rng_state()
    torch.set_num_threads(threads)
    torch.set_float32_matmul_precision("highest")
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        yield
    finally:
        torch.set_num_threads(before[0])
        torch.use_deterministic_algorithms(before[1], warn_only=warns)
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
        self.loss = _loss(network, how)
        self.metric = "error" if self.loss in REGRESSION else "accuracy"
        kept, self.held = _split(len(x), how, seed)
        self.x, self.y = (torch.from_numpy(of[kept]).to(device) for of in (x, y))
        self.held_x, self.held_y = torch.from_numpy(x[self.held]).to(device), y[self.held]
        self.network = network.to(device)
        self.schedule = Schedule(network, how)
        self.batches = -(-len(kept) // how.batch_size)
        total = how.epochs * self.batches
        groups = self.schedule.parameters()
        self.optimizers: list[torch.optim.Optimizer] = [
            torch.optim.Adam(group["params"], group["lr"]) for group in groups
        ]
        self.schedulers: list[Any] = [
            torch.optim.lr_scheduler.OneCycleLR(
                self.optimizers[0],
                how.learning_rate,
                total_steps=total,
                pct_start=0.25 if total == 5 else 0.2,  # a rise of one step divides by 0 there
            ),
            *(
                torch.optim.lr_scheduler.CosineAnnealingLR(of_positions, total)
                for of_positions in self.optimizers[1:]
            ),
        ]
        self.epoch, self.last, self.mean_loss = 0, 0.0, 0.0
        self.history: list[dict[str, Any]] = [self.delays()]
        self.best: dict[str, Any] | None = None

    def go(
        self, checkpoint: Path | None, on_progress: Callable[[Progress], object] | None
    ) -> Trained:
        """Train to the end, from a checkpoint if there is one."""
        if checkpoint is not None and checkpoint.exists():
            self.resume(checkpoint)
        while self.epoch < self.how.epochs:
            self.train_epoch(on_progress)
            self.choose()
            if checkpoint is not None:
                self.save(checkpoint)
        return self.result()

    def train_epoch(self, on_progress: Callable[[Progress], object] | None) -> None:
        """Go once through the training samples."""
        how, network = self.how, self.network
        self.schedule.begin(self.epoch)
        random = torch.Generator().manual_seed(self.seed * 100_003 + self.epoch)
        torch.manual_seed(self.seed * 100_003 + self.epoch)
        order = torch.randperm(len(self.x), generator=random).to(self.device)
        w = weighting(how.time_weighting, network.steps, how.gamma)
        w = torch.from_numpy(w).float().to(self.device)
        last, total = network.last.neuron, 0.0
        for batch in range(self.batches):
            chosen = order[batch * how.batch_size : (batch + 1) * how.batch_size]
            trace = network(moved(self.x[chosen], how, random))
            error = loss(
                self.loss,
                trace.output.spikes,
                trace.output.membranes,
                self.y[chosen],
                scale=how.logit_scale / last.unit,
                theta=last.theta(),
                w=w,
            )
            if how.spike_penalty:
                hidden = list(trace.spikes.values())[:-1]
                error = error + how.spike_penalty * crowd(trace.events, hidden, how.spike_allowance)
            if how.repulsion:
                error = error + self.schedule.repulsion()
            for optimizer in self.optimizers:
                optimizer.zero_grad(set_to_none=True)
            error.backward()
            for part in (*self.optimizers, *self.schedulers):
                part.step()
            self.schedule.step()
            total += float(error.detach())
            if on_progress:
                mean, score = total / (batch + 1), self.last if self.epoch else None
                on_progress(Progress(self.epoch, how.epochs, batch + 1, self.batches, mean, score))
        self.epoch, self.mean_loss = self.epoch + 1, total / self.batches

    @torch.no_grad()
    def choose(self) -> None:
        """Measure on the held-out part, choose the output threshold, keep the best epoch."""
        network = self.network.eval()
        self.schedule.take_statistics(self.x)
        s, h = outputs(network, self.held_x)
        theta, steps_used = 0, float(network.steps)
        if network.readout.early:
            theta, self.last, steps_used = self.schedule.choose(h, self.held_y)
        else:
            self.last = self.score(self.told(s, h))
        score = {"loss": self.mean_loss, self.metric: self.last}
        self.history.append(score | self.delays())
        if self.best is None or self.last * self.sign >= self.best["score"] * self.sign:
            self.best = {
                "score": self.last,
                "epoch": self.epoch - 1,
                "steps_used": steps_used,
                "threshold": theta,
                "state": deepcopy(network.state_dict()),
            }

    @property
    def sign(self) -> int:
        """1 where a higher score is better, -1 where a lower one is."""
        return 1 if self.metric == "accuracy" else -1

    @property
    def scale(self) -> float:
        """Integers of the output per 1.0 of a target."""
        return self.schedule.scale / (self.how.logit_scale if self.loss == "mse" else 1.0)

    def told(self, s: np.ndarray, h: np.ndarray) -> np.ndarray:
        """Give what the network says: labels (samples,), or integers (samples, outputs)."""
        decision = self.network.readout.decide(s, h)
        return decision.label if self.metric == "accuracy" else decision.score

    def score(self, told: np.ndarray) -> float:
        """Score what was told of the held-out part."""
        if self.metric == "accuracy":
            return golden.accuracy(told, self.held_y)
        return float(np.mean((told / self.scale - self.held_y.astype(float)) ** 2))

    def delays(self) -> dict[str, Any]:
        """Describe the delays as they stand."""
        found = self.schedule.delayed()
        return {
            "width": found[0].width if found else 0.0,
            "delays": [
                np.bincount(delays.flatten().int().cpu(), minlength=x.window).tolist()
                for x in found
                if (delays := x.delays()) is not None
            ],
        }

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
            self.metric,
            best["score"],
            self.last,
            best["epoch"],
            best["steps_used"],
            self.scale if self.metric == "error" else None,
            self.freeze(network, best["epoch"]) if self.schedule.delayed() else {},
            self.history,
        )

    @torch.no_grad()
    def freeze(self, network: golden.Network, epoch: int) -> dict[str, Any]:
        """Measure what rounding delays and freezing them costs, see `Trained.frozen`."""
        rounded = self.told(*outputs(self.network, self.held_x))
        decision = network.run(self.held_x.cpu().numpy()).decision
        integer = decision.label if self.metric == "accuracy" else decision.score
        state = deepcopy(self.network.state_dict())
        self.schedule.enter(epoch)
        for synapses in self.schedule.delayed():
            synapses.train()
        self.schedule.take_statistics(self.x)
        trained = self.told(*outputs(self.network, self.held_x))
        self.network.load_state_dict(state)
        self.network.eval()
        same = (rounded == integer).reshape(len(rounded), -1).all(1)
        return {
            "trained": self.score(trained),
            "rounded": self.score(rounded),
            "integer": self.score(integer),
            "same": int(same.sum()),
            "samples": len(self.held_y),
        }

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


def _loss(network: Network, how: Training) -> str:
    """Choose the loss: what is set, or what goes with the readout."""
    own = readouts.twin(network.readout).loss
    chosen = how.loss or own
    if not network.readout.classifies and chosen != own:
        raise InputError(
            f"Training loss must be {own} for the readout {network.readout.kind}, not {chosen}"
        )
    if network.readout.classifies and chosen in REGRESSION:
        raise InputError(
            f"Training loss {chosen} must follow a readout that gives no class, not"
            f" {network.readout.kind}"
        )
    return chosen
