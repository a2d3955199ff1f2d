"""Reading the order book: one order whole, and the orders that changed, page by page."""

from __future__ import annotations

import base64
import json
import re
import sqlite3
from decimal import Decimal
from typing import Any

from channels.sandbox_shop.refusals import Refusal

PAGE = 100
MOST = 250
_CURSOR = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z) (\d{1,18})\Z", re.ASCII)
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z\Z", re.ASCII)


def changed_after(db: sqlite3.Connection, position: str, *, limit: int) -> dict[str, Any]:
    """Orders changed after a cursor (or an instant, or from the start when empty), oldest change first."""
    changed_at, last_id = _position(position)
    rows = db.execute(
        "SELECT * FROM sale WHERE (updated_at, id) > (?, ?) ORDER BY updated_at, id LIMIT ?",
        (changed_at, last_id, limit + 1),
    ).fetchall()
    more = len(rows) > limit
    rows = rows[:limit]
    cursor = _cursor(rows[-1]["updated_at"], rows[-1]["id"]) if rows else position or None
    return {"orders": order_payloads(db, rows), "next_cursor": cursor, "more": more}


def _cursor(changed_at: str, order_id: int) -> str:
    return base64.urlsafe_b64encode(f"{changed_at} {order_id}".encode()).decode().rstrip("=")


def _position(position: str) -> tuple[str, int]:
    if not position:
        return "", 0
    if _INSTANT.match(position):
        whole, _, part = position[:-1].partition(".")
        return f"{whole}.{part:0<6}Z", 0
    try:
        written = base64.urlsafe_b64decode(position + "=" * (-len(position) % 4)).decode("ascii")
    except ValueError:
        written = ""
    found = _CURSOR.match(written)
    if found is None:
        raise Refusal(400, "invalid_cursor", "This is neither a cursor of ours nor an instant.", field="updated_after")
    return found[1], int(found[2])


def order_payload(db: sqlite3.Connection, sale: sqlite3.Row) -> dict[str, Any]:
    return order_payloads(db, [sale])[0]


def order_payloads(db: sqlite3.Connection, sales: list[sqlite3.Row]) -> list[dict[str, Any]]:
    ids = json.dumps([sale["id"] for sale in sales])
    lines: dict[int, list[sqlite3.Row]] = {}
    for line in db.execute(
        "SELECT * FROM sale_line WHERE sale_id IN (SELECT value FROM json_each(?)) ORDER BY id", (ids,)
    ):
        lines.setdefault(line["sale_id"], []).append(line)
    parcels: dict[int, list[sqlite3.Row]] = {}
    for parcel in db.execute(
        "SELECT * FROM fulfilment WHERE sale_id IN (SELECT value FROM json_each(?)) ORDER BY id", (ids,)
    ):
        parcels.setdefault(parcel["sale_id"], []).append(parcel)
    return [_payload(sale, lines.get(sale["id"], []), parcels.get(sale["id"], [])) for sale in sales]


def _payload(sale: sqlite3.Row, lines: list[sqlite3.Row], parcels: list[sqlite3.Row]) -> dict[str, Any]:
    total = Decimal(sale["shipping_price"])
    for line in lines:
        total += Decimal(line["unit_price"]) * line["quantity"] - Decimal(line["discount"])
    return {
        "id": str(sale["id"]),
        "number": sale["number"],
        "status": sale["status"],
        "version": sale["version"],
        "placed_at": sale["placed_at"],
        "updated_at": sale["updated_at"],
        "currency": sale["currency"],
        "prices_include_tax": True,
        "lines": [
            {
                "id": str(line["id"]),
                "listing_id": None if line["listing_id"] is None else str(line["listing_id"]),
                "sku": line["sku"],
                "title": line["title"],
                "quantity": line["quantity"],
                "unit_price": line["unit_price"],
                "tax_rate": line["tax_rate"],
                "discount": line["discount"],
                "fulfilled": line["fulfilled"],
            }
            for line in lines
        ],
        "shipping": {"method": "parcel", "price": sale["shipping_price"]},
        "total": str(total),
        "customer": json.loads(sale["customer"]),
        "shipping_address": json.loads(sale["shipping_address"]),
        "payments": [
            {
                "id": f"pay-{sale['id']}",
                "method": "sandbox",
                "amount": str(total),
                "currency": sale["currency"],
                "status": "paid",
                "paid_at": sale["placed_at"],
            }
        ],
        "fulfilments": [
            {
                "id": str(parcel["id"]),
                "lines": json.loads(parcel["lines"]),
                "carrier": parcel["carrier"],
                "tracking_number": parcel["tracking_number"],
                "tracking_url": parcel["tracking_url"],
                "created_at": parcel["created_at"],
            }
            for parcel in parcels
        ],
        "note": sale["note"],
    }
