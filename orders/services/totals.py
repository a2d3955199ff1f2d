"""What an order comes to. Rounding: each line and each line's tax half up at the currency's places, then sums."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from retailhub.core.money import round_total


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Sums of an order, in its currency. `tax` is inside `lines` where prices include tax, else on top."""

    lines: Decimal
    shipping: Decimal
    tax: Decimal
    total: Decimal


def line_amount(quantity: int, unit_price: Decimal, discount: Decimal, currency: str) -> Decimal:
    """Answer what a line costs: quantity times unit price less the line's discount, rounded."""
    return round_total(quantity * unit_price - discount, currency)


def totals_of(
    lines: Sequence[tuple[Decimal, Decimal]], *, shipping: Decimal, currency: str, prices_include_tax: bool
) -> Totals:
    """Sum up lines given as (amount, tax rate)."""
    amount = sum((value for value, _ in lines), Decimal(0))
    if prices_include_tax:
        tax = sum((round_total(value * rate / (1 + rate), currency) for value, rate in lines), Decimal(0))
        total = amount + shipping
    else:
        tax = sum((round_total(value * rate, currency) for value, rate in lines), Decimal(0))
        total = amount + tax + shipping
    return Totals(lines=amount, shipping=shipping, tax=tax, total=round_total(total, currency))
