"""How a supplier does, by the documents: what came on the promised day and whole, how long it took, what was billed.

Nothing is kept: every figure is counted anew over a span of days, from order lines that were due in it, deliveries that
came in it and invoices dated in it. Counts and sums are read per supplier and month and are added up, so that a share
is always a share of everything, never a mean of shares.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, fields
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.utils import timezone

from purchasing.models import InvoiceStatus, OrderStatus
from retailhub.core.money import currencies, exponent
from retailhub.core.sql import rows

ZERO = Decimal(0)
TENTH = Decimal("0.1")


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many."""

    count: int
    of: int

    @property
    def percent(self) -> Decimal | None:
        """In hundredths with one place; 100 and 0 are said only of all and of none. None: there was nothing."""
        if not self.of:
            return None
        exact = Decimal(100 * self.count) / self.of
        near = exact.quantize(TENTH, ROUND_HALF_UP)
        if 0 < self.count < self.of:
            return min(max(near, TENTH), 100 - TENTH)
        return near


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Counts and sums of one supplier in some days. Units are base units, amounts are in home currency."""

    lines_due: int = 0
    lines_whole: int = 0
    """Of the lines due: everything wanted was accepted on the promised day or before."""
    lines_late: int = 0
    """Of the lines due: completed after the promised day, or open and past it."""
    days_late: int = 0
    """Of the late lines together."""
    most_late: int = 0
    units_due: int = 0
    units_filled: int = 0
    deliveries: int = 0
    """Lines of deliveries with accepted goods of an order."""
    days_taken: int = 0
    """From the order to the delivery, of these together."""
    days_promised: int = 0
    units_came: int = 0
    units_damaged: int = 0
    units_wrong: int = 0
    units_refused: int = 0
    billed_lines: int = 0
    billed_right: int = 0
    """Of the billed lines: at the ordered price, to the cent."""
    billed: Decimal = ZERO
    billed_above: Decimal = ZERO
    billed_below: Decimal = ZERO

    def __add__(self, other: Figures) -> Figures:
        both = {x.name: getattr(self, x.name) + getattr(other, x.name) for x in fields(Figures)}
        return Figures(**both | {"most_late": max(self.most_late, other.most_late)})

    @property
    def on_time_in_full(self) -> Share:
        return Share(self.lines_whole, self.lines_due)

    @property
    def fill(self) -> Share:
        return Share(self.units_filled, self.units_due)

    @property
    def units_rejected(self) -> int:
        return self.units_damaged + self.units_wrong + self.units_refused

    @property
    def rejected(self) -> Share:
        return Share(self.units_rejected, self.units_came)

    @property
    def price_accuracy(self) -> Share:
        return Share(self.billed_right, self.billed_lines)

    @property
    def lead_days(self) -> Decimal | None:
        return _mean(self.days_taken, self.deliveries)

    @property
    def lead_days_promised(self) -> Decimal | None:
        return _mean(self.days_promised, self.deliveries)

    @property
    def mean_late(self) -> Decimal | None:
        return _mean(self.days_late, self.lines_late)

    @property
    def is_empty(self) -> bool:
        return not (self.lines_due or self.deliveries or self.units_came or self.billed_lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scorecard:
    """All days together, and month by month (the first day of each month with something to count)."""

    whole: Figures
    months: dict[date, Figures]


_AMOUNTS = frozenset({"billed", "billed_above", "billed_below"})


def _mean(total: int, count: int) -> Decimal | None:
    return (Decimal(total) / count).quantize(TENTH, ROUND_HALF_UP) if count else None


# The promised day: what the supplier confirmed, else what the order asks for, else the agreed lead time.
_DUE = """coalesce(l.confirmed_on, l.expected_on, o.expected_on,
    (o.issued_at AT TIME ZONE %(zone)s)::date + coalesce(si.lead_time_days, s.lead_time_days))"""
_ORDERED = """purchasing_purchaseorderline l
    JOIN purchasing_purchaseorder o ON o.id = l.order_id
    JOIN purchasing_supplier s ON s.id = o.supplier_id
    LEFT JOIN purchasing_supplieritem si ON si.supplier_id = o.supplier_id AND si.item_id = l.item_id"""
_MINE = "(%(suppliers)s::bigint[] IS NULL OR {supplier} = ANY(%(suppliers)s))"
_HERE = """(%(places)s::text[] IS NULL OR {place} IN (
    SELECT p.id FROM inventory_location p WHERE p.code = ANY(%(places)s)))"""

_FIGURES = f"""
WITH due AS (
    SELECT o.supplier_id, {_DUE} AS due, o.closed_at IS NOT NULL AS is_over, l.id,
        -- what was given up when the order was closed short was wanted all the same
        l.quantity - l.cancelled + coalesce((
            SELECT sum((e.data -> 'given_up' ->> l.line::text)::integer) FROM purchasing_buyingevent e
            WHERE e.document = 'po:' || o.number AND e.data ? 'given_up'), 0) AS wanted
    FROM {_ORDERED}
    WHERE o.issued_at IS NOT NULL AND o.status <> %(cancelled)s
        AND {_MINE.format(supplier="o.supplier_id")} AND {_HERE.format(place="o.ship_to_id")}
), judged AS (
    SELECT d.*, came.total, came.in_time,
        CASE WHEN came.total >= d.wanted THEN came.latest WHEN NOT d.is_over THEN %(today)s::date END AS until
    FROM due d CROSS JOIN LATERAL (
        SELECT coalesce(sum(x.accepted), 0) AS total, max(r.received_on) AS latest,
            coalesce(sum(x.accepted) FILTER (WHERE r.received_on <= d.due), 0) AS in_time
        FROM purchasing_receiptline x JOIN purchasing_receipt r ON r.id = x.receipt_id AND r.status = 'posted'
        WHERE x.order_line_id = d.id AND x.accepted > 0
    ) came
    WHERE d.due BETWEEN %(since)s AND %(until)s AND d.wanted > 0
        AND (d.due < %(today)s::date OR came.in_time >= d.wanted)
), delivered AS (
    SELECT r.supplier_id, r.received_on, x.accepted, x.damaged, x.wrong, x.refused,
        CASE WHEN x.instead_of_id IS NULL THEN x.accepted + x.damaged + x.wrong + x.refused + x.over + x.free
            ELSE 0 END AS came,
        CASE WHEN x.accepted > 0 THEN r.received_on - (o.issued_at AT TIME ZONE %(zone)s)::date END AS taken,
        {_DUE} - (o.issued_at AT TIME ZONE %(zone)s)::date AS promised
    FROM purchasing_receipt r JOIN purchasing_receiptline x ON x.receipt_id = r.id
    LEFT JOIN ({_ORDERED}) ON l.id = x.order_line_id
    WHERE r.status = 'posted' AND r.supplier_id IS NOT NULL AND r.received_on BETWEEN %(since)s AND %(until)s
        AND {_MINE.format(supplier="r.supplier_id")} AND {_HERE.format(place="r.location_id")}
), billed AS (
    SELECT i.supplier_id, i.invoice_date, x.net_amount * i.rate AS net, i.rate,
        x.net_amount - x.quantity::numeric * l.pack_denominator / l.pack_numerator * l.price
            * (100 - l.discount_percent) / 100 AS above,
        CASE WHEN i.currency = ANY(%(no_places)s) THEN 1 WHEN i.currency = ANY(%(three_places)s) THEN 0.001
            ELSE 0.01 END AS step
    FROM purchasing_supplierinvoice i JOIN purchasing_invoiceline x ON x.invoice_id = i.id
    JOIN purchasing_purchaseorderline l ON l.id = x.order_line_id
    JOIN purchasing_purchaseorder o ON o.id = l.order_id AND o.currency = i.currency
    WHERE i.kind = 'invoice' AND i.status <> ALL(%(not_billed)s) AND i.invoice_date BETWEEN %(since)s AND %(until)s
        AND {_MINE.format(supplier="i.supplier_id")} AND {_HERE.format(place="o.ship_to_id")}
)
SELECT supplier_id, date_trunc('month', due)::date, count(*), count(*) FILTER (WHERE in_time >= wanted),
    count(*) FILTER (WHERE until > due), coalesce(sum(until - due) FILTER (WHERE until > due), 0),
    coalesce(max(until - due) FILTER (WHERE until > due), 0), sum(wanted), sum(least(total, wanted)),
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
FROM judged GROUP BY 1, 2
UNION ALL
SELECT supplier_id, date_trunc('month', received_on)::date, 0, 0, 0, 0, 0, 0, 0,
    count(taken), coalesce(sum(taken), 0), coalesce(sum(promised) FILTER (WHERE taken IS NOT NULL), 0),
    sum(came), sum(damaged), sum(wrong), sum(refused), 0, 0, 0, 0, 0
