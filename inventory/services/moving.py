"""Goods that change their state where they stand: damaged, on hold, sellable again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils import timezone

from inventory.models import Bucket, Location, Reason, StockDocument
from inventory.services.adjusting import BelowReserved, BelowZero
from inventory.services.documents import new_document
from inventory.services.finding import ensure_off_the_road, find_items
from inventory.services.ledger import Move, Place, Posting, lock_levels
from inventory.services.reserving import sweep_expired
from inventory.services.serving import serve_waiting
from retailhub.core.errors import Invalid, Offence
from retailhub.core.transactions import retried

REASONS = (Reason.DAMAGE, Reason.QUALITY, Reason.QUARANTINE, Reason.DISPLAY, Reason.RELEASED, Reason.CORRECTION)


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveLine:
    """Units of a SKU that go from one bucket to another."""

    sku: str
    quantity: int
    from_bucket: str
    to_bucket: str


@retried()
def move_stock(
    *, location: Location, reason: str, lines: Sequence[MoveLine], actor: str, note: str = ""
) -> StockDocument:
    """Move units between buckets at one place, all lines or none, and answer the document.

    What leaves the sellable bucket must be free of promises (BelowReserved); what enters it serves who waits.
    """
    errors = [
        Offence(pointer=f"/lines/{i}", code="invalid", detail="the buckets are the same")
        for i, line in enumerate(lines)
        if line.from_bucket == line.to_bucket
    ]
    if reason not in REASONS:
        errors.append(
            Offence(pointer="/reason", code="invalid", detail=f"a reason is one of {', '.join(sorted(REASONS))}")
        )
    if not lines:
        errors.append(Offence(pointer="/lines", code="invalid", detail="there are no lines"))
    if errors:
        raise Invalid("This is not a complete move.", errors=errors)
    ensure_off_the_road((location, "/location"))
    items = find_items([line.sku for line in lines])
    posting = Posting(levels=lock_levels(Place(item.pk, location.pk) for item in items), actor=actor)
    short: list[Offence] = []
    freed: set[int] | None = None
    for index, (item, line) in enumerate(zip(items, lines, strict=True)):
        level = posting.levels[Place(item.pk, location.pk)]
        if line.from_bucket == Bucket.SELLABLE and level.available < line.quantity and freed is None:
            # Promises that have run out keep nobody.
            freed = sweep_expired(posting)
        have = level.available if line.from_bucket == Bucket.SELLABLE else getattr(level, line.from_bucket)
        if have < line.quantity:
            promised = line.from_bucket == Bucket.SELLABLE and level.sellable >= line.quantity
            short.append(
                Offence(
                    pointer=f"/lines/{index}/quantity",
                    code="below_reserved" if promised else "below_zero",
                    detail=f"only {have} of {line.sku} can leave {Bucket(line.from_bucket).label.lower()}",
                    extra={"sku": line.sku, "available": have},
                )
            )
        else:
            _shift_ahead(posting, item.pk, location, line)
    if short:
        raise (BelowZero if any(x.code == "below_zero" for x in short) else BelowReserved)(errors=short)
    document = new_document(
        kind=StockDocument.Kind.MOVE,
        location=location,
        reason=reason,
        note=note,
        lines=[
            {"sku": x.sku, "quantity": x.quantity, "from_bucket": str(x.from_bucket), "to_bucket": str(x.to_bucket)}
            for x in lines
        ],
        actor=actor,
        occurred_at=timezone.now(),
    )
    posting.moves = [
        Move(
            item_id=item.pk,
            quantity=line.quantity,
            from_location=location,
            from_bucket=line.from_bucket,
            to_location=location,
            to_bucket=line.to_bucket,
            reason=reason,
            document=document.reference,
            line=number,
            note=note,
        )
        for number, (item, line) in enumerate(zip(items, lines, strict=True), 1)
    ]
    gained = {item.pk for item, line in zip(items, lines, strict=True) if line.to_bucket == Bucket.SELLABLE}
    serve_waiting(posting, gained | (freed or set()))
    posting.write()
    return document


def _shift_ahead(posting: Posting, item_id: int, location: Location, line: MoveLine) -> None:
    """Let the next line of the same document see this one's effect before anything is written."""
    level = posting.levels[Place(item_id, location.pk)]
    setattr(level, line.from_bucket, getattr(level, line.from_bucket) - line.quantity)
    setattr(level, line.to_bucket, getattr(level, line.to_bucket) + line.quantity)
