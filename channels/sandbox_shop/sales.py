"""The shop's order book: placing, changing, cancelling and sending, with its stock moved in the same transaction."""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from channels.sandbox_shop import journal, reading
from channels.sandbox_shop.messages import announce
from channels.sandbox_shop.refusals import Refusal, bad_value

MOST_LINES = 5000
ADDRESS_FIELDS = ("name", "company", "line1", "line2", "postcode", "city", "region", "country", "phone")


def place_sale(db: sqlite3.Connection, wanted: Mapping[str, Any], *, now: str, prefix: str) -> int:
    """Sell every line or none; the figures fall in the same transaction. Answers the order's id.

    Refuses with `sold_out` and all lines that fall short. With `force` it sells what it does not have, down below
    zero, and even articles it does not list (these need a price).
    """
    force = reading.yes(wanted, "force", default=False)
    lines = [_read_line(line) for line in reading.entries(wanted, "lines", most=MOST_LINES)]
    customer = _read_customer(wanted)
    address = _read_address(wanted)
    listed = _listings_of(db, [line["sku"] for line in lines])
    currency = _one_currency(lines, listed, wanted, force=force)
    asked: dict[str, int] = {}
    for line in lines:
        asked[line["sku"]] = asked.get(line["sku"], 0) + line["quantity"]
    short = [sku for sku, quantity in asked.items() if sku in listed and listed[sku]["quantity"] < quantity]
    if short and not force:
        left = [{"sku": sku, "asked": asked[sku], "available": max(0, listed[sku]["quantity"])} for sku in short]
        raise Refusal(409, "sold_out", "Not enough in stock.", field="lines", details={"lines": left})
    row = db.execute(
        "INSERT INTO sale (number, token, status, version, placed_at, updated_at, currency, shipping_price, customer,"
        " shipping_address, note) VALUES (?, ?, 'open', 1, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
        (
            secrets.token_hex(8),  # replaced at once by the number made of the id
            secrets.token_urlsafe(16),
            now,
            now,
            currency,
            reading.money(wanted, "shipping_price", default="0.00"),
            json.dumps(customer),
            json.dumps(address),
            reading.text(wanted, "note", most=500, default=""),
        ),
    ).fetchone()
    sale_id = int(row["id"])
    number = f"{prefix}{1000 + sale_id}"
    db.execute("UPDATE sale SET number = ? WHERE id = ?", (number, sale_id))
    for line in lines:
        _insert_line(db, sale_id, line, listed.get(line["sku"]))
    for sku, quantity in asked.items():
        if sku in listed:
            _move_stock(db, listed[sku]["id"], -quantity, now=now, kind=journal.SALE, order=number, forced=sku in short)
    announce(db, "order.created", sale_id, now=now)
    return sale_id


def cancel_sale(db: sqlite3.Connection, sale_id: str, wanted: Mapping[str, Any], *, now: str) -> int:
    """Cancel an order that nothing was sent of; what was not sent goes back on the shelf unless `restock` is false.

    Cancelling twice changes nothing.
    """
    sale = sale_or_refusal(db, sale_id)
    restock = reading.yes(wanted, "restock", default=True)
    if sale["status"] == "cancelled":
        return int(sale["id"])
    lines = db.execute("SELECT * FROM sale_line WHERE sale_id = ? ORDER BY id", (sale["id"],)).fetchall()
    if any(line["fulfilled"] for line in lines):
        raise Refusal(409, "already_fulfilled", "A part of this order has been sent.")
    for line in lines if restock else ():
        _move_stock(
            db, line["listing_id"], line["quantity"], now=now, kind=journal.RESTOCK, order=sale["number"], forced=False
        )
    db.execute("UPDATE sale SET status = 'cancelled' WHERE id = ?", (sale["id"],))
    journal.write(db, journal.CANCELLATION, {"order": sale["number"], "order_id": str(sale["id"])})
    _touch(db, sale["id"], "order.cancelled", now=now)
    return int(sale["id"])


