"""How a network is trained, whatever it is."""

from dataclasses import dataclass

__all__ = ["Training"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """Settings of a training.

    Parameters
    ----------
    loss : str, see readouts/losses.py
    weighting : str, temporal weighting of the loss
    gamma : float
        Base of the exponential weighting gamma**-t: below 1 the last steps weigh most.
    temperature : float
        Logits per unit of the output's membrane.
    quiet : float
        Weight in the loss of the cycles that hidden spikes delay an answer, see `crowd` in
        readouts/losses.py.
    spare : int, cycles
        Cycles that hidden spikes may take before they count.
    narrow : float
        Share of the epochs after which the profile has narrowed to `SHARP`, by a constant factor.
    delta : float
        Share of the epochs after which it is a delta.
    position_rate : float
        Highest learning rate of positions; it falls as a cosine.
    settled : float
        Last share of the epochs, in which the statistics of the normalisation stand still.
    shift, turn, scale : float, pixels, degrees, share
        Images are moved, turned and scaled by up to this much, each way, while training.
    epochs, batch : int
    rate : float, highest learning rate
    held : float
        Share of the training set that is held out for choosing.
    slack : float
        Accuracy on it that an earlier decision may cost.
    used : float
        Largest mean share of the steps that a decision may use.
    threads : int
        Threads of the processor; part of the recipe, as sums in another order round otherwise.
    """

    loss: str = "every"
    weighting: str = "even"
    gamma: float = 1 / 8
    temperature: float = 2.0
    quiet: float = 0.0
    spare: int = 0
    narrow: float = 0.25
    delta: float = 0.5
    position_rate: float = 0.1
    settled: float = 0.2
    shift: float = 0.0
    turn: float = 0.0
    scale: float = 0.0
    epochs: int = 50
    batch: int = 256
    rate: float = 8e-3
    held: float = 1 / 12
    slack: float = 0.0
    used: float = 1.0
    threads: int = 1
