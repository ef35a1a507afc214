"""The packages that only some folders need, and how to get them."""

from importlib.util import find_spec

from .errors import MissingTool

__all__ = ["missing", "need"]

# A module that is imported: its package, and the extra (pyproject.toml) that installs it.
EXTRAS = {
    "torch": ("torch", "train"),
    "sklearn": ("scikit-learn", "train"),
    "numba": ("numba", "plan"),
    "amaranth": ("amaranth", "rtl"),
    "cocotb": ("cocotb", "cosim"),
    "cocotb_tools": ("cocotb 2.0 or newer", "cosim"),  # older ones have no such module
    "filelock": ("filelock", "cosim"),
    "click": ("click", "flow"),
    "rich": ("rich", "flow"),
    "matplotlib": ("matplotlib", "flow"),
    "jinja2": ("jinja2", "flow"),
    "h5py": ("h5py", "flow"),
    "joblib": ("joblib", "flow"),
}


def need(*modules: str) -> None:
    """See that modules of `EXTRAS` are installed, without loading them.

    Raises
    ------
    MissingTool
        If one is not; it names the extra that brings it.
    """
    for module in modules:
        if find_spec(module) is None:
            raise _lacking(module)


def missing(error: ModuleNotFoundError) -> MissingTool | None:
    """Tell how to get the module that an import did not find; None where no extra brings it."""
    module = (error.name or "").partition(".")[0]
    return _lacking(module) if module in EXTRAS else None


def _lacking(module: str) -> MissingTool:
    package, extra = EXTRAS[module]
    return MissingTool(f"{package} must be installed for this: pip install 'spikeline[{extra}]'")