def edit_sale(db: sqlite3.Connection, sale_id: str, change: Mapping[str, Any], *, now: str) -> int:
    """Change an order after the fact, as a shop's own staff may: quantities by line, or any status word at all."""
    sale = sale_or_refusal(db, sale_id)
    for entry in reading.entries(change, "lines", most=MOST_LINES) if "lines" in change else ():
        line = _line_or_refusal(db, sale["id"], reading.text(entry, "line_id", most=40))
        quantity = reading.whole(entry, "quantity", least=line["fulfilled"], most=reading.MAX_QUANTITY)
        db.execute("UPDATE sale_line SET quantity = ? WHERE id = ?", (quantity, line["id"]))
        moved = line["quantity"] - quantity
        kind = journal.RESTOCK if moved > 0 else journal.SALE
        _move_stock(db, line["listing_id"], moved, now=now, kind=kind, order=sale["number"], forced=True)
    if "status" in change:
        db.execute("UPDATE sale SET status = ? WHERE id = ?", (reading.text(change, "status", most=40), sale["id"]))
    _touch(db, sale["id"], "order.updated", now=now)
    return int(sale["id"])


def fulfil_sale(db: sqlite3.Connection, sale_id: str, wanted: Mapping[str, Any], *, now: str) -> dict[str, Any]:
    """Note a parcel. Refuses more than was ordered and a cancelled order."""
    sale = sale_or_refusal(db, sale_id)
    if sale["status"] == "cancelled":
        raise Refusal(409, "order_cancelled", "This order was cancelled.")
    sent: dict[str, int] = {}
    for entry in reading.entries(wanted, "lines", most=MOST_LINES):
        line_id = reading.text(entry, "line_id", most=40)
        quantity = reading.whole(entry, "quantity", least=1, most=reading.MAX_QUANTITY)
        sent[line_id] = sent.get(line_id, 0) + quantity
    for line_id, quantity in sent.items():
        line = _line_or_refusal(db, sale["id"], line_id)
        if line["fulfilled"] + quantity > line["quantity"]:
            open_quantity = line["quantity"] - line["fulfilled"]
            details = {"line_id": line_id, "open": open_quantity}
            raise Refusal(
                422, "more_than_ordered", f"Only {open_quantity} left to send.", field="lines", details=details
            )
        db.execute("UPDATE sale_line SET fulfilled = fulfilled + ? WHERE id = ?", (quantity, line["id"]))
    parcel = {
        "lines": [{"line_id": line_id, "quantity": quantity} for line_id, quantity in sent.items()],
        "carrier": reading.text(wanted, "carrier", most=100, default=""),
        "tracking_number": reading.text(wanted, "tracking_number", most=100, default=""),
        "tracking_url": reading.text(wanted, "tracking_url", most=500, default=""),
    }
    row = db.execute(
        "INSERT INTO fulfilment (sale_id, lines, carrier, tracking_number, tracking_url, created_at)"
        " VALUES (?, ?, ?, ?, ?, ?) RETURNING id",
        (
            sale["id"],
            json.dumps(parcel["lines"]),
            parcel["carrier"],
            parcel["tracking_number"],
            parcel["tracking_url"],
            now,
        ),
    ).fetchone()
    told = {"id": str(row["id"]), "order_id": str(sale["id"]), **parcel}
    journal.write(db, journal.FULFILMENT, told)
    _touch(db, sale["id"], "order.updated", now=now)
    return told


def sale_or_refusal(db: sqlite3.Connection, sale_id: str | int) -> sqlite3.Row:
    digits = str(sale_id)
    row: sqlite3.Row | None = None
    if digits.isascii() and digits.isdigit() and len(digits) <= 18:
        row = db.execute("SELECT * FROM sale WHERE id = ?", (int(digits),)).fetchone()
    if row is None:
        raise Refusal(404, "order_not_found", "There is no such order.")
    return row


def _line_or_refusal(db: sqlite3.Connection, sale_id: int, line_id: str) -> sqlite3.Row:
    row: sqlite3.Row | None = None
    if line_id.isascii() and line_id.isdigit() and len(line_id) <= 18:
        found = db.execute("SELECT * FROM sale_line WHERE sale_id = ? AND id = ?", (sale_id, int(line_id)))
        row = found.fetchone()
    if row is None:
        raise Refusal(
            422, "line_not_found", "This order has no such line.", field="lines", details={"line_id": line_id}
        )
    return row


