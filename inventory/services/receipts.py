"""Receipts as their movements tell them: what came, what it costs by now, what is left of it in the books."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from retailhub.core.errors import DomainError, Unknown
from retailhub.core.sql import rows


class UnknownReceipt(Unknown):
    """A receipt line is named that brought nothing."""

    code = "unknown_receipt"


class ExceedsReceived(DomainError):
    """This is about more than the receipt line brought."""

    code = "exceeds_received"


@dataclass(frozen=True, slots=True)
class Receipt:
    """A movement that brought goods; `cost` is their value with every correction since."""

    pk: int
    document: str
    line: int
    item_id: int
    sku: str
    location_id: int
    location: str
    bucket: str
    quantity: int
    cost: Decimal
    self_posted: bool
    reversed: bool
    returned: int

    @property
    def kept(self) -> int:
        """Units that did not go back to the supplier."""
        return 0 if self.reversed else self.quantity - self.returned


_RECEIPTS = """
SELECT m.id, m.document, coalesce(m.line, 1), m.item_id, i.sku, w.id, w.code, m.to_bucket, m.quantity,
       m.value + coalesce((SELECT sum(a.to_stock + a.to_sold) FROM inventory_valueadjustment a
                           WHERE a.receipt_id = m.id), 0),
       m.self_posted, EXISTS (SELECT 1 FROM inventory_stockmovement r WHERE r.reverses_id = m.id),
       coalesce((SELECT sum(r.quantity) FROM inventory_stockmovement r WHERE r.returns_id = m.id), 0)::int
FROM inventory_stockmovement m
JOIN inventory_item i ON i.id = m.item_id JOIN inventory_location w ON w.id = m.to_location_id
WHERE m.document = ANY(%s) AND m.reason = 'receipt' ORDER BY m.document, m.line, m.id
"""


def receipts_of(documents: Sequence[str]) -> list[Receipt]:
    """Answer what the documents brought, by document and line. One statement."""
    return [Receipt(*row) for row in rows(_RECEIPTS, [list(documents)])]
