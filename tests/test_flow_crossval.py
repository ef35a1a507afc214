"""Cross-validation: each recording is tested once, by a network that never saw it."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spikeline.flow.data.spoken import recordings
from spikeline.flow.experiments.crossval import PARTS, Source, cross_validate, dealt, summary
from spikeline.model.errors import InputError
from spikeline.model.store import content_hash, load
from spikeline.quant import recipes
from spikeline.quant.architecture import ConnectionSpec
from spikeline.quant.loop import Trained, train
from spikeline.quant.recipes import Recipe
from spikeline.quant.synapses.delayed import DelayedLinear
from spikeline.quant.synapses.dense import Linear


def test_parts_test_what_they_say() -> None:
    """Five folds of 600 and six voices of 500 cover all 3,000; the official split tests 300."""
    all_of_them = recordings()
    sizes = {
        part: [int((of(all_of_them) == fold).sum()) for fold in tested]
        for part, (of, tested) in PARTS.items()
    }
    assert sizes == {"stratified": [600] * 5, "speakers": [500] * 6, "official": [300]}


def test_summary_by_hand() -> None:
    """90, 92, 94 % against 86, 90, 88 %: 4, 2, 6 points less, 4 on average, error 2 / sqrt 3."""
    runs = [
        {"recipe": name, "accuracy": x}
        for name, share in (("a", (0.90, 0.92, 0.94)), ("b", (0.86, 0.90, 0.88)))
        for x in share
    ]
    a, b = summary(runs)
    assert a == {"recipe": "a", "runs": 3, "percent": 92, "spread": 2, "less": 0, "error": 0}
    assert b == {"recipe": "b", "runs": 3, "percent": 88, "spread": 2, "less": 4, "error": 1.15}


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Make "short" a recipe: one layer of 8, an epoch, and what is given."""

    def make(**changes: Any) -> None:
        recipe = recipes.recipe("digits-spoken")
        hidden, _, last = recipe.architecture.layers
        delays = DelayedLinear(8, bits=8, max_delay=4)
        hidden = replace(hidden, connections=(ConnectionSpec("input", delays),))
        last = replace(last, connections=(ConnectionSpec("layer0", Linear(bits=8, out=10)),))
        of = replace(recipe.architecture, steps=46, layers=(hidden, last))
        how = replace(recipe.training, epochs=1, **changes)
        monkeypatch.setitem(
            recipes.RECIPES,
            "short",
            replace(recipe, name="short", architecture=of, training=how),
        )

    make()
    return make


def test_what_was_done_is_kept(tmp_path: Path, short: Callable[..., None]) -> None:
    """A fold is trained once, and again where its recipe has changed or a file is damaged."""

    def accuracy() -> float:
        (result,) = cross_validate(["short"], "official", [1], tmp_path, jobs=1)
        assert result == json.loads(file.read_text())
        assert result["samples"] == 300
        assert content_hash(load(file.with_suffix(".safetensors"))) == result["hash"]
        return result["accuracy"]

    file = tmp_path / "short-official0-1.json"
    first = accuracy()
    told = json.loads(file.read_text())
    mark = json.dumps({**told, "accuracy": 0.5})
    file.write_text(mark)
    assert accuracy() == 0.5
    for damaged in ("", "[]", mark[:-9], json.dumps({**told, "identity": "another"})):
        file.write_text(damaged)
        assert accuracy() == first
    file.write_text(mark)
    file.with_suffix(".safetensors").write_bytes(b"")
    assert accuracy() == first
    file.write_text(mark)
    short(learning_rate=0.5)
    assert accuracy() != 0.5


