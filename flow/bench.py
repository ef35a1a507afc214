"""Speed of the parts that have a goal, measured here and now: python -m spikeline.flow.bench."""

import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from ..model.dense import Dense
from ..model.encode import Latency
from ..model.mapping import Mapping
from ..model.network import Layer, Network
from ..model.neuron import Neuron
from ..model.readout import Readout

__all__ = ["images_per_second", "main", "network", "seconds_to_emit"]


def network() -> Network:
    """Make a network of 784-128-10 with random 4-bit weights, T = 8."""
    random = np.random.default_rng(1)

    def layer(pre: int, post: int) -> Layer:
        weights = np.clip(np.rint(random.normal(0, 2.6, (post, pre))), -8, 7).astype(np.int64)
        neuron = Neuron(random.integers(-6, 7, post), random.integers(20, 45, post), once=True)
        return Layer(Dense(weights, 4), neuron)

    layers = layer(784, 128), layer(128, 10)
    return Network(8, 784, Latency(64), layers, Readout("first-spike"))


def images_per_second(samples: int = 5000) -> float:
    """Measure the golden run on images as dark as MNIST's."""
    random = np.random.default_rng(2)
    images = random.integers(1, 256, (samples, 784)) * (random.random((samples, 784)) < 0.2)
    subject = network()
    subject.run(images[:500])
    began = time.perf_counter()
    subject.run(images.astype(np.uint8))
    return samples / (time.perf_counter() - began)


def seconds_to_emit() -> float:
    """Measure elaboration and emission at 128 lanes."""
    from ..rtl.emit import emit

    subject = network()
    with TemporaryDirectory() as folder:
        began = time.perf_counter()
        emit(subject, Mapping.of(subject), Path(folder), name="bench")
        return time.perf_counter() - began


def main() -> None:
    """Print what each part reaches beside its goal."""
    print(f"golden run, 784-128-10, T = 8   {images_per_second():8.0f} images/s   goal: >= 5,000")
    print(f"emission at 128 lanes           {seconds_to_emit():8.1f} s          goal: < 8")


if __name__ == "__main__":
    main()
