"""Corrections of stock by people: so many more or fewer, or so many counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.utils import timezone

from inventory.models import Bucket, Location, Reason, StockDocument
from inventory.services.documents import new_document
from inventory.services.finding import ensure_off_the_road, find_items
from inventory.services.holders import holders_of, named
from inventory.services.ledger import Level, Move, Place, Posting, counterparty, lock_levels
from inventory.services.reserving import sweep_expired
from inventory.services.serving import serve_waiting
from inventory.services.shortening import take_promises_back
from retailhub.core.errors import DomainError, Invalid, Offence
from retailhub.core.text import sku_key
from retailhub.core.transactions import retried

REASONS = (Reason.OPENING, Reason.COUNT, Reason.DAMAGE, Reason.LOSS, Reason.FOUND, Reason.CORRECTION)
MOST_LINES = 5_000


class BelowReserved(DomainError):
    """The change would leave less than what is promised to customers."""

    code = "below_reserved"


class BelowZero(DomainError):
    """The change would leave less than nothing."""

    code = "below_zero"


@dataclass(frozen=True, slots=True, kw_only=True)
class AdjustmentLine:
    """For one SKU and bucket either a `change`, or what was `counted`. `unit_cost` values goods that were found."""

    sku: str
    change: int | None = None
    counted: int | None = None
    bucket: str = Bucket.SELLABLE
    unit_cost: Decimal | None = None


@retried()
def adjust_stock(
    *,
    location: Location,
    reason: str,
    lines: Sequence[AdjustmentLine],
    actor: str,
    note: str = "",
    occurred_at: datetime | None = None,
) -> StockDocument:
    """Post the adjustment, all lines or none, and answer its document.

    A `change` that would leave less than is reserved is refused (BelowReserved names the documents that hold the
    goods). A `counted` figure is believed: what was promised of goods that are not there becomes waiting demand again,
    latest promise first. Goods gained serve who waits. A fixed number of statements whatever the number of lines.
    """
    _check(reason, lines)
    ensure_off_the_road((location, "/location"))
    items = find_items([line.sku for line in lines])
    occurred_at = occurred_at or timezone.now()
    posting = Posting(
        levels=lock_levels(Place(item.pk, location.pk) for item in items), actor=actor, occurred_at=occurred_at
    )
    changes: list[int] = []
    left: list[int] = []
    after: dict[tuple[Place, str], int] = {}
    for item, line in zip(items, lines, strict=True):
        place = Place(item.pk, location.pk)
        have = after.get((place, line.bucket), getattr(posting.levels[place], line.bucket))
        change = line.change if line.change is not None else (line.counted or 0) - have
        after[(place, line.bucket)] = have + change
        changes.append(change)
        left.append(have + change)
    counted = {
        Place(item.pk, location.pk)
        for item, line in zip(items, lines, strict=True)
        if line.counted is not None and line.bucket == Bucket.SELLABLE
    }
    freed = _refuse_too_few(posting, lines, [Place(item.pk, location.pk) for item in items], left, after, counted)
    document = new_document(
        kind=StockDocument.Kind.ADJUSTMENT,
        location=location,
        reason=reason,
        note=note,
        lines=[
            {"sku": line.sku, "bucket": str(line.bucket), "change": change, "counted": line.counted}
            for line, change in zip(lines, changes, strict=True)
        ],
        actor=actor,
        occurred_at=occurred_at,
    )
    outside = counterparty("@opening" if reason == Reason.OPENING else "@loss")
    gained = freed
    for number, (item, line, change) in enumerate(zip(items, lines, changes, strict=True), 1):
        if not change:
            continue
        incoming = change > 0
        if incoming and line.bucket == Bucket.SELLABLE:
            gained.add(item.pk)
        posting.move(
            Move(
                item_id=item.pk,
                quantity=abs(change),
                from_location=outside if incoming else location,
                from_bucket=Bucket.SELLABLE if incoming else line.bucket,
                to_location=location if incoming else outside,
                to_bucket=line.bucket if incoming else Bucket.SELLABLE,
                reason=reason,
                document=document.reference,
                line=number,
                unit_cost=line.unit_cost if incoming else None,
                note=note,
            )
        )
    take_promises_back(posting)
    if gained:
        serve_waiting(posting, gained)
    posting.write()
    return document


def _check(reason: str, lines: Sequence[AdjustmentLine]) -> None:
    errors = []
    if reason not in REASONS:
        errors.append(
            Offence(pointer="/reason", code="invalid", detail=f"a reason is one of {', '.join(sorted(REASONS))}")
        )
    if not lines or len(lines) > MOST_LINES:
        errors.append(Offence(pointer="/lines", code="invalid", detail=f"an adjustment has 1 to {MOST_LINES} lines"))
    seen: set[tuple[str, str]] = set()
    for index, line in enumerate(lines):
        if (line.change is None) == (line.counted is None):
            errors.append(Offence(pointer=f"/lines/{index}", code="invalid", detail="give either change or counted"))
        key = (sku_key(line.sku), line.bucket)
        if line.counted is not None and key in seen:
            errors.append(Offence(pointer=f"/lines/{index}", code="invalid", detail="this SKU is counted twice here"))
        seen.add(key)
    if errors:
        raise Invalid("This is not a complete adjustment.", errors=errors)


def _refuse_too_few(
    posting: Posting,
    lines: Sequence[AdjustmentLine],
    places: Sequence[Place],
    left: Sequence[int],
    after: dict[tuple[Place, str], int],
    counted: set[Place],
) -> set[int]:
    """Refuse what leaves too little. Promises that have run out keep nobody; answers the items that they freed."""
    below_zero, below_reserved = [], []
    for index, (line, place) in enumerate(zip(lines, places, strict=True)):
        level: Level = posting.levels[place]
        # Lines are booked one after the other, and none of them can take what the next one brings.
        if left[index] < 0:
            have = getattr(level, line.bucket)
            below_zero.append(
                Offence(
                    pointer=f"/lines/{index}/change",
                    code="below_zero",
                    detail=f"only {have} of {line.sku} are {Bucket(line.bucket).label.lower()} here",
                    extra={"sku": line.sku, "on_hand": have},
                )
            )
        elif line.bucket == Bucket.SELLABLE and after[(place, line.bucket)] < level.reserved and place not in counted:
            below_reserved.append((index, line, place))
    if below_zero:
        raise BelowZero(errors=below_zero)
    freed = sweep_expired(posting) if below_reserved else set()
    below_reserved = [x for x in below_reserved if after[(x[2], x[1].bucket)] < posting.levels[x[2]].reserved]
    if below_reserved:
        holders = holders_of([place for _, _, place in below_reserved])
        raise BelowReserved(
            errors=[
                Offence(
                    pointer=f"/lines/{index}/change",
                    code="below_reserved",
                    detail=f"{posting.levels[place].reserved} of {line.sku} are promised to "
                    f"{named(holders.get(place, []))}",
                    extra={
                        "sku": line.sku,
                        "reserved": posting.levels[place].reserved,
                        "documents": holders.get(place, []),
                    },
                )
                for index, line, place in below_reserved
            ]
        )
    return freed
