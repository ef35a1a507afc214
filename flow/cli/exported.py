"""Folders of exported Verilog: each holds one export, and what spikeline did not write is safe.

A hidden file in the folder lists what an export wrote, with hashes. The next one removes what is
listed; a file of one of its names that is not, or was changed since, is refused.
"""

import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from ...model.errors import InputError
from ...model.store import write_atomically
from .. import show

__all__ = ["LIST", "apart", "whole"]

LIST = ".spikeline.json"

Hashes = dict[str, list[str]]  # of what a file may hold, by its name


@contextmanager
def whole(out: Path) -> Iterator[Path]:
    """Give an empty folder whose files move to `out` only when all of them are written.

    What an earlier export left there, and what its bench made, goes.

    Raises
    ------
    InputError
        If a file in `out` is in the way that no export wrote, or that was changed since.
    """
    show.writable_folder(out)
    with TemporaryDirectory(prefix=".spikeline-", dir=out) as made:
        yield Path(made)
        new = {path.name: [_hash(path)] for path in sorted(Path(made).iterdir())}
        old = _listed(out)
        both = {name: old.get(name, []) + new.get(name, []) for name in {**old, **new}}
        for name, hashes in both.items():
            path = out / name
            if path.is_dir() or (path.exists() and _hash(path) not in hashes):
                raise InputError(
                    f"Output {path} must be free, or as an export of spikeline left it; remove it,"
                    " or give another folder by --out"
                )
        _list(out, both)  # as long as files are of either
        _forget(out, old)
        for name in new:
            shutil.move(Path(made) / name, out / name)
        _list(out, new)


def apart(out: Path | None) -> None:
    """Refuse a folder that holds an export, whose files have names that others have too."""
    if out is not None and (out / LIST).exists():
        raise InputError(
            f"Folder {out} must be another than that of an export by spikeline verilog; give it by"
            " --out"
        )


def _listed(out: Path) -> Hashes:
    """Read what an earlier export wrote: nothing where there was none, or its list is damaged."""
    try:
        found = json.loads((out / LIST).read_text())["files"]
        return {
            Path(str(name)).name: [str(digest) for digest in hashes]
            for name, hashes in found.items()
        }
    except (OSError, ValueError, RecursionError, LookupError, TypeError, AttributeError):
        return {}


def _list(out: Path, files: Hashes) -> None:
    write_atomically(out / LIST, json.dumps({"files": files}, indent=1, sort_keys=True) + "\n")


def _forget(out: Path, old: Hashes) -> None:
    """Remove the files of an earlier export, and what its bench made."""
    for name in old:
        (out / name).unlink(missing_ok=True)
    if "bench.py" not in old:
        return
    from ...cosim.export import results

    for path in results(out):
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
