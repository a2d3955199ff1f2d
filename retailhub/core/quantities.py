"""Quantities are whole base units: pieces, grams, millilitres."""

from __future__ import annotations

MOST = 1_000_000_000


class NotAQuantity(ValueError):
    """The quantity is not a whole number of bounded size."""


def quantity(value: object, *, least: int = 1) -> int:
    """Read a whole number of base units from JSON, a form or a file. Raises NotAQuantity; never rounds."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise NotAQuantity("a quantity is a whole number")
    try:
        number = int(value.strip()) if isinstance(value, str) else value
    except ValueError as error:
        raise NotAQuantity("a quantity is a whole number") from error
    if not -MOST <= number <= MOST:
        raise NotAQuantity("a quantity is at most 1,000,000,000")
    if number < least:
        raise NotAQuantity(f"a quantity here is at least {least}")
    return number
