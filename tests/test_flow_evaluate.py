"""Evaluation counts what the golden model says."""

from dataclasses import replace

import numpy as np
import pytest

from spikeline.flow.experiments.evaluate import evaluate
from spikeline.model.codings.latency import Latency
from spikeline.model.errors import InputError
from spikeline.model.network import Network, chain
from spikeline.model.neurons.neuron import Neuron
from spikeline.model.readouts.final_membrane import FinalMembrane
from spikeline.model.readouts.first_spike import FirstSpike
from spikeline.model.readouts.max_membrane import MaxMembrane
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
    assert evaluate(tiny, x, np.zeros(60))["early_exit"]["same"] < 60


def test_output_without_threshold_has_no_spike_readouts(tiny: Network) -> None:
    """Where the last layer never fires, only readouts of membranes are reported."""
    silent = replace(tiny.last, neuron=Neuron(tiny.last.neuron.bias, None))
    layers = {**tiny.layers, tiny.output: silent}
    network = replace(tiny, layers=layers, readout=FinalMembrane())
    result = evaluate(network, np.zeros((1, 64), np.uint8), np.zeros(1))
    assert set(result["readouts"]) == {"weighted-sum", "max-membrane", "final-membrane"}


def test_no_samples_are_refused(tiny: Network) -> None:
    """There must be a sample."""
    with pytest.raises(InputError, match=r"^Samples must number at least one, not 0$"):
        evaluate(tiny, np.zeros((0, 64), np.uint8), np.zeros(0))


def test_network_without_classes_is_refused(tiny: Network) -> None:
    """What gives no class has no accuracy."""
    with pytest.raises(InputError, match=r"^Network readout must give a class, not spikes$"):
        evaluate(replace(tiny, readout=Spikes()), np.zeros((1, 64), np.uint8), np.zeros(1))


def test_readout_that_waits_has_no_early_exit(tiny: Network) -> None:
    """Where only the last step decides, nothing is said of deciding early."""
    result = evaluate(
        replace(tiny, readout=MaxMembrane()), np.zeros((1, 64), np.uint8), np.zeros(1)
    )
    assert result["early_exit"] is None