FROM delivered GROUP BY 1, 2
UNION ALL
SELECT supplier_id, date_trunc('month', invoice_date)::date, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    count(*), count(*) FILTER (WHERE abs(above) <= step), sum(net),
    coalesce(sum(above * rate) FILTER (WHERE above > step), 0),
    coalesce(-sum(above * rate) FILTER (WHERE above < -step), 0)
FROM billed GROUP BY 1, 2
"""  # noqa: S608  nothing but our own text is put together


def scorecards(
    *,
    since: date,
    until: date,
    today: date,
    supplier_ids: Collection[int] | None = None,
    places: Collection[str] | None = None,
) -> dict[int, Scorecard]:
    """Answer by supplier how he did from `since` through `until`; who had nothing to do is left out.

    None for suppliers means all, for places everywhere. One statement, whatever the number of suppliers. A line counts
    once its promised day is over, or once it came whole.
    """
    found: dict[int, dict[date, Figures]] = {}
    names = [x.name for x in fields(Figures)]
    whole = {code for code in currencies() if exponent(code) == 0}
    for supplier_id, month, *counted in rows(
        _FIGURES,
        {
            "since": since,
            "until": until,
            "today": today,
            "zone": timezone.get_default_timezone_name(),
            "suppliers": None if supplier_ids is None else list(supplier_ids),
            "places": None if places is None else list(places),
            "cancelled": OrderStatus.CANCELLED,
            "not_billed": [InvoiceStatus.CAPTURED, InvoiceStatus.REJECTED],
            "no_places": list(whole),
            "three_places": [code for code in currencies() if exponent(code) > 2],
        },
    ):
        told: dict[str, Any] = {n: x if n in _AMOUNTS else int(x) for n, x in zip(names, counted, strict=True)}
        months = found.setdefault(supplier_id, {})
        months[month] = months.get(month, Figures()) + Figures(**told)
    return {
        supplier_id: Scorecard(whole=sum(months.values(), Figures()), months=dict(sorted(months.items())))
        for supplier_id, months in found.items()
    }
