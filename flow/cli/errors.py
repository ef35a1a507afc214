"""How a command ends: an exit code, and one sentence where it fails."""

import sys
import warnings
from collections.abc import Callable
from typing import Any

import click

from ...model.errors import SpikelineError
from ...model.extras import missing

__all__ = ["differs", "exit_code"]


def exit_code(run: Callable[[], int]) -> int:
    """Run a command; what it raises becomes a code and one sentence on standard error."""
    try:
        return run()
    except (KeyboardInterrupt, click.Abort):
        return _fail("Stopped.", 130)
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except SpikelineError as error:
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
        told = missing(error)
        if told is None:
            raise
        return _fail(str(told))
    except OSError as error:
        return _fail(f"{error.filename or 'Output'} cannot be used: {error.strerror or error}")


def _fail(sentence: str, code: int = 2) -> int:
    warnings.simplefilter("ignore")  # Amaranth would list what is left half-built
    print(f"spikeline: {' '.join(sentence.split())}", file=sys.stderr)
    return code


def differs(simulated: dict[str, Any]) -> int:
    """Exit code of a co-simulation: 1 where a value or a predicted cycle is wrong, else 0."""
    return int(bool(simulated["mismatches"] or simulated["cycles_predicted_wrong"]))
