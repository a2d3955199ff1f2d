"""How suppliers do, counted from the documents."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, ClassVar

import django_filters
from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from purchasing.api.order_bodies import COSTS
from purchasing.api.suppliers import READ, SupplierFilters, supplier_at
from purchasing.models import Supplier
from purchasing.services.scoring import Figures, Scorecard, Share, scorecards
from retailhub.core.access import Principal
from retailhub.core.api.amounts import written
from retailhub.core.api.fields import BadValue, DayField, MoneyString
from retailhub.core.api.filtering import known_only
from retailhub.core.api.paging import parameter
from retailhub.core.api.schema import door, query
from retailhub.core.api.views import ApiView, ListView
from retailhub.core.errors import Invalid
from retailhub.core.money import round_total

DAYS = 90
MOST_DAYS = 3_660
NOTHING = Scorecard(whole=Figures(), months={})


class ScorecardFilters(SupplierFilters):
    since = django_filters.DateFilter(method="kept", help_text="First day; left out: 90 days before the last.")
    until = django_filters.DateFilter(method="kept", help_text="Last day; left out: today.")

    def kept(self, rows: QuerySet[Any], name: str, value: date) -> QuerySet[Any]:
        return rows


def span_of(request: Request) -> tuple[date, date]:
    """Answer the days that the address names. Raises Invalid."""
    until = _day(request, "until") or timezone.localdate()
    since = _day(request, "since") or max(until, date.min + timedelta(days=DAYS)) - timedelta(days=DAYS)
    if not 0 <= (until - since).days <= MOST_DAYS:
        detail = f"0 to {MOST_DAYS} days after the first one"
        raise Invalid(f"The last day is {detail}.", errors=[parameter("until", "invalid", detail)])
    return since, until


def _day(request: Request, name: str) -> date | None:
    text = request.query_params.get(name, "")
    if not text:
        return None
    try:
        return DayField().read(text)
    except BadValue as bad:
        raise Invalid(f"{name}: {bad.detail}", errors=[parameter(name, "invalid", bad.detail)]) from bad


# --- what is answered ------------------------------------------------------------------------------------------------


class ShareShape(serializers.Serializer[Any]):
    count = serializers.IntegerField()
    of = serializers.IntegerField()
    percent = MoneyString(allow_null=True, help_text="With one place; 0 and 100 are said of none and of all only.")


class LateShape(serializers.Serializer[Any]):
    lines = serializers.IntegerField(help_text="Completed after the promised day, or open and past it.")
    days = MoneyString(allow_null=True, help_text="Mean of these lines; an open one counts up to today.")
    days_most = serializers.IntegerField()


class LeadTimeShape(serializers.Serializer[Any]):
    deliveries = serializers.IntegerField(help_text="Lines of deliveries with accepted goods of an order.")
    days = MoneyString(allow_null=True, help_text="Mean from the order to the delivery.")
    days_promised = MoneyString(allow_null=True, help_text="Mean from the order to the promised day.")


class RejectedShape(ShareShape):
    damaged = serializers.IntegerField()
    wrong = serializers.IntegerField()
    refused = serializers.IntegerField()


class PriceAccuracyShape(ShareShape):
    currency = serializers.CharField(required=False, help_text="The home currency.")
    billed = MoneyString(required=False, help_text=COSTS)
    billed_above = MoneyString(required=False, help_text=COSTS)
    billed_below = MoneyString(required=False, help_text=COSTS)


class FiguresShape(serializers.Serializer[Any]):
    on_time_in_full = ShareShape(
        help_text="Of the order lines whose promised day fell into these days: those of which everything wanted was "
        "accepted on that day or before. Promised is what he confirmed, else what the order asks for, else the agreed "
        "lead time. What was called off is not wanted; what was given up by closing short is."
    )
    fill = ShareShape(help_text="Of the units wanted on these lines: those accepted so far.")
    late = LateShape()
    lead_time = LeadTimeShape()
    rejected = RejectedShape(help_text="Of the units that came: damaged, wrong and refused ones.")
    price_accuracy = PriceAccuracyShape(
        help_text="Of the lines he billed for orders: those at the ordered price, to the cent."
    )


class MonthShape(FiguresShape):
    month = serializers.RegexField(r"^\d{4}-\d{2}$")


class ScorecardShape(FiguresShape):
    supplier = serializers.CharField()
    since = DayField()
    until = DayField()
    months = MonthShape(many=True, help_text="Those with something to count.")


def figures(told: Figures, principal: Principal) -> dict[str, Any]:
    accuracy = _share(told.price_accuracy)
    if principal.sees_costs:
        home = settings.HOME_CURRENCY
        amounts = {name: getattr(told, name) for name in ("billed", "billed_above", "billed_below")}
        accuracy |= {"currency": home} | {name: written(round_total(x, home), home) for name, x in amounts.items()}
    return {
        "on_time_in_full": _share(told.on_time_in_full),
        "fill": _share(told.fill),
        "late": {"lines": told.lines_late, "days": _text(told.mean_late), "days_most": told.most_late},
        "lead_time": {
            "deliveries": told.deliveries,
            "days": _text(told.lead_days),
            "days_promised": _text(told.lead_days_promised),
        },
        "rejected": _share(told.rejected)
        | {"damaged": told.units_damaged, "wrong": told.units_wrong, "refused": told.units_refused},
        "price_accuracy": accuracy,
    }


def _share(share: Share) -> dict[str, Any]:
    return {"count": share.count, "of": share.of, "percent": _text(share.percent)}


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def scorecard(code: str, card: Scorecard, since: date, until: date, principal: Principal) -> dict[str, Any]:
    return {
        "supplier": code,
        "since": since,
        "until": until,
        **figures(card.whole, principal),
        "months": [{"month": f"{month:%Y-%m}", **figures(x, principal)} for month, x in card.months.items()],
    }


class SupplierScorecards(ListView):
    """List how suppliers do, by code. A page takes the same few statements whatever is on it."""

    required_scopes: ClassVar = {"GET": READ}
    filterset_class = ScorecardFilters
    shape = ScorecardShape
    keys = ("code",)
    key_kinds = (str,)

    def rows(self) -> QuerySet[Supplier]:
        return Supplier.objects.for_principal(self.principal)

    def prepare(self, page: list[Any]) -> None:
        self.span = span_of(self.request)
        self.cards = scorecards(
            since=self.span[0],
            until=self.span[1],
            today=timezone.localdate(),
            supplier_ids=[row.pk for row in page],
            places=self.principal.places(READ),
        )

    def shown(self, row: Supplier) -> Mapping[str, Any]:
        return scorecard(row.code, self.cards.get(row.pk, NOTHING), *self.span, self.principal)


class SupplierScorecard(ApiView):
    """How one supplier does."""

    required_scopes: ClassVar = {"GET": READ}

    @door(
        ScorecardShape,
        parameters=(
            query("since", "First day, such as 2026-11-01; left out: 90 days before the last."),
            query("until", "Last day; left out: today."),
        ),
    )
    def get(self, request: Request, code: str) -> Response:
        """Read how a supplier does over some days, in all and month by month, with the counts of every figure.

        Whoever works at some places only reads what was ordered for them, received and billed there.
        """
        known_only(request, {"since", "until"})
        supplier = supplier_at(self.principal, code)
        since, until = span_of(request)
        cards = scorecards(
            since=since,
            until=until,
            today=timezone.localdate(),
            supplier_ids=[supplier.pk],
            places=self.principal.places(READ),
        )
        return Response(scorecard(supplier.code, cards.get(supplier.pk, NOTHING), since, until, self.principal))
