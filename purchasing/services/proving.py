"""What the accounts of buying must stand at, told by receipts, invoices and payments and never by the journal."""

from __future__ import annotations

from collections.abc import Iterator

from django.conf import settings
from django.db.models import F

from purchasing.models import SupplierInvoice
from purchasing.services.prepaying import prepaid_net
from retailhub.accounting.registry import Proof
from retailhub.core.money import exponent
from retailhub.core.sql import rows

_RECEIVED = """
SELECT 'receipt:' || r.number || '#' || l.line, l.cleared + l.reduced - l.amount
FROM purchasing_receiptline l JOIN purchasing_receipt r ON r.id = l.receipt_id
WHERE l.amount > l.cleared + l.reduced
"""

_PREPAID = """
SELECT 'supplier_invoice:' || l.invoice_id || '#' || l.line, sum(a.prepaid_stock)
FROM purchasing_matchallocation a JOIN purchasing_invoiceline l ON l.id = a.invoice_line_id
JOIN purchasing_supplierinvoice i ON i.id = l.invoice_id
WHERE a.is_posted AND a.receipt_line_id IS NULL AND a.prepaid_stock <> 0 AND i.kind <> 'credit_note' GROUP BY 1
"""

# Every part was rounded to the home currency's places as it was posted: the whole is what the whole comes to.
_OWED = """
SELECT 'supplier_invoice:' || id, (round(paid_total * rate, %(places)s) - round(posted_total * rate, %(places)s))
                                  * CASE kind WHEN 'credit_note' THEN -1 ELSE 1 END
FROM purchasing_supplierinvoice WHERE posted_total <> paid_total
"""

_PAID_AHEAD = """
SELECT 'supplier_payment:' || number, round(amount * rate, %(places)s) - round(used * rate, %(places)s)
FROM purchasing_supplierpayment WHERE amount <> used
"""

_CLAIMED = """
SELECT coalesce((SELECT sum(amount - from_open - replaced_amount) FROM purchasing_supplierreturnline), 0)
     + coalesce((SELECT sum(a.claimed * CASE i.kind WHEN 'credit_note' THEN -1 ELSE 1 END)
                 FROM purchasing_matchallocation a JOIN purchasing_invoiceline l ON l.id = a.invoice_line_id
                 JOIN purchasing_supplierinvoice i ON i.id = l.invoice_id WHERE a.is_posted), 0)
"""


def prove_grni() -> Iterator[Proof]:
    """Goods that came in and were not billed, receipt line by receipt line."""
    for reference, amount in rows(_RECEIVED):
        yield Proof(account_role="grni", reference=reference, expected=amount)


def prove_ginr() -> Iterator[Proof]:
    """Goods that were billed and did not come, invoice line by invoice line."""
    for reference, amount in rows(_PREPAID):
        yield Proof(account_role="ginr", reference=reference, expected=amount)


def prove_payable() -> Iterator[Proof]:
    """What is posted of invoices and not paid, less what is left of credit notes."""
    for reference, amount in rows(_OWED, {"places": exponent(settings.HOME_CURRENCY)}):
        yield Proof(account_role="payable", reference=reference, expected=amount)


def prove_prepayments() -> Iterator[Proof]:
    """What was paid ahead, or billed ahead, and set off against nothing yet."""
    for reference, amount in rows(_PAID_AHEAD, {"places": exponent(settings.HOME_CURRENCY)}):
        yield Proof(account_role="supplier_prepayments", reference=reference, expected=amount)
    for invoice in SupplierInvoice.objects.filter(kind="prepayment", posted_total__gt=F("used_total")).defer("read"):
        amount = prepaid_net(invoice, invoice.posted_total) - prepaid_net(invoice, invoice.used_total)
        yield Proof(account_role="supplier_prepayments", reference=invoice.reference, expected=amount)


def prove_claims() -> Iterator[Proof]:
    """What suppliers owe us for goods that went back after they were billed, or were billed and refused."""
    ((amount,),) = rows(_CLAIMED)
    yield Proof(account_role="supplier_claims", reference="", expected=amount)


_ACCRUED = """
WITH charged AS (
    SELECT coalesce('po:' || o.number || ':' || k.code, 'supplier_invoice:' || c.invoice_id || ':c' || c.line)
           AS reference, c.posted_landed AS amount
    FROM purchasing_invoicecharge c JOIN purchasing_supplierinvoice i ON i.id = c.invoice_id
    LEFT JOIN purchasing_purchasecharge k ON k.id = c.order_charge_id
    LEFT JOIN purchasing_purchaseorder o ON o.id = k.order_id
    WHERE c.posted_landed <> 0
    UNION ALL
    SELECT coalesce('po:' || o.number || ':' || k.code, 'supplier_invoice:' || c.invoice_id || ':c' || c.line),
           -v.amount
    FROM purchasing_landedcost v LEFT JOIN purchasing_invoicecharge c ON c.id = v.invoice_charge_id
    LEFT JOIN purchasing_purchasecharge k ON k.id = coalesce(v.order_charge_id, c.order_charge_id)
    LEFT JOIN purchasing_purchaseorder o ON o.id = k.order_id
)
SELECT reference, sum(amount) FROM charged GROUP BY 1 HAVING sum(amount) <> 0
"""


def prove_landed_accrual() -> Iterator[Proof]:
    """Freight and the like that the goods bear and nobody billed, or that was billed and no goods bear yet."""
    for reference, amount in rows(_ACCRUED):
        yield Proof(account_role="landed_accrual", reference=reference, expected=amount)
