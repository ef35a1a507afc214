"""The package: what is shipped, and who may import whom."""

import ast
import os
import subprocess
import sys
import tomllib
import zipfile
from itertools import chain
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = ("model", "plan", "quant", "rtl", "cosim", "flow")
# Whom each folder may import, besides itself.
MAY = {
    "model": set(),
    "quant": {"model"},
    "plan": {"model"},
    "rtl": {"model", "plan"},
    "cosim": {"model", "plan", "rtl"},
    "flow": {"model", "plan", "quant", "rtl", "cosim"},
}
# Libraries that a folder must run without.
WITHOUT = {
    "model": {"torch", "amaranth", "cocotb", "click", "sklearn", "numba"},
    "plan": {"torch", "amaranth", "cocotb", "click", "sklearn"},
    "quant": {"amaranth", "cocotb", "click"},
    "rtl": {"torch", "cocotb", "click", "sklearn"},
    "cosim": {"torch", "click", "sklearn"},
}
SOURCES = [path for folder in FOLDERS for path in sorted((ROOT / folder).glob("**/*.py"))]


def imports(path: Path) -> tuple[set[str], set[str]]:
    """Read whom a file imports: folders of ours, and libraries."""
    ours, libraries = set(), set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            libraries |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            libraries.add((node.module or "").partition(".")[0])
        elif isinstance(node, ast.ImportFrom):
            package = path.relative_to(ROOT).parts[:-1]
            package = package[: len(package) - node.level + 1]
            names = [node.module] if node.module else [alias.name for alias in node.names]
            ours |= {(*package, name)[0].partition(".")[0] for name in names}
    return ours, libraries


def listed() -> set[str]:
    """Read the packages that pyproject.toml lists."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        return set(tomllib.load(file)["tool"]["setuptools"]["packages"])


def test_packages_listed_are_those_on_disk() -> None:
    """Every folder of the package with an __init__.py is listed, and nothing else is."""
    found = {"spikeline"}
    for folder in FOLDERS:
        for path in (ROOT / folder).glob("**/__init__.py"):
            found.add(".".join(("spikeline", *path.parent.relative_to(ROOT).parts)))
    assert found == listed()


def test_root_holds_one_python_file() -> None:
    """The root ships every Python file in it, so there is one."""
    assert [path.name for path in ROOT.glob("*.py")] == ["__init__.py"]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_down(path: Path) -> None:
    """A file imports only folders below its own, relatively, and no library it must do without."""
    folder = path.relative_to(ROOT).parts[0]
    ours, libraries = imports(path)
    assert ours <= MAY[folder] | {folder}
    assert not libraries & (WITHOUT.get(folder, set()) | {"spikeline", *FOLDERS})


def test_model_loads_without_its_neighbours() -> None:
    """Importing the whole model brings in neither torch nor amaranth."""
    files = [p.relative_to(ROOT) for p in (ROOT / "model").rglob("*.py")]
    names = [".".join(("spikeline", *p.with_suffix("").parts)) for p in files]
    code = f"import sys, {', '.join(names)}; print({{'torch', 'amaranth'}} & set(sys.modules))"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout == "set()\n"


def test_help_loads_no_heavy_library() -> None:
    """The command line itself brings in none of the libraries that its commands need."""
    heavy = "{'torch', 'amaranth', 'cocotb', 'matplotlib', 'sklearn', 'rich', 'h5py'}"
    code = f"import sys, spikeline.flow.cli.main; print({heavy} & set(sys.modules))"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout == "set()\n"


def test_command_line_without_extras_tells_what_to_install() -> None:
    """With the model's libraries alone the command is one sentence."""
    code = "import sys; sys.modules['click'] = None; import spikeline.flow.cli.main"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    sentence = "spikeline: click must be installed for this: pip install 'spikeline[flow]'\n"
    assert (told.returncode, told.stdout, told.stderr) == (2, "", sentence)


def test_constraints_pin_every_requirement() -> None:
    """Every requirement has one exact version in constraints.txt, and no address."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)["project"]
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pinned = {line.partition("==")[0].lower() for line in lines if not line.startswith("#")}
    assert all("==" in line for line in lines if not line.startswith("#"))
    assert not any("://" in line or "@" in line for line in lines)
    wanted = [*project["dependencies"], *chain(*project["optional-dependencies"].values())]
    names = {word.partition(">")[0].partition("[")[0].lower() for word in wanted} - {"spikeline"}
    assert names <= pinned


def test_make_in_a_folder_with_spaces_tells_what_to_do(tmp_path: Path) -> None:
    """It is one sentence, but where .venv lies elsewhere it goes on; help and clean need none."""
    folder, venv = tmp_path / "a b", tmp_path / "venv"
    folder.mkdir()
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        (folder / name).write_bytes((ROOT / name).read_bytes())
    # What is set up already is not set up again.
    program = venv / "bin" / "spikeline"
    program.parent.mkdir(parents=True)
    program.write_text('#!/bin/sh\necho "$@"\n')
    program.chmod(0o755)
    for stamp in (".needs", ".flow"):
        (venv / stamp).touch()

    def make(*words: str) -> tuple[int, str, str]:
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))}
        done = subprocess.run(
            ["make", "-s", *words], cwd=folder, env=clean, capture_output=True, text=True
        )
        return done.returncode, done.stdout, done.stderr

    code, out, err = make("demo")
    sentence = (
        "*** spikeline needs a folder without spaces in its path for what it installs, not"
        f" {folder}/.venv: make VENV=/path/to/venv.  Stop.\n"
    )
    assert (code, out) == (2, "") and err.endswith(sentence)
    assert make("demo", f"VENV={venv}") == (0, "demo --out out/demo\n", "")
    assert make()[0] == make("help")[0] == make("clean")[0] == 0


def test_wheel_holds_everything(tmp_path: Path) -> None:
    """The wheel holds every source file, what is shipped with them, the page and the licences."""
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", tmp_path, _copy(tmp_path)],
        check=True,
        capture_output=True,
    )
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        names = set(wheel.namelist())
    shipped = [p for name in ("zoo", "data/events") for p in (ROOT / "flow" / name).glob("*.*")]
    wanted = [*SOURCES, ROOT / "flow" / "report" / "report.html.jinja", *shipped]
    missing = {f"spikeline/{path.relative_to(ROOT).as_posix()}" for path in wanted} - names
    assert not missing
    for file in ("LICENSE", "flow/data/events/spoken-digits.txt"):
        assert any(name.endswith(f"licenses/{file}") for name in names)
    assert not any(name.startswith(("spikeline/tests", "tests")) for name in names)


def _copy(tmp_path: Path) -> Path:
    """Copy what the wheel is built from, so that no build folder of the checkout takes part."""
    import shutil

    source = tmp_path / "source"
    source.mkdir()
    for name in ("__init__.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for folder in FOLDERS:
        shutil.copytree(
            ROOT / folder, source / folder, ignore=shutil.ignore_patterns("__pycache__")
        )
    return source
