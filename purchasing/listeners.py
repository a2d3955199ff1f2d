"""What buying does when something happened: run at least once, in any order, on the present state."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from purchasing.models import ReceiptLine
from purchasing.services.flagging import flag_orders
from purchasing.services.sending import queue_order_papers

Payloads = Sequence[dict[str, Any]]


def send_order_papers(payloads: Payloads) -> None:
    """An order was issued, revised or cancelled: its paper is to go to the supplier."""
    queue_order_papers(order_ids=_orders(payloads))


def look_at_orders(payloads: Payloads) -> None:
    """An order waits, was answered or changed: whoever has to do something sees it, and nobody else any more."""
    if payloads:
        flag_orders(order_ids=_orders(payloads))


def look_at_received_orders(payloads: Payloads) -> None:
    """Goods came, or a receipt was reversed: what was late may be so no more."""
    receipts = [payload["receipt_id"] for payload in payloads]
    if receipts:
        orders = ReceiptLine.objects.filter(receipt__in=receipts, order_line__isnull=False)
        flag_orders(order_ids=sorted(set(orders.values_list("order_line__order", flat=True))))


def _orders(payloads: Payloads) -> list[int]:
    return sorted({payload["order_id"] for payload in payloads})
