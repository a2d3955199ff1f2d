"""What buying does when its own documents, or those of others, speak: at least once, in any order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from purchasing.models import InvoiceStatus, ReceiptLine, SupplierInvoice
from purchasing.services.flagging_orders import flag_orders
from purchasing.services.matching import match_invoices
from purchasing.services.reordering import settle_low_stock
from purchasing.services.sending import queue_order_papers
from purchasing.services.special_orders import flag_given_up

Payloads = Sequence[dict[str, Any]]

_OVER = (InvoiceStatus.CAPTURED, InvoiceStatus.REJECTED, InvoiceStatus.CREDITED)


def rematch_deliveries(payloads: Sequence[dict[str, Any]]) -> None:
    """Goods came, or a receipt was taken back: invoices of their orders are matched anew."""
    _rematch(lines__order_line__receipt_lines__receipt__in=[payload["receipt_id"] for payload in payloads])


def rematch_orders(payloads: Sequence[dict[str, Any]]) -> None:
    """What an order asks for changed: its invoices are matched anew."""
    _rematch(lines__order_line__order__in=[payload["order_id"] for payload in payloads])


def rematch_returns(payloads: Sequence[dict[str, Any]]) -> None:
    """Goods went back: invoices and credit notes about them are matched anew."""
    returns = [payload["supplier_return_id"] for payload in payloads]
    _rematch(lines__order_line__receipt_lines__return_lines__supplier_return__in=returns)


def _rematch(**concerned: Any) -> None:
    invoices = SupplierInvoice.objects.filter(**concerned).exclude(status__in=_OVER)
    ids = sorted(set(invoices.values_list("pk", flat=True)))
    if ids:
        match_invoices(invoice_ids=ids, actor="system")


def send_order_papers(payloads: Payloads) -> None:
    """An order was issued, revised or cancelled: its paper is to go to the supplier."""
    queue_order_papers(order_ids=_orders(payloads))


def settle_what_was_ordered(payloads: Payloads) -> None:
    """An order was sent for the first time: its supplier needs no reminding."""
    first = [payload["order_id"] for payload in payloads if payload["revision"] == 1]
    if first:
        settle_low_stock(order_ids=first)


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


def look_after_special_orders(payloads: Sequence[dict[str, Any]]) -> None:
    """A customer's order was cancelled, whole or in part: goods on their way for him need a decision."""
    flag_given_up({payload["document"] for payload in payloads if payload.get("document")})
