"""``spikeline plan``: what it lists, what it picks, and what it says of it."""

import json
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from spikeline.flow.report.pictures import BLUE
from spikeline.model.network import Network
from spikeline.model.store import save
from spikeline.plan.mapping import Mapping

Spikeline = Callable[..., tuple[int, str, str]]
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def file(tiny: Network, tmp_path: Path) -> Path:
    """A network file in the folder the command runs in."""
    path = tmp_path / "tiny.safetensors"
    save(tiny, path)
    return path


def test_plan_lists_layouts_and_picks_one(spikeline: Spikeline, file: Path, tiny: Network) -> None:
    """The fastest of those that fit; its options are taken by the commands that build it."""
    words = ("plan", file, "--dataset", "digits", "--json")
    code, out, err = spikeline(*words, "-")
    assert code == 0 and "golden run of tiny" in err
    free = json.loads(out)
    assert (free["network"], free["target"], free["samples"]) == ("tiny", "ecp5", 8)
    assert (free["budget_lut"], free["pick"], free["data"]) == (None, 0, "digits")
    layouts = free["layouts"]
    assert [x["interval"] for x in layouts] == sorted(x["interval"] for x in layouts)
    for one in layouts:
        beaten = [
            x["interval"] <= one["interval"] and x["lut"] <= one["lut"]
            for x in layouts
            if (x["interval"], x["lut"]) != (one["interval"], one["lut"])
        ]
        assert one["front"] != any(beaten)
        assert Mapping.of(tiny, lanes=one["lanes"], delay=one["delay"], taps=one["taps"])
    budget = layouts[-1]["lut"]
    code, out, _ = spikeline(*words, "-", "--budget-lut", budget)
    tight = json.loads(out)
    fits = [n for n, one in enumerate(tight["layouts"]) if one["lut"] <= budget]
    assert (code, tight["layouts"], tight["pick"]) == (0, layouts, fits[0])
    code, _, _ = spikeline("verilog", file, *layouts[fits[0]]["options"].split())
    assert code == 0


def test_plan_says_how_far_its_estimates_were_off(spikeline: Spikeline, file: Path) -> None:
    """The table has a mark on the front, an arrow at the pick, the error, and the options."""
    code, out, _ = spikeline("plan", file, "--dataset", "digits", "--samples", 2)
    lines = out.splitlines()
    assert (code, lines[0]) == (0, "tiny on ecp5, 2 samples")
    assert lines[1].split() == ["layout", "latency", "interval", "lut", "ff", "bram", "front"]
    (arrow,) = [line for line in lines if line.startswith("->")]
    assert arrow == lines[2] and arrow.endswith("*    ")
    assert "% (BRAM) of what Yosys gave, of" in lines[-2]
    assert lines[-1] == "the pick: --lanes 6,10"


def test_budget_that_nothing_fits_is_refused(spikeline: Spikeline, file: Path) -> None:
    """The sentence names the smallest layout."""
    words = ("plan", file, "--dataset", "digits")
    least = min(json.loads(spikeline(*words, "--json", "-")[1])["layouts"], key=lambda x: x["lut"])
    code, out, err = spikeline(*words, "--budget-lut", 10)
    sentence = (
        f"spikeline: Budget must be {least['lut']} LUT or more, which the smallest layout takes"
        f" ({least['options']}), not 10"
    )
    assert (code, out, err.splitlines()[-1]) == (2, "", sentence)


def test_picture_marks_the_front_and_the_pick(
    spikeline: Spikeline, file: Path, tmp_path: Path
) -> None:
    """Every layout has a point with its options; the front's have a colour, the pick a ring."""
    words = ("plan", file, "--dataset", "digits", "--samples", 2)
    told = json.loads(spikeline(*words, "--json", "-")[1])
    code, out, _ = spikeline(*words, "--out", tmp_path / "drawn")
    picture = tmp_path / "drawn" / "layouts.svg"
    assert (code, out.splitlines()[-1]) == (0, str(picture))
    svg = ElementTree.parse(picture).getroot()
    groups = {g.get("id"): g for g in svg.iter(f"{SVG}g") if g.get("id")}
    assert sum(name.startswith("layout-") for name in groups) == len(told["layouts"])

    def place(name: str) -> tuple[str | None, str | None]:
        use = next(groups[name].iter(f"{SVG}use"))
        return use.get("x"), use.get("y")

    for n, one in enumerate(told["layouts"]):
        group = groups[f"layout-{n}"]
        said = f"{one['options']}: {one['interval']:,g} cycles, {one['lut']:,} LUT"
        assert group.findtext(f"{SVG}title") == said
        drawn = ElementTree.tostring(group, "unicode")
        assert (BLUE in drawn) == one["front"]
        same = (one["interval"], one["lut"]) == tuple(
            told["layouts"][told["pick"]][key] for key in ("interval", "lut")
        )
        assert (place(f"layout-{n}") == place("pick")) == same
    assert {one["front"] for one in told["layouts"]} == {True, False}
    code, _, err = spikeline(*words, "--out", file)
    assert (code, err.splitlines()[-1]) == (
        2,
        f"spikeline: Output {file} must be a folder, not a file",
    )
