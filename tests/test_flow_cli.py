"""The command line: what it writes, and what it refuses, word for word."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from safetensors.numpy import save as foreign_bytes

from spikeline.flow.cli import cosim, demo, evaluate, exported, report, shared, verilog
from spikeline.flow.synth import tools
from spikeline.model.network import Network
from spikeline.model.store import cache_folder, content_hash, save, to_bytes

from .builders import with_delays

Spikeline = Callable[..., tuple[int, str, str]]
COMMANDS = ("train", "eval", "plan", "verilog", "cosim", "synth", "report", "zoo", "demo")


@pytest.fixture
def file(tiny: Network, tmp_path: Path) -> Path:
    """A network file in the folder the command runs in."""
    path = tmp_path / "tiny.safetensors"
    save(tiny, path)
    return path


def files(folder: Path) -> set[str]:
    """List every file below a folder."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("command", COMMANDS)
def test_help_shows_an_example(spikeline: Spikeline, command: str) -> None:
    """The help of every command has an example of it."""
    code, out, err = spikeline(command, "--help")
    assert (code, err) == (0, "")
    assert f"    spikeline {command}" in out.partition("Example:")[2]


def test_alone_it_prints_its_help(spikeline: Spikeline) -> None:
    """Without words the command line shows its commands."""
    code, out, err = spikeline()
    assert (code, err) == (0, "")
    assert all(f"\n  {command} " in out for command in COMMANDS)


def test_json_to_stdout_is_all_there_is(spikeline: Spikeline, file: Path) -> None:
    """With --json - standard output is JSON and nothing else."""
    code, out, _ = spikeline("eval", file, "--dataset", "digits", "--samples", 5, "--json", "-")
    result = json.loads(out)
    assert code == 0
    assert {"network", "hash", "samples", "accuracy"} <= set(result)
    assert (result["network"], result["samples"]) == ("tiny", 5)


def test_json_file_holds_what_stdout_would(spikeline: Spikeline, file: Path) -> None:
    """With --json FILE the file holds the JSON and standard output the words."""
    _, wanted, _ = spikeline("eval", file, "--dataset", "digits", "--samples", 5, "--json", "-")
    code, out, _ = spikeline(
        "eval", file, "--dataset", "digits", "--samples", 5, "--json", "deep/er.json"
    )
    assert code == 0
    assert out.startswith("tiny: ")
    assert Path("deep/er.json").read_text() == wanted


def test_hash_is_that_of_the_file(spikeline: Spikeline, file: Path, tiny: Network) -> None:
    """The hash in every result is the network's content hash."""
    _, out, _ = spikeline("eval", file, "--dataset", "digits", "--samples", 1, "--json", "-")
    assert json.loads(out)["hash"] == content_hash(tiny)


def test_verilog_is_written_whole_and_alike(spikeline: Spikeline, file: Path) -> None:
    """Two runs write the same files with the same bytes, and nothing beside them."""
    for out in ("a", "b"):
        code, _, _ = spikeline("verilog", file, "--lanes", "3,5", "--out", out)
        assert code == 0
    names = files(Path("a"))
    assert names == files(Path("b"))
    assert any(name.endswith(".v") for name in names)
    assert any(name.endswith(".json") for name in names)
    for name in names:
        assert Path("a", name).read_bytes() == Path("b", name).read_bytes()


def test_networks_of_other_names_share_nothing(spikeline: Spikeline, file: Path) -> None:
    """With --name, every module and weight file of a network is called after it."""
    found = {}
    for name in ("first", "_2"):
        words = ("--name", name, "--out", name, "--json", "-")
        code, out, _ = spikeline("verilog", file, *words)
        assert (code, json.loads(out)["top"]) == (0, name)
        text = Path(name, f"{name}.v").read_text()
        modules = re.findall(r"^module (\S+)", text, re.M)
        read = re.findall(r'\$readmemh\("(.+)"', text)
        listed = {"description.json", exported.LIST}
        assert read and files(Path(name)) == {*read, f"{name}.v", *listed}
        assert all(word.lstrip("\\").startswith(name) for word in (*modules, *read))
        found[name] = {*modules, *read}
    assert not found["first"] & found["_2"]


