"""Handwritten digits by two branches whose spikes add, one of them skipping a layer.

spikeline train examples/residual.py --seed 1 --out r.safetensors
spikeline cosim r.safetensors --samples 100
"""

from spikeline import quant as q

DATA = "digits"


def network() -> q.Network:
    """input -> stem -> branch, and stem + branch -> output."""
    net = q.Graph(steps=6, inputs=64, coding=q.Latency(floor=16))
    stem = net.layer(q.Linear(64, bits=4), q.TTFS(), net.input)
    branch = net.layer(q.Linear(64, bits=4), q.TTFS(), stem)
    return net.output(q.Linear(10, bits=4), q.TTFS(), stem, branch, readout="first-spike")


def training() -> q.Training:
    """Every step counts; the decision may take 0.6 of them."""
    return q.Training(
        epochs=40,
        batch_size=64,
        learning_rate=1e-2,
        validation=0.15,
        exit_slack=0.006,
        exit_steps=0.6,
    )
