"""The command line: its entry, and the group of all commands.

Torch, amaranth, cocotb, matplotlib and rich load only where a command needs them.
"""

import signal

import click

from . import cosim, crossval, demo, evaluate, plan, recipe, report, synth, train, verilog, zoo
from .errors import exit_code

__all__ = ["cli", "main"]

COMMANDS = (train, recipe, evaluate, plan, verilog, cosim, synth, report, crossval, zoo, demo)


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


for module in COMMANDS:
    cli.add_command(module.command)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line: 0, or 1 after a mismatch, or 2 after one sentence about bad input."""
    for number in (signal.SIGTERM, signal.SIGHUP):  # they stop it as Ctrl-C does, but under nohup
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, signal.default_int_handler)
    return exit_code(lambda: cli.main(arguments, prog_name="spikeline", standalone_mode=False) or 0)


if __name__ == "__main__":
    raise SystemExit(main())