def test_files_of_the_same_name_share_nothing(spikeline: Spikeline, tiny: Network) -> None:
    """Without --name a network is called after its file and its hash."""
    tops = set()
    for steps in (4, 5):
        network = replace(tiny, steps=steps)
        file = Path(str(steps)) / "mine.safetensors"
        file.parent.mkdir()
        save(network, file)
        _, out, _ = spikeline("verilog", file, "--json", "-", "--out", f"{steps}/rtl")
        assert json.loads(out)["top"] == f"mine_{content_hash(network)[:8]}"
        tops.add(json.loads(out)["top"])
    assert len(tops) == 2


@pytest.mark.parametrize("name", ["2nd", "my-net", "../up", ""])
def test_name_that_no_module_can_have_is_refused(
    spikeline: Spikeline, file: Path, name: str
) -> None:
    """A name is not changed into another one."""
    code, out, err = spikeline("verilog", file, "--name", name)
    sentence = f"Name must be a letter or _, then letters, digits and _, not {name!r}"
    assert (code, out, err) == (2, "", f"spikeline: {sentence}\n")
    assert files(Path()) == {"tiny.safetensors"}


def test_emission_that_fails_leaves_nothing(
    spikeline: Spikeline, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk in the middle of emission: one sentence, and the folder stays as it was."""

    def half(named: object, mapping: object, folder: Path, **_: object) -> None:
        (folder / "half.v").write_text("module")
        raise OSError(28, "No space left on device", str(folder / "rest.v"))

    monkeypatch.setattr(verilog, "emit", half)
    code, out, err = spikeline("verilog", file, "--out", "here")
    assert (code, out) == (2, "")
    assert err.startswith("spikeline: here/.spikeline-")
    assert err.endswith("/rest.v cannot be used: No space left on device\n")
    assert files(Path("here")) == set()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_ctrl_c_is_130(
    spikeline: Spikeline, file: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    """Ctrl-C, kill and a terminal that closes end a command with code 130 and no traceback."""

    def stop(*_: object) -> None:
        os.kill(os.getpid(), number)
        time.sleep(9)

    monkeypatch.setattr(evaluate, "evaluate", stop)
    # As in a program that is started at a terminal, wherever the tests run.
    usual = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
    before = signal.signal(number, usual)
    try:
        code, out, err = spikeline("eval", file, "--dataset", "digits")
    finally:
        signal.signal(number, before)
    assert (code, out, err.strip()) == (130, "", "spikeline: Stopped.")


def test_nohup_is_heeded(spikeline: Spikeline, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that was started to outlive its terminal goes on as that closes."""
    monkeypatch.setattr(
        evaluate, "evaluate", lambda *_: os.kill(os.getpid(), signal.SIGHUP) or 1 / 0
    )
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with pytest.raises(ZeroDivisionError):
            spikeline("eval", file, "--dataset", "digits")
    finally:
        signal.signal(signal.SIGHUP, before)


def test_hardware_left_half_built_is_not_listed(file: Path) -> None:
    """Stopped in the middle of building Verilog, a command says that alone."""
    words = (
        "import sys",
        "from amaranth.hdl import Fragment, Module",
        "from spikeline.flow.cli import main, verilog",
        "def stop(*_, **__):",
        "    Fragment.get(Module(), None)",
        "    half = Module()",
        "    raise KeyboardInterrupt",
        "verilog.emit = stop",
        "sys.exit(main.main(['verilog', sys.argv[1], '--out', 'never']))",
    )
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(words), file],
        capture_output=True,
        text=True,
        cwd=file.parent,
    )
    assert (done.returncode, done.stdout, done.stderr.strip()) == (130, "", "spikeline: Stopped.")


