"""Handwritten digits by a chain of layers, from Python to a network file.

python examples/chain.py
spikeline cosim chain.safetensors --samples 100
"""

from spikeline import quant as q
from spikeline.flow.data.data import load

digits = load("digits", "train")  # x: pixels, uint8 (samples, 64); y: labels

net = q.Sequential(
    q.Linear(48, bits=5),
    q.LIF(leak=3 / 4, reset="subtract"),
    q.Linear(32, bits=4),
    q.IF(),
    q.Linear(10, bits=6),
    q.LI(),
    inputs=64,
    steps=8,
    coding=q.Latency(floor=16),
    readout="max-membrane",
)
how = q.Training(epochs=20, batch_size=32, learning_rate=1e-2)
trained = q.fit(net, digits.x, digits.y, how, seed=1)
trained.save("chain.safetensors", data="digits")
print(f"{trained.best:.1%} of the held-out digits right, in epoch {trained.epoch}")
