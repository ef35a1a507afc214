"""What each command does: names and numbers in, a dict of results out, files written whole."""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import Any

from ..model.codings.encode import Counts
from ..model.network import Network
from ..model.refuse import Refused
from ..model.store import content_hash, save, write_atomically
from ..plan.mapping import Mapping, delay_bits
from . import show
from .data.data import Data, guess, load
from .experiments.evaluate import evaluate as measure
from .zoo.zoo import Named, resolve, training

__all__ = [
    "cosim",
    "cross_validate",
    "demo",
    "evaluate",
    "open",
    "report",
    "resolve",
    "synth",
    "train",
    "verilog",
]


def open(
    given: str,
    data: str | None,
    split: str,
    samples: int | None,
    folder: Path | None,
    framing: str = "grid",
) -> tuple[Named, Data]:
    """Find a network and load the samples to run it on; bins beyond its steps are cut off."""
    named = resolve(given, data)
    name = named.data or guess(split, folder)
    if name is None:
        raise Refused(
            f"Data set must be given by --dataset, as {given} is not of the zoo"
            " and no folder of one known data set is given"
        )
    found, network = load(name, split, folder, framing), named.network
    if found.counted != isinstance(network.coding, Counts):
        wanted, given = ("pixels", "counts") if found.counted else ("counts", "pixels")
        raise Refused(
            f"Samples must be {wanted} for {named.name}, not {given} as those of {found.name}"
        )
    if found.x.shape[-1] != network.inputs:
        raise Refused(
            f"Samples must have {network.inputs} values for {named.name},"
            f" not {found.x.shape[-1]} as those of {found.name}"
        )
    return named, found.cut(network.steps, samples)


def train(
    name: str,
    seed: int,
    out: Path,
    folder: Path | None,
    *,
    device: str,
    resume: bool,
    framing: str = "grid",
) -> dict[str, Any]:
    """Train a recipe; write the network file and, beside it, how it was trained.

    Until then a checkpoint lies there.
    """
    from ..quant.recipes import recipe
    from ..quant.train import Progress
    from ..quant.train import train as fit

    how = recipe(name)
    data = load(how.data, "train", folder, framing).cut(how.steps)
    show.writable(out)
    checkpoint = out.with_name(f"{out.name}.{name}-{seed}.checkpoint")
    show.writable(checkpoint)
    if not resume:
        checkpoint.unlink(missing_ok=True)
    with show.progress(f"train {name}", 1000) as advance:
        done = 0

        def tick(at: Progress) -> None:
            nonlocal done
            now = 1000 * (at.epoch * at.batches + at.batch) // (at.epochs * at.batches)
            advance(now - done)
            done = now

        if checkpoint.exists():
            show.say(f"going on from {checkpoint}")
        try:
            trained = fit(
                how, data.x, data.y, seed=seed, checkpoint=checkpoint, device=device, tick=tick
            )
        except KeyboardInterrupt:
            if checkpoint.exists():
                show.say(f"{checkpoint} keeps the whole epochs; the same command goes on from it")
            raise
    save(trained.network, out)
    told = {"hash": content_hash(trained.network), "history": trained.history}
    write_atomically(training(out), json.dumps(told) + "\n")
    checkpoint.unlink(missing_ok=True)
    return {
        "network": str(out),
        "hash": told["hash"],
        "recipe": name,
        "seed": seed,
        **data.source,
        "held_out": trained.best,
        "held_out_last": trained.last,
        "epoch": trained.epoch,
        "steps_used": trained.used,
        **({"frozen": trained.frozen} if trained.frozen else {}),
    }


def cross_validate(
    names: Sequence[str], part: str, seeds: Sequence[int], out: Path, *, jobs: int
) -> dict[str, Any]:
    """Train and test recipes for spoken digits, fold by fold."""
    from .experiments.folds import PARTS, summary
    from .experiments.folds import cross_validate as run

    show.writable_folder(out)
    total = len(names) * len(seeds) * len(PARTS[part][1]) if part in PARTS else 0
    with show.progress(f"{part} of spoken digits", total) as advance:
        results = run(names, part, seeds, out, jobs=jobs, tick=advance)
    return {"part": part, "recipes": summary(results), "runs": results}


def evaluate(named: Named, data: Data) -> dict[str, Any]:
    """Run the golden model over samples."""
    with show.progress(f"golden run of {named.name}", len(data.x)) as tick:
        result = measure(named.network, data.x, data.y, tick)
    return {"network": named.name, "hash": named.hash, **data.source, **result}


def verilog(
    named: Named,
    out: Path,
    *,
    inline: bool = False,
    bench: Data | None = None,
    **layout: Any,
) -> dict[str, Any]:
    """Emit Verilog into the folder `out`, with a bench of samples; `layout` is Mapping.of's."""
    mapping = Mapping.of(named.network, **layout)
    with whole(out) as folder:
        emitted = _emit(named, mapping, folder, inline=inline)
        if bench is not None:
            from ..cosim.export import export

            export(named.network, mapping, emitted, bench.x)
        files = sorted(path.name for path in folder.iterdir())
    return {
        "network": named.name,
        "hash": named.hash,
        "folder": str(out),
        "top": emitted.top,
        "core": emitted.core,
        "description": emitted.description.name,
        "files": files,
        **(bench.source if bench is not None else {}),
    }


