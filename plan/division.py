"""Divisions by constants, as the hardware does them: what rtl/gates.py builds, and area counts."""

__all__ = ["added", "digits", "reciprocal"]


def reciprocal(by: int, end: int) -> tuple[int, int]:
    """Find m and k such that ``value // by`` is ``value * m >> k`` for values in 0..end - 1.

    m = ceil(2**k / by) = (2**k + e) / by. That is exact while value e < 2**k for every value; k is
    the smallest for which it is.
    """
    k = (by - 1).bit_length()
    while (-(-(1 << k) // by) * by - (1 << k)) * (end - 1) >= 1 << k:
        k += 1
    return -(-(1 << k) // by), k


def digits(number: int) -> int:
    """Count the digits -1 and 1 of a number, of which no two are neighbours."""
    return (number ^ 3 * number).bit_count()


def added(by: int, end: int) -> int:
    """Count the bits that are added to divide values in 0..end - 1, remainder and all."""
    if by >= end or by & (by - 1) == 0:
        return 0
    m, _ = reciprocal(by, end)
    return digits(m) * ((end - 1).bit_length() + m.bit_length()) + digits(by) * by.bit_length()
