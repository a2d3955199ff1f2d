"""Goods that come in from a supplier."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.utils import timezone

from inventory.models import Bucket, Location, Reason, StockDocument
from inventory.services.documents import new_document
from inventory.services.finding import ensure_off_the_road, find_items
from inventory.services.ledger import Move, Place, Posting, counterparty, lock_levels
from inventory.services.serving import serve_waiting
from retailhub.core.sql import rows
from retailhub.core.transactions import retried


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptLine:
    """Units of an item that arrived, into which bucket, at what unit cost in the home currency (None: as last time)."""

    item_id: int
    quantity: int
    unit_cost: Decimal | None = None
    bucket: str = Bucket.SELLABLE
    line: int = 1
    key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """What a receipt did: units served to waiting documents; `again` when it had been booked before."""

    served: dict[str, int]
    again: bool = False


@retried(on_twin=True)
def receive_stock(
    *,
    location: Location,
    lines: Sequence[ReceiptLine],
    document: str,
    actor: str,
    occurred_at: datetime | None = None,
    note: str = "",
) -> Received:
    """Book goods in from the supplier and serve who waits for them, oldest promise first, in this transaction.

    Lines that carry a `key` are booked once however often they come: when every key is known already nothing happens
    and `again` is true. Five statements, whatever the number of lines.
    """
    keys = [line.key for line in lines if line.key]
    if keys:
        known = {row[0] for row in rows("SELECT key FROM inventory_stockmovement WHERE key = ANY(%s)", [keys])}
        lines = [line for line in lines if line.key not in known]
        if not lines:
            return Received(served={}, again=True)
    posting = Posting(
        levels=lock_levels(Place(line.item_id, location.pk) for line in lines),
        actor=actor,
        occurred_at=occurred_at or timezone.now(),
    )
    supplier = counterparty("@supplier")
    for line in lines:
        posting.move(
            Move(
                item_id=line.item_id,
                quantity=line.quantity,
                from_location=supplier,
                to_location=location,
                to_bucket=line.bucket,
                reason=Reason.RECEIPT,
                document=document,
                line=line.line,
                unit_cost=line.unit_cost,
                note=note,
                key=line.key,
            )
        )
    served = serve_waiting(posting, {line.item_id for line in lines if line.bucket == Bucket.SELLABLE})
    posting.write()
    return Received(served=served)


@dataclass(frozen=True, slots=True, kw_only=True)
class BookedLine:
    """A line of a receipt without a purchase order, as a person or program names it."""

    sku: str
    quantity: int
    unit_cost: Decimal | None = None
    bucket: str = Bucket.SELLABLE


@retried()
def book_in(
    *, location: Location, lines: Sequence[BookedLine], actor: str, note: str = "", occurred_at: datetime | None = None
) -> StockDocument:
    """Have a receipt without a purchase order: a numbered document, its movements, and waiting demand served.

    Raises UnknownSku or NotStocked naming every offending line; then nothing is kept.
    """
    ensure_off_the_road((location, "/location"))
    items = find_items([line.sku for line in lines])
    document = new_document(
        kind=StockDocument.Kind.RECEIPT,
        location=location,
        reason=Reason.RECEIPT,
        note=note,
        lines=[{"sku": line.sku, "quantity": line.quantity, "bucket": str(line.bucket)} for line in lines],
        actor=actor,
        occurred_at=occurred_at,
    )
    receive_stock(
        location=location,
        lines=[
            ReceiptLine(
                item_id=item.pk, quantity=line.quantity, unit_cost=line.unit_cost, bucket=line.bucket, line=number
            )
            for number, (item, line) in enumerate(zip(items, lines, strict=True), 1)
        ],
        document=document.reference,
        actor=actor,
        occurred_at=document.occurred_at,
        note=note,
    )
    return document
