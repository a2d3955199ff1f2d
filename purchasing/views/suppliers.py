"""The page of a supplier: how he does, what is open with him, and on which terms we buy."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from purchasing import reading_suppliers as reading
from purchasing.models import Sending, Supplier, SupplierItem
from purchasing.services.pricing import best_price
from purchasing.services.printing import address_lines
from purchasing.services.progress import shown_progress
from purchasing.services.scoring import Figures, Scorecard, Share, scorecards
from purchasing.transports.registry import way_to
from retailhub.core.money import round_cost
from retailhub.core.pages import ShellPage, or_404

SPANS = (30, 90, 365)
MONTHS = 12
NOTHING = Scorecard(whole=Figures(), months={})
PROMISED = gettext_lazy(
    "The promised day is what he confirmed, else what the order asks for, else the agreed lead time."
)


class SupplierPage(ShellPage):
    """Figures counted from his documents, open orders and claims, what we owe him, his prices and terms."""

    scope = "purchasing:read"
    template_name = "purchasing/supplier.html"

    @cached_property
    def supplier(self) -> Supplier:
        rows = Supplier.objects.for_principal(self.principal).prefetch_related("contacts", "identifiers")
        return or_404(rows.named(self.kwargs["code"]).first())

    def get_title(self) -> str:
        return self.supplier.name

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        supplier, today = self.supplier, timezone.localdate()
        asked = request.GET.get("days", "")
        days = int(asked) if asked in map(str, SPANS) else 90
        span, year = self._card(today - timedelta(days=days - 1), today), self._card(_months_ago(today), today)
        orders = list(reading.unfinished_orders(supplier, self.principal)[: reading.MOST + 1])
        claims = list(reading.open_claims(supplier, self.principal)[: reading.MOST + 1])
        sold = list(reading.sold_by(supplier, self.principal)[: reading.MOST + 1])
        transport, address = way_to(supplier)
        return self.render(
            supplier=supplier,
            spans=SPANS,
            days=days,
            figures=_figures(span.whole) if not span.whole.is_empty else [],
            sums=span.whole,
            months=_months(year, today),
            orders=[
                {"order": x, "progress": shown_progress(x), "late": _is_late(x, today)} for x in orders[: reading.MOST]
            ],
            more_orders=len(orders) > reading.MOST,
            claims=claims[: reading.MOST],
            more_claims=len(claims) > reading.MOST,
            account=reading.account_of(supplier, self.principal, today=today),
            sold=[_sold(x, today) for x in sold[: reading.MOST]],
            changes=reading.price_changes(supplier, self.principal),
            more_sold=len(sold) > reading.MOST,
            way=transport.label if address else "",
            way_address=address,
            last=Sending.objects.filter(supplier=supplier).order_by("-pk").first(),
            home_currency=settings.HOME_CURRENCY,
            may_write=self.principal.may("purchasing:write"),
            may_order=self.principal.may("purchasing:write") and supplier.status == Supplier.Status.ACTIVE,
            address_lines=address_lines(supplier.address),
        )

    def _card(self, since: date, until: date) -> Scorecard:
        found = scorecards(
            since=since,
            until=until,
            today=until,
            supplier_ids=[self.supplier.pk],
            places=self.principal.places(self.scope),
        )
        return found.get(self.supplier.pk, NOTHING)


def _months_ago(today: date) -> date:
    """Answer the first day of the month eleven months before this one: with this one, they are twelve."""
    month = today.year * 12 + today.month - MONTHS
    return date(month // 12, month % 12 + 1, 1)


def _is_late(order: Any, today: date) -> bool:
    return bool(order.issued_at and order.expected_on and order.expected_on < today and shown_progress(order).open)


def _tone(percent: Decimal | None, good: int, fair: int) -> str:
    if percent is None:
        return ""
    return "good" if percent >= good else "warn" if percent >= fair else "bad"


def _counts(share: Share, what: str) -> str:
    return what % {"count": share.count, "of": share.of}


def _figures(told: Figures) -> list[dict[str, Any]]:
    """Answer each figure with its counts and what is counted."""
    rejected = told.rejected.percent
    return [
        {
            "name": _("On time, in full"),
            "share": told.on_time_in_full.percent,
            "tone": _tone(told.on_time_in_full.percent, 95, 80),
            "counts": _counts(told.on_time_in_full, _("%(count)s of %(of)s lines due")),
            "means": " ".join(
                [
                    _("Order lines whose promised day was in these days, and of which all came by that day."),
                    str(PROMISED),
                ]
            ),
        },
        {
            "name": _("Fill rate"),
            "share": told.fill.percent,
            "tone": _tone(told.fill.percent, 97, 90),
            "counts": _counts(told.fill, _("%(count)s of %(of)s units due")),
            "means": _("Units accepted so far of those wanted on the same lines. What was closed short was wanted."),
        },
        {
            "name": _("Days late"),
            "value": told.mean_late if told.lines_late else (Decimal(0) if told.lines_due else None),
            "tone": "" if not told.lines_due else "good" if not told.lines_late else "warn",
            "counts": _("%(count)s lines late, %(most)s days at most")
            % {"count": told.lines_late, "most": told.most_late},
            "means": _("Mean of the lines that were completed after the promised day, or are open and past it."),
        },
        {
            "name": _("Lead time, days"),
            "value": told.lead_days,
            "tone": ""
            if told.lead_days is None or told.lead_days_promised is None
            else "good"
            if told.lead_days <= told.lead_days_promised
            else "warn",
            "counts": _("promised %(days)s, %(count)s deliveries")
            % {
                "days": "\N{EN DASH}" if told.lead_days_promised is None else told.lead_days_promised,
                "count": told.deliveries,
            },
            "means": _("From the order to each line of a delivery in these days, beside the days that were promised."),
        },
        {
            "name": _("Not as ordered"),
            "share": rejected,
            "tone": "" if rejected is None else "good" if rejected <= 1 else "warn" if rejected <= 3 else "bad",
            "counts": _counts(told.rejected, _("%(count)s of %(of)s units that came")),
            "means": _("%(damaged)s damaged, %(wrong)s wrong, %(refused)s refused, of all units that came.")
            % {"damaged": told.units_damaged, "wrong": told.units_wrong, "refused": told.units_refused},
        },
        {
            "name": _("Billed as ordered"),
            "share": told.price_accuracy.percent,
            "tone": _tone(told.price_accuracy.percent, 98, 90),
            "counts": _counts(told.price_accuracy, _("%(count)s of %(of)s billed lines")),
            "means": _("Lines he billed at the ordered price, to the cent."),
        },
    ]


def _months(card: Scorecard, today: date) -> list[dict[str, Any]]:
    """Answer the months from the first with something to count, one without anything too."""
    if not card.months:
        return []
    month, shown = min(card.months), []
    while month <= today:
        told = card.months.get(month, Figures())
        # Lengths in a style sheet are written with a point in every language.
        heights = {"whole": str(told.on_time_in_full.percent or 0), "filled": str(told.fill.percent or 0)}
        shown.append({"month": month, "told": told, **heights})
        month = date(month.year + month.month // 12, month.month % 12 + 1, 1)
    return shown


def _sold(sold: SupplierItem, today: date) -> dict[str, Any]:
    """Answer an entry of his list with today's price of the least quantity, and how many breaks follow it."""
    prices = list(sold.prices.all())
    found = best_price(prices, Fraction(sold.minimum_quantity), today)
    price = found.price if found else sold.last_price
    discount = found.discount_percent if found else Decimal(0)
    return {
        "sold": sold,
        "price": None if price is None else round_cost(price * (100 - discount) / 100).normalize(),
        "source": found.get_source_display() if found else _("last paid") if price is not None else "",
        "breaks": len({x.minimum_quantity for x in prices if x.minimum_quantity > sold.minimum_quantity}),
    }
