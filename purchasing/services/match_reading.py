"""What the match looks at, read once for all invoices of a run and held until it is written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from django.conf import settings
from django.db.models import Q

from purchasing.models import (
    Hold,
    InvoiceCharge,
    InvoiceLine,
    InvoiceStatus,
    MatchPolicy,
    PurchaseCharge,
    SupplierInvoice,
)
from purchasing.services.checking import ZERO, BilledLine, OrderedLine, Policies
from purchasing.services.standing import lock_purchase_orders
from retailhub.core.sql import rows

# Lines of a paper that counts no more bill nothing.
_LIVE = "('captured', 'matching', 'matched', 'on_hold', 'approved', 'posted', 'paid', 'disputed')"


@dataclass(slots=True)
class Lot:
    """Units of one receipt line that no invoice stands for yet."""

    pk: int
    free: int


@dataclass(slots=True)
class Book:
    """Everything a run needs, by id."""

    invoices: list[SupplierInvoice]
    currencies: dict[int, tuple[str, Decimal]] = field(default_factory=dict)
    """By invoice: its currency, and home currency for one unit of it."""
    lines: dict[int, list[InvoiceLine]] = field(default_factory=lambda: defaultdict(list))
    charges: dict[int, list[InvoiceCharge]] = field(default_factory=lambda: defaultdict(list))
    ordered: dict[int, OrderedLine] = field(default_factory=dict)
    lots: dict[int, list[Lot]] = field(default_factory=lambda: defaultdict(list))
    holds: dict[int, list[Hold]] = field(default_factory=lambda: defaultdict(list))
    released: dict[int, dict[tuple[int | None, int | None, str], Hold]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    twins: dict[int, tuple[int, str]] = field(default_factory=dict)
    policies: Policies = field(default_factory=lambda: Policies([]))
    absorbed: dict[int, tuple[int, Decimal]] = field(default_factory=dict)
    agreed: dict[int, Decimal] = field(default_factory=dict)
    expected_charges: dict[int, Decimal] = field(default_factory=dict)
    targets: dict[int, InvoiceLine] = field(default_factory=dict)
    sent_back: dict[int, int] = field(default_factory=dict)
    charged: dict[int, dict[str, Decimal]] = field(default_factory=lambda: defaultdict(dict))
    """By credit note and code: what of its invoice's charges is posted, less what other credit notes gave back."""

    def billed(self, line: InvoiceLine) -> BilledLine:
        """Answer the line less what credit notes took off before it was posted."""
        units, net = self.absorbed.get(line.pk, (0, ZERO))
        return BilledLine(
            pk=line.pk,
            invoice_id=line.invoice_id,
            line=line.line,
            order_line_id=line.order_line_id,
            item_id=line.item_id,
            units=line.quantity - units,
            net=line.net_amount - net,
            tax_rate=line.tax_rate,
            decision=line.decision,
            posted_units=line.posted_quantity,
            posted_net=line.posted_amount,
            stated_net=line.net_amount,
            currency=self.currencies[line.invoice_id][0],
            rate=self.currencies[line.invoice_id][1],
        )

    def charge_left(self, charge: InvoiceCharge) -> Decimal:
        """Answer what of the agreed charge no earlier invoice billed; the charge takes its part of it."""
        if charge.order_charge_id is None:
            return ZERO
        left = max(ZERO, self.agreed.get(charge.order_charge_id, ZERO))
        self.agreed[charge.order_charge_id] = left - min(left, charge.amount - charge.posted_amount)
        return left


