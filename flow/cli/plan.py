"""``spikeline plan``: layouts of a network, their cycles and their area."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ...model.errors import InputError
from ...model.store import write_atomically
from ...plan.area import calibration
from .. import show
from ..data.data import Data
from ..zoo.zoo import Named
from .options import options
from .shared import network_and_data

if TYPE_CHECKING:  # numba loads where cycles are counted
    from ...plan.search import Found

__all__ = ["command", "draw", "plan"]

SAMPLES = 8


@click.command("plan")
@click.argument("network")
@click.option("--target", default="ecp5", show_default=True, metavar="NAME", help="ecp5.")
@click.option(
    "--budget-lut",
    type=click.IntRange(1),
    metavar="N",
    help="LUT that the core may take; else as many as the fastest layout does.",
)
@click.option(
    "--samples",
    type=click.IntRange(2),
    default=SAMPLES,
    show_default=True,
    metavar="N",
    help="Count cycles on the first N samples.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder for a picture of the layouts, layouts.svg, made if missing.",
)
@options("data", "dataset", "framing", "split", "json")
def command(
    network: str,
    target: str,
    budget_lut: int | None,
    samples: int,
    out: Path | None,
    folder: Path | None,
    dataset: str | None,
    framing: str | None,
    split: str,
    json_to: str | None,
) -> None:
    """List layouts of a network, from fast to small, and pick one.

    A layout says how many neurons of each layer work at once (--lanes), what computes delays
    (--delay), and how many taps of a convolution an event adds in a cycle (--taps). Its cycles are
    exact, medians of a few samples: the latency of a sample alone, and the interval between results
    back to back. LUT, flip-flops (FF) and block RAM of the core are estimated, in milliseconds;
    `spikeline synth` measures them. Layouts that none beats in both interval and LUT are marked *;
    the arrow points to the one of the shortest interval within the budget. --out draws them.

    \b
    Example:
      spikeline plan digits-ttfs --budget-lut 1500
      spikeline plan mnist-ttfs --data DIR --samples 50 --json -
      spikeline plan mine.safetensors --dataset own --data DIR --out plan
    """
    calibration(target)
    if out is not None:
        show.writable_folder(out)
    named, data = network_and_data(network, dataset, split, samples, folder, framing)
    result = plan(named, data, target=target, budget_lut=budget_lut)
    rows = [_row(n == result["pick"], layout) for n, layout in enumerate(result["layouts"])]
    pick, errors = result["layouts"][result["pick"]], result["error"]
    show.deliver(
        result,
        json_to,
        f"{named.name} on {target}, {result['samples']} samples",
        show.table(rows),
        f"estimates of the core have been off by at most {errors['lut']:.1f} % (LUT),"
        f" {errors['ff']:.1f} % (FF) and {errors['bram']:.1f} % (BRAM) of what Yosys gave, of"
        f" {errors['layouts']} layouts",
        f"the pick: {pick['options']}",
        *([] if out is None else [draw(result, out)]),
    )


def draw(result: dict[str, Any], out: Path) -> str:
    """Draw the layouts of a result in the folder `out`; returns the path of the picture."""
    from ..report.pictures import layouts

    text = layouts(result["layouts"], result["pick"])
    write_atomically(out / "layouts.svg", text)
    return str((out / "layouts.svg").absolute())


def plan(
    named: Named, data: Data, *, target: str = "ecp5", budget_lut: int | None = None
) -> dict[str, Any]:
    """Find layouts of a network, and pick the fastest one within a budget.

    Raises
    ------
    InputError
        If the target is not calibrated, there are fewer than two samples, or nothing fits.
    """
    from ...plan.search import Found, look, settings

    known = calibration(target)
    with show.stages() as stage:
        stage(f"golden run of {named.name}")
        run = named.network.run(data.x, record=True)
        stage(f"layouts of {named.name}")
        chosen = settings(named.network, run, target)
    found = []
    with show.progress(f"cycles of the layouts of {named.name}", len(chosen)) as advance:
        for values in chosen:
            found.append(look(named.network, run, values, target))
            advance(1)
    found.sort(key=Found.order)
    fits = [n for n, one in enumerate(found) if budget_lut is None or one.area.lut <= budget_lut]
    if not fits:
        least = min(found, key=lambda one: one.area.lut)
        raise InputError(
            f"Budget must be {least.area.lut} LUT or more, which the smallest layout takes"
            f" ({least.options}), not {budget_lut}"
        )
    return {
        "network": named.name,
        "hash": named.hash,
        "target": target,
        "budget_lut": budget_lut,
        "samples": len(data.x),
        **data.source,
        "layouts": [_told(one, found) for one in found],
        "pick": fits[0],
        "error": known["error"],
    }


def _told(one: "Found", found: "list[Found]") -> dict[str, Any]:
    """Tell a layout as JSON."""
    return {
        **{knob: list(values) for knob, values in one.settings.items()},
        "options": one.options,
        "latency": one.latency,
        "interval": one.interval,
        "lut": one.area.lut,
        "ff": one.area.ff,
        "bram": one.area.bram,
        "front": not any(other.beats(one) for other in found),
    }


def _row(picked: bool, layout: dict[str, Any]) -> dict[str, Any]:
    """Lay out a layout as a row of the table."""
    numbers = {key: layout[key] for key in ("latency", "interval", "lut", "ff", "bram")}
    words = (",".join(map(str, v)) for v in layout.values() if isinstance(v, list))
    short = " ".join(word for word in words if set(word.split(",")) != {"auto"})
    marks = {"": "->" if picked else "", "layout": short}
    return {**marks, **numbers, "front": "*" * layout["front"]}
