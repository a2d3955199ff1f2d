"""What buying does when its own documents, or those of others, speak."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from purchasing.models import InvoiceStatus, SupplierInvoice
from purchasing.services.matching import match_invoices

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
