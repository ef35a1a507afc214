"""A float network of torch, taken into 4-bit integers and fine-tuned.

python examples/finetune.py
spikeline cosim finetune.safetensors --samples 100
"""

import torch
from torch import nn

from spikeline import quant as q
from spikeline.flow.data.data import load

torch.manual_seed(1)
digits = load("digits", "train")
images, labels = torch.from_numpy(digits.x) / 255, torch.from_numpy(digits.y)

# Any network whose matrices are those of the layers: here one with ReLU.
floats = nn.Sequential(nn.Linear(64, 96), nn.ReLU(), nn.Linear(96, 10, bias=False))
optimizer = torch.optim.Adam(floats.parameters(), 1e-3)
for _ in range(60):
    for chosen in torch.randperm(len(images)).split(32):
        optimizer.zero_grad()
        nn.functional.cross_entropy(floats(images[chosen]), labels[chosen]).backward()
        optimizer.step()

net = q.Sequential(
    q.Linear(96, bits=4),
    q.TTFS(bias=True),
    q.Linear(10, bits=4),
    q.TTFS(),
    inputs=64,
    steps=4,
    coding=q.Latency(floor=16),
    readout="first-spike",
)
# Scales are chosen by layer; thresholds are set from samples, as ReLU has none.
for name, told in net.load_float(floats.state_dict(), samples=digits.x).items():
    print(f"{name}: error {told['error']:.1%}, {told['clipped']:.1%} of the weights clipped")

how = q.Training(epochs=10, batch_size=32, learning_rate=3e-3)
trained = q.fit(net, digits.x, digits.y, how, seed=1)
trained.save("finetune.safetensors", data="digits")
print(f"{trained.best:.1%} of the held-out digits right, in epoch {trained.epoch}")
