"""What a person sees: progress on standard error, results on standard output or as JSON."""

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..model.errors import InputError
from ..model.store import blaming, place, write_atomically

if TYPE_CHECKING:  # rich loads where something is shown
    from rich.table import Table

__all__ = ["deliver", "progress", "say", "stages", "table", "writable", "writable_folder"]

QUIET = 10  # seconds between two lines of progress where standard error is no terminal


def say(what: str) -> None:
    """Say something beside the results, on standard error."""
    print(what, file=sys.stderr, flush=True)


@contextmanager
def progress(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show how far a long part is; gives a function to call with the number of items just done."""
    from rich import progress as shown
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal:
        yield _lines(what, total)
        return
    columns = (
        shown.SpinnerColumn(),
        shown.TextColumn("{task.description}"),
        shown.BarColumn(),
        shown.MofNCompleteColumn(),
        shown.TimeElapsedColumn(),
        shown.TimeRemainingColumn(),
    )
    with shown.Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda n: bar.advance(task, n)


def _lines(what: str, total: int) -> Callable[[int], None]:
    done, last = 0, time.monotonic()

    def advance(n: int) -> None:
        nonlocal done, last
        done += n
        if time.monotonic() - last > QUIET:
            last = time.monotonic()
            say(f"{what}: {done} of {total}")

    return advance


@contextmanager
def stages() -> Iterator[Callable[[str], None]]:
    """Show which long part is running; gives a function to call with its name."""
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda what: say(f"{what} ...")
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda what: bar.reset(task, description=what)


def table(rows: list[dict[str, Any]]) -> "Table":
    """Lay out rows of equal keys as a table, numbers to the right."""
    from rich.table import Table

    shown = Table(box=None, pad_edge=False)
    for key in rows[0]:
        number = all(isinstance(row[key], int | float | None) for row in rows)
        shown.add_column(key, justify="right" if number else "left")
    for row in rows:
        cells = (round(cell, 4) if isinstance(cell, float) else cell for cell in row.values())
        shown.add_row(*("-" if cell is None else str(cell) for cell in cells))
    return shown


def deliver(result: Any, json_to: str | None, *said: "str | Table") -> None:
    """Give a result out: what is said to standard output, the JSON where it was asked for.

    With ``-`` the JSON goes to standard output, and nothing else does.
    """
    text = json.dumps(result, indent=2) + "\n"
    if json_to == "-":
        sys.stdout.write(text)
        sys.stdout.flush()
        return
    if json_to:
        write_atomically(json_to, text)
    from rich.console import Console

    console = Console(width=None if sys.stdout.isatty() else 200, highlight=False, soft_wrap=True)
    for part in said:
        console.print(part, markup=False) if isinstance(part, str) else console.print(part)


def writable(path: Path) -> None:
    """Make the folder of a file and see that it can be written to, before hours are spent."""
    if not path.name:
        raise InputError(f"Output must be given the name of a file, not {str(path)!r}")
    if path.is_dir():
        raise InputError(f"Output {path} must be a file, not a folder")
    if path.exists() and not path.is_file():
        return  # a device or a pipe
    _probe(path, path)


def writable_folder(folder: Path) -> None:
    """Make a folder and see that it can be written to, before hours are spent."""
    if folder.exists() and not folder.is_dir():
        raise InputError(f"Output {folder} must be a folder, not a file")
    _probe(folder / "any", folder)


def _probe(path: Path, blamed: Path) -> None:
    """Write a file beside `path`, and take it away."""
    _, probe = place(path)
    with blaming(blamed):
        probe.touch()
        probe.unlink()
