"""Cross-validation: each recording is tested once, by a network that never saw it."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from spikeline.flow.folds import PARTS, cross_validate, summary
from spikeline.flow.spoken import recordings
from spikeline.model.refuse import Refused
from spikeline.model.store import content_hash, load
from spikeline.quant import recipes


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
    assert a == {"recipe": "a", "runs": 3, "accuracy": 92, "spread": 2, "less": 0, "error": 0}
    assert b == {"recipe": "b", "runs": 3, "accuracy": 88, "spread": 2, "less": 4, "error": 1.15}


def test_what_was_done_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fold is trained once: its network and its result lie in the folder and are taken again."""
    short = replace(
        recipes.recipe("digits-spoken"), name="short", shape=(40, 8, 10), bits=(8, 8), epochs=1
    )
    short = replace(short, windows=(5, 1), steps=46)
    monkeypatch.setitem(recipes.RECIPES, "short", short)
    (result,) = cross_validate(["short"], "official", [1], tmp_path, jobs=1)
    file = tmp_path / "short-official0-1"
    assert result["samples"] == 300
    assert content_hash(load(file.with_suffix(".safetensors"))) == result["hash"]
    told = json.loads(file.with_suffix(".json").read_text())
    assert told == result
    file.with_suffix(".json").write_text(json.dumps({**told, "accuracy": 0.5}))
    (again,) = cross_validate(["short"], "official", [1], tmp_path, jobs=1)
    assert again["accuracy"] == 0.5


@pytest.mark.parametrize(
    ("names", "part", "message"),
    [
        (["digits-spoken"], "half", "Part must be one of folds, speakers, official, not 'half'"),
        (["mnist-ttfs"], "folds", "Recipe must be one for spoken, not mnist-ttfs"),
    ],
)
def test_wrong_names_are_refused(names: list[str], part: str, message: str, tmp_path: Path) -> None:
    """An unknown part, and a recipe for other data, are refused."""
    with pytest.raises(Refused) as refused:
        cross_validate(names, part, [1], tmp_path)
    assert str(refused.value) == message
    assert not any(tmp_path.iterdir())
