"""Builds of the simulator, cached by content."""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from ..model.cache import caching, check
from ..model.errors import MissingTool, ToolFailed
from ..model.store import cache_folder
from . import simulator

__all__ = ["build", "verilator_environment", "waveforms"]


def verilator_environment() -> dict[str, str]:
    """Find Verilator and what it needs.

    Returns
    -------
    dict
        Environment variables to set.

    Raises
    ------
    MissingTool
        If a tool is missing.
    """
    with _told():
        return simulator.environment()


@contextmanager
def _told() -> Iterator[None]:
    """Raise the MissingTool of model/errors.py in place of that of cosim/simulator.py."""
    try:
        yield
    except simulator.MissingTool as error:
        raise MissingTool(str(error)) from None


def build(sources: list[Path], top: str, *, waves: str = "") -> Path:
    """Compile Verilog into a simulator, or find it in the cache.

    Parameters
    ----------
    sources : list of Path
    top : str
        Name of the top module.
    waves : "fst", "vcd" or ""
        Waveforms it can write.

    Returns
    -------
    Path
        Folder of the simulator.

    Raises
    ------
    MissingTool, ToolFailed
        If Verilator or what it needs is missing, or fails.
    InputError
        If the cache folder cannot be written to.
    """
    environment = verilator_environment()
    tools = _tools(environment)
    key = hashlib.sha256(repr((top, waves, simulator.FLAGS, tools)).encode())
    for source in sources:
        key.update(hashlib.sha256(source.read_bytes()).digest())
    check()
    cache = cache_folder() / "verilator"
    folder = cache / key.hexdigest()[:24]
    cache.mkdir(parents=True, exist_ok=True)
    runtime = hashlib.sha256(repr((waves, tools)).encode()).hexdigest()
    runtime = cache / f"runtime-{runtime[:16]}"
    with FileLock(folder.with_suffix(".lock")), _told():  # who wants the same waits
        if not (folder / top).exists():
            _build(sources, top, folder, runtime, waves=waves)
    return folder


def waveforms() -> str:
    """Choose the kind of waveforms: "fst", else "vcd" where the headers that FST needs are not."""
    headers = [word for name in ("lz4.h", "zlib.h") for word in ("-include", name)]
    command = ["g++", "-fsyntax-only", *headers, "-x", "c++", os.devnull]
    return "vcd" if subprocess.run(command, capture_output=True, check=False).returncode else "fst"


def _tools(environment: dict[str, str]) -> str:
    """Say which tools build: what they make differs by version."""
    path = environment.get("PATH", os.environ["PATH"])
    where = os.environ | environment
    compiler = subprocess.run(
        ["g++", "--version"], capture_output=True, text=True, check=False, env=where
    )
    verilator = Path(shutil.which("verilator", path=path) or "verilator")
    # Its package does not know its own version, so its files tell.
    state = [f.stat() for f in sorted(verilator.parent.glob("verilator*"))]
    files = [(f.st_size, f.st_mtime_ns) for f in state]
    return f"{verilator} {files} {compiler.stdout} {environment['MAKEFLAGS']}"


def _build(sources: list[Path], top: str, folder: Path, runtime: Path, *, waves: str) -> None:
    """Build in a folder of its own, which gets its name when all is there."""
    work = folder.with_suffix(".part")
    log = folder.with_suffix(".log")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    # Half of a small build is Verilator's runtime, which is the same in all of them.
    done = [part.name for part in runtime.iterdir()] if runtime.exists() else []
    for name in done:
        shutil.copyfile(runtime / name, work / name)
    try:
        with caching():  # the compiler may be one that keeps what it made
            simulator.build(sources, top, work, waves=waves, done=done)
    except RuntimeError:
        shutil.move(work / "build.log", log)
        raise ToolFailed(f"Verilator must build {sources[-1].name}; it failed, see {log}") from None
    else:
        if not done:
            _keep(work.glob("veril*.o"), runtime)
        _keep([work / top], folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _keep(files: Iterator[Path] | list[Path], folder: Path) -> None:
    """Move files into a folder that is not there before it has them all."""
    part = folder.with_suffix(f".{os.getpid()}")
    part.mkdir()
    for file in files:
        shutil.move(file, part / file.name)
    try:
        part.rename(folder)
    except OSError:  # another process was faster
        shutil.rmtree(part)
