"""How a network is trained, whatever it is."""

from dataclasses import dataclass

from ..model.check import choice, integer, real
from .readouts.losses import LOSSES, WEIGHTINGS

__all__ = ["Training"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """Settings of a training.

    Parameters
    ----------
    loss : str or None
        One of `LOSSES` in readouts/losses.py; None is the one that goes with the readout.
    time_weighting : "even", "linear" or "exponential"
        How much each step counts in a loss that weighs steps.
    gamma : float
        Base of the exponential weighting gamma**-t: below 1 the last steps weigh most.
    logit_scale : float
        Logits, or targets of a regression, per 1.0 of the output's membrane.
    spike_penalty : float
        Weight in the loss of the cycles by which hidden spikes delay an answer, see `crowd` in
        readouts/losses.py.
    spike_allowance : int, cycles
        Cycles that hidden spikes may take before they count.
    epochs, batch_size : int
    learning_rate : float
        The highest one, of everything but delays.
    position_rate : float
        Highest learning rate of the positions of delays; it falls as a cosine.
    sharp_after : float
        Share of the epochs after which the profile of delays has narrowed to `SHARP`, by a constant
        factor per epoch.
    delta_after : float
        Share of the epochs after which it is a delta: delays are then those that are deployed.
    repulsion : float
        Weight in the loss of how close the taps of learned spacings lie (`Schedule.repulsion`).
    repulsion_after : float
        Share of the epochs after which that counts.
    norm_frozen : float
        Last share of the epochs, in which the statistics of normalisations stand still.
    translate : float, pixels
    rotate : float, degrees
    scale : float, share
        Images are moved, turned and scaled by up to this much, each way, while training.
    validation : float
        Share of the training set that is held out to choose the epoch and the output threshold.
    exit_slack : float
        Accuracy on it that an earlier decision may cost.
    exit_steps : float
        Largest mean share of the steps that a decision may use.
    threads : int
        Threads of the processor; other numbers of them add in another order, so to another network.

    Raises
    ------
    InputError
        If a setting is out of its range.
    """

    loss: str | None = None
    time_weighting: str = "even"
    gamma: float = 1 / 8
    logit_scale: float = 2.0
    spike_penalty: float = 0.0
    spike_allowance: int = 0
    epochs: int = 50
    batch_size: int = 256
    learning_rate: float = 8e-3
    position_rate: float = 0.1
    sharp_after: float = 0.25
    delta_after: float = 0.5
    repulsion: float = 0.0
    repulsion_after: float = 0.0
    norm_frozen: float = 0.2
    translate: float = 0.0
    rotate: float = 0.0
    scale: float = 0.0
    validation: float = 1 / 12
    exit_slack: float = 0.0
    exit_steps: float = 1.0
    threads: int = 1

    def __post_init__(self) -> None:
        if self.loss is not None:
            choice("Training loss", self.loss, LOSSES)
        choice("Training time_weighting", self.time_weighting, WEIGHTINGS)
        for name, low, high in (
            ("spike_allowance", 0, 1 << 31),
            ("epochs", 1, 1 << 31),
            ("batch_size", 1, 1 << 31),
            ("threads", 1, 1024),
        ):
            value = integer(f"Training {name}", getattr(self, name), low, high)
            object.__setattr__(self, name, value)
        for name, low, high in (
            ("gamma", 1e-6, 1e6),
            ("logit_scale", 1e-6, 1e6),
            ("spike_penalty", 0, 1e6),
            ("learning_rate", 0, 1e6),
            ("position_rate", 0, 1e6),
            ("sharp_after", 0, 1),
            ("delta_after", 0, 1),
            ("repulsion", 0, 1e6),
            ("repulsion_after", 0, 1),
            ("norm_frozen", 0, 1),
            ("translate", 0, 1e6),
            ("rotate", 0, 180),
            ("scale", 0, 1),
            ("validation", 0, 0.9),
            ("exit_slack", 0, 1),
            ("exit_steps", 0, 1),
        ):
            value = real(f"Training {name}", getattr(self, name), low, high)
            object.__setattr__(self, name, value)

    @property
    def augments(self) -> bool:
        """Whether images are moved, turned or scaled."""
        return bool(self.translate or self.rotate or self.scale)
