"""How many examples a random test takes under the profile that pytest was started with."""

from hypothesis import settings

__all__ = ["examples"]


def examples(n: int) -> settings:
    """Take n examples under the profile quick, in proportion under any other: 10 n under fuzz.

    Everything else, whether the examples are new ones included, is as the profile says.
    pytest loads the profile before it imports a test, so it counts when a test is decorated.
    """
    usual = settings.get_profile("quick").max_examples
    return settings(max_examples=max(1, n * settings().max_examples // usual))
