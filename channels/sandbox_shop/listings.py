"""What the shop offers: articles by SKU, their price, and how many are left."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any

from channels.sandbox_shop import journal, reading
from channels.sandbox_shop.refusals import Refusal

BATCH = 250
PAGE = 500


def listing_payload(row: sqlite3.Row) -> dict[str, Any]:
    return {
        "id": str(row["id"]),
        "sku": row["sku"],
        "title": row["title"],
        "description": row["description"],
        "price": row["price"],
        "currency": row["currency"],
        "tax_rate": row["tax_rate"],
        "quantity": row["quantity"],
        "version": row["version"],
        "updated_at": row["updated_at"],
    }


def save_listings(
    db: sqlite3.Connection, wanted: list[dict[str, Any]], *, now: str, failing: int
) -> list[dict[str, Any]]:
    """Create or change articles by SKU; one result per entry. A figure in stock is never touched here.

    With `failing` n, every n-th entry is left undone, as a channel in trouble would (0: none).
    """
    results = []
    seen: set[str] = set()
    for position, entry in enumerate(wanted, start=1):
        sku = entry.get("sku")
        try:
            if failing and position % failing == 0:
                raise Refusal(503, "temporarily_unavailable", "Try this entry again.")
            if isinstance(sku, str) and sku in seen:
                raise Refusal(422, "duplicate_entry", "This SKU is in the request twice.", field="sku")
            seen.add(str(sku))
            results.append({"sku": reading.echo(sku)} | _save_listing(db, entry, now=now))
        except Refusal as refusal:
            results.append(refused_entry({"sku": reading.echo(sku)}, refusal))
    return results


def refused_entry(named: dict[str, Any], refusal: Refusal) -> dict[str, Any]:
    outcome = "try_again" if refusal.status == 503 else "rejected"
    return named | {"outcome": outcome} | refusal.payload()


def _save_listing(db: sqlite3.Connection, entry: Mapping[str, Any], *, now: str) -> dict[str, Any]:
    values = {
        "sku": reading.text(entry, "sku", most=64),
        "title": reading.text(entry, "title", most=200),
        "description": reading.text(entry, "description", most=2000, default=""),
        "price": reading.money(entry, "price"),
        "currency": reading.currency(entry, "currency"),
        "tax_rate": reading.rate(entry, "tax_rate", default="0"),
    }
    old = db.execute("SELECT * FROM listing WHERE sku = ?", (values["sku"],)).fetchone()
    if old is not None and all(old[name] == value for name, value in values.items()):
        return {"outcome": "unchanged", "listing_id": str(old["id"])}
    row = db.execute(
        "INSERT INTO listing (sku, title, description, price, currency, tax_rate, updated_at)"
        " VALUES (:sku, :title, :description, :price, :currency, :tax_rate, :now)"
        " ON CONFLICT (sku) DO UPDATE SET title = :title, description = :description, price = :price,"
        " currency = :currency, tax_rate = :tax_rate, updated_at = :now RETURNING id",
        values | {"now": now},
    ).fetchone()
    return {"outcome": "created" if old is None else "updated", "listing_id": str(row["id"])}


def all_listings(db: sqlite3.Connection, *, after: int = 0, most: int = PAGE) -> list[sqlite3.Row]:
    return db.execute("SELECT * FROM listing WHERE id > ? ORDER BY id LIMIT ?", (after, most)).fetchall()


def find_listing(db: sqlite3.Connection, listing_id: str | int) -> sqlite3.Row | None:
    """The article with this id. Ids come in as text, and any text may come."""
    digits = str(listing_id)
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 18):
        return None
    row: sqlite3.Row | None = db.execute("SELECT * FROM listing WHERE id = ?", (int(digits),)).fetchone()
    return row


def listing_or_refusal(db: sqlite3.Connection, listing_id: str | int) -> sqlite3.Row:
    row = find_listing(db, listing_id)
    if row is None:
        raise Refusal(404, "listing_not_found", "There is no such listing.", field="listing_id")
    return row


def meddle(db: sqlite3.Connection, listing_id: str, change: Mapping[str, Any], *, now: str) -> dict[str, Any]:
    """Change an article behind everybody's back: rename it, set its figure, or take it away."""
    row = listing_or_refusal(db, listing_id)
    if reading.yes(change, "removed", default=False):
        db.execute("DELETE FROM listing WHERE id = ?", (row["id"],))
        return {"removed": True}
    if "sku" in change:
        sku = reading.text(change, "sku", most=64)
        if db.execute("SELECT 1 FROM listing WHERE sku = ? AND id <> ?", (sku, row["id"])).fetchone():
            raise Refusal(409, "sku_taken", "Another listing has this SKU.", field="sku")
        db.execute("UPDATE listing SET sku = ?, updated_at = ? WHERE id = ?", (sku, now, row["id"]))
    if "quantity" in change:
        most = reading.MAX_QUANTITY
        quantity = reading.whole(change, "quantity", least=-most, most=most)
        db.execute("UPDATE listing SET quantity = ?, updated_at = ? WHERE id = ?", (quantity, now, row["id"]))
        told = {"listing_id": str(row["id"]), "sku": row["sku"], "before": row["quantity"], "quantity": quantity}
        journal.write(db, journal.STOCK_SET, told)
    return listing_payload(listing_or_refusal(db, row["id"]))
