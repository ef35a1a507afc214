"""The command line: thin pages over work.py; torch, amaranth and cocotb load only where needed."""

import signal
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

try:
    import click
except ModuleNotFoundError as error:  # the package was installed without its extras
    if error.name != "click":
        raise
    message = "spikeline: click must be installed for this: pip install 'spikeline[flow]'"
    print(message, file=sys.stderr)
    sys.exit(2)

from ..model.refuse import Refused

__all__ = ["cli", "main"]

SEED = click.IntRange(0, 2**31 - 1)
EXTRAS = {
    "torch": "train",
    "sklearn": "train",
    "h5py": "flow",
    "amaranth": "rtl",
    "cocotb": "cosim",
    "cocotb_tools": "cosim",
    "rich": "flow",
    "matplotlib": "flow",
    "jinja2": "flow",
}


def main(arguments: list[str] | None = None) -> int:
    """Run the command line: 0, or 1 after a mismatch, or 2 after one sentence about bad input."""
    for number in (signal.SIGTERM, signal.SIGHUP):  # they stop it as Ctrl-C does, but under nohup
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, signal.default_int_handler)
    try:
        return cli.main(arguments, prog_name="spikeline", standalone_mode=False) or 0
    except (KeyboardInterrupt, click.Abort):
        return _fail("Stopped.", 130)
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except Refused as error:
        return _fail(str(error))
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return 0
    except click.UsageError as error:
        hint = f" (see {error.ctx.command_path} --help)" if error.ctx else ""
        return _fail(error.format_message().rstrip(".") + hint)
    except click.ClickException as error:
        return _fail(error.format_message())
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in EXTRAS:
            raise
        return _fail(
            f"{package} must be installed for this: pip install 'spikeline[{EXTRAS[package]}]'"
        )
    except OSError as error:
        return _fail(f"{error.filename or 'Output'} cannot be used: {error.strerror or error}")


def _fail(sentence: str, code: int = 2) -> int:
    warnings.simplefilter("ignore")  # Amaranth would list what is left half-built
    print(f"spikeline: {' '.join(sentence.split())}", file=sys.stderr)
    return code


class PerLayer(click.ParamType):
    """One number per layer, separated by commas."""

    name = "N,N,..."

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[int, ...]:
        """Read the numbers."""
        if isinstance(value, tuple):
            return value
        try:
            return tuple(int(word) for word in value.split(","))
        except ValueError:
            self.fail(
                f"{param.name.capitalize()} must be whole numbers separated by commas, one per"
                f" layer, not {value!r}"
            )


class Seeds(click.ParamType):
    """Different seeds, separated by commas."""

    name = "N,N,..."

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[int, ...]:
        """Read the numbers."""
        if isinstance(value, tuple):
            return value
        words = value.split(",")
        if not all(word.isdecimal() for word in words) or len(set(words)) < len(words):
            self.fail(
                f"Seeds must be different whole numbers from 0, separated by commas, not {value!r}"
            )
        return tuple(SEED.convert(word, param, ctx) for word in words)


