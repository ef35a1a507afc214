"""Events of one's own, told apart by order alone: a recurrence, and delays that are learned.

python examples/events.py
spikeline cosim events.safetensors --samples 50
"""

from pathlib import Path

import numpy as np

from spikeline import quant as q

STEPS, CHANNELS, CLASSES = 24, 8, 4
random = np.random.default_rng(1)
orders = [random.permutation(CHANNELS) for _ in range(CLASSES)]


def recordings(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Make n recordings: counts (n, steps, channels), and in whose order the channels fire."""
    y = random.integers(0, CLASSES, n)
    x = random.poisson(0.02, (n, STEPS, CHANNELS))
    at = 2 * np.arange(CHANNELS) + random.integers(0, 3, (n, CHANNELS))
    for sample, label in enumerate(y):
        x[sample, at[sample], orders[label]] += 2
    return x.clip(0, 3).astype(np.uint8), y


folder = Path("events")
folder.mkdir(exist_ok=True)
for split, n in (("train", 800), ("test", 200)):
    x, y = recordings(n)
    np.savez_compressed(folder / f"{split}.npz", x=x, y=y)

net = q.Graph(steps=STEPS, inputs=CHANNELS, coding=q.Counts(3))
a = net.layer(q.DelayedLinear(24, max_delay=14), q.LIF(leak=1 / 2, norm=True), net.input)
b = net.layer(q.Linear(24), q.LIF(leak=3 / 4, recurrent=q.DelayedLinear(max_delay=4)), a)
network = net.output(q.Linear(CLASSES, bits=6), q.LI(leak=7 / 8), b, readout="max-membrane")

train = np.load(folder / "train.npz")
how = q.Training(epochs=20, batch_size=32, learning_rate=5e-3, logit_scale=0.5)
trained = q.fit(network, train["x"], train["y"], how, seed=1)
trained.save("events.safetensors", data="own", folder=folder)
print(f"{trained.best:.1%} of the held-out recordings right, in epoch {trained.epoch}")