def test_the_fold_is_not_trained_on(
    tmp_path: Path, short: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Training gets all recordings but the fold's, and the network is tested on those."""

    def keep(recipe: Recipe, x: np.ndarray, y: np.ndarray, **_: object) -> Trained:
        given.append((x, y))
        return train(recipe, x, y, seed=1)

    given: list[tuple[np.ndarray, np.ndarray]] = []
    monkeypatch.setattr("spikeline.quant.loop.train", keep)
    (result,) = cross_validate(["short"], "official", [1], tmp_path, jobs=1)
    spoken = recordings()
    fold = PARTS["official"][0](spoken) == 0
    ((x, y),) = given
    assert np.array_equal(x, spoken.x[~fold]) and np.array_equal(y, spoken.y[~fold])
    label = load(tmp_path / "short-official0-1.safetensors").run(spoken.x[fold]).decision.label
    assert result["accuracy"] == (label == spoken.y[fold]).mean()


@pytest.mark.parametrize(
    ("names", "part", "seeds", "message"),
    [
        (
            ["digits-spoken"],
            "half",
            [1],
            "Part must be one of stratified, speakers, official for spoken, not 'half'",
        ),
        (
            ["digits-ttfs"],
            "speakers",
            [1],
            "Part must be one of stratified, official for digits, not 'speakers'",
        ),
        (
            ["mnist-ttfs", "digits-ttfs", "mnist-lif"],
            "stratified",
            [1],
            "Recipes must be for one data set, not for digits and mnist",
        ),
        (["digits-spoken"] * 2, "stratified", [1], "Recipes must differ from each other"),
        (["digits-spoken"], "stratified", [1, 2, 1], "Seeds must differ from each other"),
    ],
)
def test_wrong_names_are_refused(
    names: list[str], part: str, seeds: list[int], message: str, tmp_path: Path
) -> None:
    """An unknown part, recipes for other data, and one training asked for twice are refused."""
    with pytest.raises(InputError) as refused:
        cross_validate(names, part, seeds, tmp_path)
    assert str(refused.value) == message
    assert not any(tmp_path.iterdir())


def test_folds_are_equal_in_size_and_classes() -> None:
    """Of 103 samples of 4 classes, however many each has, folds differ by at most one."""
    y = np.repeat([0, 1, 2, 5], [50, 3, 29, 21])
    fold = dealt(y, 5)
    assert sorted(np.bincount(fold)) == [20, 20, 21, 21, 21]
    for label in np.unique(y):
        shares = np.bincount(fold[y == label], minlength=5)
        assert shares.max() - shares.min() <= 1
    assert np.array_equal(fold, dealt(y, 5))
    # The samples of a class are shuffled, not dealt in their order.
    assert not np.array_equal(fold[:50], np.resize(fold[:5], 50))


BITS = "y must be labels below 65536, as a result has 16 bits for them"
AXES = "(samples, steps, ...) for mine, which takes counts"
OWN = """
from spikeline.model.codings.counts import Counts
from spikeline.model.readouts.max_membrane import MaxMembrane
from spikeline.quant.network import chain
from spikeline.quant.neurons.neuron import Neuron
from spikeline.quant.synapses.dense import Dense
from spikeline.quant.training import Training


def network():
    return chain(5, 32, Counts(3), [(Dense(32, 3, 4, 5), Neuron(3))], MaxMembrane())


def training():
    return Training(loss="maximum", epochs=1, batch_size=8)
"""


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a Python file, and counts of 6 and 4 steps of 2 x 4 x 4 in data/."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(OWN)
    (tmp_path / "data").mkdir()
    random = np.random.default_rng(1)
    for split, count, steps in (("train", 23, 6), ("test", 9, 4)):
        x = random.integers(0, 3, (count, steps, 2, 4, 4), np.uint8)
        np.savez(tmp_path / "data" / f"{split}.npz", x=x, y=np.arange(count) % 3)
    return tmp_path


def test_own_samples_are_cross_validated(
    spikeline: Callable[..., tuple[int, str, str]], mine: Path
) -> None:
    """A Python file goes through the folds of train.npz, whatever axes it has, or test.npz."""
    words = ("crossval", "mine.py", "--data", "data", "--jobs", 1, "--json", "-")
    code, out, err = spikeline(*words)
    assert code == 0, err
    found = json.loads(out)
    assert (found["data"], found["part"], found["recipes"][0]["runs"]) == ("own", "stratified", 5)
    assert sorted(run["samples"] for run in found["runs"]) == [4, 4, 5, 5, 5]
    x, y = (np.load("data/train.npz")[name] for name in "xy")
    for run in found["runs"]:
        test = dealt(y, 5) == run["fold"]
        network = load(Path(f"out/crossval/mine-stratified{run['fold']}-1.safetensors"))
        label = network.run(x[test].reshape(-1, 6, 32)[:, :5]).decision.label
        assert run["accuracy"] == (label == y[test]).mean()
    code, out, err = spikeline(*words, "--part", "official")
    assert code == 0, err
    assert [run["samples"] for run in json.loads(out)["runs"]] == [9]
    code, _, err = spikeline(*words, "--part", "speakers")
    told = "Part must be one of stratified, official for own, not 'speakers'"
    assert (code, err) == (2, f"spikeline: {told}\n")


def test_what_was_tested_before_goes_by_the_data(mine: Path) -> None:
    """Other test samples are tested anew."""

    def accuracy(part: str) -> float:
        (result, *_) = cross_validate(["mine.py"], part, [1], mine, source=source, jobs=1)
        return result["accuracy"]

    source = Source("own", mine / "data")
    first = accuracy("official")
    file = mine / "mine-official0-1.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "accuracy": 7}))
    assert accuracy("official") == 7
    x, y = (np.load(mine / "data" / "test.npz")[name] for name in "xy")
    np.savez(mine / "data" / "test.npz", x=x, y=(y + 1) % 3)
    assert accuracy("official") != 7 and first <= 1


@pytest.mark.parametrize(
    ("x", "y", "sentence"),
    [
        (
            np.ones((9, 5, 32)),
            np.arange(9),
            "Labels must be below 3, as the network has as many classes, not 8",
        ),
        (
            np.ones((9, 5, 32)),
            np.arange(9) + 70_000,
            f"data/train.npz: {BITS}, not 70008",
        ),
        (
            np.ones((9, 5, 2, 17)),
            np.arange(9) % 3,
            "Samples must have 32 values for mine, not 34 as those of own",
        ),
        (
            np.ones((9, 32)),
            np.arange(9) % 3,
            f"Samples must have the shape {AXES}, not (9, 32) as those of own",
        ),
        (
            np.ones((9, 5, 32)),
            np.ones((9, 3)),
            "Answers must be labels, as the network gives a class, not targets",
        ),
        (
            np.ones((4, 5, 32)),
            np.arange(4) % 3,
            "Samples must number at least 5, one for each fold, not 4",
        ),
    ],
    ids=["classes", "bits", "inputs", "axes", "targets", "few"],
)
def test_own_samples_that_do_not_fit_are_refused(
    spikeline: Callable[..., tuple[int, str, str]],
    mine: Path,
    x: np.ndarray,
    y: np.ndarray,
    sentence: str,
) -> None:
    """What the network cannot take or give is told in one sentence, before anything is trained."""
    np.savez(mine / "data" / "train.npz", x=x, y=y)
    code, out, err = spikeline("crossval", "mine.py", "--data", "data")
    assert (code, out, err) == (2, "", f"spikeline: {sentence}\n")
    assert not (mine / "out").exists()


def test_network_without_classes_is_refused(mine: Path) -> None:
    """What gives no class has no accuracy."""
    text = OWN.replace("import MaxMembrane", "import Membranes as MaxMembrane")
    (mine / "mine.py").write_text(text.replace("max_membrane", "membranes"))
    with pytest.raises(
        InputError, match=r"^Network of mine.py must give a class for cross-validation$"
    ):
        cross_validate(["mine.py"], "stratified", [1], mine / "out")
