"""What can be trained, by the name that a command is given."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ..model.answers import suit
from . import own
from .data.data import Data

__all__ = ["Subject"]


@dataclass(frozen=True, slots=True)
class Subject:
    """A recipe that ships, one in a TOML file, or an untrained network of a Python file.

    Attributes
    ----------
    name, data : its name, that of its data set
    counted, inputs, steps, outputs, classifies : what it takes and gives
    fit : function of x, y, seed and what else `fit` of quant/loop.py takes, gives what that does
    identity : function of x, y, seed and device, gives the hash of all that a network comes from
    """

    name: str
    data: str
    counted: bool
    inputs: int
    steps: int
    outputs: int
    classifies: bool
    fit: Callable[..., Any]
    identity: Callable[..., str]

    @classmethod
    def of(cls, name: str, seed: int) -> "Subject":
        """Find a recipe by its name, or read a file; a Python file draws its network by `seed`."""
        from ..quant import loop, recipes
        from ..quant.checkpoint import identity

        if name.endswith(".py"):
            return cls._python(Path(name), seed)
        how = recipes.read(Path(name)) if name.endswith(".toml") else recipes.recipe(name)
        of = how.architecture
        return cls(
            how.name,
            how.data,
            of.coding.counted,
            of.width,
            of.steps,
            of.shapes()[of.layers[-1].name].size,
            of.classifies,
            partial(loop.train, how),
            partial(identity, how),
        )

    @classmethod
    def _python(cls, path: Path, seed: int) -> "Subject":
        from ..quant.checkpoint import identity
        from ..quant.loop import fit

        _draw_by(seed)
        found = own.read(path)
        _draw_by(seed)
        network = found.network()
        return cls(
            path.stem,
            found.data,
            network.coding.counted,
            network.width,
            network.steps,
            network.last.neuron.size,
            network.readout.classifies,
            partial(fit, network, training=found.training),
            partial(identity, found.training, network=network),
        )

    def shaped(self, found: Data) -> Data:
        """Give samples as the network takes them; answers that it cannot give are refused."""
        found = found.shaped(self.counted, self.inputs, self.name).cut(self.steps)
        suit(found.y, self.outputs, self.classifies)
        return found


def _draw_by(seed: int) -> None:
    """Seed whatever a file may draw its network by."""
    import torch

    torch.manual_seed(seed)
    np.random.seed(seed)
    random.seed(seed)
