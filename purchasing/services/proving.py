"""What the accounts of buying must stand at, told by receipts, invoices and payments and never by the journal."""

from __future__ import annotations

from collections.abc import Iterator

from retailhub.accounting.registry import Proof
from retailhub.core.sql import rows

_RECEIVED = """
SELECT 'receipt:' || r.number || '#' || l.line, l.cleared + l.reduced - l.amount
FROM purchasing_receiptline l JOIN purchasing_receipt r ON r.id = l.receipt_id
WHERE l.amount > l.cleared + l.reduced
"""

_CLAIMED = "SELECT coalesce(sum(amount - from_open), 0) FROM purchasing_supplierreturnline"


def prove_grni() -> Iterator[Proof]:
    """Goods that came in and were not billed, receipt line by receipt line."""
    for reference, amount in rows(_RECEIVED):
        yield Proof(account_role="grni", reference=reference, expected=amount)


def prove_claims() -> Iterator[Proof]:
    """What suppliers owe us for goods that went back after they were billed."""
    ((amount,),) = rows(_CLAIMED)
    yield Proof(account_role="supplier_claims", reference="", expected=amount)
