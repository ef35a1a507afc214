"""Recipes: everything that makes a trained network but its data and its seed."""

from dataclasses import dataclass, replace

import numpy as np

from ..model.encode import Latency
from ..model.readout import Readout
from ..model.refuse import Refused
from .dense import Dense
from .network import Layer, Network
from .neuron import Neuron

__all__ = ["RECIPES", "Recipe", "recipe"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How to train one network.

    Parameters
    ----------
    name : str
    data : str, name of the data set
    shape : (inputs, hidden, ..., classes)
    steps : int
        T.
    floor : int
        Pixels below it never fire.
    bits : int per layer
        Widths of the weights.
    leak : (m, k) or None
        Of the hidden layers; None makes them fire once and never leak.
    reset : str
        Of hidden layers with a leak.
    threshold : float
        Where the hidden thresholds start, in units.
    norm : bool
        Whether the hidden layers are batch-normalised; what that comes to stands in norm.py.
    frozen : float
        Last share of the epochs, in which the statistics of the normalisation stand still.
    gain : bool
        Whether rows of the hidden layers have a learnable gain.
    readout : str, kind of readout
    loss : str, see readout.py
    weighting : str, temporal weighting of the loss
    gamma : float, base of the exponential weighting
    temperature : float
        Logits per unit of the output's membrane.
    quiet : float
        Weight in the loss of the cycles that hidden spikes delay an answer, see `crowd` in
        readout.py.
    spare : int, cycles
        What is no delay yet.
    rare : float
        Inputs that fire in a smaller share of the training samples have no weights.
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

    name: str
    data: str
    shape: tuple[int, ...]
    steps: int = 4
    floor: int = 64
    bits: tuple[int, ...] = (4, 4)
    leak: tuple[int, int] | None = None
    reset: str = "none"
    threshold: float = 1.0
    norm: bool = False
    frozen: float = 0.2
    gain: bool = False
    readout: str = "first-spike"
    loss: str = "every"
    weighting: str = "exponential"
    gamma: float = 1 / 8
    temperature: float = 2.0
    quiet: float = 0.01
    spare: int = 0
    rare: float = 0.0
    shift: float = 0.5
    turn: float = 4.0
    scale: float = 0.04
    epochs: int = 50
    batch: int = 256
    rate: float = 8e-3
    held: float = 1 / 12
    slack: float = 0.0
    used: float = 1.0
    threads: int = 1

    def build(self, x: np.ndarray) -> Network:
        """Make the untrained network for the training samples `x` uint8 (samples, inputs).

        The seed is torch's own, set by the caller.
        """
        layers, pairs = [], list(zip(self.shape, self.shape[1:], strict=False))
        used = (x >= self.floor).mean(axis=0) > self.rare
        for i, (pre, post) in enumerate(pairs):
            last = i == len(pairs) - 1
            dense = Dense(
                pre,
                post,
                self.bits[i],
                self.steps,
                standardise="layer" if last else "row",
                gain=self.gain or last,
                used=used if i == 0 else None,
            )
            # The output layer fires once, by one threshold; its membrane is a plain sum.
            once = last or self.leak is None
            layers.append(
                Layer(
                    dense,
                    Neuron(
                        post,
                        dense.unit,
                        threshold=self.threshold if not last else 1.0,
                        leak=(1, 0) if once or self.leak is None else self.leak,
                        reset="none" if once else self.reset,
                        norm=self.norm and not last,
                        once=once,
                    ),
                )
            )
        return Network(
            self.steps, self.shape[0], Latency(self.floor), layers, Readout(self.readout)
        )


# For MNIST and Fashion-MNIST alike. Clothes are told apart by their greys, which only the last
# steps hold, so the loss weighs each step 8 times the one before.
IMAGES = Recipe(name="mnist-ttfs", data="mnist", shape=(784, 128, 10))
RECIPES = {
    r.name: r
    for r in (
        Recipe(
            name="digits-ttfs",
            data="digits",
            shape=(64, 96, 10),
            floor=16,
            weighting="even",
            turn=10.0,
            scale=0.1,
            epochs=150,
            batch=64,
            rate=1e-2,
            held=0.15,
            quiet=0.0,
            slack=0.006,
            used=0.6,
        ),
        IMAGES,
        # Leak 7/8 = (2**3 - 2**0) / 2**3: a shift and a subtraction.
        replace(
            IMAGES,
            name="mnist-lif",
            leak=(7, 3),
            reset="zero",
            weighting="even",
            epochs=24,
            shift=1.0,
            turn=0.0,
            scale=0.0,
            used=0.6,
        ),
        replace(IMAGES, name="fashion-ttfs", data="fashion-mnist"),
    )
}


def recipe(name: str) -> Recipe:
    """Find a recipe by its name."""
    if name not in RECIPES:
        raise Refused(f"Recipe must be one of {', '.join(RECIPES)}, not {name!r}")
    return RECIPES[name]
