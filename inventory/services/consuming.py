"""Promised goods that leave: a parcel to a customer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from inventory.models import Location, Reason
from inventory.services.finding import ensure_off_the_road
from inventory.services.ledger import Move, Place, counterparty
from inventory.services.releasing import lock_for_documents, open_demand, open_reservations
from inventory.services.reserving import sweep_expired
from inventory.services.serving import serve_waiting
from retailhub.core.errors import DomainError, Offence
from retailhub.core.transactions import retried


class NotThere(DomainError):
    """There are not enough free goods at this place."""

    code = "not_enough_stock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving:
    """Units of an item that leave for a line of the document; `pointer` names the line in what was asked."""

    line: int
    item_id: int
    quantity: int
    sku: str = ""
    pointer: str = ""


@retried()
def consume_stock(
    *, document: str, location: Location, leaving: Sequence[Leaving], actor: str, occurred_at: datetime | None = None
) -> None:
    """Let the units leave the place for the customer, and use up what the document had reserved.

    Reservations at this place go first. What the line has reserved elsewhere, or still waits for, is given up for free
    goods here. Raises NotThere naming every line for which this place has too little; then nothing happens.
    """
    ensure_off_the_road((location, "/location"))
    posting = lock_for_documents([document], more=[Place(entry.item_id, location.pk) for entry in leaving])
    posting.actor, posting.occurred_at = actor, occurred_at or timezone.now()
    reservations = open_reservations([document])
    demand = open_demand([document])
    left = {reservation.pk: reservation.open for reservation in reservations}
    waits = {row.pk: row.quantity for row in demand}
    customer = counterparty("@customer")
    missing = []
    freed: set[int] | None = None
    for entry in leaving:
        here = Place(entry.item_id, location.pk)
        mine = [r for r in reservations if r.line == entry.line and r.place.item_id == entry.item_id]
        need = entry.quantity
        for reservation in (r for r in mine if r.place == here):
            units = min(need, left[reservation.pk])
            left[reservation.pk] -= units
            need -= units
            if units:
                posting.consume(reservation.pk, here, units)
        # What was promised to this line here counts as available now; what is promised to others does not.
        if entry.quantity > posting.levels[here].available and freed is None:
            freed = sweep_expired(posting, keeping=document)
        if entry.quantity > posting.levels[here].available:
            missing.append((entry, max(0, posting.levels[here].available)))
            continue
        # Free goods cover what is waited for first: goods given back elsewhere could be had by the rest of this line.
        for row in (d for d in demand if d.line == entry.line and d.item_id == entry.item_id):
            units = min(need, waits[row.pk])
            waits[row.pk] -= units
            need -= units
            if units:
                posting.demand_change[row.pk] = posting.demand_change.get(row.pk, 0) - units
        for reservation in (r for r in reversed(mine) if r.place != here):
            units = min(need, left[reservation.pk])
            left[reservation.pk] -= units
            need -= units
            if units:
                posting.release(reservation.pk, reservation.place, units)
        posting.move(
            Move(
                item_id=entry.item_id,
                quantity=entry.quantity,
                from_location=location,
                to_location=customer,
                reason=Reason.SALE,
                document=document,
                line=entry.line,
            )
        )
    if missing:
        raise NotThere(
            errors=[
                Offence(
                    pointer=entry.pointer or f"/lines/{entry.line - 1}/quantity",
                    code="not_enough_stock",
                    detail=f"{entry.quantity} of {entry.sku or 'this item'} are to leave {location.name}, {have} can",
                    extra={"line": entry.line, "sku": entry.sku, "available": have},
                )
                for entry, have in missing
            ]
        )
    if posting.released or freed:
        # What was reserved elsewhere, or for others whose time has run out, and is free now goes to whoever waits.
        serve_waiting(posting, {place.item_id for place in posting.levels})
    posting.write()
