"""Quantities are whole base units: pieces, grams, millilitres."""

from __future__ import annotations

import re

MOST = 1_000_000_000
_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")


class NotAQuantity(ValueError):
    """The quantity is not a whole number of bounded size."""


def quantity(value: object, *, least: int = 1) -> int:
    """Read a whole number of base units from JSON, a form or a file. Raises NotAQuantity; never rounds."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise NotAQuantity("a quantity is a whole number")
    if isinstance(value, str) and not _WHOLE.fullmatch(value.strip()):
        # int() would take "1_000" and the digits of every script
        raise NotAQuantity("a quantity is a whole number")
    number = int(value)
    if not -MOST <= number <= MOST:
        raise NotAQuantity("a quantity is at most 1,000,000,000")
    if number < least:
        raise NotAQuantity(f"a quantity here is at least {least}")
    return number
