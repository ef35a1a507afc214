"""Speed of the parts that have a goal, measured here and now.

Run it with ``python -m spikeline.flow.experiments.bench``.
"""

import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from ...model.codings.latency import Latency
from ...model.network import Network, chain
from ...model.neurons.neuron import Neuron
from ...model.readouts.first_spike import FirstSpike
from ...model.synapses.dense import Dense
from ...plan.mapping import Mapping

__all__ = [
    "images_per_second",
    "main",
    "network",
    "prediction_share",
    "seconds_to_emit",
    "training_speedup",
]


def network() -> Network:
    """Make a network of 784-128-10 with random 4-bit weights, T = 8."""
    random = np.random.default_rng(1)

    def layer(pre: int, post: int) -> tuple[Dense, Neuron]:
        weights = np.clip(np.rint(random.normal(0, 2.6, (post, pre))), -8, 7).astype(np.int64)
        neuron = Neuron(random.integers(-6, 7, post), random.integers(20, 45, post), once=True)
        return Dense(weights, 4), neuron

    return chain(8, 784, Latency(64), (layer(784, 128), layer(128, 10)), FirstSpike())


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
    from ...rtl.emit import emit

    subject = network()
    with TemporaryDirectory() as folder:
        began = time.perf_counter()
        emit(subject, Mapping.of(subject), Path(folder), name="bench")
        return time.perf_counter() - began


def prediction_share(samples: int = 2000) -> float:
    """Measure the prediction of all cycles as a share of the time that their simulation takes."""
    from ...cosim.build import build
    from ...cosim.play import play
    from ...cosim.vectors import vectors
    from ...plan.cycles import predict
    from ...rtl.emit import emit

    random = np.random.default_rng(2)
    images = random.integers(1, 256, (samples, 784)) * (random.random((samples, 784)) < 0.2)
    subject = network()
    mapping, run = Mapping.of(subject), subject.run(images.astype(np.uint8), record=True)
    predict(subject, mapping, run)  # compiles
    with TemporaryDirectory() as folder:
        emitted = emit(subject, mapping, Path(folder), name="bench")
        vectors(emitted, run, images.astype(np.uint8))
        simulator = build([Path(folder) / "harness.sv", *emitted.sources], "harness")
        began = time.perf_counter()
        for isolated in (1, 0):
            play(simulator, Path(folder), f"bench{isolated}", [f"+isolated={isolated}"])
        simulated = time.perf_counter()
        predict(subject, mapping, run)
        return (time.perf_counter() - simulated) / (simulated - began)


def training_speedup(batch: int = 256, rounds: int = 2) -> tuple[float, float]:
    """Measure training steps of 140-256-256-20 with 25 delays and 100 steps on all threads.

    Returns
    -------
    seconds : float
        Of one step: forward, backward.
    speedup : float
        Over the published way, which builds the dense kernel and calls conv1d; the least of
        `rounds` rounds of each, taken in turn. All else is the same.
    """
    import torch
    from torch import Tensor
    from torch.nn.functional import conv1d, cross_entropy, pad

    from ... import quant as q
    from ...quant.synapses.delayed import Delayed

    class Published(Delayed):
        def forward(self, x: Tensor) -> Tensor:
            padded = pad(x.permute(1, 2, 0), (self.window - 1, 0))
            return conv1d(padded, self.kernel().flip(2)).permute(2, 0, 1)

    random = np.random.default_rng(3)
    x = torch.from_numpy((random.random((batch, 100, 140)) < 0.3).astype(np.uint8))
    y = torch.from_numpy(random.integers(0, 20, batch))
    torch.manual_seed(1)
    hidden = q.DelayedLinear(256, bits=8, gain=False), q.LIF((5, 10), norm=True)
    subject = q.Sequential(
        *hidden,
        *hidden,
        q.DelayedLinear(20, bits=8, standardise="layer"),
        q.LI(),
        inputs=140,
        steps=100,
        coding=q.Counts(3),
        readout="final-membrane",
    ).train()

    def step() -> float:
        began = time.perf_counter()
        h = subject(x).output.membranes.sum(0)
        cross_entropy(h * 1e-4, y).backward()
        return time.perf_counter() - began

    least = {Delayed: float("inf"), Published: float("inf")}
    for _ in range(rounds + 1):
        for kind in least:
            for synapses in subject.kernels():
                synapses.__class__ = kind
            least[kind] = min(least[kind], step())
    return least[Delayed], least[Published] / least[Delayed]


def main() -> None:
    """Print what each part reaches beside its goal."""
    print(f"golden run, 784-128-10, T = 8   {images_per_second():8.0f} images/s   goal: >= 5,000")
    print(f"emission at 128 lanes           {seconds_to_emit():8.1f} s          goal: < 8")
    print(f"predicted cycles, share of simulation {prediction_share():7.3f}      goal: <= 0.1")
    seconds, speedup = training_speedup()
    print(
        f"training step, 140-256-256-20, 25 delays, 100 steps, 256 samples: {seconds:.2f} s,"
        f" {speedup:.1f} x as fast as with the dense kernel and conv1d   goal: >= 2 x"
    )


if __name__ == "__main__":
    main()
