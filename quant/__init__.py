"""Trainable twins of the model, computing in the deployed integers (torch).

What a user needs stands here, as ``from spikeline import quant as q``:

    networks    Sequential, Graph, Architecture, LayerSpec, ConnectionSpec, Network
    synapses    Linear, DelayedLinear, Conv1d, Conv2d, Conv3d, Dcls1d, Dcls2d, Dcls3d
    neurons     TTFS, IF, LIF, LI, PSN, MaskedPSN, SlidingPSN
    both        MaxPool2d
    gradients   ATan, Sigmoid, Triangle
    inputs      Counts, Latency, Graded
    views       AvgPool2d, Crop, Flatten, SumPool2d, Upsample
    training    Training, fit, Trained, Progress, Schedule, train; thaw, of a frozen network
    recipes     Recipe, recipe, read
"""

from ..model.extras import need

need("torch")

from ..model.codings.counts import Counts  # noqa: E402
from ..model.codings.graded import Graded  # noqa: E402
from ..model.codings.latency import Latency  # noqa: E402
from ..model.views.crop import Crop  # noqa: E402
from ..model.views.flatten import Flatten  # noqa: E402
from .architecture import (  # noqa: E402
    Architecture,
    ConnectionSpec,
    Graph,
    LayerSpec,
    Sequential,
)
from .layers.max_pool import MaxPool2d  # noqa: E402
from .loop import Progress, Trained, fit, train  # noqa: E402
from .network import Network  # noqa: E402
from .neurons.named import IF, LI, LIF, TTFS  # noqa: E402
from .neurons.psn import PSN, MaskedPSN, SlidingPSN  # noqa: E402
from .neurons.surrogate import ATan, Sigmoid, Triangle  # noqa: E402
from .recipes import Recipe, read, recipe  # noqa: E402
from .schedule import Schedule  # noqa: E402
from .synapses.causal import Conv3d  # noqa: E402
from .synapses.conv import Conv1d, Conv2d  # noqa: E402
from .synapses.delayed import DelayedLinear  # noqa: E402
from .synapses.dense import Linear  # noqa: E402
from .synapses.spaced import Dcls1d, Dcls2d, Dcls3d  # noqa: E402
from .thaw import thaw  # noqa: E402
from .training import Training  # noqa: E402
from .views.pool import AvgPool2d, SumPool2d  # noqa: E402
from .views.repeat import Upsample  # noqa: E402

__all__ = [
    "IF",
    "LI",
    "LIF",
    "PSN",
    "TTFS",
    "ATan",
    "Architecture",
    "AvgPool2d",
    "ConnectionSpec",
    "Conv1d",
    "Conv2d",
    "Conv3d",
    "Counts",
    "Crop",
    "Dcls1d",
    "Dcls2d",
    "Dcls3d",
    "DelayedLinear",
    "Flatten",
    "Graded",
    "Graph",
    "Latency",
    "LayerSpec",
    "Linear",
    "MaskedPSN",
    "MaxPool2d",
    "Network",
    "Progress",
    "Recipe",
    "Schedule",
    "Sequential",
    "Sigmoid",
    "SlidingPSN",
    "SumPool2d",
    "Trained",
    "Training",
    "Triangle",
    "Upsample",
    "fit",
    "read",
    "recipe",
    "thaw",
    "train",
]
