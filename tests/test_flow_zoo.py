"""The shipped networks are what their list says."""

import json
from pathlib import Path

import pytest
from pytest import MonkeyPatch

from spikeline.flow.data.data import load
from spikeline.flow.zoo import zoo
from spikeline.flow.zoo.zoo import FOLDER, index, resolve
from spikeline.model.errors import InputError
from spikeline.model.network import Network
from spikeline.model.store import content_hash, save

NAMES = sorted(index())


def test_every_shipped_file_is_listed_once() -> None:
    """The folder holds the files of the list and nothing else."""
    files = [entry["file"] for entry in index().values()]
    assert sorted(files) == sorted(path.name for path in FOLDER.glob("*.safetensors"))


@pytest.mark.parametrize("name", NAMES)
def test_entry_tells_the_truth(name: str) -> None:
    """Hash, shape, steps and readout are those of the file; the command trains that recipe."""
    entry, named = index()[name], resolve(name)
    assert named.hash == entry["hash"]
    assert named.data == entry["data"]
    assert named.network.shape == entry["shape"]
    assert named.network.steps == entry["steps"]
    assert named.network.readout.kind == entry["readout"]
    assert entry["command"].startswith(f"spikeline train {name} ")


@pytest.mark.parametrize("name", ["digits-ttfs", "digits-cnn", "digits-spoken"])
def test_accuracy_is_as_listed(name: str) -> None:
    """The listed accuracy is that of the shipped file on what nothing was chosen on."""
    entry, named = index()[name], resolve(name)
    assert named.data is not None
    data = load(named.data, "test").cut(named.network.steps)
    right = float((named.network.run(data.x).decision.label == data.y).mean())
    assert entry["samples"] == len(data.y)
    assert entry["accuracy"] == pytest.approx(right, abs=5e-5)


def test_file_of_a_shipped_network_is_known_by_its_hash() -> None:
    """A copy of a shipped network, given as a file, finds its data set."""
    for name in NAMES:
        assert resolve(str(FOLDER / index()[name]["file"])).data == index()[name]["data"]


def test_file_of_another_network_has_no_data_set(tiny: Network, tmp_path: Path) -> None:
    """The data set of a file that is not of the zoo is not guessed from its inputs."""
    save(tiny, tmp_path / "tiny")
    assert resolve(str(tmp_path / "tiny")).data is None
    assert resolve(str(tmp_path / "tiny"), "digits").data == "digits"


def test_scale_is_read_beside_the_network(tiny: Network, tmp_path: Path) -> None:
    """The scale of regression is what training told of this very network; it must be a number."""
    file, beside = tmp_path / "tiny.safetensors", tmp_path / "tiny.training.json"
    save(tiny, file)
    assert resolve(str(file)).scale is None
    told = {"hash": content_hash(tiny), "scale": 12.5}
    beside.write_text(json.dumps(told))
    assert resolve(str(file)).scale == resolve(str(file), "own").scale == 12.5
    beside.write_text(json.dumps(told | {"hash": "another"}))
    assert resolve(str(file)).scale is None
    for wrong in (0, -2, "12", True, float("nan"), [1]):
        beside.write_text(json.dumps(told | {"scale": wrong}))
        with pytest.raises(InputError) as error:
            resolve(str(file))
        assert str(error.value) == f"{beside}: scale must be a number above 0, not {wrong!r}"


def test_changed_file_of_the_zoo_is_refused(tmp_path: Path, monkeypatch: MonkeyPatch) -> None:
    """A shipped file of other integers than were shipped is not taken for the network."""
    name = NAMES[0]
    file = index()[name]["file"]
    other = next(e["file"] for n, e in index().items() if n != name)
    (tmp_path / "zoo.json").write_text((FOLDER / "zoo.json").read_text())
    (tmp_path / file).write_bytes((FOLDER / other).read_bytes())
    monkeypatch.setattr(zoo, "FOLDER", tmp_path)
    with pytest.raises(InputError) as error:
        resolve(name)
    digest = index()[name]["hash"]
    assert str(error.value) == f"{tmp_path / file} must be as it shipped, of hash {digest}"
