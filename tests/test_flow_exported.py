"""Folders of exports: one export each, nothing of an earlier one, nothing foreign lost."""

from collections.abc import Callable
from pathlib import Path

import pytest

from spikeline.cosim.export import LEFT
from spikeline.flow.cli import exported
from spikeline.model.network import Network
from spikeline.model.store import save

Spikeline = Callable[..., tuple[int, str, str]]
BENCH = ("--bench", 2, "--dataset", "digits")


@pytest.fixture
def file(tiny: Network, tmp_path: Path) -> Path:
    """A network file in the folder the command runs in."""
    path = tmp_path / "tiny.safetensors"
    save(tiny, path)
    return path


def held(folder: str) -> dict[str, bytes]:
    """Read every file of a folder."""
    return {path.name: path.read_bytes() for path in Path(folder).iterdir() if path.is_file()}


def refusal(name: str) -> str:
    """What is told of a file that is in the way."""
    return (
        f"spikeline: Output out/{name} must be free, or as an export of spikeline left it;"
        " remove it, or give another folder by --out\n"
    )


def test_export_leaves_nothing_of_an_earlier_one(spikeline: Spikeline, file: Path) -> None:
    """After a bench, other lanes, another name or inline weights, a folder is as a new one.

    What pytest and make left goes with the bench; what is foreign stays.
    """
    assert spikeline("verilog", file, "--name", "first", *BENCH, "--out", "out")[0] == 0
    assert {"first.v", "first_layer0.hex", "bench.py", "Makefile"} <= held("out").keys()
    for name in LEFT:
        path = Path("out") / name.replace("*", "icarus")
        path.mkdir() if name.startswith(("sim_", "__")) else path.touch()
    assert Path("out/isolated.json").exists() and Path("out/sim_make_icarus").is_dir()
    Path("out/notes.txt").write_text("mine")
    again = ("--name", "second", "--inline", "--lanes", "3,5")
    for out in ("out", "new"):
        assert spikeline("verilog", file, *again, "--out", out)[0] == 0
    assert held("out") == {**held("new"), "notes.txt": b"mine"}
    assert not any(path.is_dir() for path in Path("out").iterdir())


def test_results_beside_an_export_without_a_bench_stay(spikeline: Spikeline, file: Path) -> None:
    """Where no bench was exported, files that are called like its results are foreign."""
    assert spikeline("verilog", file, "--out", "out")[0] == 0
    Path("out/results.xml").write_text("mine")
    assert spikeline("verilog", file, "--lanes", "3,5", "--out", "out")[0] == 0
    assert held("out")["results.xml"] == b"mine"


@pytest.mark.parametrize("listed", [False, True])
def test_foreign_or_changed_file_is_refused(spikeline: Spikeline, file: Path, listed: bool) -> None:
    """A file in the way that no export wrote, or that was changed since, and all else, stays."""
    if listed:
        spikeline("verilog", file, *BENCH, "--out", "out")
    Path("out").mkdir(exist_ok=True)
    Path("out/Makefile").write_text("mine:")
    before = held("out")
    words = ("--lanes", "3,5") if listed else BENCH  # changed: not even what is not needed
    code, out, err = spikeline("verilog", file, *words, "--out", "out")
    assert (code, out, err) == (2, "", refusal("Makefile"))
    assert held("out") == before


def test_export_that_was_stopped_while_files_moved_is_gone_on_with(
    spikeline: Spikeline, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files of the earlier and of the later export side by side are both spikeline's."""
    spikeline("verilog", file, "--name", "net", "--out", "out")
    moved = []

    def stop(source: Path, target: Path) -> None:
        if moved:
            raise KeyboardInterrupt
        moved.append(target)
        source.rename(target)

    with monkeypatch.context() as patch:
        patch.setattr("shutil.move", stop)
        words = ("--name", "net", "--lanes", "3,5")
        assert spikeline("verilog", file, *words, "--out", "out")[0] == 130
    assert moved
    for out in ("out", "new"):
        words = ("--name", "net", "--lanes", "2,2")
        assert spikeline("verilog", file, *words, "--out", out)[0] == 0
    assert held("out") == held("new")


@pytest.mark.parametrize(
    "text", ["", "[]", '{"files": 3}', '{"files": {"../tiny.safetensors": 3}}']
)
def test_damaged_list_is_none(spikeline: Spikeline, file: Path, text: str) -> None:
    """Files that a damaged list names are foreign, and nothing outside the folder is touched."""
    before = file.read_bytes()
    spikeline("verilog", file, "--name", "net", "--out", "out")
    Path("out", exported.LIST).write_text(text)
    code, _, err = spikeline("verilog", file, "--name", "net", "--lanes", "3,5", "--out", "out")
    assert (code, err) == (2, refusal("description.json"))
    assert file.read_bytes() == before


@pytest.mark.parametrize("words", ["cosim --dataset digits --samples 1", "synth --target ice40"])
def test_other_files_are_not_written_over_an_export(
    spikeline: Spikeline, file: Path, words: str
) -> None:
    """Commands that write Verilog for themselves leave an export alone."""
    spikeline("verilog", file, "--out", "out")
    before = held("out")
    command, *rest = words.split()
    code, _, err = spikeline(command, file, *rest, "--out", "out")
    sentence = "Folder out must be another than that of an export by spikeline verilog; give it by"
    assert (code, err) == (2, f"spikeline: {sentence} --out\n")
    assert held("out") == before
