"""Money is Decimal with its currency once per document; rounding happens in the named functions here alone."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import lru_cache

from babel import Locale
from babel.numbers import format_currency, get_currency_precision
from django.db import models

MOST = Decimal("1e13")
PRICE_PLACES = Decimal("0.0001")
COST_PLACES = Decimal("0.000001")


class NotMoney(ValueError):
    """The amount is not a finite decimal number of bounded size."""


@lru_cache(maxsize=1)
def currencies() -> frozenset[str]:
    """Answer the ISO 4217 codes that Unicode's data knows."""
    return frozenset(code for code in map(str, Locale("en").currencies) if len(code) == 3 and code.isupper())


@lru_cache(maxsize=512)
def exponent(currency: str) -> int:
    """Answer how many decimal places the currency has: 2 for EUR, 0 for JPY, 3 for TND."""
    return get_currency_precision(currency)


def amount(value: object) -> Decimal:
    """Read an amount from text, int or Decimal. Raises NotMoney for floats, NaN, infinities and from 1e13 up."""
    if isinstance(value, bool | float) or not isinstance(value, str | int | Decimal):
        raise NotMoney('an amount is written as text, such as "19.90"')
    if isinstance(value, str) and not (value.isascii() and "_" not in value):
        raise NotMoney("this is not a number")
    try:
        number = Decimal(value.strip()) if isinstance(value, str) else Decimal(value)
    except InvalidOperation as error:
        raise NotMoney("this is not a number") from error
    if not number.is_finite():
        raise NotMoney("an amount is a finite number")
    if abs(number) >= MOST:
        raise NotMoney("an amount is smaller than 10,000,000,000,000")
    return number


def round_total(value: Decimal, currency: str) -> Decimal:
    """Round a document total half up to the currency's own places."""
    return value.quantize(_step(currency), ROUND_HALF_UP)


@lru_cache(maxsize=512)
def _step(currency: str) -> Decimal:
    return Decimal(1).scaleb(-exponent(currency))


def round_price(value: Decimal) -> Decimal:
    """Round a unit price half up to four places."""
    return value.quantize(PRICE_PLACES, ROUND_HALF_UP)


def round_cost(value: Decimal) -> Decimal:
    """Round a unit cost or a stock value half up to six places."""
    return value.quantize(COST_PLACES, ROUND_HALF_UP)


def shown(value: Decimal | None, currency: str, locale: str = "en") -> str:
    """Write an amount for people, with its currency."""
    return "" if value is None else format_currency(value, currency, locale=locale.replace("-", "_"))


class MoneyField(models.DecimalField):  # type: ignore[type-arg]
    """An amount or unit price: 19 digits, four places. The currency stands once on the document."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        kwargs.setdefault("max_digits", 19)
        kwargs.setdefault("decimal_places", 4)
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]


class CostField(models.DecimalField):  # type: ignore[type-arg]
    """A unit cost or stock value: 21 digits, six places, in the home currency."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        kwargs.setdefault("max_digits", 21)
        kwargs.setdefault("decimal_places", 6)
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]


def never_nan(*fields: str, table: str) -> list[models.CheckConstraint]:
    """Answer one constraint per decimal column that keeps NaN out, which PostgreSQL sorts above all numbers."""
    return [
        models.CheckConstraint(
            condition=models.Q(**{f"{field}__lt": Decimal("1e15")}), name=f"{table}_{field}_is_a_number"
        )
        for field in fields
    ]
