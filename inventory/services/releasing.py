"""Giving promises back: reserved units and waiting demand of a document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from inventory.services.ledger import Levels, Place, Posting, lock_levels
from inventory.services.serving import serve_waiting
from retailhub.core.sql import rows
from retailhub.core.transactions import OutOfTurn, retried


@dataclass(frozen=True, slots=True)
class OpenReservation:
    """A reservation with units still open, as read under the lock of its level."""

    pk: int
    document: str
    line: int
    place: Place
    open: int


@dataclass(frozen=True, slots=True)
class OpenDemand:
    """Units a document line still waits for."""

    pk: int
    document: str
    line: int
    item_id: int
    quantity: int


_OPEN = """
SELECT id, document, line, item_id, location_id, quantity - consumed - released FROM inventory_reservation
WHERE document = ANY(%s) AND quantity > consumed + released ORDER BY document, line, item_id, id
"""


def open_reservations(documents: Sequence[str]) -> list[OpenReservation]:
    return [OpenReservation(r[0], r[1], r[2], Place(r[3], r[4]), r[5]) for r in rows(_OPEN, [list(documents)])]


def open_demand(documents: Sequence[str]) -> list[OpenDemand]:
    """Answer what the documents wait for, locked: read it after the levels."""
    return [
        OpenDemand(*r)
        for r in rows(
            """SELECT id, document, line, item_id, quantity FROM inventory_waitingdemand
               WHERE document = ANY(%s) AND quantity > 0 ORDER BY id FOR NO KEY UPDATE""",
            [list(documents)],
        )
    ]


_TOUCHED = """
SELECT item_id, location_id FROM inventory_reservation
WHERE document = ANY(%s) AND quantity > consumed + released
UNION
SELECT d.item_id, coalesce(d.location_id, e.location_id) FROM inventory_waitingdemand d
LEFT JOIN inventory_stockpoollocation e ON e.pool_id = d.pool_id AND d.location_id IS NULL
WHERE d.document = ANY(%s) AND d.quantity > 0 AND coalesce(d.location_id, e.location_id) IS NOT NULL
"""


def lock_for_documents(documents: Sequence[str], *, more: Sequence[Place] = ()) -> Posting:
    """Lock every level at which the documents hold reservations or could be served, and `more`; answers a posting.

    Goods that arrive serve waiting demand without asking the document, but only under the lock of their level: with
    these levels held nothing the documents hold can change. What came up between looking and locking (a count that
    found less turns a promise into demand at every place of its pool) is locked too; where its turn is over by then
    the verb begins again.
    """
    levels: Levels = {}
    wanted = _touched(documents) | set(more)
    while missing := wanted - levels.keys():
        if levels and min(missing) < max(levels):
            raise OutOfTurn
        levels |= lock_levels(missing)
        wanted = _touched(documents)
    return Posting(levels=levels, actor="")


def _touched(documents: Sequence[str]) -> set[Place]:
    return {Place(*row) for row in rows(_TOUCHED, [list(documents), list(documents)])}


@retried()
def release_stock(*, document: str, quantities: Mapping[tuple[int, int], int] | None = None, actor: str) -> int:
    """Give back what the document holds and waits for: all of it, or base units per (line, item).

    Waiting demand goes first, then the latest reservations; whoever else waits for the freed goods is served at once.
    Asking twice changes nothing. Answers the units given back, reserved and waited for together.
    """
    posting = lock_for_documents([document])
    posting.actor = actor
    given = release_held(posting, document=document, quantities=quantities)
    posting.write()
    return given


def release_held(
    posting: Posting, *, document: str, quantities: Mapping[tuple[int, int], int] | None, serve: bool = True
) -> int:
    """The body of `release_stock`, for a verb that has more to do under the same locks."""
    left = dict(quantities) if quantities is not None else None
    freed: set[int] = set()
    given = 0

    def share(line: int, item_id: int, units: int) -> int:
        if left is None:
            return units
        part = min(units, left.get((line, item_id), 0))
        if part:
            left[(line, item_id)] -= part
        return part

    for demand in open_demand([document]):
        if units := share(demand.line, demand.item_id, demand.quantity):
            posting.demand_change[demand.pk] = -units
            given += units
    for reservation in reversed(open_reservations([document])):
        if units := share(reservation.line, reservation.place.item_id, reservation.open):
            posting.release(reservation.pk, reservation.place, units)
            freed.add(reservation.place.item_id)
            given += units
    if serve and freed:
        serve_waiting(posting, freed)
    return given
