"""Handwritten digits by a training loop of one's own: DataLoader, optimiser and loss of torch.

python examples/own_loop.py
spikeline cosim own_loop.safetensors --samples 100
"""

import torch
from torch.utils.data import DataLoader, TensorDataset

from spikeline import quant as q
from spikeline.flow.data.data import load

torch.manual_seed(1)
digits = load("digits", "train")
x, y = torch.from_numpy(digits.x), torch.from_numpy(digits.y)
learned, held_out = TensorDataset(x[200:], y[200:]), (x[:200], y[:200])

net = q.Sequential(
    q.Linear(64),
    q.TTFS(),
    q.Linear(10),
    q.TTFS(),
    inputs=64,
    steps=4,
    coding=q.Latency(floor=16),
    readout="first-spike",
)
# What goes by the epoch, and at last the threshold at which the first spike decides.
schedule = q.Schedule(net, q.Training(epochs=20, learning_rate=5e-3))
optimizer = torch.optim.Adam(schedule.parameters())
rates = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 20)

for epoch in range(20):
    schedule.begin(epoch)
    for images, labels in DataLoader(learned, batch_size=32, shuffle=True):
        trace = net(images)  # .logits; .spikes and .membranes by layer
        loss = torch.nn.functional.cross_entropy(4 * trace.logits, labels)
        loss = loss + 1e-3 * trace.spikes["layer0"].sum(2).mean()  # few hidden spikes
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    rates.step()

print(f"{schedule.finish(*held_out):.1%} of the held-out digits right")
schedule.save("own_loop.safetensors", data="digits")
