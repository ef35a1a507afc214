"""What a training loop needs beside a loss and an optimiser, whoever writes the loop.

    schedule = Schedule(network, training)
    optimizer = torch.optim.Adam(schedule.parameters())
    for epoch in range(training.epochs):
        schedule.begin(epoch)
        for x, y in loader:
            optimizer.zero_grad()
            cross_entropy(network(x).logits, y).backward()
            optimizer.step()
            schedule.step()
        schedule.settle(x_train)                        where layers have a normalisation
    schedule.finish(x_held_out, y_held_out)
    schedule.save("mine.safetensors", folder="data")

The network is then that of the last epoch. Rates are those that the optimiser begins with; let them
fall by a scheduler of torch. Such a loop is resumed from the states of network and optimiser alone:
`begin` sets all that goes by the epoch.
"""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..model.answers import answers, suit
from ..model.check import instance, integer
from ..model.errors import InputError
from . import readouts
from .network import Network
from .neurons.norm import Norm
from .readouts.first_spike import choose_threshold
from .remember import remember
from .synapses import Synapses
from .synapses.delayed import SHARP
from .training import Training

__all__ = ["Schedule", "checked_answers", "outputs"]

RECOMPUTED = 10_000  # samples that the statistics of a normalisation are taken from
AT_ONCE = 1000  # samples that are run together where no gradient is needed