def _read_line(line: Mapping[str, Any]) -> dict[str, Any]:
    read: dict[str, Any] = {
        "sku": reading.text(line, "sku", most=64),
        "quantity": reading.whole(line, "quantity", least=1, most=reading.MAX_QUANTITY, default=1),
        "unit_price": None if line.get("unit_price") is None else reading.money(line, "unit_price"),
        "discount": reading.money(line, "discount", default="0.00"),
    }
    return read


def _read_customer(wanted: Mapping[str, Any]) -> dict[str, str]:
    customer = wanted.get("customer", {})
    if not isinstance(customer, dict):
        raise bad_value("customer", "Must be an object with name and email.")
    email = reading.text(customer, "email", most=254, default="")
    if email and ("@" not in email or " " in email):
        raise bad_value("customer.email", "This is not an e-mail address.")
    return {
        "name": reading.text(customer, "name", most=200, default=""),
        "email": email,
        "phone": reading.text(customer, "phone", most=40, default=""),
    }


def _read_address(wanted: Mapping[str, Any]) -> dict[str, str] | None:
    address = wanted.get("shipping_address")
    if address is None:
        return None
    if not isinstance(address, dict):
        raise bad_value("shipping_address", "Must be an object.")
    return {field: reading.text(address, field, most=200, default="") for field in ADDRESS_FIELDS}


def _listings_of(db: sqlite3.Connection, skus: list[str]) -> dict[str, sqlite3.Row]:
    rows = db.execute("SELECT * FROM listing WHERE sku IN (SELECT value FROM json_each(?))", (json.dumps(skus),))
    return {row["sku"]: row for row in rows}


def _one_currency(
    lines: list[dict[str, Any]], listed: Mapping[str, sqlite3.Row], wanted: Mapping[str, Any], *, force: bool
) -> str:
    for line in lines:
        if line["sku"] not in listed and not (force and line["unit_price"] is not None):
            raise Refusal(
                422, "sku_not_listed", "The shop does not offer this.", field="lines", details={"sku": line["sku"]}
            )
    currencies = {listed[line["sku"]]["currency"] for line in lines if line["sku"] in listed}
    if wanted.get("currency") is not None or not currencies:
        currencies.add(reading.currency(wanted, "currency"))
    if len(currencies) > 1:
        raise Refusal(422, "mixed_currencies", "One order, one currency.", field="lines")
    return str(currencies.pop())


def _insert_line(db: sqlite3.Connection, sale_id: int, line: Mapping[str, Any], listing: sqlite3.Row | None) -> None:
    unit_price = line["unit_price"] if line["unit_price"] is not None or listing is None else listing["price"]
    if Decimal(line["discount"]) > Decimal(unit_price) * line["quantity"]:
        raise bad_value("lines", "A discount cannot exceed its line.")
    db.execute(
        "INSERT INTO sale_line (sale_id, listing_id, sku, title, quantity, unit_price, tax_rate, discount)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            sale_id,
            None if listing is None else listing["id"],
            line["sku"],
            line["sku"] if listing is None else listing["title"],
            line["quantity"],
            unit_price,
            "0" if listing is None else listing["tax_rate"],
            line["discount"],
        ),
    )


def _move_stock(
    db: sqlite3.Connection, listing_id: int | None, by: int, *, now: str, kind: str, order: str, forced: bool
) -> None:
    """Raise or lower one figure and note it; an article that is gone has no figure."""
    row = db.execute(
        "UPDATE listing SET quantity = quantity + ?, updated_at = ? WHERE id = ? RETURNING sku, quantity, version",
        (by, now, listing_id),
    ).fetchone()
    if row is None or not by:
        return
    told = {
        "order": order,
        "listing_id": str(listing_id),
        "sku": row["sku"],
        "quantity": abs(by),
        "left": row["quantity"],
    }
    journal.write(db, kind, told | {"version": row["version"], "forced": forced})


def _touch(db: sqlite3.Connection, sale_id: int, topic: str, *, now: str) -> None:
    db.execute("UPDATE sale SET version = version + 1, updated_at = ? WHERE id = ?", (now, sale_id))
    announce(db, topic, sale_id, now=now)
