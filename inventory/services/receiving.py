"""Goods that come in from a supplier."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from django.utils import timezone

from inventory.models import Bucket, Location, Reason, StockDocument
from inventory.services.costing import cents
from inventory.services.documents import new_document
from inventory.services.finding import ensure_off_the_road, find_items
from inventory.services.ledger import Move, Place, Posting, counterparty, lock_levels
from inventory.services.serving import serve_waiting
from retailhub.core.errors import Invalid, Offence
from retailhub.core.sql import rows
from retailhub.core.transactions import retried


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptLine:
    """Units of an item that arrived, into which bucket, and what they cost in the home currency.

    `value` is what they cost together, in whole cents; else `unit_cost` counts, else the cost so far. `supply` names
    the purchase line whose linked demand they serve first, `incoming` the (document, line) that expected them.
    """

    item_id: int
    quantity: int
    unit_cost: Decimal | None = None
    value: Decimal | None = None
    bucket: str = Bucket.SELLABLE
    line: int = 1
    key: str | None = None
    supply: str = ""
    incoming: tuple[str, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """What a receipt did: units served to waiting documents; `again` when it had been booked before.

    `values` says by line number what the stock value in the journal rises by, in whole cents.
    """

    served: dict[str, int]
    again: bool = False
    values: dict[int, Decimal] = field(default_factory=dict)


@retried(on_twin=True)
def receive_stock(
    *,
    location: Location,
    lines: Sequence[ReceiptLine],
    document: str,
    actor: str,
    occurred_at: datetime | None = None,
    note: str = "",
    self_posted: bool = False,
) -> Received:
    """Book goods in from the supplier and serve who waits for them, oldest promise first, in this transaction.

    Demand linked to a line's `supply` gets what that line brought before others do; what was expected is lowered.
    Lines that carry a `key` are booked once however often they come: when every key is known already nothing happens
    and `again` is true. With `self_posted` the caller writes `values` to the journal in this transaction; otherwise the
    stock summary does. Four statements, whatever the number of lines, one more for keys and one where layers are kept.
    """
    refuse_broken_cents(lines)
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
                value=line.value,
                note=note,
                key=line.key,
                self_posted=self_posted,
            )
        )
        if line.incoming:
            expected = (*line.incoming, line.item_id)
            posting.arrived[expected] = posting.arrived.get(expected, 0) + line.quantity
    sellable = [line for line in lines if line.bucket == Bucket.SELLABLE]
    brought: dict[tuple[str, Place], int] = {}
    for line in sellable:
        if line.supply:
            key = (line.supply, Place(line.item_id, location.pk))
            brought[key] = brought.get(key, 0) + line.quantity
    served = serve_waiting(posting, {line.item_id for line in sellable}, brought=brought)
    posting.write()
    values: dict[int, Decimal] = {}
    for line, booked in zip(lines, posting.booked, strict=True):
        values[line.line] = values.get(line.line, Decimal(0)) + booked
    return Received(served=served, values=values)


def refuse_broken_cents(lines: Sequence[ReceiptLine]) -> None:
    """Raise Invalid naming each line whose value is no amount of whole cents."""
    broken = [
        Offence(
            pointer=f"/lines/{index}/value",
            code="invalid",
            detail=f"{line.value} is no amount of whole cents",
            extra={"line": line.line},
        )
        for index, line in enumerate(lines)
        if line.value is not None and (line.value < 0 or line.value != cents(line.value))
    ]
    if broken:
        raise Invalid("A receipt line is worth an amount of whole cents.", errors=broken)


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
