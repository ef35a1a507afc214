"""The groups that tests are run by: unit, parts and slow; every test is in exactly one.

A test is in the group of its file, by `FILES`, unless a mark of its own, of its parameters or of
its file names another: ``@pytest.mark.slow``. What each is for stands with the marks, in
pyproject.toml.
"""

from collections.abc import Collection, Iterable
from fnmatch import fnmatch
from pathlib import PurePosixPath
from typing import Any

import pytest

__all__ = ["GROUPS", "each", "group_of"]

GROUPS = ("unit", "parts", "slow")
# Of files by pattern; the first that fits.
FILES = {
    "test_docs.py": "unit",
    "test_examples.py": "slow",
    "test_groups.py": "unit",
    "test_package.py": "unit",
    "test_oxford.py": "unit",
    "test_real_samples.py": "unit",
    "test_plan_layout.py": "parts",
    "test_model_*.py": "unit",
    "test_quant_*.py": "unit",
    "test_plan_*.py": "unit",
    "test_flow_bench.py": "parts",
    "test_flow_cli.py": "parts",
    "test_flow_own.py": "parts",
    "test_flow_plan.py": "parts",
    "test_flow_synth.py": "parts",
    "test_flow_*.py": "unit",
    "test_foreign_kind.py": "parts",
    "test_wrong_python.py": "unit",
    "test_wrong_commands.py": "parts",
    "test_rtl_*.py": "parts",
    "test_cosim_*.py": "parts",
}


def group_of(test: str, marks: Collection[str]) -> str:
    """Tell the group of a test.

    Parameters
    ----------
    test : str
        As pytest names it: path of the file, ``::``, name.
    marks : collection of str
        Names of all marks that it has.

    Raises
    ------
    pytest.UsageError
        Where there is no group, or more than one.
    """
    file = PurePosixPath(test.partition("::")[0]).name
    own = sorted(set(marks) & set(GROUPS))
    own = own or [group for pattern, group in FILES.items() if fnmatch(file, pattern)][:1]
    if len(own) != 1:
        given = f"not of {' and '.join(own)}" if own else "which FILES in tests/groups.py must name"
        raise pytest.UsageError(f"{test} must be of one group of {', '.join(GROUPS)}, {given}")
    return own[0]


def each(
    names: str, values: Iterable[Any], *, quick: int, ids: Iterable[str] | None = None
) -> pytest.MarkDecorator:
    """Parametrize a test: the first `quick` values in the group of its file, the others slow.

    Parameters
    ----------
    names : str
        Of the arguments, separated by commas; each value then has one for each.
    values : iterable
    quick : int
    ids : iterable of str, optional
    """
    several = "," in names
    found = [
        pytest.param(*(value if several else (value,)), marks=[pytest.mark.slow] * (n >= quick))
        for n, value in enumerate(values)
    ]
    return pytest.mark.parametrize(names, found, ids=ids and list(ids))
