"""Amounts as the API writes them."""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache

from retailhub.core.money import exponent


def written(value: Decimal | None, currency: str) -> str | None:
    """Write an amount with the currency's own places, and with more where it has more: "19.90", "0.1234", "500"."""
    if value is None:
        return None
    text = format(value, "f")
    whole, _, rest = text.partition(".")
    rest = rest.rstrip("0").ljust(_places(currency), "0")
    return f"{whole}.{rest}" if rest else whole


def written_cost(value: Decimal | None) -> str | None:
    """Write a unit cost or a stock value: two places at least, six at most."""
    if value is None:
        return None
    whole, _, rest = format(value, "f").partition(".")
    return f"{whole}.{rest.rstrip('0').ljust(2, '0')}"


@lru_cache(maxsize=256)
def _places(currency: str) -> int:
    return exponent(currency) if currency else 2