def _json_to(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """See that the result can be written before it is computed."""
    if value not in (None, "-"):
        from .show import writable

        writable(Path(str(value)))
    return value


def options(*names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command some of the options that mean the same everywhere."""
    known = {
        "json": click.option(
            "--json",
            "json_to",
            metavar="FILE",
            callback=_json_to,
            help="Write the result as JSON; - is stdout.",
        ),
        "out": click.option(
            "--out",
            type=click.Path(path_type=Path),
            metavar="DIR",
            help="Folder to write to, made if missing; else one under out/.",
        ),
        "kept": click.option(
            "--out",
            type=click.Path(path_type=Path),
            metavar="DIR",
            help="Folder that keeps Verilog, netlist and logs, made if missing; else they stay only"
            " where one of them tells why it failed.",
        ),
        "data": click.option(
            "--data",
            "folder",
            type=click.Path(path_type=Path),
            metavar="DIR",
            help="Folder of the data set; else SPIKELINE_DATA, else shipped or downloaded.",
        ),
        "dataset": click.option(
            "--dataset",
            metavar="NAME",
            help="digits, mnist, fashion-mnist, spoken, shd, ssc, gsc or own (.npz in --data);"
            " random for shd-256 and ssc-512.",
        ),
        "framing": click.option(
            "--framing",
            default="grid",
            show_default=True,
            metavar="NAME",
            help="How events of shd and ssc become frames: grid or squeezed (silence left out);"
            " give the one that the network was trained with.",
        ),
        "split": click.option(
            "--split",
            default="test",
            show_default=True,
            metavar="NAME",
            help="train or test; ssc and gsc also have valid.",
        ),
        "samples": click.option(
            "--samples", type=click.IntRange(1), metavar="N", help="Only the first N samples."
        ),
        "lanes": click.option(
            "--lanes",
            type=PerLayer(),
            help="Lanes of each layer, as 16,10; else all neurons at once.",
        ),
        "sweep": click.option(
            "--sweep",
            type=PerLayer(),
            help="Neurons per sweep cycle of each layer; else as lanes; behind a wheel 8 to 16,"
            " where that divides them.",
        ),
        "delay": click.option(
            "--delay",
            default="auto",
            show_default=True,
            metavar="line|wheel|auto",
            help="What computes the delays of layers that have some: line keeps what came, little"
            " memory; wheel keeps what is to come, few cycles; auto: wheels while those of the"
            " network fit 1,048,576 bits, lines beyond.",
        ),
        "pixels": click.option(
            "--pixels",
            type=int,
            default=0,
            metavar="N",
            help="Take packed pixels, N a beat, and encode them in hardware; else input events.",
        ),
        "seeds": click.option(
            "--seeds",
            type=click.IntRange(1),
            default=3,
            show_default=True,
            help="Number of placement seeds, with --pnr; fmax is their median.",
        ),
    }

    def give(command: Callable[..., Any]) -> Callable[..., Any]:
        for name in reversed(names):
            command = known[name](command)
        return command

    return give


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="spikeline", message="spikeline %(version)s")
def cli() -> None:
    """Spiking neural networks from PyTorch training to Verilog that is proven to compute the same.

    NETWORK is a name that `spikeline zoo` lists, or a network file that `spikeline train` wrote; or
    shd-256 or ssc-512: random integers in published sizes, on random samples, to build hardware of
    (what is trained by the recipes of these names is the file that `train` wrote).

    \b
    Begin with:
      spikeline demo                                digits, from nothing to a report
      spikeline zoo                                 the networks that ship with spikeline
      spikeline verilog mnist-ttfs --lanes 16,10    its Verilog, small
      spikeline cosim mnist-ttfs --samples 100      every spike of 100 images, in a simulator
    """


@cli.command()
@click.argument("name")
@click.option("--seed", type=SEED, default=1, show_default=True)
@click.option(
    "--out", "out", type=click.Path(path_type=Path), metavar="FILE", help="Network file to write."
)
@click.option(
    "--resume/--fresh",
    default=True,
    help="Go on from the checkpoint of the same recipe and seed beside FILE (default), or anew.",
)
@click.option("--device", default="cpu", show_default=True, help="What torch calls it.")
@options("data", "framing", "json")
def train(
    name: str,
    seed: int,
    out: Path | None,
    resume: bool,
    device: str,
    folder: Path | None,
    framing: str,
    json_to: str | None,
) -> int:
    """Train the network of a recipe, in the integers that the hardware computes.

    NAME is a recipe: digits-ttfs, mnist-ttfs, mnist-lif, fashion-ttfs, shd-256, ssc-512, gsc-512 or
    digits-spoken, which learns a delay for each synapse (digits-spoken-axonal: for each input;
    -fixed: random ones, not learned; -none: without). The epoch is chosen on a part of the training
    split that is held out. Ctrl-C stops; the same command goes on.

    \b
    Example:
      spikeline train mnist-ttfs --data DIR --seed 1 --out mine.safetensors
      spikeline eval mine.safetensors --data DIR
    """
    from . import work

    out = out or Path("out") / f"{name}-{seed}.safetensors"
    result = work.train(name, seed, out, folder, device=device, resume=resume, framing=framing)
    return _say(
        result,
        json_to,
        f"{out}: {result['held_out']:.2%} of the held-out part right (epoch {result['epoch']})",
        f"hash {result['hash']}",
    )


@cli.command("eval")
@click.argument("network")
@options("data", "dataset", "framing", "split", "samples", "json")
def eval_(
    network: str,
    folder: Path | None,
    dataset: str | None,
    framing: str,
    split: str,
    samples: int | None,
    json_to: str | None,
) -> int:
    """Run the golden model over a data set.

    Tells the accuracy by every readout, the spikes and, where a sample is decided before its last
    step, the mean step of decision and what deciding early costs.

    \b
    Example:
      spikeline eval mnist-ttfs --data DIR
    """
    from . import work

    named, data = work.open(network, dataset, split, samples, folder, framing)
    result = work.evaluate(named, data)
    early = result["early_exit"]
    return _say(
        result,
        json_to,
        f"{named.name}: {result['accuracy']:.2%} of {result['samples']} samples right"
        f" by {result['readout']}",
        *(f"  {kind:15} {share:.2%}" for kind, share in result["readouts"].items()),
        f"decides after {early['mean_steps_used']:.2f} of {result['steps']} steps on average,"
        f" at {round(-100 * early['loss'], 2) + 0.0:+.2f} points against the final membrane;"
        f" {early['same']} of {result['samples']} decisions as in the full run"
        if early
        else f"decides after the last of {result['steps']} steps",
        f"spikes per sample: {result['input_spikes']} in, {result['hidden_spikes']} hidden"
        f" ({result['hidden_spikes_decided']} up to the decision)",
    )


@cli.command()
@click.argument("network")
@click.option(
    "--inline", is_flag=True, help="Weights inside the Verilog instead of files beside it."
)
@click.option(
    "--bench",
    type=click.IntRange(1),
    metavar="N",
    help="Add a bench of the first N samples of a data set, which needs pytest, cocotb and"
    " Verilator, but not spikeline.",
)
@options("data", "dataset", "framing", "split", "lanes", "sweep", "delay", "pixels", "out", "json")
def verilog(
    network: str,
    inline: bool,
    bench: int | None,
    folder: Path | None,
    dataset: str | None,
    framing: str,
    split: str,
    out: Path | None,
    json_to: str | None,
    **layout: Any,
) -> int:
    """Write the Verilog of a network, with AXI4-Stream ports and a description of them.

    The same network and lanes always give the same bytes. The Verilog is yours, without conditions.
    A data set is read for --bench only.

    \b
    Example:
      spikeline verilog mnist-ttfs --lanes 16,10 --out rtl
      spikeline verilog digits-ttfs --bench 20 --out rtl
    """
    from . import work

    named, data = work.resolve(network), None
    if bench is not None:
        named, data = work.open(network, dataset, split, bench, folder, framing)
    out = out or Path("out") / named.name / "verilog"
    result = work.verilog(named, out, inline=inline, bench=data, **layout)
    return _say(result, json_to, *(f"{out / name}" for name in result["files"]))


@cli.command()
@click.argument("network")
@click.option("--stalls", default="none", show_default=True, metavar="KIND", help="none or random.")
@click.option("--seed", type=SEED, default=0, show_default=True, help="Of the random stalls.")
@options("data", "dataset", "framing", "split", "samples")
@options("lanes", "sweep", "delay", "pixels", "out", "json")
def cosim(
    network: str,
    stalls: str,
    seed: int,
    folder: Path | None,
    dataset: str | None,
    framing: str,
    split: str,
    samples: int | None,
    out: Path | None,
    json_to: str | None,
    **layout: Any,
) -> int:
    """Compare the Verilog with the golden model: every spike, every decision, every cycle.

    Runs the emitted Verilog in Verilator over a data set. Exits with 1 at a mismatch, and tells
    the first one, or if a cycle was predicted wrong. With random stalls cycles are not compared.

    \b
    Example:
      spikeline cosim mnist-ttfs --data DIR --split test --json -
      spikeline cosim mnist-ttfs --data DIR --stalls random --samples 500
      spikeline cosim digits-spoken --delay line --samples 20
    """
    from . import work

    named, data = work.open(network, dataset, split, samples, folder, framing)
    result, run = work.cosim(named, data, out, stalls=stalls, seed=seed, **layout)
    cycles, interval = result["cycles"], result["interval"]
    said = [
        f"{named.name}: {result['spikes_compared']} neuron values of {result['samples']} samples",
        f"{result['mismatches']} mismatches",
        f"median cycles per sample: {cycles['median']} ({cycles['min']} to {cycles['max']})",
        f"median back to back: {interval['median']}",
    ]
    if result["accuracy"] is not None:
        said[1] += f"; {result['accuracy']:.2%} right"
    if result["cycles_predicted_wrong"] is not None:
        said[-1] += f"; predicted wrong: {result['cycles_predicted_wrong']}"
    if "delays" in result:
        engines = (f"layer {d['layer']} by {d['engine']}" for d in result["delays"])
        said.append(f"delays: {', '.join(engines)}")
    if result["mismatches"]:
        said.append(str(run.divergence))
    return _say(result, json_to, *said) or differs(result)


@cli.command()
@click.argument("network")
@click.option("--target", required=True, metavar="NAME", help="ice40, ecp5 or xilinx.")
@click.option("--pnr", is_flag=True, help="Place and route too (ice40, ecp5).")
@options("seeds", "lanes", "sweep", "delay", "pixels", "kept", "json")
def synth(
    network: str,
    target: str,
    pnr: bool,
    seeds: int,
    out: Path | None,
    json_to: str | None,
    **layout: Any,
) -> int:
    """Synthesise a network with Yosys, and place and route it with nextpnr.

    Tells LUT, FF, BRAM and DSP of each layer, of the core and of the AXI wrapper around it, and
    fmax with --pnr.

    \b
    Example:
      spikeline synth mnist-ttfs --target ecp5 --pnr
      spikeline synth mnist-ttfs --target xilinx --lanes 16,10
    """
    from . import show, work

    named = work.resolve(network)
    result = work.synth(named, target, out, pnr=pnr, seeds=seeds, **layout)
    rows = [*result["layers"], {"name": "core", **result["core"]}]
    rows.append({"name": "wrapper", **result["wrapper"]})
    said: list[Any] = [f"{named.name} on {target}", show.table(rows)]
    if result["fmax_mhz"]:
        said.append(
            f"fmax {result['fmax_mhz']} MHz on {result['device']}"
            f" (median of {', '.join(map(str, result['fmax_mhz_seeds']))});"
            f" the slowest path: {result['critical_path']}"
        )
    return _say(result, json_to, *said)


@cli.command()
@click.argument("network")
@click.option("--target", default="ecp5", show_default=True, metavar="NAME", help="As for synth.")
@click.option("--pnr", is_flag=True, help="Place and route too.")
@options("data", "dataset", "framing", "split", "samples")
@options("seeds", "lanes", "sweep", "delay", "pixels", "out", "json")
def report(
    network: str,
    target: str,
    pnr: bool,
    folder: Path | None,
    dataset: str | None,
    framing: str,
    split: str,
    samples: int | None,
    seeds: int,
    out: Path | None,
    json_to: str | None,
    **layout: Any,
) -> int:
    """Evaluate, co-simulate and synthesise a network; write all of it on one HTML page.

    \b
    Example:
      spikeline report digits-ttfs --pnr
      spikeline report mnist-ttfs --data DIR --samples 500
    """
    from . import work

    named, data = work.open(network, dataset, split, samples, folder, framing)
    out = out or Path("out") / named.name
    result = work.report(named, data, out, target=target, pnr=pnr, seeds=seeds, **layout)
    compared = result["cosim"]
    said = (
        f"co-simulated: {compared['mismatches']} mismatches,"
        f" {compared['cycles_predicted_wrong']} cycles predicted wrong"
    )
    return _say(result, json_to, said, result["report"]) or differs(compared)


@cli.command()
@click.argument("recipes", nargs=-1, required=True)
@click.option(
    "--part",
    default="folds",
    show_default=True,
    metavar="NAME",
    help="folds, speakers or official.",
)
@click.option(
    "--seeds",
    type=Seeds(),
    default=(1,),
    help="Seeds; every fold is trained once with each.  [default: 1]",
)
@click.option("--jobs", type=click.IntRange(1), default=2, show_default=True, help="At a time.")
@options("out", "json")
def folds(
    recipes: tuple[str, ...],
    part: str,
    seeds: tuple[int, ...],
    jobs: int,
    out: Path | None,
    json_to: str | None,
) -> int:
    """Train RECIPES on spoken digits, fold by fold, and test each fold on what it never saw.

    RECIPES are some of digits-spoken, digits-spoken-axonal, -fixed and -none. Part folds: five, of
    all 3,000 recordings; speakers: six, a voice each; official: the official test split. Epochs are
    chosen on a part of the other folds. Trainings that have ended are kept in the folder, so the
    command goes on behind them.

    \b
    Columns, in percent and points:
      percent, spread   accuracy: its mean, and standard deviation over the runs
      less, error       what is missing to the first recipe, on the same folds and seeds: its mean,
                        and the standard error of that

    \b
    Example:
      spikeline folds digits-spoken digits-spoken-none
      spikeline folds digits-spoken --part official --seeds 1,2,3
    """
    from . import show, work

    result = work.cross_validate(recipes, part, seeds, out or Path("out/folds"), jobs=jobs)
    return _say(result, json_to, show.table(result["recipes"]))


@cli.command()
@options("json")
def zoo(json_to: str | None) -> int:
    """List the networks that ship with spikeline, with the command that made each and its numbers.

    \b
    Example:
      spikeline zoo
      spikeline eval digits-ttfs
    """
    from . import show
    from .zoo import index

    known = index()
    if not known:
        return _say({}, json_to, "No networks are shipped with this version.")
    hidden = ("file", "command", "hash")
    keys = list(dict.fromkeys(k for entry in known.values() for k in entry if k not in hidden))
    rows = [{"name": name, **{k: e.get(k) for k in keys}} for name, e in known.items()]
    made = [f"{name}: {entry.get('command', '')}" for name, entry in known.items()]
    return _say(known, json_to, show.table(rows), "", *made)


@cli.command()
@click.option("--target", default="ecp5", show_default=True, metavar="NAME", help="As for synth.")
@click.option("--seed", type=SEED, default=1, show_default=True, help="Of the training.")
@click.option("--seeds", type=click.IntRange(1), default=1, show_default=True, help="Of placement.")
@options("out", "json")
def demo(target: str, seed: int, seeds: int, out: Path | None, json_to: str | None) -> int:
    """Take handwritten digits from nothing to a report.

    Trains a small network, evaluates it on a third of the digits that nothing was chosen on,
    writes its Verilog, co-simulates every one of those digits, places and routes it, and ends with
    the path of one HTML page.

    \b
    Example:
      spikeline demo --out out/demo
    """
    from . import work

    result = work.demo(out or Path("out/demo"), target=target, seed=seed, seeds=seeds)
    _say(
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


def differs(simulated: dict[str, Any]) -> int:
    """Exit code of a co-simulation: 1 where a value or a predicted cycle is wrong, else 0."""
    return int(bool(simulated["mismatches"] or simulated["cycles_predicted_wrong"]))


def _say(result: Any, json_to: str | None, *said: Any) -> int:
    from .show import deliver

    deliver(result, json_to, *said)
    return 0
