"""What a supplier's page tells: what is on its way, what he owes us and we owe him, what he sells."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from django.db.models import F, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from purchasing.models import (
    OPEN,
    Claim,
    Dispute,
    InvoiceCharge,
    InvoiceLine,
    InvoiceStatus,
    OrderStatus,
    PurchaseOrder,
    ReceiptLine,
    ReceiptStatus,
    Supplier,
    SupplierInvoice,
    SupplierItem,
)
from purchasing.services.progress import with_progress
from retailhub.core import sql
from retailhub.core.access import Principal

MOST = 10
"""Rows of a table on the page; the rest is in the lists."""
UNFINISHED = OPEN | {OrderStatus.DRAFT, OrderStatus.SUBMITTED, OrderStatus.APPROVED, OrderStatus.ON_HOLD}
_OVER = (InvoiceStatus.PAID, InvoiceStatus.REJECTED, InvoiceStatus.CREDITED)
_HELD = (InvoiceStatus.ON_HOLD, InvoiceStatus.DISPUTED)
ZERO = Decimal(0)


def unfinished_orders(supplier: Supplier, principal: Principal) -> QuerySet[PurchaseOrder]:
    """Answer his orders that are not over, the one that is due first before the others."""
    rows = PurchaseOrder.objects.for_principal(principal).filter(supplier=supplier, status__in=UNFINISHED)
    return with_progress(rows.select_related("ship_to")).order_by(F("expected_on").asc(nulls_last=True), "pk")


def open_claims(supplier: Supplier, principal: Principal) -> QuerySet[Claim]:
    rows = Claim.objects.filter(supplier=supplier, state=Claim.State.OPEN)
    codes = principal.places("purchasing:read")
    if codes is not None:
        rows = rows.filter(
            Q(receipt_line__receipt__location__code__in=codes) | Q(order_line__order__ship_to__code__in=codes)
        )
    return rows.select_related("receipt_line__receipt", "receipt_line__item").order_by("pk")


@dataclass(slots=True, kw_only=True)
class Owed:
    """What we owe a supplier in one currency: posted and not paid, of it overdue, and what is held back, net."""

    currency: str
    owed: Decimal = ZERO
    overdue: Decimal = ZERO
    held: Decimal = ZERO


@dataclass(slots=True, kw_only=True)
class Account:
    """How we stand with a supplier. `not_invoiced` is in home currency."""

    currencies: list[Owed] = field(default_factory=list)
    invoices: list[SupplierInvoice] = field(default_factory=list)
    not_invoiced: Decimal = ZERO
    disputes: int = 0


def account_of(supplier: Supplier, principal: Principal, *, today: date) -> Account | None:
    """Answer how we stand with him; None for whoever may not see it, or sees some places only: it is one account."""
    if not (principal.sees_costs and principal.may("invoices:read")) or principal.places("invoices:read") is not None:
        return None
    rows = SupplierInvoice.objects.for_principal(principal).filter(supplier=supplier).exclude(status__in=_OVER)
    sums: dict[str, Owed] = {}
    credit = SupplierInvoice.Kind.CREDIT_NOTE
    for currency, owed, overdue, given in (
        rows.values("currency")
        .annotate(
            owed=Coalesce(Sum(F("posted_total") - F("paid_total"), filter=~Q(kind=credit)), ZERO),
            overdue=Coalesce(
                Sum(F("posted_total") - F("paid_total"), filter=~Q(kind=credit) & Q(due_date__lt=today)), ZERO
            ),
            given=Coalesce(Sum(F("posted_total") - F("paid_total"), filter=Q(kind=credit)), ZERO),
        )
        .order_by("currency")
        .values_list("currency", "owed", "overdue", "given")
    ):
        sums[currency] = Owed(currency=currency, owed=owed - given, overdue=overdue)
    # What of held papers may not be paid as they are; several holds on a line hold it once.
    held = list(rows.filter(status__in=_HELD).values_list("pk", "currency"))
    for part in (InvoiceLine, InvoiceCharge):
        kept = dict(
            part.objects.filter(invoice__in=[pk for pk, _ in held])
            .values_list("invoice")
            .annotate(x=Sum(F("net_amount" if part is InvoiceLine else "amount") - F("payable_amount")))
        )
        for pk, currency in held:
            sums[currency].held += kept.get(pk) or ZERO
    lines = ReceiptLine.objects.filter(receipt__supplier=supplier, receipt__status=ReceiptStatus.POSTED)
    return Account(
        currencies=list(sums.values()),
        invoices=list(rows.defer("read").order_by(F("due_date").asc(nulls_last=True), "pk")[:MOST]),
        not_invoiced=lines.aggregate(x=Sum(F("amount") - F("cleared") - F("reduced")))["x"] or ZERO,
        disputes=Dispute.objects.filter(invoice__in=rows, state=Dispute.State.OPEN).count(),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceChange:
    """What one base unit cost on an order, and on the order before it."""

    sku: str
    name: str
    order: str
    before: Decimal
    now: Decimal

    @property
    def percent(self) -> Decimal | None:
        """By how much it rose, in hundredths with one place; below zero: it fell. None: it cost nothing before."""
        return ((self.now / self.before - 1) * 100).quantize(Decimal("0.1")) if self.before else None


_CHANGES = """
WITH priced AS (
    SELECT l.item_id, o.number, o.issued_at, o.id,
        round(l.price * l.pack_denominator / l.pack_numerator * (100 - l.discount_percent) / 100, 6) AS unit
    FROM purchasing_purchaseorderline l JOIN purchasing_purchaseorder o ON o.id = l.order_id
    WHERE o.supplier_id = %(supplier)s AND o.issued_at IS NOT NULL AND o.currency = %(currency)s
        AND l.quantity > l.cancelled AND (%(places)s::text[] IS NULL OR o.ship_to_id IN (
            SELECT p.id FROM inventory_location p WHERE p.code = ANY(%(places)s)))
), changed AS (
    SELECT *, lag(unit) OVER (PARTITION BY item_id ORDER BY issued_at, id) AS before FROM priced
)
SELECT i.sku, i.name, c.number, c.before, c.unit FROM changed c JOIN inventory_item i ON i.id = c.item_id
WHERE c.unit <> c.before ORDER BY c.issued_at DESC, i.sku_key LIMIT %(most)s
"""


def price_changes(supplier: Supplier, principal: Principal) -> list[PriceChange]:
    """Answer where an order asked another price than the one before it, latest first, in his currency."""
    if not principal.sees_costs:
        return []
    codes = principal.places("purchasing:read")
    found = sql.rows(
        _CHANGES,
        {
            "supplier": supplier.pk,
            "currency": supplier.currency,
            "places": None if codes is None else list(codes),
            "most": MOST,
        },
    )
    return [
        PriceChange(sku=sku, name=name, order=order, before=before, now=now) for sku, name, order, before, now in found
    ]


def sold_by(supplier: Supplier, principal: Principal) -> QuerySet[SupplierItem]:
    """Answer what he sells us now, with prices."""
    rows = SupplierItem.objects.for_principal(principal).filter(supplier=supplier, is_active=True)
    return rows.select_related("item").prefetch_related("prices").order_by("item__sku_key")
