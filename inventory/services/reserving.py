"""Promising stock: every line as far as it goes, or all or nothing; what is short waits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from inventory.models import WaitingDemand
from inventory.services.ledger import Levels, Place, Posting, lock_levels
from inventory.services.serving import serve_waiting
from retailhub.core.errors import DomainError, Offence
from retailhub.core.sql import rows
from retailhub.core.transactions import retried


class NotEnoughStock(DomainError):
    """There is not enough stock to promise every line."""

    code = "not_enough_stock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One line that wants goods. A kit wants its components: `parts` maps item ids to units in one of it."""

    line: int
    sku: str
    quantity: int
    parts: Mapping[int, int]
    pointer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What one document wants, from an ordered list of locations. With `expires_at` it is soft: nothing of it waits."""

    document: str
    wanted: Sequence[Wanted]
    location_ids: Sequence[int]
    pool_id: int | None = None
    only_location_id: int | None = None
    all_or_nothing: bool = False
    promised_at: datetime
    expires_at: datetime | None = None


@dataclass(slots=True)
class Promise:
    """What one line got: units reserved in the line's own units, units short, and where its parts stand."""

    line: int
    reserved: int = 0
    short: int = 0
    places: dict[Place, int] = field(default_factory=dict)


@dataclass(slots=True)
class Outcome:
    """What a document got, or why it got nothing."""

    promises: list[Promise] = field(default_factory=list)
    refusal: NotEnoughStock | None = None


@retried()
def reserve_stock(*, requests: Sequence[Request], actor: str) -> list[Outcome]:
    """Promise stock to each document, in the order given, from what is there; what is short becomes waiting demand.

    A soft request (one that expires) gets what is there and waits for nothing.
    A request that is all or nothing and falls short gets a `refusal` in its outcome and nothing else; the others go
    on. Expired reservations are swept under the lock before anything is called short. Three statements, whatever the
    number of documents and lines.
    """
    levels = lock_for(requests)
    posting, outcomes = allocate(requests=requests, levels=levels, actor=actor)
    posting.write()
    return outcomes


def lock_for(requests: Iterable[Request]) -> Levels:
    """Lock every level that the requests could draw on."""
    return lock_levels(
        Place(item_id, location_id)
        for request in requests
        for wanted in request.wanted
        for item_id in wanted.parts
        for location_id in request.location_ids
    )


def allocate(*, requests: Sequence[Request], levels: Levels, actor: str) -> tuple[Posting, list[Outcome]]:
    """Share the locked levels out in memory; the caller writes the posting."""
    posting = Posting(levels=levels, actor=actor)
    if _falls_short(requests, levels):
        # Who has waited longer comes first.
        serve_waiting(posting, sweep_expired(posting))
    return posting, [_serve(posting, request) for request in requests]


def _falls_short(requests: Sequence[Request], levels: Levels) -> bool:
    need: dict[int, int] = {}
    places: dict[int, set[int]] = {}
    for request in requests:
        for wanted in request.wanted:
            for item_id, per_unit in wanted.parts.items():
                need[item_id] = need.get(item_id, 0) + per_unit * wanted.quantity
                places.setdefault(item_id, set()).update(request.location_ids)
    return any(
        units > sum(levels[Place(item_id, location_id)].available for location_id in places[item_id])
        for item_id, units in need.items()
    )


def _serve(posting: Posting, request: Request) -> Outcome:
    order = _nearest_to_whole(posting.levels, request)
    taken: dict[Place, int] = {}
    promises = [_plan(posting.levels, taken, wanted, order) for wanted in request.wanted]
    if request.all_or_nothing and any(promise.short for promise in promises):
        return Outcome(refusal=_refusal(request, promises))
    for wanted, promise in zip(request.wanted, promises, strict=True):
        for place, units in promise.places.items():
            posting.promise(
                document=request.document,
                line=wanted.line,
                place=place,
                quantity=units,
                expires_at=request.expires_at,
                pool_id=request.pool_id,
            )
        for item_id, per_unit in wanted.parts.items():
            missing = per_unit * wanted.quantity - sum(
                u for place, u in promise.places.items() if place.item_id == item_id
            )
            # A cart that nobody pays for must not wait for goods, and hold them for good once they come.
            if missing and request.expires_at is None:
                posting.wait(
                    WaitingDemand(
                        document=request.document,
                        line=wanted.line,
                        item_id=item_id,
                        pool_id=request.pool_id,
                        location_id=request.only_location_id,
                        quantity=missing,
                        promised_at=request.promised_at,
                    )
                )
    return Outcome(promises=promises)


