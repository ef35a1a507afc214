"""Batch normalisation ends up in threshold, bias and the sign of a row, and in nothing else."""

import numpy as np
import torch

from spikeline.quant.neurons.neuron import Neuron
from spikeline.quant.neurons.norm import Norm


def normalised() -> Neuron:
    """Make three normalised neurons with gains 2, -1, 0.5."""
    neuron = Neuron(3, norm=True, reset="subtract", leak=(1, 0))
    neuron.adopt(10.0)
    norm = neuron.norm
    assert norm is not None
    with torch.no_grad():
        norm.gain.copy_(torch.tensor([2.0, -1.0, 0.5]))
        norm.offset.copy_(torch.tensor([0.25, 0.5, -1.0]))
        norm.mean.copy_(torch.tensor([4.0, -6.0, 2.0]))
        norm.variance.copy_(torch.tensor([400.0, 100.0, 25.0]))
    return neuron.eval()


def test_unit_is_the_deviation_before_the_first_batch() -> None:
    """Until something is seen, currents are taken to have the deviation of the connections."""
    neuron = Neuron(2, norm=True)
    neuron.adopt(7.0)
    assert neuron.norm is not None and neuron.norm.variance.tolist() == [49, 49]


def test_folding_by_hand() -> None:
    """theta = threshold d / |g|, b = offset d / |g| - sign mean, sign = the gain's.

    d = 20, 10, 5; d / |g| = 10, 10, 10; offset times that: 2.5, 5, -10; less sign * mean = 4, 6, 2:
    -1.5, -1, -12, rounded half to even (the variance's small constant tips -1.5 to -1).
    """
    golden, sign = normalised().export()
    assert sign is not None and sign.tolist() == [1, -1, 1]
    assert golden.threshold is not None and golden.threshold.tolist() == [10, 10, 10]
    assert golden.bias.tolist() == [-1, -1, -12]


def test_folded_neurons_fire_as_normalised_ones() -> None:
    """Real normalisation and its integer folding agree wherever rounding cannot matter."""
    neuron, random = normalised(), np.random.default_rng(0)
    norm = neuron.norm
    assert norm is not None
    current = torch.from_numpy(random.integers(-60, 60, (1, 500, 3))).float()
    y = norm.gain * (current - norm.mean) / norm.variance.sqrt() + norm.offset
    s, _ = neuron(current)
    clear = (y - 1).abs() > 0.2
    assert clear.float().mean() > 0.8
    assert torch.equal(s.bool()[clear], (y >= 1)[clear])


def test_training_uses_the_batch_and_recomputation_all() -> None:
    """While training the statistics are the batch's; recomputed, the mean over all batches."""
    norm = Norm(2)
    first = torch.tensor([[[1.0, 10.0], [3.0, 30.0]]])
    _, f, mean = norm(first)
    assert mean.tolist() == [2, 20] and torch.allclose(f, torch.tensor([1.0, 10.0]), rtol=1e-3)
    assert torch.allclose(norm.mean, 0.1 * torch.tensor([2.0, 20.0]))
    norm.eval()
    norm.restart()
    norm.recomputing = True
    norm(first)
    norm(first + 4)
    norm.recomputing = False
    assert torch.allclose(norm.mean, torch.tensor([4.0, 22.0]))
    assert torch.equal(norm(first)[2], norm.mean.detach())