class Schedule:
    """What goes by the epoch, by the step, and what comes last.

    Delays narrow from a wide profile to a delta and stay in their range; the statistics of
    normalisations move and then stand still; the threshold of a first-spike output is chosen on
    samples that were held out.

    Parameters
    ----------
    network : Network
    training : Training, `Training()` by default
        Its epochs, rates, `sharp_after`, `delta_after`, `norm_frozen`, `exit_slack` and
        `exit_steps` count.
    """

    def __init__(self, network: Network, training: Training | None = None) -> None:
        instance("Network", network, Network, "one of spikeline.quant")
        training = Training() if training is None else training
        instance("Training", training, Training, "one of spikeline.quant")
        if network.readout.early and network.last.neuron.norms():
            raise InputError(
                f"Layer {network.output} must have no normalisation, as readout"
                f" {network.readout.kind} has one threshold for all its neurons"
            )
        if network.readout.early and network.last.neuron.theta() is None:
            raise InputError(
                f"Layer {network.output} must have a threshold that can be chosen, as readout"
                f" {network.readout.kind} needs one"
            )
        self.network, self.training, self.epoch = network, training, 0

    def parameters(self) -> list[dict[str, Any]]:
        """Group the parameters for an optimiser: positions of delays have a rate of their own."""
        positions = list(dict.fromkeys(p for x in self.network.kernels() for p in x.positions()))
        others = [p for p in self.network.parameters() if all(p is not x for x in positions)]
        groups = [{"params": others, "lr": self.training.learning_rate}]
        if positions:
            groups.append({"params": positions, "lr": self.training.position_rate})
        return groups

    def repulsion(self) -> Tensor:
        """Make what a loss takes in so that the taps of learned spacings keep apart; else 0.

        The square of how close they lie, by the mean over all synapses of a layer and then over
        the layers, times the weight that the training gives it from an epoch on.
        """
        how = self.training
        counts = how.repulsion and self.epoch >= how.repulsion_after * how.epochs
        found = [x.closeness() for x in self.network.kernels()] if counts else []
        near = [x for x in found if x is not None]
        return how.repulsion * torch.stack(near).mean().square() if near else torch.zeros(())

    def begin(self, epoch: int) -> None:
        """Enter an epoch, numbered from 0, in training mode."""
        self.network.train()
        self.enter(integer("Epoch", epoch, 0, self.training.epochs - 1))

    def enter(self, epoch: int) -> None:
        """Set what goes by the epoch: the width of delays, and whether statistics still move."""
        how, self.epoch = self.training, epoch
        for norm in self.norms():
            norm.settled = epoch >= round(how.epochs * (1 - how.norm_frozen))
        for layer in self.network.layers.values():
            layer.neuron.enter(epoch / how.epochs)
        for synapses in self.network.kernels():
            if synapses.widest:
                synapses.width = self._width(synapses.widest, epoch / how.epochs)

    def _width(self, widest: float, share: float) -> float:
        """Narrow the profile of delays: from `widest` by a constant factor, at last to a delta."""
        how = self.training
        if share >= how.delta_after or not widest:
            return 0.0
        narrowed = min(1.0, share / how.sharp_after) if how.sharp_after else 1.0
        return widest * (SHARP / widest) ** narrowed

    def step(self) -> None:
        """Put parameters back into their range, after each step of the optimiser."""
        for synapses in self.network.kernels():
            synapses.clamp()

    def settle(self, x: Any) -> None:
        """Take the statistics of normalisations that still move from training samples, as they are
        deployed: with rounded delays, without dropout. To be called after each epoch.

        Parameters
        ----------
        x : training samples, a tensor or an array; the first 10,000 count
        """
        network, was = self.network, self.network.training
        samples = network.encoder.check(x, network.steps, network.width)
        network.eval()
        try:
            self.take_statistics(samples)
        finally:
            network.train(was)

    @torch.no_grad()
    def take_statistics(self, x: Tensor) -> None:
        """Do so in the mode that the network is in."""
        for norm in self.norms():
            if norm.settled:
                continue
            norm.restart()
            norm.recomputing = True
            try:
                for some in x[:RECOMPUTED].split(AT_ONCE):
                    self.network(some)
            finally:
                norm.recomputing = False

    def finish(self, x: Any, y: Any) -> float:
        """End in evaluation mode, with the output threshold chosen if the readout has a choice.

        Parameters
        ----------
        x, y : samples that were held out, at least one, and labels; or targets of their logits, if
            the readout gives no class. Tensors or arrays.

        Returns
        -------
        float
            Accuracy on them, of the integer network; mean squared error of targets.

        Raises
        ------
        InputError
            If they do not fit the network.
        """
        network = self.network.eval()
        samples = network.encoder.check(x, network.steps, network.width)
        y = checked_answers(network, y, len(samples))
        if not len(y):
            raise InputError("Samples must number at least one, not 0")
        s, h = outputs(network, samples)
        if not network.readout.classifies:
            found = network.readout.decide(s, h).score / self.scale
            return float(((found - y) ** 2).mean())
        if not network.readout.early:
            return float((network.readout.decide(s, h).label == y).mean())
        theta, accuracy, _ = self.choose(h, y)
        network.last.neuron.place(theta)
        return accuracy

    @property
    def scale(self) -> float:
        """Integers of the output per 1.0 of a logit: what `save` and ``--scale`` take, if targets
        were compared with the logits as they are."""
        network = self.network
        return readouts.twin(network.readout).per_logit(network.last.neuron.membrane_unit)

    def save(
        self,
        path: Path | str,
        *,
        data: str = "own",
        folder: Path | str | None = None,
        framing: str | None = None,
    ) -> None:
        """Write the network file as `Trained.save` does: later commands know its data."""
        scale = None if self.network.readout.classifies else self.scale
        remember(
            self.network.export(), path, data=data, folder=folder, framing=framing, scale=scale
        )

    def choose(self, h: np.ndarray, y: np.ndarray) -> tuple[int, float, float]:
        """Choose the threshold of a first-spike output, see `choose_threshold`."""
        how = self.training
        return choose_threshold(
            h, y, slack=how.exit_slack, steps=how.exit_steps * self.network.steps
        )

    def delayed(self) -> list[Synapses]:
        """The synapses that have delays."""
        return [x for x in self.network.kernels() if x.delays() is not None]

    def norms(self) -> list[Norm]:
        """The normalisations of the layers that have one."""
        return [norm for layer in self.network.layers.values() for norm in layer.neuron.norms()]


def checked_answers(network: Network, y: Any, samples: int) -> np.ndarray:
    """Check what samples should give: labels int64 (samples,), or, where the readout of the network
    gives no class, targets float64 (samples, outputs)."""
    y = answers(y, samples)
    suit(y, network.last.neuron.size, network.readout.classifies)
    if y.dtype.kind != "f" and not network.readout.classifies:
        raise InputError(
            "Answers must be targets, floats of shape (samples, outputs), as the readout"
            f" {network.readout.kind} gives no class, not labels"
        )
    return y


@torch.no_grad()
def outputs(network: nn.Module, x: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Run samples for the spikes and membranes of the last layer, and keep no more.

    Returns
    -------
    s bool, h int64 (steps, samples, neurons)
    """
    s, h = [], []
    for some in x.split(AT_ONCE):
        output = network(some).output
        s.append(output.spikes.cpu().numpy().astype(bool))
        h.append(output.membranes.cpu().numpy().astype(np.int64))
    return np.concatenate(s, 1), np.concatenate(h, 1)
