"""What files may bring into the books: rates of exchange."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from django.conf import settings

from retailhub.core.imports.fields import Field
from retailhub.core.imports.targets import Desk, Outcome, Row, Target, Verdict
from retailhub.core.models import ExchangeRate
from retailhub.core.services.exchanging import set_rates

_PLACES = Decimal("0.000000001")
_MOST = Decimal(10) ** 10


class RateImport:
    """Rates of exchange by currency and day: home currency for one unit, or `per_home` units for one of home currency.

    A rate of the home currency itself is nothing to be kept.
    """

    label: str = "Rates of exchange"
    scopes: Sequence[str] = ("accounting:write",)
    key: Sequence[str] = ("currency", "on")
    part_fields: Sequence[Field] = ()
    fields: Sequence[Field] = (
        Field(name="currency", kind="currency", required=True),
        Field(name="on", kind="day", required=True),
        Field(name="home", kind="currency"),
        Field(name="rate", kind="rate"),
        Field(name="per_home", kind="rate"),
    )

    def judge(self, rows: Sequence[Row], desk: Desk) -> list[Verdict]:
        days = {row.values["on"] for row in rows}
        known: dict[tuple[str, date], Decimal] = (
            {
                (currency, on): rate
                for currency, on, rate in ExchangeRate.objects.filter(
                    currency__in={row.values["currency"] for row in rows}, on__range=(min(days), max(days))
                ).values_list("currency", "on", "rate")
            }
            if days
            else {}
        )
        verdicts = []
        for row in rows:
            verdict = Verdict(row)
            if row.get("home", settings.HOME_CURRENCY) != settings.HOME_CURRENCY:
                verdict.refuse("home", f"the books are kept in {settings.HOME_CURRENCY}")
            elif (rate := _rate(verdict)) is not None:
                verdict.plan = rate
                if row.values["currency"] == settings.HOME_CURRENCY:
                    verdict.outcome = Outcome.SAME
                    if rate != 1:
                        verdict.refuse("rate", "the home currency is worth itself")
                elif (have := known.get((row.values["currency"], row.values["on"]))) is not None:
                    verdict.compare({"rate": have}, {"rate": rate})
            verdicts.append(verdict)
        return verdicts

    def apply(self, verdicts: Sequence[Verdict], desk: Desk) -> None:
        set_rates(
            rates={(v.row.values["currency"], v.row.values["on"]): v.plan for v in verdicts}, source=desk.source[:80]
        )


def _rate(verdict: Verdict) -> Decimal | None:
    """Answer the rate the row tells, or refuse it."""
    told = {name: verdict.row.values[name] for name in ("rate", "per_home") if verdict.row.values.get(name) is not None}
    if len(told) != 1:
        verdict.refuse("rate", "one rate is to be told, either way round")
        return None
    ((name, figure),) = told.items()
    if figure <= 0:
        verdict.refuse(name, "a rate is above zero")
        return None
    rate: Decimal = (figure if name == "rate" else 1 / figure).quantize(_PLACES)
    if not 0 < rate < _MOST:
        verdict.refuse(name, "this is no rate that can be kept")
        return None
    return rate


TARGETS: dict[str, Target] = {"rates": RateImport()}