def read_book(invoice_ids: Iterable[int]) -> Book:
    """Lock the invoices and their orders, and answer what the match looks at. A fixed number of statements."""
    wanted = sorted(set(invoice_ids))
    invoices = list(
        SupplierInvoice.objects.filter(pk__in=wanted)
        .exclude(status__in=[InvoiceStatus.REJECTED, InvoiceStatus.CREDITED])
        .exclude(supplier=None)
        .select_related("supplier")
        .defer("read")
        .order_by("pk")
        .select_for_update(of=("self",), no_key=True)
    )
    book = Book(invoices, {invoice.pk: (invoice.currency, invoice.rate) for invoice in invoices})
    ids = [invoice.pk for invoice in invoices]
    if not ids:
        return book
    order_ids = rows(
        "SELECT DISTINCT o.order_id FROM purchasing_invoiceline l "
        "JOIN purchasing_purchaseorderline o ON o.id = l.order_line_id WHERE l.invoice_id = ANY(%s)",
        [ids],
    )
    lock_purchase_orders(pk for (pk,) in order_ids)
    # Read after the locks: whoever waited here sees what the first one decided.
    for line in InvoiceLine.objects.filter(invoice__in=ids).order_by("invoice", "line"):
        book.lines[line.invoice_id].append(line)
    for charge in InvoiceCharge.objects.filter(invoice__in=ids).order_by("invoice", "line"):
        book.charges[charge.invoice_id].append(charge)
    for hold in Hold.objects.filter(invoice__in=ids).filter(
        Q(released_at__isnull=True) | ~Q(released_by="")
    ).order_by("pk"):  # fmt: skip
        if hold.released_at is None:
            book.holds[hold.invoice_id].append(hold)
        else:
            book.released[hold.invoice_id][hold.line_id, hold.charge_id, hold.code] = hold
    suppliers = {invoice.supplier_id for invoice in invoices}
    book.policies = Policies(MatchPolicy.objects.filter(Q(supplier=None) | Q(supplier__in=suppliers)))
    book.twins = {pk: (twin, number) for pk, twin, number in rows(_TWINS, [ids])}
    book.absorbed = {pk: (units, net) for pk, units, net in rows(_ABSORBED, [ids])}
    _read_orders(book, ids)
    charges = {x.order_charge_id for found in book.charges.values() for x in found if x.order_charge_id}
    book.agreed = {x.pk: x.amount - x.invoiced for x in PurchaseCharge.objects.filter(pk__in=charges)}
    _read_credits(book, invoices)
    return book


# The older of two that look alike is the one that counts.
_TWINS = f"""
SELECT DISTINCT ON (i.id) i.id, t.id, t.number FROM purchasing_supplierinvoice i
JOIN purchasing_supplierinvoice t ON t.supplier_id = i.supplier_id AND t.kind = i.kind AND t.id < i.id
     AND (t.number_key = i.number_key
          OR t.total = i.total AND t.currency = i.currency AND abs(t.invoice_date - i.invoice_date) <= 3)
WHERE i.id = ANY(%s) AND NOT i.is_distinct AND t.status IN {_LIVE} ORDER BY i.id, t.id
"""  # noqa: S608  constants

_ABSORBED = """
SELECT l.id, sum(c.credited_quantity)::int, sum(c.credited_amount)
FROM purchasing_invoiceline l JOIN purchasing_invoiceline c ON c.corrects_id = l.id
JOIN purchasing_supplierinvoice n ON n.id = c.invoice_id
WHERE l.invoice_id = ANY(%s) AND n.kind = 'credit_note' AND n.status NOT IN ('rejected') GROUP BY 1
"""

_ORDERED = f"""
WITH mine AS (SELECT DISTINCT order_line_id AS id FROM purchasing_invoiceline
              WHERE invoice_id = ANY(%(ids)s) AND order_line_id IS NOT NULL),
others AS (
    SELECT l.order_line_id AS id, sum(greatest(l.payable_quantity - l.posted_quantity, 0))::int AS granted,
           (sum(greatest(l.quantity - l.posted_quantity - l.credited_quantity, 0))
            FILTER (WHERE l.decision = '' AND i.id < %(first)s))::int AS pending,
           sum(CASE WHEN i.id < %(first)s AND l.decision = '' THEN l.net_amount - l.credited_amount
                    ELSE greatest(l.payable_amount, l.posted_amount) - least(l.credited_amount, l.posted_amount) END
               * CASE WHEN i.currency = o.currency THEN 1 ELSE i.rate / o.rate END)
           AS billed
    FROM mine JOIN purchasing_invoiceline l ON l.order_line_id = mine.id
    JOIN purchasing_supplierinvoice i ON i.id = l.invoice_id
    JOIN purchasing_purchaseorderline p ON p.id = mine.id JOIN purchasing_purchaseorder o ON o.id = p.order_id
    WHERE i.kind = 'invoice' AND i.status IN {_LIVE} AND NOT i.id = ANY(%(ids)s)
      AND NOT EXISTS (SELECT 1 FROM purchasing_hold h WHERE h.invoice_id = i.id AND h.released_at IS NULL
                      AND h.code IN ('DUP', 'DOC') AND NOT h.is_warning)
    GROUP BY 1
)
SELECT l.id, l.line, l.order_id, l.item_id, l.quantity - l.cancelled,
       l.received - l.returned + CASE WHEN s.bills_on_shipment THEN l.rejected ELSE 0 END, l.invoiced - l.credited,
       l.price * l.pack_denominator / l.pack_numerator * (100 - l.discount_percent) / 100, l.tax_rate,
       o.number, o.revision, o.supplier_id, o.currency, (o.issued_at AT TIME ZONE %(zone)s)::date, o.payment_days,
       o.created_by, o.rate, coalesce(x.granted, 0), coalesce(x.pending, 0), coalesce(x.billed, 0)
FROM mine JOIN purchasing_purchaseorderline l ON l.id = mine.id
JOIN purchasing_purchaseorder o ON o.id = l.order_id JOIN purchasing_supplier s ON s.id = o.supplier_id
LEFT JOIN others x ON x.id = l.id
"""  # noqa: S608  constants

