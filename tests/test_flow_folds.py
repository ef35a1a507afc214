"""Cross-validation: each recording is tested once, by a network that never saw it."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spikeline.flow.data.spoken import recordings
from spikeline.flow.experiments.folds import PARTS, cross_validate, summary
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
        part: [int((of(all_of_them) == fold).sum()) for fold in folds]
        for part, (of, folds) in PARTS.items()
    }
    assert sizes == {"folds": [600] * 5, "speakers": [500] * 6, "official": [300]}


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
            "Part must be one of folds, speakers, official, not 'half'",
        ),
        (["mnist-ttfs"], "folds", [1], "Recipe must be one for spoken, not mnist-ttfs"),
        (["digits-spoken"] * 2, "folds", [1], "Recipes must differ from each other"),
        (["digits-spoken"], "folds", [1, 2, 1], "Seeds must differ from each other"),
    ],
)
def test_wrong_names_are_refused(
    names: list[str], part: str, seeds: list[int], message: str, tmp_path: Path
) -> None:
    """An unknown part, a recipe for other data, and one training asked for twice are refused."""
    with pytest.raises(InputError) as refused:
        cross_validate(names, part, seeds, tmp_path)
    assert str(refused.value) == message
    assert not any(tmp_path.iterdir())
