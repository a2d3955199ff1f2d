"""From purchase orders to JSON. What goods cost is written for who may see costs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from purchasing.models import BuyingEvent, Proposal, PurchaseOrder, PurchaseOrderLine, PurchaseRevision
from purchasing.services.progress import Progress, progress_of, shown_progress
from retailhub.core.access import Principal
from retailhub.core.api.amounts import written, written_cost
from retailhub.core.money import round_cost, round_total

Json = dict[str, Any]
_MONEY = ("price", "net_total", "discount_percent", "amount", "tax_rate", "charges")


def summary(order: PurchaseOrder, principal: Principal, progress: Progress | None = None) -> Json:
    """Write an order's head. Supplier and place, and its progress unless given, were read with it."""
    far = progress or shown_progress(order)
    document: Json = {
        "number": order.number,
        "status": order.status,
        "supplier": order.supplier.code,
        "ship_to": order.ship_to.code,
        "currency": order.currency,
        "revision": order.revision,
        "external_reference": order.external_reference,
        "expected_on": order.expected_on,
        "created_at": order.created_at,
        "issued_at": order.issued_at,
        "receipt_status": far.receipt_status,
        "received_percent": far.received_percent,
        "bill_status": far.bill_status,
        "billed_percent": far.billed_percent,
    }
    if principal.sees_costs:
        document["net_total"] = written(order.net_total, order.currency)
    return document


def whole(order: PurchaseOrder, principal: Principal) -> Json:
    """Write an order with its lines. Lines, links, charges and proposals were read with it."""
    lines = list(order.lines.all())
    document = summary(order, principal, progress_of(lines))
    document |= {
        "supplier_reference": order.supplier_reference,
        "payment_days": order.payment_days,
        "note": order.note,
        "held_reason": order.held_reason,
        "close_reason": order.close_reason,
        "created_by": order.created_by,
        "submitted_by": order.submitted_by,
        "submitted_at": order.submitted_at,
        "approved_by": order.approved_by,
        "approved_at": order.approved_at,
        "acknowledged_at": order.acknowledged_at,
        "closed_at": order.closed_at,
        "lines": [_line(line, order.currency, principal) for line in lines],
        "proposals": [_proposal(row, principal) for row in order.proposals.all() if row.state == Proposal.State.OPEN],
    }
    if principal.sees_costs:
        document["charges"] = [
            {
                "code": charge.code,
                "amount": written(charge.amount, order.currency),
                "invoiced": written(charge.invoiced, order.currency),
                "treatment": charge.treatment,
                "basis": charge.basis,
            }
            for charge in order.charges.all()
        ]
    return document


def _line(line: PurchaseOrderLine, currency: str, principal: Principal) -> Json:
    document: Json = {
        "line": line.line,
        "sku": line.item.sku,
        "supplier_sku": line.supplier_sku,
        "description": line.description,
        "quantity": line.quantity,
        "cancelled": line.cancelled,
        "confirmed": line.confirmed,
        "received": line.received,
        "rejected": line.rejected,
        "returned": line.returned,
        "invoiced": line.invoiced,
        "credited": line.credited,
        "open": line.open_quantity,
        "expected_on": line.expected_on,
        "confirmed_on": line.confirmed_on,
        "note": line.note,
        "pack": {"code": line.pack_code, "numerator": line.pack_numerator, "denominator": line.pack_denominator},
        "for_order_lines": [
            {
                "document": link.document,
                "line": link.line,
                "quantity": link.quantity,
                "received": link.received,
                "state": link.state,
            }
            for link in line.special_orders.all()
        ],
    }
    if principal.sees_costs:
        document |= {
            "unit_cost": written_cost(round_cost(line.net_amount(1))),
            "price": written_cost(line.price),
            "discount_percent": written_cost(line.discount_percent),
            "price_source": line.price_source,
            "tax_rate": written_cost(line.tax_rate),
            "net": written(round_total(line.net_amount(line.quantity - line.cancelled), currency), currency),
        }
    return document


def _proposal(row: Proposal, principal: Principal) -> Json:
    document: Json = {
        "id": row.pk,
        "by": row.by,
        "state": row.state,
        "reason": row.reason,
        "made_by": row.made_by,
        "made_at": row.made_at,
    }
    if principal.sees_costs:
        document["changes"] = row.changes
    return document


def revisions(rows: Iterable[PurchaseRevision], principal: Principal) -> Json:
    return {"results": [_revision(row, principal) for row in rows]}


def _revision(row: PurchaseRevision, principal: Principal) -> Json:
    document: Json = {"number": row.number, "reason": row.reason, "actor": row.actor, "made_at": row.made_at}
    document["changes"] = visible_changes(row, principal)
    if principal.sees_costs:
        document["snapshot"] = row.snapshot
    return document


def visible_changes(row: PurchaseRevision, principal: Principal) -> list[list[Any]]:
    """Answer what differs, without what tells costs to who may not see them."""
    if principal.sees_costs:
        return list(row.changes)
    return [
        [pointer, _without_money(before), _without_money(after)]
        for pointer, before, after in row.changes
        if not any(part in _MONEY for part in pointer.split("/"))
    ]


def _without_money(value: Any) -> Any:
    return {name: x for name, x in value.items() if name not in _MONEY} if isinstance(value, dict) else value


def timeline(rows: Iterable[BuyingEvent]) -> Json:
    return {"results": [{"at": row.at, "kind": row.kind, "text": row.text, "actor": row.actor} for row in rows]}
