"""The Verilog in any state of power-up, and in a simulator that knows four states."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from spikeline.cosim import simulator
from spikeline.cosim.play import play
from spikeline.cosim.vectors import vectors
from spikeline.model.codings.counts import Counts
from spikeline.model.network import Connection, Layer, Network
from spikeline.model.neurons.neuron import Neuron
from spikeline.model.readouts import readout
from spikeline.model.synapses.causal import Causal
from spikeline.model.synapses.conv import Conv
from spikeline.model.synapses.dense import Dense
from spikeline.model.synapses.local import Local
from spikeline.model.synapses.spaced import Spaced
from spikeline.plan.cycles import predict
from spikeline.plan.mapping import Mapping
from spikeline.rtl.emit import emit

from . import icarus
from .builders import delayed_chain, random_chain, random_images, recurrent_chain
from .groups import each


def counts(shape: tuple[int, ...]) -> np.ndarray:
    """Draw event counts."""
    return np.random.default_rng(4).poisson(0.5, shape)


def over_map(synapses: Local) -> Network:
    """Make a network of neurons that fire once behind synapses over a map of 3 x 4 x 5."""
    rng, after = np.random.default_rng(6), synapses.after
    cells = Neuron(
        np.zeros(after.channels, int),
        rng.integers(4, 12, after.channels),
        once=True,
        places=after.places,
    )
    out = Dense(rng.integers(-3, 8, (3, after.size)), 4)
    layers = {
        "map": Layer((Connection(("input",), synapses),), cells),
        "out": Layer((Connection(("map",), out),), Neuron(np.zeros(3, int), np.full(3, 9))),
    }
    return Network(3, {"input": 60}, Counts(7), layers, readout("spike-count"))


def convolved() -> Network:
    """Make a network whose sweeps skip what no event reached."""
    weights = np.random.default_rng(7).integers(-4, 8, (2, 3, 3, 3))
    return over_map(Conv(weights, 4, (3, 4, 5), padding=(1, 1)))


def spacings() -> Network:
    """Make a network of taps at places of their own, some beside the map."""
    rng = np.random.default_rng(8)
    offsets = rng.integers(0, 3, (3, 6, 1, 2))
    offsets[0] = 0
    weights = rng.integers(-4, 8, (6, 1, 2))
    return over_map(Spaced(weights, offsets, 4, (1, 3, 3), (3, 4, 5), padding=(1, 1), groups=3))


def causal() -> Network:
    """Make a network whose kernel sees the steps before."""
    weights = np.random.default_rng(7).integers(-4, 8, (2, 3, 2, 3, 3))
    return over_map(Causal(weights, 4, (3, 4, 5), padding=(1, 1)))


def late() -> Network:
    """Make a network of taps with delays of their own, some beside the map."""
    rng = np.random.default_rng(8)
    offsets = rng.integers(0, 3, (3, 6, 1, 2))
    weights = rng.integers(-4, 8, (6, 1, 2))
    return over_map(Spaced(weights, offsets, 4, (3, 3, 3), (3, 4, 5), padding=(1, 1), groups=3))


def cases() -> dict[str, tuple[Network, Mapping, np.ndarray]]:
    """Make a small network of every engine and of every source."""
    dense, delayed = random_chain(1, (9, 7, 4)), delayed_chain(3)
    loops = recurrent_chain(8, (6, 9, 4))
    maps, spaced, causes, delays = convolved(), spacings(), causal(), late()
    leaky = random_chain(5, (9, 7, 4), 3, "spike-count", {"leak": (7, 3), "reset": "subtract"})
    return {
        "causal": (causes, Mapping.of(causes), counts((4, 3, 60))),
        "dense": (dense, Mapping.of(dense), random_images(2, 6, 9)),
        "pixels": (dense, Mapping.of(dense, None, None, 4), random_images(2, 6, 9)),
        "loops": (loops, Mapping.of(loops, (4, 4), None, 0, "wheel"), counts((5, 7, 6))),
        "folds": (dense, Mapping.of(dense, (3, 2)), random_images(2, 6, 9)),
        "leaky-folds": (leaky, Mapping.of(leaky, (4, 2)), random_images(2, 6, 9)),
        "line": (delayed, Mapping.of(delayed, (8, 3, 2), None, 0, "line"), counts((5, 7, 9))),
        "late": (delays, Mapping.of(delays), counts((4, 3, 60))),
        "maps": (maps, Mapping.of(maps, taps="row"), counts((4, 3, 60))),
        "spaced": (spaced, Mapping.of(spaced), counts((4, 3, 60))),
        "wheel": (delayed, Mapping.of(delayed, (8, 3, 2), None, 0, "wheel"), counts((5, 7, 9))),
    }


CASES = cases()
each_case = each("case", CASES, quick=4)


def written(case: str, folder: Path, *, bare: bool = False) -> list[Path]:
    """Write Verilog and vectors; bare: without what registers and memories hold at power-up."""
    net, mapping, x = CASES[case]
    run = net.run(x, record=True)
    made = emit(net, mapping, folder, name="net")
    vectors(made, run, x, predict(net, mapping, run))
    if bare:
        text = made.sources[0].read_text()
        initial = re.compile(r"^\s*reg .*=|^ *initial begin", re.MULTILINE)
        assert initial.search(text) and not initial.search(icarus.stripped(text))
        made.sources[0].write_text(icarus.stripped(text))
    return [folder / "harness.sv", *made.sources]


@each_case
def test_power_up_does_not_matter(case, tmp_path):
    """Whatever registers and memories hold at first: after a cycle of reset all is right."""
    sources = written(case, tmp_path, bare=True)
    built = tmp_path / "built"
    simulator.build(sources, "harness", built, flags=("--x-initial", "unique"))
    for seed in (1, 2, 3):
        words = ["+isolated=1", "+verilator+rand+reset+2", f"+verilator+seed+{seed}"]
        found = play(built, tmp_path, "isolated", words)
        assert (found["mismatches"], found["first"]) == (0, None)
        assert found["samples"] == len(CASES[case][2])


@icarus.needs_icarus
@pytest.mark.parametrize("standard", icarus.STANDARDS)
@each_case
def test_icarus_computes_the_same(case, standard, tmp_path):
    """In Icarus too, by either standard: every spike, membrane, decision and cycle."""
    found = icarus.play(tmp_path, written(case, tmp_path), standard, "+isolated=1")
    assert (found["mismatches"], found["first"]) == (0, None)
    assert found["samples"] == len(CASES[case][2])


@icarus.needs_icarus
@each_case
def test_unknown_states_reach_nothing(case, tmp_path):
    """Power-up unknown, tdata unknown between beats, samples cut short by tlast: all is right."""
    sources = written(case, tmp_path, bare=True)
    cut_ends(tmp_path)
    found = icarus.play(tmp_path, sources, "2012", "+stall=5", "+x=1")
    assert (found["mismatches"], found["first"]) == (0, None)
    assert found["samples"] == len(CASES[case][2])


def cut_ends(folder: Path) -> None:
    """Let the samples of events end with their last event, or first tick: ticks are added."""
    told = json.loads((folder / "description.json").read_text())["s_axis"]
    if "beat" not in told:
        return
    size, tick = told["tdata_bits"] // 8 + 1, told["beat"]["tick"]["lsb"]
    beats = (folder / "stimuli.bin").read_bytes()
    records = [beats[n : n + size] for n in range(0, len(beats), size)]
    kept, sample = [], []
    for record in records:
        sample.append(record)
        if record[0]:
            while len(sample) > 1 and int.from_bytes(sample[-1][1:]) >> tick & 1:
                sample.pop()
            kept += [*sample[:-1], b"\1" + sample[-1][1:]]
            sample = []
    assert len(kept) < len(records)
    (folder / "stimuli.bin").write_bytes(b"".join(kept))