def test_broken_network_files_are_refused(spikeline: Spikeline, tiny: Network) -> None:
    """Truncated, foreign and of another version: each has its sentence."""
    good = to_bytes(tiny)
    Path("cut.safetensors").write_bytes(good[:-9])
    Path("text.safetensors").write_text("hello")
    Path("empty.safetensors").write_bytes(b"")
    Path("other.safetensors").write_bytes(foreign_bytes({}, {"made-by": "another"}))
    Path("new.safetensors").write_bytes(good.replace(b'\\"version\\":3', b'\\"version\\":7'))
    whole = "must be a whole network file, not a truncated or foreign one"
    for name, sentence in (
        ("cut", f" {whole}"),
        ("text", f" {whole}"),
        ("empty", f" {whole}"),
        ("other", " must be a spikeline network file; it holds no spikeline description"),
        ("new", ": Version must be 2 or 3, not 7"),
    ):
        code, out, err = spikeline("eval", f"{name}.safetensors")
        assert (code, out, err) == (2, "", f"spikeline: {name}.safetensors{sentence}\n")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("fly", "No such command 'fly' (see spikeline --help)"),
        ("eval", "Missing argument 'NETWORK' (see spikeline eval --help)"),
        (
            "eval tiny.safetensors --samples 0",
            "Invalid value for '--samples': 0 is not in the range x>=1 (see spikeline eval --help)",
        ),
        (
            "eval tiny.safetensors --dataset digits --split half",
            "Split must be one of train, test, not 'half'",
        ),
        *(
            (
                f"{command} tiny.safetensors{words}",
                (
                    "Data set must be given by --dataset, as tiny.safetensors is not of the zoo"
                    " and no folder of one known data set is given"
                ),
            )
            for command in ("eval", "cosim", "report", "verilog --bench 2")
            for words in ("", " --data void", " --data nowhere")
        ),
        (
            "eval tiny.safetensors --dataset cats",
            (
                "Data set must be one of digits, mnist, fashion-mnist, spoken, shd, ssc, gsc,"
                " nmnist, random, own, not 'cats'"
            ),
        ),
        (
            "eval tiny.safetensors --dataset mnist --data nowhere",
            "Data folder nowhere must exist",
        ),
        (
            "eval tiny.safetensors --dataset mnist --data void",
            (
                "Data folder void must hold t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte,"
                " plain or .gz, or mnist.npz"
            ),
        ),
        *(
            (
                f"eval tiny.safetensors --dataset {name} --data void",
                f"Data folder void must hold {what}",
            )
            for name, what in (
                ("spoken", "fsdd.npz; without a folder the events that ship are taken"),
                ("shd", "shd_test.h5, plain, .gz or .zip"),
                ("gsc", "validation_list.txt and testing_list.txt"),
            )
        ),
        (
            "verilog tiny.safetensors --lanes 0,10 --out new",
            "Lanes of layer layer0 must be in 1..6, its neurons, not 0",
        ),
        (
            "verilog tiny.safetensors --lanes 6 --out new",
            "Lanes must be given for each of the 2 layers, not for 1",
        ),
        (
            "verilog tiny.safetensors --lanes 6,x --out new",
            (
                "Invalid value for '--lanes': Lanes must be whole numbers separated by commas,"
                " one per layer, not '6,x' (see spikeline verilog --help)"
            ),
        ),
        (
            "verilog tiny.safetensors --lanes 6,10 --sweep 4,10 --out new",
            "Sweep width of layer layer0 must divide its 6 lanes, not 4",
        ),
        (
            "cosim tiny.safetensors --dataset digits --stalls many --out new",
            "Stalls must be none or random, not 'many'",
        ),
        (
            "synth tiny.safetensors --target asic --out new",
            "Target must be one of ice40, ecp5, xilinx, not 'asic'",
        ),
        (
            "synth tiny.safetensors --target xilinx --pnr --out new",
            "Target must be ice40 or ecp5 to place and route, not 'xilinx'",
        ),
        (
            "report tiny.safetensors --dataset digits --target asic --out new",
            "Target must be one of ice40, ecp5, xilinx, not 'asic'",
        ),
        ("demo --target asic --out new", "Target must be one of ice40, ecp5, xilinx, not 'asic'"),
        (
            "train nothing --out new/it",
            (
                "Recipe must be one of digits-cnn, digits-spoken, digits-spoken-axonal,"
                " digits-spoken-fixed, digits-spoken-none, digits-ttfs, fashion-cnn, fashion-dcls,"
                " fashion-ttfs, gsc-512, mnist-cnn, mnist-lif, mnist-ttfs, nmnist-cnn, shd-256,"
                " ssc-512, not 'nothing'"
            ),
        ),
        (
            "train mnist-ttfs --data void --out new/it",
            (
                "Data folder void must hold train-images-idx3-ubyte and train-labels-idx1-ubyte,"
                " plain or .gz, or mnist.npz"
            ),
        ),
        ("verilog tiny.safetensors --out busy", "Output busy must be a folder, not a file"),
        (
            "eval tiny.safetensors --samples 1 --json busy/it.json",
            "busy cannot be used: File exists",
        ),
        ("eval tiny.safetensors --json .", "Output must be given the name of a file, not '.'"),
        ("eval tiny.safetensors --json=", "Output must be given the name of a file, not '.'"),
        ("eval tiny.safetensors --json void", "Output void must be a file, not a folder"),
        ("train digits-ttfs --out .", "Output must be given the name of a file, not '.'"),
        ("train digits-ttfs --out void", "Output void must be a file, not a folder"),
        (
            "train digits-ttfs --out it --device foo",
            "Device must be one that torch can use here, not 'foo'",
        ),
    ],
    ids=lambda value: value if " " not in value or value.count(" ") < 8 else "",
)
def test_bad_input_is_one_sentence(
    spikeline: Spikeline, file: Path, tmp_path: Path, words: str, sentence: str
) -> None:
    """What cannot be used is told in one sentence with exit code 2, and nothing is written."""
    Path("void").mkdir()
    Path("busy").write_text("a file where a folder should be")
    before = files(tmp_path)
    code, out, err = spikeline(*words.split())
    assert (code, out, err) == (2, "", f"spikeline: {sentence}\n")
    assert files(tmp_path) == before
    assert not Path("new").exists()