def cosim(
    named: Named,
    data: Data,
    out: Path | None = None,
    *,
    stalls: str = "none",
    seed: int = 0,
    **layout: Any,
) -> tuple[dict[str, Any], Any]:
    """Simulate the Verilog beside the golden model; returns the result as JSON and as it is."""
    if stalls not in ("none", "random"):
        raise Refused(f"Stalls must be none or random, not {stalls!r}")
    mapping = Mapping.of(named.network, **layout)
    out = out or Path("out") / named.name / "cosim"
    show.writable_folder(out)
    from ..cosim.run import cosim as simulate

    with alone(out), show.stages() as stage:
        run = simulate(
            named.network,
            mapping,
            data.x,
            data.y,
            name=named.name,
            stalls=stalls,
            seed=seed,
            folder=out,
            tick=lambda what: stage(f"co-simulation of {named.name}: {what}"),
        )
    return {**run.json(), **_delays(named.network, mapping), **data.source}, run


def _delays(network: Network, mapping: Mapping) -> dict[str, Any]:
    """Tell by which engine each layer with delays is built, and the bits that either would need."""
    found = [
        {"layer": i, "engine": unit.engine, "line_bits": bits["line"], "wheel_bits": bits["wheel"]}
        for i, (unit, bits) in enumerate(
            zip(mapping.units, delay_bits(network, mapping.units), strict=True)
        )
        if bits
    ]
    return {"delays": found} if found else {}


def synth(
    named: Named,
    target: str,
    out: Path | None = None,
    *,
    pnr: bool = False,
    seeds: int = 3,
    **layout: Any,
) -> dict[str, Any]:
    """Synthesise the Verilog of a network; its files stay where `out` is given.

    Without it they go, unless a refusal names one of them.
    """
    from .synth.synth import check
    from .synth.synth import synth as run

    check(target, pnr, seeds)
    mapping = Mapping.of(named.network, **layout)
    with _scratch(out) as folder, show.stages() as stage:
        show.writable_folder(folder)
        stage(f"Verilog of {named.name}")
        design = _emit(named, mapping, folder, inline=False)
        result = run(design, target, pnr=pnr, seeds=seeds, stage=stage)
    lanes = tuple(unit.lanes for unit in mapping.units)
    told = {"network": named.name, "hash": named.hash, "lanes": list(lanes)}
    return {**told, **_delays(named.network, mapping), **result}


def report(
    named: Named,
    data: Data,
    out: Path,
    *,
    target: str,
    pnr: bool,
    seeds: int,
    **layout: Any,
) -> dict[str, Any]:
    """Evaluate, co-simulate, synthesise; write ``report.html`` in the folder `out`."""
    from .report.page import page
    from .synth.synth import check

    check(target, pnr, seeds)
    show.writable_folder(out)
    evaluated = evaluate(named, data)
    simulated, run = cosim(named, data, out / "cosim", **layout)
    cost = synth(named, target, out / target, pnr=pnr, seeds=seeds, **layout)
    with show.stages() as stage:
        stage("report")
        mapping = Mapping.of(named.network, **layout)
        text = page(named, mapping, data, evaluated, simulated, run, [cost])
    return {"report": write_report(out, text), "eval": evaluated, "cosim": simulated, "synth": cost}


def write_report(out: Path, text: str) -> str:
    """Write the page; returns its path."""
    write_atomically(out / "report.html", text)
    return str((out / "report.html").absolute())


def demo(out: Path, *, target: str, seed: int, seeds: int) -> dict[str, Any]:
    """Digits from nothing to a report."""
    from .synth.synth import TARGETS, check

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


def _emit(named: Named, mapping: Mapping, folder: Path, *, inline: bool) -> Any:
    from ..rtl.emit import emit

    return emit(named.network, mapping, folder, name=named.name, inline=inline)


@contextmanager
def _scratch(out: Path | None) -> Iterator[Path]:
    """Give `out`, or else a folder that goes, unless a refusal names what is in it."""
    folder, kept = out or Path(mkdtemp(prefix="spikeline-")), out is not None
    try:
        yield folder
    except Refused as error:
        kept = kept or str(folder) in str(error)
        raise
    finally:
        if not kept:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def alone(out: Path) -> Iterator[None]:
    """Keep other co-simulations, whose files have the same names, out of a folder meanwhile."""
    folder = os.open(out, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise Refused(
            f"Folder {out} must be used by one co-simulation at a time; give another by --out"
        ) from None
    finally:
        os.close(folder)


@contextmanager
def whole(out: Path) -> Iterator[Path]:
    """Give an empty folder whose files move to `out` only when all of them are written."""
    show.writable_folder(out)
    with TemporaryDirectory(prefix=".spikeline-", dir=out) as scratch:
        yield Path(scratch)
        for path in sorted(Path(scratch).iterdir()):
            shutil.move(path, out / path.name)
