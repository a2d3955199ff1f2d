"""Corrections taken back: what one movement brought the next takes away, and the other way round."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from inventory.models import Bucket, Location, Reason, StockDocument, StockMovement
from inventory.services.documents import new_document
from inventory.services.ledger import Levels, Move, Place, Posting, lock_levels
from inventory.services.serving import serve_waiting
from retailhub.core.sql import rows
from retailhub.core.transactions import retried

# What happened to the same goods at the same place later, and is not taken back together with it. Movements of a place
# are numbered under the lock of its level, so that later is later.
_MOVED_SINCE = """
SELECT DISTINCT ON (m.id) m.id, later.document FROM inventory_stockmovement m
JOIN unnest(%s::bigint[], %s::bigint[]) AS p(id, location_id) ON p.id = m.id
JOIN inventory_stockmovement later ON later.item_id = m.item_id AND later.id > m.id AND later.id <> ALL(%s::bigint[])
 AND p.location_id IN (later.from_location_id, later.to_location_id)
ORDER BY m.id, later.id
"""


@retried()
def reverse_adjustments(*, movement_ids: Sequence[int], actor: str, note: str = "") -> dict[int, str]:
    """Take back movements between our places and the outside; answers why the others stay: {movement id: reason}.

    One stays if it was taken back already, if the same goods moved at its place since, or if they are promised by now.
    Goods that come back are worth what they were when they went, and serve who waits. One document for each place.
    """
    movements = {
        movement.pk: movement
        for movement in StockMovement.objects.filter(pk__in=movement_ids)
        .select_related("item", "from_location", "to_location")
        .order_by("-pk")
    }
    stay = {pk: "there is no such movement" for pk in movement_ids if pk not in movements}
    posting = Posting(levels=lock_levels(_place(movement) for movement in movements.values()), actor=actor)
    stay |= _taken_back_already(movements) | _moved_since(movements)
    listed = [movement for pk, movement in movements.items() if pk not in stay]
    stay |= _too_few(listed, posting.levels)
    by_place: dict[Location, list[StockMovement]] = {}
    for movement in listed:
        if movement.pk not in stay:
            by_place.setdefault(_ours(movement), []).append(movement)
    for location, some in by_place.items():
        _post(posting, location, some, note)
    gained = {m.item_id for some in by_place.values() for m in some if not _came(m)}
    if gained:
        serve_waiting(posting, gained)
    if by_place:
        posting.write()
    return stay


def _came(movement: StockMovement) -> bool:
    """Whether the movement brought goods to us, which have to go again."""
    return movement.from_location.kind == Location.Kind.COUNTERPARTY


def _ours(movement: StockMovement) -> Location:
    return movement.to_location if _came(movement) else movement.from_location


def _bucket(movement: StockMovement) -> str:
    return movement.to_bucket if _came(movement) else movement.from_bucket


def _place(movement: StockMovement) -> Place:
    return Place(movement.item_id, _ours(movement).pk)


def _taken_back_already(movements: Mapping[int, StockMovement]) -> dict[int, str]:
    reversed_ids = StockMovement.objects.filter(reverses__in=movements).values_list("reverses", flat=True)
    return {pk: "it was taken back already" for pk in reversed_ids if pk is not None}


def _moved_since(movements: Mapping[int, StockMovement]) -> dict[int, str]:
    places = [_place(movement).location_id for movement in movements.values()]
    found = rows(_MOVED_SINCE, [list(movements), places, list(movements)])
    return {pk: f"the goods moved since: {document}" for pk, document in found}


def _too_few(movements: Sequence[StockMovement], levels: Levels) -> dict[int, str]:
    """Answer which movements brought goods that are not there to go again, the latest movement first."""
    stay: dict[int, str] = {}
    change: dict[tuple[Place, str], int] = {}
    for movement in movements:
        place, bucket = _place(movement), _bucket(movement)
        level = levels[place]
        have = getattr(level, bucket) + change.get((place, bucket), 0)
        if _came(movement):
            free = have - level.reserved if bucket == Bucket.SELLABLE else have
            if free < movement.quantity:
                stay[movement.pk] = f"{movement.quantity - max(free, 0)} of these goods are promised or gone"
                continue
        change[place, bucket] = change.get((place, bucket), 0) + movement.quantity * (-1 if _came(movement) else 1)
    return stay


def _post(posting: Posting, location: Location, movements: Sequence[StockMovement], note: str) -> None:
    document = new_document(
        kind=StockDocument.Kind.ADJUSTMENT,
        location=location,
        reason=Reason.REVERSAL,
        note=note,
        lines=[
            {
                "sku": movement.item.sku,
                "bucket": _bucket(movement),
                "change": -movement.quantity if _came(movement) else movement.quantity,
                "reverses": movement.document,
            }
            for movement in movements
        ],
        actor=posting.actor,
        occurred_at=posting.occurred_at,
    )
    for number, movement in enumerate(movements, 1):
        posting.move(
            Move(
                item_id=movement.item_id,
                quantity=movement.quantity,
                from_location=movement.to_location,
                from_bucket=movement.to_bucket,
                to_location=movement.from_location,
                to_bucket=movement.from_bucket,
                reason=Reason.REVERSAL,
                document=document.reference,
                line=number,
                value=None if _came(movement) else movement.value,
                note=note,
                reverses_id=movement.pk,
            )
        )
