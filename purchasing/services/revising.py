"""Numbered revisions: the order as its supplier is told of it, and what differs from what he was told before."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from purchasing.events import PurchaseOrderIssued
from purchasing.models import PurchaseCharge, PurchaseOrder, PurchaseOrderLine, PurchaseRevision
from retailhub.outbox.services.publishing import publish


def keep_revision(
    order: PurchaseOrder,
    lines: Sequence[PurchaseOrderLine],
    changes: Sequence[object],
    *,
    reason: str,
    actor: str,
    at: datetime,
) -> None:
    """Keep the order, which its caller holds and saves, as one more revision, and have it sent to the supplier."""
    order.revision += 1
    PurchaseRevision.objects.create(
        order=order,
        number=order.revision,
        snapshot=snapshot_of(order, lines),
        changes=list(changes),
        reason=reason[:200],
        actor=actor,
        made_at=at,
    )
    publish(PurchaseOrderIssued(order_id=order.pk, revision=order.revision))


def snapshot_of(
    order: PurchaseOrder, lines: Sequence[PurchaseOrderLine], charges: Sequence[PurchaseCharge] | None = None
) -> dict[str, Any]:
    """Answer the order as it is printed: what a revision keeps and the next one is held against.

    Its lines stand in the order of their numbers, so that a pointer such as /lines/2/quantity means the third line. The
    charges are those that were written, unless others are given.
    """
    if charges is None:
        charges = list(PurchaseCharge.objects.filter(order=order))
    return {
        "supplier": order.supplier.code,
        "ship_to": order.ship_to.code,
        "currency": order.currency,
        "net_total": plain(order.net_total),
        "note": order.note,
        "lines": [
            {
                "line": line.line,
                "sku": line.item.sku,
                "supplier_sku": line.supplier_sku,
                "description": line.description,
                "quantity": line.quantity,
                "cancelled": line.cancelled,
                "price": plain(line.price),
                "discount_percent": plain(line.discount_percent),
                "tax_rate": plain(line.tax_rate),
                "pack": [line.pack_code, line.pack_numerator, line.pack_denominator],
                "expected_on": line.expected_on.isoformat() if line.expected_on else None,
                "note": line.note,
            }
            for line in lines
        ],
        "charges": [
            {"code": charge.code, "amount": plain(charge.amount), "treatment": charge.treatment}
            for charge in sorted(charges, key=lambda charge: charge.code)
        ],
    }


def plain(value: Decimal) -> str:
    """Write a figure so that two of the same value look the same: 100, 0.5, never 1E+2."""
    return format(value.normalize() + 0, "f")
