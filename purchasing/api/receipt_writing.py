"""From deliveries and returns to JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings

from purchasing.models import BuyingEvent, Receipt, ReceiptLine, SupplierReturn
from retailhub.core.access import Principal
from retailhub.core.api.amounts import written, written_cost
from retailhub.core.models import Attention

Json = dict[str, Any]


def tell_more(receipts: Sequence[Receipt]) -> None:
    """Read for all receipts at once whom they served and what they left to decide. Two queries."""
    by_reference = {receipt.reference: receipt for receipt in receipts}
    for receipt in receipts:
        receipt.served, receipt.left = {}, []  # type: ignore[attr-defined]
    for event in BuyingEvent.objects.filter(document__in=by_reference, kind="served"):
        by_reference[event.document].served.update(event.data.get("served", {}))  # type: ignore[attr-defined]
    for row in Attention.objects.filter(document__in=by_reference, resolved_at__isnull=True).order_by("kind"):
        by_reference[row.document].left.append(row)  # type: ignore[attr-defined]


def receipt(row: Receipt, principal: Principal) -> Json:
    """Write a receipt. `tell_more` was called with it; lines, orders, claims, supplier and location were read too."""
    return {
        "number": row.number,
        "status": row.status,
        "supplier": row.supplier.code if row.supplier else None,
        "location": row.location.code,
        "purchase_orders": sorted(order.number for order in row.orders.all()),  # type: ignore[attr-defined]
        "delivery_note": row.delivery_note,
        "note": row.note,
        "started_at": row.started_at,
        "posted_at": row.posted_at,
        "posted_by": row.posted_by,
        "reversed_at": row.reversed_at,
        "reverse_reason": row.reverse_reason,
        "served": [
            {"document": document, "quantity": units}
            for document, units in row.served.items()  # type: ignore[attr-defined]
        ],
        "exceptions": [{"kind": x.kind, "reason": x.reason} for x in row.left],  # type: ignore[attr-defined]
        "claims": sorted(claim.number for line in row.lines.all() for claim in line.claims.all()),
        "lines": [_line(line, principal) for line in row.lines.all()],
    }


def _line(line: ReceiptLine, principal: Principal) -> Json:
    ordered = line.order_line
    document: Json = {
        "line": line.line,
        "sku": line.item.sku,
        "purchase_order": ordered.order.number if ordered else None,
        "purchase_order_line": ordered.line if ordered else None,
        "instead_of": line.instead_of.line if line.instead_of else None,
        "accepted": line.accepted,
        "damaged": line.damaged,
        "wrong": line.wrong,
        "refused": line.refused,
        "not_ordered": line.over,
        "free": line.free,
        "announced": line.announced,
        "invoiced": line.invoiced,
        "returned": line.returned,
        "note": line.note,
    }
    if principal.sees_costs:
        document["unit_cost"] = written_cost(line.unit_cost)
        document["amount"] = written(line.amount, settings.HOME_CURRENCY)
    return document


def supplier_return(row: SupplierReturn, principal: Principal) -> Json:
    """Write a return. Its lines with their items and receipts, supplier and location were read with it."""
    lines = []
    for line in row.lines.all():
        document: Json = {
            "line": line.line,
            "sku": line.item.sku,
            "receipt": line.receipt_line.receipt.number,
            "receipt_line": line.receipt_line.line,
            "bucket": line.bucket,
            "quantity": line.quantity,
        }
        if principal.sees_costs:
            document["amount"] = written(line.amount, settings.HOME_CURRENCY)
        lines.append(document)
    return {
        "number": row.number,
        "supplier": row.supplier.code,
        "location": row.location.code,
        "reason": row.reason,
        "carrier": row.carrier,
        "tracking_number": row.tracking_number,
        "wants_replacement": row.wants_replacement,
        "returned_on": row.returned_on,
        "made_at": row.made_at,
        "lines": lines,
    }
