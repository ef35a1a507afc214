"""Trainable twins of the model, computing in the deployed integers (torch).

What a user needs stands here, as ``from spikeline import quant as q``:

    networks    Sequential, Graph, Architecture, LayerSpec, ConnectionSpec, Network
    synapses    Linear, DelayedLinear
    neurons     TTFS, IF, LIF, LI
    gradients   ATan, Sigmoid, Triangle
    inputs      Counts, Latency, Graded
    views       Crop, Flatten
    training    Training, fit, Trained, Progress, Schedule, train
    recipes     Recipe, recipe, read

Each is imported when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ..model.extras import need

need("torch")

if TYPE_CHECKING:
    from ..model.codings.counts import Counts as Counts
    from ..model.codings.graded import Graded as Graded
    from ..model.codings.latency import Latency as Latency
    from ..model.views.crop import Crop as Crop
    from ..model.views.flatten import Flatten as Flatten
    from .architecture import Architecture as Architecture
    from .architecture import ConnectionSpec as ConnectionSpec
    from .architecture import Graph as Graph
    from .architecture import LayerSpec as LayerSpec
    from .architecture import Sequential as Sequential
    from .loop import Progress as Progress
    from .loop import Trained as Trained
    from .loop import fit as fit
    from .loop import train as train
    from .network import Network as Network
    from .neurons.named import IF as IF
    from .neurons.named import LI as LI
    from .neurons.named import LIF as LIF
    from .neurons.named import TTFS as TTFS
    from .neurons.surrogate import ATan as ATan
    from .neurons.surrogate import Sigmoid as Sigmoid
    from .neurons.surrogate import Triangle as Triangle
    from .recipes import Recipe as Recipe
    from .recipes import read as read
    from .recipes import recipe as recipe
    from .schedule import Schedule as Schedule
    from .synapses.delayed import DelayedLinear as DelayedLinear
    from .synapses.dense import Linear as Linear
    from .training import Training as Training

_HOMES = {
    "Architecture": ".architecture",
    "ConnectionSpec": ".architecture",
    "Graph": ".architecture",
    "LayerSpec": ".architecture",
    "Sequential": ".architecture",
    "Network": ".network",
    "TTFS": ".neurons.named",
    "IF": ".neurons.named",
    "LIF": ".neurons.named",
    "LI": ".neurons.named",
    "ATan": ".neurons.surrogate",
    "Sigmoid": ".neurons.surrogate",
    "Triangle": ".neurons.surrogate",
    "Recipe": ".recipes",
    "read": ".recipes",
    "recipe": ".recipes",
    "Schedule": ".schedule",
    "DelayedLinear": ".synapses.delayed",
    "Linear": ".synapses.dense",
    "Progress": ".loop",
    "Trained": ".loop",
    "fit": ".loop",
    "train": ".loop",
    "Training": ".training",
    "Counts": "..model.codings.counts",
    "Graded": "..model.codings.graded",
    "Latency": "..model.codings.latency",
    "Crop": "..model.views.crop",
    "Flatten": "..model.views.flatten",
}
__all__ = list(_HOMES)  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name], __name__), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
