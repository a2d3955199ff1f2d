"""Supplier invoices as the API writes them."""

from __future__ import annotations

from typing import Any

from purchasing.models import Hold, SupplierInvoice
from purchasing.services.invoicing import open_codes, payable_of


def summary(invoice: SupplierInvoice) -> dict[str, Any]:
    """Answer an invoice as a list shows it."""
    return {
        "id": invoice.pk,
        "supplier": invoice.supplier.code if invoice.supplier else None,
        "kind": invoice.kind,
        "number": invoice.number,
        "date": invoice.invoice_date.isoformat(),
        "due_date": invoice.due_date.isoformat() if invoice.due_date else None,
        "status": invoice.status,
        "currency": invoice.currency,
        "total": money(invoice.total),
        "posted_total": money(invoice.posted_total),
        "paid_total": money(invoice.paid_total),
    }


def whole(invoice: SupplierInvoice) -> dict[str, Any]:
    """Answer an invoice with everything that is known of it."""
    lines = list(invoice.lines.select_related("item", "order_line__order"))
    charges = list(invoice.charges.all())
    sums = payable_of(invoice, lines, charges, open_codes(invoice))
    holds = invoice.holds.filter(released_at=None).select_related("line", "charge")
    orders = {x.order_line.order.number for x in lines if x.order_line}
    return summary(invoice) | {
        "net_total": money(invoice.net_total),
        "tax_total": money(invoice.tax_total),
        "payable_now": money(max(sums.total - invoice.posted_total, 0)),
        "purchase_orders": sorted(orders),
        "lines": [
            {
                "line": x.line,
                "sku": x.item.sku if x.item else None,
                "description": x.description,
                "quantity": x.quantity,
                "unit_price": money(x.price / x.price_quantity),
                "net_amount": money(x.net_amount),
                "tax_rate": f"{x.tax_rate.normalize():f}",
                "purchase_order": x.order_line.order.number if x.order_line else None,
                "order_line": x.order_line.line if x.order_line else None,
                "decision": x.decision,
                "payable_quantity": x.payable_quantity,
                "payable_amount": money(x.payable_amount),
                "posted_quantity": x.posted_quantity,
                "posted_amount": money(x.posted_amount),
                "credited_amount": money(x.credited_amount),
            }
            for x in lines
        ],
        "charges": [
            {
                "line": x.line,
                "code": x.code,
                "amount": money(x.amount),
                "payable_amount": money(x.payable_amount),
                "posted_amount": money(x.posted_amount),
            }
            for x in charges
        ],
        "holds": [hold(x) for x in holds],
        "guesses": invoice.guesses,
        "findings": invoice.findings,
    }


def hold(x: Hold) -> dict[str, Any]:
    """Answer a hold with a pointer to the part that it blocks."""
    pointer = f"/lines/{x.line.line - 1}" if x.line else f"/charges/{x.charge.line - 1}" if x.charge else ""
    return {
        "id": x.pk,
        "code": x.code,
        "pointer": pointer,
        "expected": x.expected,
        "invoiced": x.invoiced,
        "amount_at_risk": money(x.amount_at_risk),
        "warning": x.is_warning,
        "opened_at": x.opened_at,
    }


def money(value: Any) -> str:
    """Write an amount with two places, or as many as it has."""
    text = f"{value:.4f}".rstrip("0")
    whole_part, _, cents = text.partition(".")
    return f"{whole_part}.{cents.ljust(2, '0')}"
