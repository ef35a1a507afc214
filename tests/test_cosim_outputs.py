"""Co-simulation of networks that give no class: spikes and membranes leave the chip, exactly."""

import json

import numpy as np
import pytest
from amaranth.hdl import Const

from spikeline.cosim import run
from spikeline.cosim.export import export
from spikeline.plan.mapping import Mapping
from spikeline.rtl.emit import emit
from spikeline.rtl.readouts import membranes
from spikeline.rtl.readouts.spikes import Spikes

from .builders import NEURONS, delayed_chain, random_chain, recurrent_chain
from .groups import each
from .test_cosim_export import folders, played  # noqa: F401

SAMPLES = np.random.default_rng(2).integers(0, 256, (20, 9)).astype(np.uint8)
# Of 6 neurons, at once; in folds and groups, the last of them without a neuron.
LANES = {"at-once": (None, None), "groups": ((7, 4), (7, 1))}
each_kind = pytest.mark.parametrize("kind", ["spikes", "membranes"])


def net_of(kind: str, neurons: str = "shift"):
    """Make a network of 9-7-6 whose neurons fire often."""
    return random_chain(6, (9, 7, 6), 5, kind, NEURONS[neurons])


@each_kind
@pytest.mark.parametrize("stalls", ["none", "random"])
@pytest.mark.parametrize("layout", LANES.values(), ids=LANES.keys())
def test_outputs_are_computed_exactly(tmp_path, layout, stalls, kind):
    """Every word of twenty samples, twice, and without stalls every cycle."""
    net = net_of(kind)
    mapping = Mapping.of(net, *layout)
    labels = np.zeros(20, int)
    result = run.cosim(
        net, mapping, SAMPLES, labels, name="net", stalls=stalls, seed=3, folder=tmp_path
    )
    found = result.json()
    assert (found["samples"], found["mismatches"], result.divergence) == (20, 0, None)
    assert found["cycles_predicted_wrong"] == (0 if stalls == "none" else None)
    assert found["spikes_compared"] == 2 * 20 * 5 * (7 + 6)
    assert found["accuracy"] is None


@each("kind", ["spikes", "membranes"], quick=1)
def test_outputs_of_recurrent_and_delayed_layers(tmp_path, kind):
    """Whatever the last layer is: no mismatch, every cycle as predicted."""
    x = np.random.default_rng(9).poisson(0.4, (8, 7, 9))
    loops = recurrent_chain(8, (9, 8, 4), kind)
    wheels = delayed_chain(3, kind)
    cases = ((loops, (3, 4), "line"), (wheels, (8, 3, 2), ("line", "wheel", "wheel")))
    for n, (net, lanes, delay) in enumerate(cases):
        mapping = Mapping.of(net, lanes, None, 0, delay)
        found = run.cosim(net, mapping, x, None, name="net", folder=tmp_path / str(n)).json()
        assert (found["mismatches"], found["cycles_predicted_wrong"]) == (0, 0)


def diverge(monkeypatch, tmp_path, kind, stalls):
    """Run a broken core."""
    monkeypatch.setattr(run, "record", lambda *_: "no waveforms")
    net = net_of(kind)
    return run.cosim(net, Mapping.of(net), SAMPLES, None, name="t", stalls=stalls, folder=tmp_path)


@pytest.mark.parametrize("stalls", ["none", "random"])
def test_spike_that_no_sink_waits_for_is_found(tmp_path, monkeypatch, stalls):
    """A readout that drops what the sink refuses is right until the sink refuses."""
    words = Spikes.words

    def drop(self, m, o, words_, elapsed, timed):
        words(self, m, o, words_, elapsed, timed)
        m.d.comb += o.ready.eq(1)

    monkeypatch.setattr(Spikes, "words", drop)
    result = diverge(monkeypatch, tmp_path, "spikes", stalls)
    if stalls == "none":
        assert result.divergence is None
    else:
        assert result.json()["mismatches"] > 0
        assert "of the result must be" in result.divergence


def test_wrong_membrane_is_found(tmp_path, monkeypatch):
    """A membrane that leaves the chip without its neuron's offset differs there alone."""
    right = membranes.membrane
    monkeypatch.setattr(membranes, "membrane", lambda *of: right(*of) + Const(1))
    text = diverge(monkeypatch, tmp_path, "membranes", "none").divergence
    assert text.startswith("isolated: sample 0, neuron 0: membrane of the result must be ")


@pytest.mark.slow
@each_kind
def test_description_and_exported_bench(folders, tmp_path, kind):  # noqa: F811
    """The description tells the packet, and the exported folder plays it without spikeline."""
    net = net_of(kind)
    mapping, folder = Mapping.of(net), tmp_path / "net"
    made = emit(net, mapping, folder, name="net")
    told = json.loads(made.description.read_text())["m_axis"]
    at = {"spikes": -1, "membranes": 0}[kind]
    assert (told["result"], told["timed_word"], told["cycles_word"]) == (kind, at, at)
    assert told["tdata_bits"] == 32
    if kind == "spikes":
        bits = {"neuron": {"lsb": 0, "bits": 16}, "step": {"lsb": 16, "bits": 16}}
        assert told["spike"] == bits
    else:
        assert (told["membranes"], told["membrane"]) == (6, "signed, of all bits of tdata")
    export(net, mapping, made, SAMPLES[:4])
    good = played((folder, folders[1]))
    assert "4 passed" in good.stdout, good.stdout
