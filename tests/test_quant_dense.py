"""Trainable weights: what the forward multiplies by is what is exported."""

from math import sqrt

import numpy as np
import pytest
import torch

from spikeline.model.errors import InputError
from spikeline.quant.synapses.dense import Dense


def make(**options: object) -> Dense:
    """Make weights from a fixed seed."""
    torch.manual_seed(3)
    return Dense(50, 12, steps=4, **{"bits": 4, **options})  # type: ignore[arg-type]


@pytest.mark.parametrize("bits", range(2, 17))
@pytest.mark.parametrize("standardise", ["row", "layer", "none"])
def test_forward_is_the_export(bits: int, standardise: str) -> None:
    """Weights are whole numbers within their width, equal in forward and export."""
    dense = make(bits=bits, standardise=standardise)
    w, exported = dense.integers().detach().numpy(), dense.export()
    assert np.array_equal(w, exported.weights) and exported.bits == bits
    assert abs(exported.weights.astype(int)).max() <= 2 ** (bits - 1) - 1
    s = torch.randint(0, 2, (5, 50))
    assert np.array_equal(
        dense(s.float()).detach().numpy(), s.numpy() @ exported.weights.astype(int).T
    )


@pytest.mark.parametrize("steps", [1, 4, 16])
def test_initialisation_is_that_of_ettfs(steps: int) -> None:
    """Weights start uniform in +-sqrt(3T/N), so that their variance is T/N."""
    torch.manual_seed(0)
    w = Dense(400, 100, 4, steps).weight.detach()
    assert w.abs().max() <= sqrt(3 * steps / 400) < w.abs().max() * 1.001
    assert w.var().item() == pytest.approx(steps / 400, rel=0.02)


def test_rows_are_standardised() -> None:
    """Scaling and moving a row changes nothing; a layer's rows keep their proportions."""
    dense, layer = make(bits=8), make(bits=8, standardise="layer")
    before, together = dense.export().weights, layer.export().weights
    with torch.no_grad():
        dense.weight[3] = dense.weight[3] * 8 + 2
        layer.weight *= 8
    assert np.allclose(dense.export().weights, before, atol=1)
    assert np.allclose(layer.export().weights, together, atol=1)
    with torch.no_grad():
        layer.weight[3] *= 2
    assert (
        abs(layer.export().weights[3].astype(int)).sum() > 1.5 * abs(together[3].astype(int)).sum()
    )
    deviation = before.astype(float).std(axis=1)
    assert deviation == pytest.approx(127 / 2.6, rel=0.02)


def test_gain_is_folded_into_the_weights() -> None:
    """A row's gain scales its integers, a negative one flips them; nothing is left over."""
    dense = make(bits=8, standardise="row")
    before = dense.export().weights.astype(int)
    with torch.no_grad():
        dense.gain[2], dense.gain[5] = -1.0, 0.5  # type: ignore[index]
    after = dense.export().weights.astype(int)
    assert np.array_equal(after[2], -before[2])
    assert abs(after[5] * 2 - before[5]).max() <= 1
    assert np.array_equal(np.delete(after, [2, 5], 0), np.delete(before, [2, 5], 0))


def test_unused_inputs_have_no_weights() -> None:
    """Weights of inputs that never fire are zero and have no part in the standardisation."""
    used = np.arange(50) % 3 > 0
    dense = make(connected=used)
    before = dense.export().weights
    assert not before[:, ~used].any() and before[:, used].any(axis=0).all()
    with torch.no_grad():
        dense.weight[:, ~used] = 100
    assert np.array_equal(dense.export().weights, before)


def test_gradient_passes_the_rounding() -> None:
    """Every used weight and every gain gets a gradient."""
    dense = make()
    (dense(torch.rand(7, 50)) ** 2).sum().backward()
    assert dense.weight.grad is not None and (dense.weight.grad != 0).float().mean() > 0.9
    assert dense.gain is not None and dense.gain.grad is not None and (dense.gain.grad != 0).all()


def test_options_are_refused() -> None:
    """Widths and kinds that do not exist are refused."""
    with pytest.raises(InputError) as error:
        make(bits=17)
    assert str(error.value) == "Dense bits must be in 2..16, not 17"
    with pytest.raises(InputError) as error:
        make(standardise="column")
    assert str(error.value) == "Dense standardise must be one of row, layer, none, not 'column'"
