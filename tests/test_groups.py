"""The groups of the tests: each test is in exactly one."""

from pathlib import Path

import pytest

from .groups import FILES, GROUPS, each, group_of


def test_file_names_the_group() -> None:
    """A test without a mark is in the group of its file, whatever other marks it has."""
    assert group_of("tests/test_model_width.py::test_a[1]", {"hypothesis"}) == "unit"
    assert group_of("tests/test_rtl_join.py::test_a", set()) == "parts"


def test_mark_goes_before_the_file() -> None:
    """A mark of a group puts a test there."""
    assert group_of("tests/test_rtl_join.py::test_a", {"slow", "parametrize"}) == "slow"


@pytest.mark.parametrize(
    ("test", "marks", "found"),
    [
        ("tests/test_new.py::test_a", set(), "which FILES in tests/groups.py must name"),
        ("tests/test_model_new.py::test_a", {"slow", "parts"}, "not of parts and slow"),
    ],
    ids=["none", "two"],
)
def test_no_group_and_two_groups_are_refused(test: str, marks: set[str], found: str) -> None:
    """A test in no group, or in two, stops the run with a sentence."""
    with pytest.raises(pytest.UsageError) as refused:
        group_of(test, marks)
    assert str(refused.value) == f"{test} must be of one group of unit, parts, slow, {found}"


def test_every_test_is_marked(request: pytest.FixtureRequest) -> None:
    """What pytest collected has one group each, this test that of its file."""
    assert request.node.get_closest_marker("unit")
    for item in request.session.items:
        assert len({mark.name for mark in item.iter_markers()} & set(GROUPS)) == 1


def test_every_pattern_names_a_file() -> None:
    """No pattern is left behind by a file that went."""
    for pattern in FILES:
        assert list(Path(__file__).parent.glob(pattern)), pattern


@each("value", ["quick", "slow"], quick=1)
def test_values_beyond_the_quick_are_slow(request: pytest.FixtureRequest, value: str) -> None:
    """Of a test that has many values, the first are in the group of its file."""
    assert request.node.get_closest_marker("unit" if value == "quick" else "slow")