def _nearest_to_whole(levels: Levels, request: Request) -> list[int]:
    """Answer the locations with the first one that could serve the whole document in front: fewer parcels."""
    need: dict[int, int] = {}
    for wanted in request.wanted:
        for item_id, per_unit in wanted.parts.items():
            need[item_id] = need.get(item_id, 0) + per_unit * wanted.quantity
    for location_id in request.location_ids:
        if all(levels[Place(item_id, location_id)].available >= units for item_id, units in need.items()):
            return [location_id, *(other for other in request.location_ids if other != location_id)]
    return list(request.location_ids)


def _plan(levels: Levels, taken: dict[Place, int], wanted: Wanted, location_ids: Sequence[int]) -> Promise:
    """Share what is free out to one line: whole units place by place, then parts of a kit from wherever they stand."""
    promise = Promise(line=wanted.line)

    def free(item_id: int, location_id: int) -> int:
        place = Place(item_id, location_id)
        return max(0, levels[place].available - taken.get(place, 0))

    def take(item_id: int, location_id: int, units: int) -> None:
        place = Place(item_id, location_id)
        taken[place] = taken.get(place, 0) + units
        promise.places[place] = promise.places.get(place, 0) + units

    def whole(location_id: int) -> int:
        return min(free(item_id, location_id) // per_unit for item_id, per_unit in wanted.parts.items())

    for location_id in location_ids:
        if whole(location_id) >= wanted.quantity:
            for item_id, per_unit in wanted.parts.items():
                take(item_id, location_id, wanted.quantity * per_unit)
            promise.reserved = wanted.quantity
            return promise

    left = wanted.quantity
    order = sorted(location_ids, key=lambda location_id: whole(location_id) < left)
    for location_id in order:
        if units := min(left, whole(location_id)):
            for item_id, per_unit in wanted.parts.items():
                take(item_id, location_id, units * per_unit)
            left -= units
    if left:
        for item_id, per_unit in wanted.parts.items():
            missing = left * per_unit
            for location_id in order:
                if units := min(missing, free(item_id, location_id)):
                    take(item_id, location_id, units)
                    missing -= units
    got: dict[int, int] = dict.fromkeys(wanted.parts, 0)
    for place, units in promise.places.items():
        got[place.item_id] += units
    promise.reserved = min(got[item_id] // per_unit for item_id, per_unit in wanted.parts.items())
    promise.short = wanted.quantity - promise.reserved
    return promise


def _refusal(request: Request, promises: Sequence[Promise]) -> NotEnoughStock:
    return NotEnoughStock(
        errors=[
            Offence(
                pointer=f"{wanted.pointer or f'/lines/{wanted.line - 1}'}/quantity",
                code="not_enough_stock",
                detail=f"{wanted.quantity} of {wanted.sku} are wanted, {promise.reserved} are available",
                extra={"line": wanted.line, "sku": wanted.sku, "available": promise.reserved},
            )
            for wanted, promise in zip(request.wanted, promises, strict=True)
            if promise.short
        ]
    )


_SWEEP = """
WITH due AS (
    SELECT r.id, r.item_id, r.location_id, r.quantity - r.consumed - r.released AS units
    FROM inventory_reservation r
    JOIN unnest(%s::bigint[], %s::bigint[]) AS p(item_id, location_id)
      ON r.item_id = p.item_id AND r.location_id = p.location_id
    WHERE r.expires_at <= clock_timestamp() AND r.quantity > r.consumed + r.released AND r.document <> %s
),
swept AS (
    UPDATE inventory_reservation r SET released = r.released + due.units FROM due WHERE r.id = due.id
    RETURNING due.item_id, due.location_id, due.units
)
SELECT item_id, location_id, units FROM swept
"""


def sweep_expired(posting: Posting, *, keeping: str = "") -> set[int]:
    """Release the reservations that ran out at the locked places, by the database's clock; answers the items freed.

    Those of the document `keeping` stay: it is about to use them, late as it is.
    """
    places = list(posting.levels)
    freed: set[int] = set()
    for item_id, location_id, units in rows(
        _SWEEP, [[p.item_id for p in places], [p.location_id for p in places], keeping]
    ):
        posting.levels[Place(item_id, location_id)].reserved -= units
        freed.add(item_id)
    return freed


@retried()
def release_expired_reservations(*, most: int = 500) -> int:
    """Release reservations whose time has run out, `most` at a time, and serve who waits; answers how many places."""
    places = [
        Place(*row)
        for row in rows(
            """SELECT DISTINCT item_id, location_id FROM (
                   SELECT item_id, location_id FROM inventory_reservation
                   WHERE expires_at <= clock_timestamp() AND quantity > consumed + released
                   ORDER BY expires_at LIMIT %s) due""",
            [most],
        )
    ]
    if not places:
        return 0
    posting = Posting(levels=lock_levels(places), actor="system")
    serve_waiting(posting, sweep_expired(posting))
    posting.write()
    return len(places)
