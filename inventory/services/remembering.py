"""Deliveries from before the books were opened: in the ledger with what they were worth, and not on the shelves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from inventory.models import Location, Reason, StockMovement
from inventory.services.ledger import Move, Place, Posting, counterparty, lock_levels
from inventory.services.receiving import ReceiptLine, refuse_broken_cents
from retailhub.core.transactions import retried


@dataclass(frozen=True, slots=True, kw_only=True)
class PastDelivery:
    """What came in at a place under one document; every line says in `value` what it cost, in whole cents."""

    location: Location
    document: str
    occurred_at: datetime
    lines: Sequence[ReceiptLine]


@retried()
def remember_receipts(*, deliveries: Sequence[PastDelivery], actor: str) -> list[Mapping[int, Decimal]]:
    """Have past deliveries in the ledger: each line comes from the supplier and leaves to the opening at its value.

    So no figure of stock changes, nobody who waits is served, and no news is published: what is left of those goods is
    what was counted when the books were opened. The last price paid stays known to the cost pool. The caller writes
    both steps to the journal; answers for each delivery, by line number, what stock value rose and fell by, in whole
    cents. Four statements, whatever the number of deliveries. The caller makes sure that it is told of each once.
    """
    refuse_broken_cents([line for delivery in deliveries for line in delivery.lines])
    posting = Posting(
        levels=lock_levels(Place(x.item_id, delivery.location.pk) for delivery in deliveries for x in delivery.lines),
        actor=actor,
    )
    supplier, opening = counterparty("@supplier"), counterparty("@opening")
    told: list[tuple[int, int]] = []
    for number, delivery in enumerate(deliveries):
        for line in delivery.lines:
            came = Move(
                item_id=line.item_id,
                quantity=line.quantity,
                from_location=supplier,
                to_location=delivery.location,
                reason=Reason.RECEIPT,
                document=delivery.document,
                line=line.line,
                value=line.value,
                self_posted=True,
                occurred_at=delivery.occurred_at,
            )
            posting.move(came)
            posting.move(replace(came, from_location=delivery.location, to_location=opening, reason=Reason.OPENING))
            told.append((number, line.line))
    posting.write()
    values: list[dict[int, Decimal]] = [{} for _ in deliveries]
    for (number, line_number), rise in zip(told, posting.booked[::2], strict=True):
        values[number][line_number] = values[number].get(line_number, Decimal(0)) + rise
    return list(values)


def is_remembered(document: str) -> bool:
    """Whether the goods of this document came and left before the books were opened: they are not there to be moved."""
    return StockMovement.objects.filter(document=document, reason=Reason.OPENING).exists()
