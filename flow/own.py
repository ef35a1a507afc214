"""A network of one's own and how it is trained, from a file that somebody wrote.

A recipe in TOML, see quant/recipes/reader.py; or a Python file, which has

    def network(): ...     an untrained network of spikeline.quant
    def training(): ...    how to train it, a spikeline.quant.Training; may be left out
    DATA = "digits"        the data set, a name that --dataset takes; "own" where there is none
"""

import runpy
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FunctionType
from typing import Any

from ..model.errors import InputError, SpikelineError

__all__ = ["Own", "read"]


@dataclass(frozen=True, slots=True)
class Own:
    """What a Python file defines.

    Attributes
    ----------
    data : str
        Name of its data set.
    network : function without arguments
        Makes the untrained network, which may draw random numbers of torch.
    training : Training
    """

    data: str
    network: Callable[[], Any]
    training: Any


def read(path: Path) -> Own:
    """Run a Python file and take what it defines.

    Raises
    ------
    InputError
        If it is no file, fails, or does not define what it must; the sentence names its line.
    """
    from ..quant.network import Network
    from ..quant.training import Training

    if not path.is_file():
        raise InputError(f"Recipe file {path} must exist")
    made = _call(path, lambda: runpy.run_path(str(path)))
    if not isinstance(made.get("network"), FunctionType):
        raise InputError(
            f"{path} must define a function network() that gives the untrained network"
        )

    def network() -> Any:
        found = _call(path, made["network"])
        if not isinstance(found, Network):
            kind = type(found).__name__
            raise InputError(f"{path}: network() must give a spikeline.quant Network, not a {kind}")
        return found

    how = made.get("training", Training())
    if isinstance(how, FunctionType):
        how = _call(path, how)
    if not isinstance(how, Training):
        kind = type(how).__name__
        raise InputError(f"{path}: training() must give a spikeline.quant Training, not a {kind}")
    data = made.get("DATA", "own")
    if not isinstance(data, str):
        raise InputError(f"{path}: DATA must be the name of a data set, not {data!r}")
    return Own(data, network, how)


def _call(path: Path, what: Callable[[], Any]) -> Any:
    """Call what somebody wrote; where that fails, say so in one sentence with the line."""
    try:
        return what()
    except (Exception, SystemExit) as error:
        lines = [
            f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == str(path)
        ]
        line = error.lineno if isinstance(error, SyntaxError) else (lines or [None])[-1]
        told = (
            str(error) if isinstance(error, SpikelineError) else f"{type(error).__name__}: {error}"
        )
        at = f"{path}, line {line}" if line else str(path)
        raise InputError(f"{at}: {told}") from None
