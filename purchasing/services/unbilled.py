"""What of a receipt line nobody billed yet: the units and what of their worth still stands as goods received."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from inventory.models import Bucket
from inventory.services.costing import cents
from purchasing.models import ReceiptLine
from retailhub.core.sql import rows


@dataclass(slots=True)
class WentBefore:
    """Units of a receipt line that went back to the supplier: by the bucket they left, and those no invoice stands for.

    Nobody had billed them, or the invoice stands for what came in their place.
    """

    by_bucket: dict[str, int] = field(default_factory=dict)
    uninvoiced: int = 0


def went_before(line_ids: Iterable[int]) -> dict[int, WentBefore]:
    """Answer by receipt line what went back of it. One query; a line of which nothing did is missing."""
    answers: dict[int, WentBefore] = {}
    for pk, bucket, units, uninvoiced in rows(
        """SELECT receipt_line_id, bucket, sum(quantity)::int, sum(uninvoiced + replaced)::int
           FROM purchasing_supplierreturnline WHERE receipt_line_id = ANY(%s) GROUP BY 1, 2""",
        [sorted(set(line_ids))],
    ):
        before = answers.setdefault(pk, WentBefore())
        before.by_bucket[bucket] = units
        before.uninvoiced += uninvoiced
    return answers


@dataclass(frozen=True, slots=True)
class Here:
    """Units of a receipt line that did not go back: damaged and surplus ones by their bucket, ours to pay, and free."""

    apart: dict[str, int]
    accepted: int
    free: int


def here_of(row: ReceiptLine, before: WentBefore | None) -> Here:
    """Answer what of the line is still here. What was counted apart goes first of its bucket, then what is ours."""
    gone = before.by_bucket if before else {}
    counted = {str(Bucket.DAMAGED): row.damaged, str(Bucket.ON_HOLD): row.over}
    others = sum(max(0, units - counted.get(bucket, 0)) for bucket, units in gone.items())
    return Here(
        apart={bucket: max(0, units - gone.get(bucket, 0)) for bucket, units in counted.items()},
        accepted=max(0, row.accepted - others),
        free=row.free - max(0, others - row.accepted),
    )


def units_in(row: ReceiptLine) -> int:
    """Units of the line that came into the house, in whatever state."""
    return row.accepted + row.damaged + row.over + row.free


def on_hold_of(row: ReceiptLine, before: WentBefore | None) -> int:
    """Units nobody ordered about which nothing was decided."""
    return row.over - (before.by_bucket.get(Bucket.ON_HOLD, 0) if before else 0)


def unbilled_units(row: ReceiptLine, before: WentBefore | None) -> int:
    """Units that are here, were not billed and are not free."""
    # Free ones that went back count among those that nobody had billed.
    gone = before.uninvoiced if before else 0
    return max(0, units_in(row) - here_of(row, before).free - row.invoiced - gone)


def unbilled_share(row: ReceiptLine, units: int, before: WentBefore | None) -> Decimal:
    """Answer what so many of the unbilled units stand for, in whole cents; the last of them take what is left."""
    left: Decimal = row.amount - row.cleared - row.reduced
    of = unbilled_units(row, before)
    if units >= of:
        return left
    return cents(left * units / of)
