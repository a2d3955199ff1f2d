"""From the stock room to JSON."""

from __future__ import annotations

from typing import Any

from inventory.models import Item, Location, StockDocument, StockMovement, Transfer
from retailhub.core.access import Principal
from retailhub.core.api.amounts import written, written_cost

Json = dict[str, Any]


def item(row: Item, principal: Principal) -> Json:
    """Write an item. Category, barcodes and components must have been read with it."""
    category = row.category
    document: Json = {
        "sku": row.sku,
        "name": row.name,
        "kind": row.kind,
        "status": row.status,
        "base_unit": row.base_unit,
        "category": [c.name for c in (category and category.parent, category) if c],
        "price": written(row.price, row.currency),
        "currency": row.currency,
        "reorder_point": row.reorder_point,
        "weight_grams": row.weight_grams,
        "barcodes": sorted(barcode.code for barcode in row.barcodes.all()),
        "components": sorted(
            ({"sku": part.component.sku, "quantity": part.quantity} for part in row.components.all()),
            key=lambda part: part["sku"],
        ),
        "updated_at": row.updated_at,
    }
    if principal.sees_costs:
        document["cost"] = written_cost(row.cost)
    return document


def location(row: Location) -> Json:
    return {
        "code": row.code,
        "name": row.name,
        "kind": row.kind,
        "owned": row.owned,
        "is_active": row.is_active,
        "time_zone": row.time_zone,
        "address": row.address,
    }


def movement(row: StockMovement, principal: Principal) -> Json:
    """Write a movement. Its item and both locations must have been read with it."""
    document: Json = {
        "id": row.pk,
        "sku": row.item.sku,
        "from": row.from_location.code,
        "from_bucket": row.from_bucket,
        "to": row.to_location.code,
        "to_bucket": row.to_bucket,
        "quantity": row.quantity,
        "reason": row.reason,
        "document": row.document,
        "line": row.line,
        "actor": row.actor,
        "note": row.note,
        "occurred_at": row.occurred_at,
        "recorded_at": row.recorded_at,
    }
    if principal.sees_costs:
        document["value"] = written_cost(row.value)
    return document


def document(row: StockDocument) -> Json:
    """Write an adjustment, a move or a receipt as it was asked for, its lines numbered. `location` was read with it."""
    return {
        "number": row.number,
        "location": row.location.code,
        "reason": row.reason,
        "note": row.note,
        "actor": row.actor,
        "occurred_at": row.occurred_at,
        "recorded_at": row.recorded_at,
        "lines": [{"line": number, **line} for number, line in enumerate(row.lines, 1)],
    }


def transfer(row: Transfer) -> Json:
    """Write a transfer. Both places, and the lines with their items, must have been read with it."""
    return {
        "number": row.number,
        "status": row.status,
        "from": row.origin.code,
        "to": row.destination.code,
        "note": row.note,
        "due": row.due,
        "created_at": row.created_at,
        "shipped_at": row.shipped_at,
        "closed_at": row.closed_at,
        "lines": [
            {
                "line": line.line,
                "sku": line.item.sku,
                "quantity": line.quantity,
                "shipped": line.shipped,
                "received": line.received,
                "damaged": line.damaged,
                "lost": line.lost,
            }
            for line in row.lines.all()
        ],
    }
