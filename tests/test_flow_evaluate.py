"""Evaluation counts what the golden model says."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import mean_squared_error, r2_score

from spikeline.flow.experiments.evaluate import errors, evaluate
from spikeline.model.codings.latency import Latency
from spikeline.model.errors import InputError
from spikeline.model.network import Network, chain
from spikeline.model.neurons.neuron import Neuron
from spikeline.model.readouts.final_membrane import FinalMembrane
from spikeline.model.readouts.first_spike import FirstSpike
from spikeline.model.readouts.max_membrane import MaxMembrane
from spikeline.model.readouts.membranes import Membranes
from spikeline.model.readouts.protocol import Decision
from spikeline.model.readouts.spikes import Spikes
from spikeline.model.synapses.dense import Dense


def hand() -> Network:
    """Two inputs, two classes, four steps of 64 grey values each (the floor is 0 but for black)."""
    dense = Dense(np.array([[3, 0], [0, 2]]), 4)
    neuron = Neuron(np.array([0, 0]), np.array([3, 2]), once=True)
    return chain(4, 2, Latency(1), [(dense, neuron)], FirstSpike())


def test_numbers_worked_by_hand() -> None:
    """Three samples, worked by hand.

    t = (255 - p) * 4 // 255: pixel 255 fires at 0, 128 at 1, 64 at 2, 0 never.
    (255, 128): class 0 fires at step 0: label 0. Final membranes 3 and 2: 0.
    (64, 128): class 1 fires at step 1, class 0 at step 2: label 1. Final membranes 3 and 2: 0.
    (0, 0): none fires: final membranes 0 and 0, lowest index, step 3: label 0.
    """
    x = np.array([[255, 128], [64, 128], [0, 0]], np.uint8)
    result = evaluate(hand(), x, np.array([0, 1, 1]))
    assert result["samples"] == 3
    assert result["accuracy"] == 2 / 3
    assert result["readouts"]["first-spike"] == 2 / 3
    assert result["readouts"]["final-membrane"] == 1 / 3
    assert result["early_exit"] == {
        "same": 3,
        "mean_step": round((0 + 1 + 3) / 3, 4),
        "mean_steps_used": round((1 + 2 + 4) / 3, 4),
        "used": round((1 + 2 + 4) / 12, 4),
        "final_membrane": 1 / 3,
        "loss": round(1 / 3 - 2 / 3, 6),
    }
    assert result["input_spikes"] == round(4 / 3, 2)
    assert result["hidden_spikes"] == 0


def test_hidden_spikes_are_those_of_the_golden_run(tiny: Network) -> None:
    """Hidden spikes per sample are the golden counts; up to the decision there are no more."""
    x = np.random.default_rng(2).integers(0, 256, (40, 64)).astype(np.uint8)
    run = tiny.run(x, record=True)
    result = evaluate(tiny, x, run.decision.label)
    until = np.arange(4)[:, None] <= run.decision.step
    assert result["accuracy"] == 1
    assert result["hidden_spikes"] == round(float(run.counts["layer0"].mean()), 2)
    decided = (run.spikes["layer0"].sum(axis=2) * until).sum(axis=0).mean()
    assert result["hidden_spikes_decided"] == round(float(decided), 2)


def test_decision_that_looks_ahead_is_counted(
    tiny: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A readout that uses steps after its decision is not the same as the full run."""
    x = np.random.default_rng(3).integers(0, 256, (60, 64)).astype(np.uint8)

    def cheat(self: FirstSpike, s: np.ndarray, h: np.ndarray) -> Decision:
        return Decision(h[-1].argmax(axis=1), np.zeros(h.shape[1], int), h[-1])

    monkeypatch.setattr(FirstSpike, "decide", cheat)
    assert evaluate(tiny, x, np.zeros(60, int))["early_exit"]["same"] < 60


def test_output_without_threshold_has_no_spike_readouts(tiny: Network) -> None:
    """Where the last layer never fires, only readouts of membranes are reported."""
    silent = replace(tiny.last, neuron=Neuron(tiny.last.neuron.bias, None))
    layers = {**tiny.layers, tiny.output: silent}
    network = replace(tiny, layers=layers, readout=FinalMembrane())
    result = evaluate(network, np.zeros((1, 64), np.uint8), np.zeros(1, int))
    assert set(result["readouts"]) == {"weighted-sum", "max-membrane", "final-membrane"}


def test_no_samples_are_refused(tiny: Network) -> None:
    """There must be a sample."""
    with pytest.raises(InputError, match=r"^Samples must number at least one, not 0$"):
        evaluate(tiny, np.zeros((0, 64), np.uint8), np.zeros(0, int))


