"""``spikeline demo``: digits from nothing to a report."""

from pathlib import Path
from typing import Any

import click

from .. import show
from ..data.data import load
from ..synth.synth import check
from ..synth.targets import TARGETS
from ..zoo.zoo import resolve
from .errors import differs
from .options import SEED, options
from .report import report
from .train import train
from .verilog import verilog

__all__ = ["command", "demo"]


@click.command("demo")
@click.option("--target", default="ecp5", show_default=True, metavar="NAME", help="As for synth.")
@click.option("--seed", type=SEED, default=1, show_default=True, help="Of the training.")
@click.option("--seeds", type=click.IntRange(1), default=1, show_default=True, help="Of placement.")
@options("out", "json")
def command(target: str, seed: int, seeds: int, out: Path | None, json_to: str | None) -> int:
    """Take handwritten digits from nothing to a report.

    Trains a small network, evaluates it on a third of the digits that nothing was chosen on,
    writes its Verilog, co-simulates every one of those digits, places and routes it, and ends with
    the path of one HTML page.

    \b
    Example:
      spikeline demo --out out/demo
    """
    result = demo(out or Path("out/demo"), target=target, seed=seed, seeds=seeds)
    show.deliver(
        result,
        json_to,
        f"trained: {result['accuracy']:.2%} of {result['samples']} unseen digits right",
        f"co-simulated: {result['spikes_compared']} neuron values,"
        f" {result['mismatches']} mismatches; {result['cycles']['median']} cycles per digit,"
        f" {result['cycles_predicted_wrong']} predicted wrong",
        f"placed and routed: {result['lut']} LUT, {result['fmax_mhz']} MHz on {target}"
        if result["fmax_mhz"]
        else f"synthesised: {result['lut']} LUT on {target}",
        f"report: {result['report']}",
    )
    return differs(result)


def demo(out: Path, *, target: str, seed: int, seeds: int) -> dict[str, Any]:
    """Digits from nothing to a report."""
    check(target, False, seeds)
    file = out / "digits-ttfs.safetensors"
    trained = train("digits-ttfs", seed, file, None, device="cpu", resume=True)
    named = resolve(str(file), "digits")
    data = load("digits", "test", None)
    written = verilog(named, out / "verilog")
    pnr = bool(TARGETS[target].place)
    made = report(named, data, out, target=target, pnr=pnr, seeds=seeds)
    both = {"samples", "accuracy"}
    return {
        **{k: made["eval"][k] for k in both},
        **{k: v for k, v in made["cosim"].items() if k not in both},
        **{k: made["synth"][k] for k in ("target", "lut", "ff", "bram", "dsp", "fmax_mhz")},
        "held_out": trained["held_out"],
        "verilog": written["folder"],
        "report": made["report"],
    }