# What came and no invoice stands for, oldest delivery first. Goods that went back were those we would not pay first.
_LOTS = """
WITH taken AS (
    SELECT a.receipt_line_id AS id, sum(a.quantity)::int AS units FROM purchasing_matchallocation a
    JOIN purchasing_invoiceline l ON l.id = a.invoice_line_id
    WHERE NOT a.is_posted AND a.order_line_id = ANY(%(lines)s) AND NOT l.invoice_id = ANY(%(ids)s) GROUP BY 1
)
SELECT r.order_line_id, r.id, r.accepted + CASE WHEN s.bills_on_shipment THEN r.damaged ELSE 0 END
       - greatest(r.returned - r.over - CASE WHEN s.bills_on_shipment THEN 0 ELSE r.damaged END, 0)
       - r.invoiced - coalesce(t.units, 0)
FROM purchasing_receiptline r JOIN purchasing_receipt d ON d.id = r.receipt_id
JOIN purchasing_purchaseorderline o ON o.id = r.order_line_id
JOIN purchasing_purchaseorder p ON p.id = o.order_id JOIN purchasing_supplier s ON s.id = p.supplier_id
LEFT JOIN taken t ON t.id = r.id
WHERE r.order_line_id = ANY(%(lines)s) AND d.status = 'posted' ORDER BY d.received_on, r.id
"""


def _read_orders(book: Book, ids: list[int]) -> None:
    for row in rows(_ORDERED, {"ids": ids, "first": ids[0], "zone": settings.TIME_ZONE}):
        book.ordered[row[0]] = OrderedLine(*row)
    for order_line, receipt_line, free in rows(_LOTS, {"lines": list(book.ordered), "ids": ids}):
        book.lots[order_line].append(Lot(receipt_line, free))


def _read_credits(book: Book, invoices: list[SupplierInvoice]) -> None:
    credit_notes = [x.pk for x in invoices if x.kind == SupplierInvoice.Kind.CREDIT_NOTE]
    if not credit_notes:
        return
    targets = {x.corrects_id for pk in credit_notes for x in book.lines[pk] if x.corrects_id}
    book.targets = InvoiceLine.objects.in_bulk(targets)
    lines = [x.order_line_id for pk in credit_notes for x in book.lines[pk] if x.order_line_id]
    book.sent_back = dict(rows(_SENT_BACK, {"lines": lines}))
    for note, code, left in rows(_CHARGED, [credit_notes]):
        book.charged[note][code] = left


_CHARGED = """
SELECT n.id, c.code, sum(CASE WHEN i.kind = 'credit_note' THEN -c.posted_amount ELSE c.posted_amount END)
FROM purchasing_supplierinvoice n
JOIN purchasing_supplierinvoice i ON i.id = n.corrects_id OR i.corrects_id = n.corrects_id AND i.id <> n.id
JOIN purchasing_invoicecharge c ON c.invoice_id = i.id
WHERE n.id = ANY(%s) AND i.status <> 'rejected' GROUP BY 1, 2
"""


# What a supplier may give back goods for: billed units that went back and were neither credited nor replaced, and what
# he billed and we did not keep.
_SENT_BACK = """
WITH owed AS (
    SELECT id, sum(units) AS units FROM (
        SELECT r.order_line_id AS id, b.quantity - b.uninvoiced - b.replaced AS units
        FROM purchasing_supplierreturnline b JOIN purchasing_receiptline r ON r.id = b.receipt_line_id
        WHERE r.order_line_id = ANY(%(lines)s)
        UNION ALL
        SELECT a.order_line_id, -a.quantity FROM purchasing_matchallocation a
        JOIN purchasing_invoiceline l ON l.id = a.invoice_line_id
        JOIN purchasing_supplierinvoice i ON i.id = l.invoice_id
        WHERE a.order_line_id = ANY(%(lines)s) AND a.receipt_line_id IS NOT NULL AND a.is_posted
          AND i.kind = 'credit_note') x GROUP BY 1)
SELECT l.id, greatest(coalesce(o.units, 0), l.invoiced - l.credited - (l.received - l.returned), 0)::int
FROM purchasing_purchaseorderline l LEFT JOIN owed o ON o.id = l.id WHERE l.id = ANY(%(lines)s)
"""
