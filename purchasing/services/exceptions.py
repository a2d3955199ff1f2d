"""What a delivery leaves for somebody to decide: goods nobody ordered, the wrong ones, damaged ones."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from django.conf import settings
from django.urls import reverse

from purchasing.models import Claim, Receipt, ReceiptLine
from purchasing.services.unbilled import WentBefore, on_hold_of, units_in, went_before
from retailhub.core.models import Attention
from retailhub.core.services.attending import raise_attention, settle_attention

OVER, WRONG, DAMAGED, PARKED = "delivery_over", "delivery_wrong", "delivery_damaged", "delivery_parked"


def look_at_exceptions(receipt: Receipt, rows: Sequence[ReceiptLine], *, by: str) -> None:
    """Have one open attention row per kind of exception the receipt still has, and none of a kind that is decided.

    `rows` are all lines of the receipt. A fixed number of statements.
    """
    before = went_before(row.pk for row in rows if row.returned)
    held = [(row, on_hold_of(row, before.get(row.pk))) for row in rows]
    over = [(row, units) for row, units in held if units > 0 and row.instead_of_id is None]
    wrong = [(row, units) for row, units in held if units > 0 and row.instead_of_id is not None]
    damaged = _damaged(rows, before)
    wanted, settled = [], []
    for kind, found, said in (
        (OVER, over, "that nobody ordered are on hold"),
        (WRONG, wrong, "of another item came and are on hold"),
        (DAMAGED, damaged, "came damaged"),
    ):
        if found:
            wanted.append(_row(receipt, kind, found, said))
        else:
            settled.append(kind)
    raise_attention(wanted)
    for kind in settled:
        settle_attention(kind=kind, documents=[receipt.reference], by=by)


def settle_exceptions(receipt: Receipt, *, by: str) -> None:
    """Close every row about the receipt: there is nothing to decide about it any more."""
    for kind in (OVER, WRONG, DAMAGED, PARKED):
        settle_attention(kind=kind, documents=[receipt.reference], by=by)


def park(receipt: Receipt, *, note: str) -> None:
    """Leave a delivery that cannot be counted to the end for somebody who decides."""
    raise_attention(
        [
            Attention(
                kind=PARKED,
                subject=f"{receipt.number}{_of(receipt)}",
                reason=note,
                document=receipt.reference,
                location=receipt.location.code,
                scope="purchasing:write",
                step_label="Look at it",
                step_url=reverse("purchasing:receive", args=[receipt.number]),
            )
        ]
    )


def _damaged(rows: Sequence[ReceiptLine], before: dict[int, WentBefore]) -> list[tuple[ReceiptLine, int]]:
    suspects = {row.pk: row for row in rows if row.damaged}
    if not suspects:
        return []
    claimed = set(
        Claim.objects.filter(
            receipt_line__in=suspects, kind=Claim.Kind.DAMAGED, state=Claim.State.OPEN
        ).values_list("receipt_line", flat=True)
    )  # fmt: skip
    nothing = WentBefore()
    left = [
        (row, row.damaged - before.get(pk, nothing).by_bucket.get("damaged", 0))
        for pk, row in suspects.items()
        if pk in claimed
    ]
    return [(row, units) for row, units in left if units > 0]


def _row(receipt: Receipt, kind: str, found: Sequence[tuple[ReceiptLine, int]], said: str) -> Attention:
    worth = sum((row.amount * units / (units_in(row) or 1) for row, units in found), Decimal(0))
    return Attention(
        kind=kind,
        subject=f"{receipt.number}{_of(receipt)}",
        reason=f"{sum(units for _, units in found)} units {said}",
        document=receipt.reference,
        location=receipt.location.code,
        scope="purchasing:write",
        at_risk=worth.quantize(Decimal("0.01")),
        currency=settings.HOME_CURRENCY,
        step_label="Decide",
        step_url=reverse("purchasing:receipt", args=[receipt.number]),
    )


def _of(receipt: Receipt) -> str:
    return f", {receipt.supplier.name}" if receipt.supplier else ""