def test_network_that_is_neither_name_nor_file_is_refused(
    spikeline: Spikeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sentence names the networks there are."""
    from spikeline.flow.zoo import zoo

    monkeypatch.setattr(zoo, "index", lambda: {"one": {}, "two": {}})
    code, _, err = spikeline("eval", "three")
    assert (code, err) == (
        2,
        "spikeline: Network must be a file or one of one, two, shd-256, ssc-512, not 'three'\n",
    )


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_folder_without_permission_is_refused(
    spikeline: Spikeline, file: Path, tmp_path: Path
) -> None:
    """A folder that may not be written to is told in one sentence."""
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    code, _, err = spikeline("verilog", file, "--out", "locked")
    assert code == 2
    assert err.endswith("cannot be used: Permission denied\n")


def test_samples_of_another_size_are_refused(spikeline: Spikeline, file: Path) -> None:
    """A network of 64 inputs refuses images of 784 pixels."""
    import numpy as np

    Path("mine").mkdir()
    np.savez("mine/test.npz", x=np.zeros((3, 784), np.uint8), y=np.zeros(3, np.int64))
    code, _, err = spikeline("eval", file, "--dataset", "own", "--data", "mine")
    assert (code, err) == (
        2,
        "spikeline: Samples must have 64 values for tiny, not 784 as those of own\n",
    )


def test_missing_extra_is_named(spikeline: Spikeline, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without torch, training tells what to install."""
    import spikeline.quant as quant

    monkeypatch.setattr("spikeline.quant", quant)  # put back afterwards
    for name in [n for n in sys.modules if n.startswith("spikeline.quant")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "torch", None)
    code, _, err = spikeline("train", "digits-ttfs")
    assert (code, err) == (
        2,
        "spikeline: torch must be installed for this: pip install 'spikeline[train]'\n",
    )


def test_training_stopped_and_resumed_gives_the_same_network(
    spikeline: Spikeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C keeps a checkpoint; the same command goes on from it to the same hash."""
    from spikeline.quant import loop, recipes

    short = recipes.recipe("digits-ttfs")
    short = replace(short, training=replace(short.training, epochs=3))
    monkeypatch.setitem(recipes.RECIPES, "digits-ttfs", short)
    code, out, _ = spikeline("train", "digits-ttfs", "--out", "whole", "--json", "-")
    whole = json.loads(out)
    assert code == 0
    assert files(Path()) == {"whole", "whole.training.json"}

    epoch = loop._Run.train_epoch

    def stop(self: loop._Run, on_progress: object) -> None:
        if self.epoch == 2:
            raise KeyboardInterrupt
        epoch(self, on_progress)  # pyright: ignore[reportArgumentType]

    with monkeypatch.context() as patch:
        patch.setattr(loop._Run, "train_epoch", stop)
        code, _, err = spikeline("train", "digits-ttfs", "--out", "part")
        kept = "part.digits-ttfs-1.checkpoint"
        assert code == 130
        assert f"{kept} keeps the whole epochs; the same command goes on from it\n" in err
    assert files(Path()) == {"whole", "whole.training.json", "part.digits-ttfs-1.checkpoint"}

    code, out, err = spikeline("train", "digits-ttfs", "--out", "part", "--json", "-")
    assert code == 0 and err.startswith(f"going on from {kept}\n")
    assert json.loads(out)["hash"] == whole["hash"]
    told = {"whole.training.json", "part.training.json"}
    assert files(Path()) == {"whole", "part", *told}


def test_mismatch_ends_with_1_and_tells_the_first(
    spikeline: Spikeline, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A co-simulation with mismatches exits with 1 and prints where the first one is.

    What share is right is told only where there are classes.
    """
    cycles = {"min": 1, "median": 2, "max": 3}
    result = {
        "spikes_compared": 10,
        "samples": 2,
        "mismatches": 1,
        "accuracy": 0.5,
        "cycles": cycles,
        "interval": cycles,
        "cycles_predicted_wrong": None,
    }
    run = SimpleNamespace(divergence="sample 1, layer 0, step 2, neuron 3: expected 1, was 0")
    monkeypatch.setattr(cosim, "cosim", lambda *_, **__: (result, run))
    code, out, _ = spikeline("cosim", file, "--dataset", "digits")
    assert code == 1
    assert "\n1 mismatches; 50.00% right\n" in out
    assert out.endswith("sample 1, layer 0, step 2, neuron 3: expected 1, was 0\n")

    result["accuracy"] = None
    _, out, _ = spikeline("cosim", file, "--dataset", "digits")
    assert "\n1 mismatches\n" in out


def test_zoo_lists_name_command_and_numbers(
    spikeline: Spikeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The zoo tells the numbers of each network and the command that made it."""
    from spikeline.flow.zoo import zoo

    entry = {"file": "a.safetensors", "command": "spikeline train a", "hash": "0", "accuracy": 0.5}
    monkeypatch.setattr(zoo, "index", lambda: {"a": entry})
    code, out, _ = spikeline("zoo")
    assert code == 0
    assert "a: spikeline train a" in out
    assert "0.5" in out
    assert json.loads(spikeline("zoo", "--json", "-")[1]) == {"a": entry}


@pytest.mark.parametrize(
    ("found", "code"),
    [((0, 0), 0), ((0, None), 0), ((1, 0), 1), ((0, 1), 1)],
    ids=["equal", "stalled", "a wrong value", "a wrong cycle"],
)
def test_exit_code_tells_every_difference(
    spikeline: Spikeline,
    monkeypatch: pytest.MonkeyPatch,
    found: tuple[int, int | None],
    code: int,
) -> None:
    """cosim, report and demo exit with 1 where a value or a predicted cycle is wrong; say both."""
    cycles = {"min": 1, "median": 2, "max": 3}
    result = {
        **{"spikes_compared": 10, "samples": 2, "accuracy": 0.5},
        **{"cycles": cycles, "interval": cycles, "lut": 5, "fmax_mhz": None},
        **{"mismatches": found[0], "cycles_predicted_wrong": found[1], "report": "page"},
        "delays": [{"layer": "layer0", "engine": "line"}, {"layer": "out", "engine": "wheel"}],
    }
    run, told = SimpleNamespace(divergence="sample 1"), found[1] is not None
    monkeypatch.setattr(cosim, "cosim", lambda *_, **__: (result, run))
    monkeypatch.setattr(report, "report", lambda *_, **__: {"report": "page", "cosim": result})
    monkeypatch.setattr(demo, "demo", lambda *_, **__: result)
    for words, wrong in (
        ("cosim digits-ttfs", "median back to back: 2" + "; predicted wrong: {}" * told + "\n"),
        ("cosim digits-ttfs", "\ndelays: layer0 by line, out by wheel\n"),
        ("report digits-ttfs", " {} cycles predicted wrong\npage\n"),
        ("demo", "2 cycles per digit, {} predicted wrong\n"),
    ):
        ended, out, _ = spikeline(*words.split())
        assert ended == code
        assert f"{found[0]} mismatches" in out
        assert wrong.format(found[1]) in out


def test_folder_is_for_one_co_simulation_at_a_time(spikeline: Spikeline) -> None:
    """A second one in the same folder is refused, and changes nothing there."""
    Path("shared").mkdir()
    with shared.alone(Path("shared")):
        code, out, err = spikeline("cosim", "digits-ttfs", "--samples", 1, "--out", "shared")
    sentence = "Folder shared must be used by one co-simulation at a time; give another by --out"
    assert (code, out, err) == (2, "", f"spikeline: {sentence}\n")
    assert files(Path("shared")) == {shared.LOCK}
    with shared.alone(Path("shared")):  # it is free again
        pass


@pytest.mark.parametrize("fails", [True, False])
def test_synthesis_leaves_its_log_only_where_it_is_named(
    spikeline: Spikeline, file: Path, monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    """Without --out no file stays, unless a refusal names a log among them."""
    Path("tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(Path("tmp").absolute()))
    found = tools.find
    monkeypatch.setattr(tools, "find", lambda name: ["false"] if fails else found(name))
    code, _, err = spikeline("synth", file, "--target", "ice40")
    if fails:
        log = re.search(r"\(all of it: (.+)\)$", err.strip())
        assert code == 2 and log and Path(log[1]).is_file()
    else:
        assert (code, list(Path("tmp").iterdir())) == (0, [])


@pytest.mark.parametrize(("asked", "engine"), [("line", "line"), ("auto", "wheel")])
def test_delay_engine_and_its_memory_are_told(
    spikeline: Spikeline, monkeypatch: pytest.MonkeyPatch, asked: str, engine: str
) -> None:
    """The JSON tells which engine each layer with delays has, and the bits of either."""
    save(with_delays(5, 0), Path("late"))
    cost = {"lut": 1, "ff": 2, "bram": 3, "dsp": 4}
    made = {"core": cost, "wrapper": cost, "layers": [], "parts": [], "fmax_mhz": None}
    monkeypatch.setattr("spikeline.flow.cli.synth.run", lambda *_, **__: made)
    words = ("synth", "late", "--target", "ecp5", "--lanes", "3,4", "--delay", asked)
    code, out, _ = spikeline(*words, "--json", "-")
    # By hand in test_plan_mapping.py.
    bits = {"line_bits": 5 * 3 + 3 * 4, "wheel_bits": 2 * 8 * 9}
    assert (code, json.loads(out)["delays"]) == (0, [{"layer": "layer0", "engine": engine, **bits}])


def test_layer_named_as_another_part_has_a_row_of_its_own(
    spikeline: Spikeline, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Layers called readout and core are not taken for the readout and the core."""
    cost = {"lut": 1, "ff": 2, "bram": 3, "dsp": 4}
    layers = [{"name": name, **cost} for name in ("readout", "core")]
    made = {"core": cost, "wrapper": cost, "layers": layers, "fmax_mhz": None}
    made |= {"parts": [{"name": "readout", **cost}]}
    monkeypatch.setattr("spikeline.flow.cli.synth.run", lambda *_, **__: made)
    _, out, _ = spikeline("synth", file, "--target", "ecp5")
    rows = [re.split("  +", line)[0] for line in out.splitlines()[2:]]
    assert rows == ["layer readout", "layer core", "readout", "core", "wrapper"]


def test_unknown_delay_engine_is_refused(spikeline: Spikeline) -> None:
    """An engine is line, wheel or auto."""
    code, out, err = spikeline("verilog", "digits-spoken", "--delay", "fast")
    sentence = "Delay engine of layer layer0 must be one of auto, line, wheel, not 'fast'"
    assert (code, out, err) == (2, "", f"spikeline: {sentence}\n")


def test_delay_takes_a_word_for_each_layer(spikeline: Spikeline) -> None:
    """Each layer with delays has the engine of its own word."""
    words = ("verilog", "digits-spoken", "--lanes", "2,2,1", "--out", "v", "--delay")
    assert spikeline(*words, "line,wheel,line")[0] == 0
    said = json.loads(Path("v/description.json").read_text())
    assert [layer["engine"] for layer in said["mapping"]] == ["line", "wheel", "line"]
    code, _, err = spikeline(*words, "line,wheel")
    sentence = "Delay engines must be given for each of the 3 layers, not for 2"
    assert (code, err) == (2, f"spikeline: {sentence}\n")


@pytest.mark.parametrize("command", ["train digits-ttfs", "cosim digits-ttfs", "demo"])
@pytest.mark.parametrize("seed", [-1, 2**31, 10**30])
def test_seed_out_of_range_is_refused(spikeline: Spikeline, command: str, seed: int) -> None:
    """A seed is a whole number of 31 bits."""
    code, out, err = spikeline(*command.split(), "--seed", seed)
    sentence = f"Invalid value for '--seed': {seed} is not in the range 0<=x<=2147483647"
    where = f"(see spikeline {command.split()[0]} --help)"
    assert (code, out, err) == (2, "", f"spikeline: {sentence} {where}\n")


def test_folder_of_one_data_set_needs_no_name(spikeline: Spikeline, file: Path) -> None:
    """A network file of one's own takes the data set that the folder given holds."""
    import numpy as np

    Path("mine").mkdir()
    np.savez("mine/test.npz", x=np.zeros((3, 64), np.uint8), y=np.zeros(3, np.int64))
    code, out, _ = spikeline("eval", file, "--data", "mine", "--json", "-")
    result = json.loads(out)
    assert (code, result["data"], result["samples"]) == (0, "own", 3)


@pytest.fixture
def counting(tmp_path: Path) -> Path:
    """A network file of 40 inputs that takes up to 3 events each, in 20 steps."""
    import numpy as np

    from spikeline.model.codings.counts import Counts
    from spikeline.model.network import chain
    from spikeline.model.neurons.neuron import Neuron
    from spikeline.model.readouts.final_membrane import FinalMembrane
    from spikeline.model.synapses.dense import Dense

    weights = np.random.default_rng(1).integers(-8, 8, (10, 40))
    stack = [(Dense(weights, 4), Neuron(np.zeros(10, np.int64), None))]
    path = tmp_path / "counting.safetensors"
    save(chain(20, 40, Counts(3), stack, FinalMembrane()), path)
    return path


def test_counts_are_cut_to_the_steps(spikeline: Spikeline, counting: Path) -> None:
    """A network of 20 steps takes the first 20 of 46 bins; the result names the data."""
    from spikeline.flow.data.data import load

    code, out, _ = spikeline("eval", counting, "--dataset", "spoken", "--json", "-")
    result = json.loads(out)
    assert (code, result["data"], result["samples"]) == (0, "spoken", 300)
    events = load("spoken", "test").x[:, :20]
    assert result["input_spikes"] == round(float(events.sum(axis=(1, 2)).mean()), 2)
    assert "framing" not in result


@pytest.mark.parametrize("framing", ["grid", "squeezed"])
def test_result_names_the_framing(spikeline: Spikeline, counting: Path, framing: str) -> None:
    """Frames of the Heidelberg sets are made as told, and the result tells how."""
    import h5py
    import numpy as np

    Path("mine").mkdir()
    with h5py.File("mine/shd_test.h5", "w") as file:
        for name, kind in (("times", np.float16), ("units", np.uint16)):
            file.create_dataset(f"spikes/{name}", (1,), h5py.vlen_dtype(kind))[0] = [0]
        file["labels"] = [3]
    network = _wider(counting)
    words = ("eval", network, "--data", "mine", "--framing", framing, "--json", "-")
    code, out, _ = spikeline(*words)
    result = json.loads(out)
    assert (code, result["data"], result["framing"]) == (0, "shd", framing)
    code, _, err = spikeline(*words[:-3], "loose")
    assert (code, err) == (2, "spikeline: Framing must be one of grid, squeezed, not 'loose'\n")


def _wider(path: Path) -> Path:
    """Give the network of a file 140 inputs."""
    import numpy as np

    from spikeline.model.network import chain
    from spikeline.model.store import load
    from spikeline.model.synapses.dense import Dense

    old = load(path)
    stack = [(Dense(np.ones((10, 140), np.int64), 4), old.last.neuron)]
    save(chain(old.steps, 140, old.coding, stack, old.readout), path)
    return path


def test_counts_and_pixels_are_not_mixed(spikeline: Spikeline, counting: Path, file: Path) -> None:
    """A network of pixels refuses counts, one of counts pixels, and counts of other inputs."""
    for network, data, sentence in (
        (file, "spoken", "Samples must be pixels for tiny, not counts as those of spoken"),
        (counting, "digits", "Samples must be counts for counting, not pixels as those of digits"),
        (
            _wider(counting),
            "spoken",
            "Samples must have 140 values for counting, not 40 as those of spoken",
        ),
    ):
        code, _, err = spikeline("eval", network, "--dataset", data)
        assert (code, err) == (2, f"spikeline: {sentence}\n")


def test_counts_are_trained_on(spikeline: Spikeline, monkeypatch: pytest.MonkeyPatch) -> None:
    """A recipe of counts trains on the bins of its steps, and what it makes takes them too."""
    from spikeline import quant as q
    from spikeline.quant import recipes

    layer = q.LayerSpec("only", (q.ConnectionSpec("input", q.Linear(10)),), q.LI())
    how = q.Recipe(
        name="few",
        data="spoken",
        architecture=q.Architecture(
            steps=10, inputs=40, coding=q.Counts(3), layers=(layer,), readout="final-membrane"
        ),
        training=q.Training(epochs=1),
    )
    monkeypatch.setitem(recipes.RECIPES, "few", how)
    code, out, _ = spikeline("train", "few", "--out", "few.safetensors", "--json", "-")
    assert (code, json.loads(out)["data"]) == (0, "spoken")
    code, out, _ = spikeline("eval", "few.safetensors", "--dataset", "spoken", "--json", "-")
    assert (code, json.loads(out)["samples"]) == (0, 300)


@pytest.mark.parametrize("words", ["verilog", "cosim --dataset digits --samples 1"])
@pytest.mark.parametrize("named", ["HOME", "SPIKELINE_CACHE"])
def test_cache_that_cannot_be_written_to_is_refused(
    spikeline: Spikeline, file: Path, monkeypatch: pytest.MonkeyPatch, words: str, named: str
) -> None:
    """Where no tool can keep what it compiles, a command is one sentence that says what to set."""
    _without_cache(monkeypatch, named)
    command, *rest = words.split()
    code, out, err = spikeline(command, file, *rest)
    folder = Path(os.environ[named]) / (".cache/spikeline" if named == "HOME" else "")
    assert (code, out) == (2, "")
    assert err.splitlines()[-1] == (
        f"spikeline: Cache folder {folder} must be one that can be written to;"
        " SPIKELINE_CACHE names another"
    )
    assert "Traceback" not in err


def test_synthesis_without_a_cache_is_refused_at_once(
    spikeline: Spikeline, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What synthesis could not keep is told before anything is computed."""
    _without_cache(monkeypatch, "SPIKELINE_CACHE")
    monkeypatch.setattr("shutil.which", lambda *_, **__: None)
    code, out, err = spikeline("synth", file, "--target", "ice40")
    folder = os.environ["SPIKELINE_CACHE"]
    sentence = f"Cache folder {folder} must be one that can be written to; SPIKELINE_CACHE names"
    assert (code, out, err) == (2, "", f"spikeline: {sentence} another\n")


def _without_cache(monkeypatch: pytest.MonkeyPatch, named: str) -> None:
    """Lead the cache below a file, and let Yosys be the one that comes as WebAssembly."""
    Path("file").touch()
    for name in ("XDG_CACHE_HOME", "SPIKELINE_CACHE", "YOWASP_CACHE_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(named, str(Path("file").absolute() / "below"))
    monkeypatch.setenv("AMARANTH_USE_YOSYS", "builtin")


def test_user_without_a_home_is_refused(
    spikeline: Spikeline, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no home is known, SPIKELINE_CACHE must be set."""
    for name in ("XDG_CACHE_HOME", "SPIKELINE_CACHE"):
        monkeypatch.delenv(name, raising=False)

    def nobody(user: int) -> None:
        raise KeyError(f"getpwuid(): uid not found: {user}")

    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr("pwd.getpwuid", nobody)
    code, _, err = spikeline("verilog", file)
    sentence = "Cache folder must be named by SPIKELINE_CACHE, as no home is known"
    assert (code, err) == (2, f"spikeline: {sentence}\n")


def test_every_tool_caches_where_it_is_told(
    spikeline: Spikeline, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With SPIKELINE_CACHE, Yosys of both packages needs no home."""
    kept = cache_folder()
    _without_cache(monkeypatch, "HOME")
    monkeypatch.setenv("SPIKELINE_CACHE", str(kept))
    which = shutil.which
    monkeypatch.setattr(shutil, "which", lambda name: None if name == "yosys" else which(name))
    assert spikeline("verilog", file)[0] == 0
    assert tools.version(tools.find("yosys")) != ()
    assert {"wasmtime", "yowasp"} <= {path.name for path in kept.iterdir()}
    assert "XDG_CACHE_HOME" not in os.environ


def test_matplotlib_caches_where_it_is_told(tmp_path: Path) -> None:
    """With SPIKELINE_CACHE, the pictures of a report need no home, and nothing is told of one."""
    (tmp_path / "file").touch()
    nowhere = str(tmp_path / "file" / "below")
    where = {k: v for k, v in os.environ.items() if not k.startswith(("XDG", "MPL"))}
    where |= {"HOME": nowhere, "SPIKELINE_CACHE": str(tmp_path / "cache")}
    code = "from matplotlib import font_manager; print(font_manager.fontManager.defaultFamily)"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", f"import spikeline.flow.report.pictures; {code}"],
        env=where,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0 and nowhere not in done.stderr
    (kept,) = (tmp_path / "cache").iterdir()
    assert kept.name == "matplotlib" and any(kept.glob("fontlist*.json"))
