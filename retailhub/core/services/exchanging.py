"""Rates of exchange, by day."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal

from django.conf import settings

from retailhub.core.errors import DomainError, Offence
from retailhub.core.models import ExchangeRate
from retailhub.core.sql import rows


class NoExchangeRate(DomainError):
    """There is no rate of exchange for this currency and day."""

    code = "no_exchange_rate"


def rate_on(currency: str, on: date, *, pointer: str = "/currency") -> Decimal:
    """Answer what one unit of the currency is worth in home currency on that day: the latest rate up to it.

    One for the home currency itself. Raises NoExchangeRate where none was ever given.
    """
    return rates_on([currency], on, pointer=pointer)[currency]


def rates_on(currencies: Iterable[str], on: date, *, pointer: str = "/currency") -> Mapping[str, Decimal]:
    """Answer the rates of several currencies, in one statement. Raises NoExchangeRate naming each that has none."""
    wanted = sorted(set(currencies))
    found = {settings.HOME_CURRENCY: Decimal(1)}
    if foreign := [currency for currency in wanted if currency != settings.HOME_CURRENCY]:
        found |= dict(
            rows(
                "SELECT DISTINCT ON (currency) currency, rate FROM core_exchangerate "
                'WHERE currency = ANY(%s) AND "on" <= %s ORDER BY currency, "on" DESC',
                [foreign, on],
            )
        )
    missing = [currency for currency in wanted if currency not in found]
    if missing:
        raise NoExchangeRate(
            errors=[
                Offence(
                    pointer=pointer,
                    code="no_exchange_rate",
                    detail=f"there is no rate of {currency} on or before {on}",
                    extra={"currency": currency},
                )
                for currency in missing
            ]
        )
    return {currency: found[currency] for currency in wanted}


def rates_of_days(wanted: Iterable[tuple[str, date]]) -> Mapping[tuple[str, date], Decimal]:
    """Answer the rate of each currency on its day, as `rate_on` does; what has none is left out. One statement."""
    listed = sorted(set(wanted))
    found = {(currency, on): Decimal(1) for currency, on in listed if currency == settings.HOME_CURRENCY}
    foreign = [entry for entry in listed if entry not in found]
    if foreign:
        for currency, on, rate in rows(
            'SELECT w.currency, w."on", r.rate FROM unnest(%s::text[], %s::date[]) AS w(currency, "on") '
            "JOIN LATERAL (SELECT e.rate FROM core_exchangerate e WHERE e.currency = w.currency "
            'AND e."on" <= w."on" ORDER BY e."on" DESC LIMIT 1) r ON true',
            [[currency for currency, _ in foreign], [on for _, on in foreign]],
        ):
            found[currency, on] = rate
    return found


def set_rates(*, rates: Mapping[tuple[str, date], Decimal], source: str = "") -> int:
    """Have these rates, whatever was there; answers how many there are. One statement."""
    listed = [ExchangeRate(currency=c, on=on, rate=rate, source=source) for (c, on), rate in rates.items()]
    ExchangeRate.objects.bulk_create(
        listed, update_conflicts=True, unique_fields=["currency", "on"], update_fields=["rate", "source"]
    )
    return len(listed)