def test_network_without_classes_has_spikes(tiny: Network) -> None:
    """What gives no class has no accuracy; its spikes are counted as those of any other."""
    x = np.random.default_rng(4).integers(0, 256, (30, 64)).astype(np.uint8)
    wanted = evaluate(tiny, x, np.zeros(30, int))
    for readout in (Spikes(), Membranes()):
        result = evaluate(replace(tiny, readout=readout), x, np.zeros(30, int))
        assert (result["accuracy"], result["readouts"], result["early_exit"]) == (None, {}, None)
        for counted in ("input_spikes", "hidden_spikes"):
            assert result[counted] == wanted[counted]
        assert "mse" not in result and "outputs" not in result


def test_errors_are_those_of_another_library(tiny: Network) -> None:
    """Error and R2 of each output, and their means, are those that scikit-learn gives."""
    network = replace(tiny, readout=Membranes())
    random = np.random.default_rng(5)
    x = random.integers(0, 256, (700, 64)).astype(np.uint8)
    given = network.run(x, record=True).membranes[network.output][-1]
    y = given / 12.5 + random.normal(0, 0.3, given.shape)
    result = evaluate(network, x, y, scale=12.5)
    mse = mean_squared_error(y, given / 12.5, multioutput="raw_values")
    r2 = r2_score(y, given / 12.5, multioutput="raw_values")
    assert result["scale"] == 12.5
    assert [o["mse"] for o in result["outputs"]] == pytest.approx(np.atleast_1d(mse).tolist())
    assert [o["r2"] for o in result["outputs"]] == pytest.approx(np.atleast_1d(r2).tolist())
    assert result["mse"] == pytest.approx(np.mean(mse)) and result["r2"] == pytest.approx(
        np.mean(r2)
    )
    assert 0.05 < result["mse"] < 0.12 and 0.5 < result["r2"] < 1


def test_errors_by_hand() -> None:
    """Targets 1, 3 and predictions 1, 2: (0 + 1) / 2, of a variance of 1; a constant has none."""
    found = errors(np.array([[1.0, 5], [2, 7]]), np.array([[1.0, 5], [3, 5]]))
    assert found == {
        "mse": 1.25,
        "r2": 0.5,
        "outputs": [{"mse": 0.5, "r2": 0.5}, {"mse": 2, "r2": None}],
    }
    assert errors(np.zeros((1, 1)), np.ones((1, 1)))["r2"] is None


@pytest.mark.parametrize(
    ("y", "scale", "sentence"),
    [
        (
            np.zeros((2, 10)),
            None,
            "Scale must be given (--scale X) for targets: the integer output for a target of 1",
        ),
        (np.zeros((2, 10)), 0, "Scale must be a number above 0, not 0"),
        (np.zeros((2, 10)), -1.5, "Scale must be a number above 0, not -1.5"),
        (np.zeros((2, 10)), np.inf, "Scale must be a number above 0, not inf"),
        (np.zeros((2, 10)), np.nan, "Scale must be a number above 0, not nan"),
        (np.zeros((2, 10)), "2", "Scale must be a number above 0, not '2'"),
        (np.zeros((2, 10)), True, "Scale must be a number above 0, not True"),
        (
            np.zeros((2, 9)),
            2,
            "Targets must number 10 per sample, one for each neuron of the output, not 9",
        ),
        (np.zeros((3, 10)), 2, "y must hold 2 targets, one per sample, not 3"),
        (np.full((2, 10), np.nan), 2, "y must be finite targets, not nan"),
    ],
)
def test_targets_are_checked(tiny: Network, y: np.ndarray, scale: Any, sentence: str) -> None:
    """Targets without a scale, and of another number than samples or outputs, are refused."""
    with pytest.raises(InputError) as error:
        evaluate(replace(tiny, readout=Membranes()), np.zeros((2, 64), np.uint8), y, scale=scale)
    assert str(error.value) == sentence


@pytest.mark.parametrize(
    ("y", "sentence"),
    [
        (
            np.zeros((2, 10)),
            "Answers must be labels, as the network gives a class, not targets",
        ),
        (np.array([3, 10]), "Labels must be below 10, as the network has as many classes, not 10"),
        (
            np.array([3, 65536]),
            "y must be labels below 65536, as a result has 16 bits for them, not 65536",
        ),
        (np.array([0, 1, 2]), "y must hold 2 labels, one per sample, not 3"),
    ],
)
def test_labels_are_checked(tiny: Network, y: np.ndarray, sentence: str) -> None:
    """What the network cannot decide for is refused."""
    with pytest.raises(InputError) as error:
        evaluate(tiny, np.zeros((2, 64), np.uint8), y)
    assert str(error.value) == sentence


def test_readout_that_waits_has_no_early_exit(tiny: Network) -> None:
    """Where only the last step decides, nothing is said of deciding early."""
    result = evaluate(
        replace(tiny, readout=MaxMembrane()), np.zeros((1, 64), np.uint8), np.zeros(1, int)
    )
    assert result["early_exit"] is None
