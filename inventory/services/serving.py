"""Goods that came free go to whoever waits for them, oldest promise first.

Demand that is linked to a purchase line is served by what that line brought and by nothing else, before all others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from inventory.services.ledger import Place, Posting, lock_levels
from retailhub.core.sql import rows
from retailhub.core.transactions import retried

_WAITING = """
SELECT d.id, d.document, d.line, d.item_id, d.quantity, p.location_id, d.pool_id, d.supply
FROM inventory_waitingdemand d
JOIN unnest(%s::bigint[], %s::bigint[]) AS p(item_id, location_id) ON p.item_id = d.item_id
JOIN inventory_location w ON w.id = p.location_id AND w.is_active
LEFT JOIN inventory_stockpoollocation e ON e.pool_id = d.pool_id AND e.location_id = p.location_id
WHERE d.quantity > 0
  AND (d.location_id = p.location_id OR (d.location_id IS NULL AND e.id IS NOT NULL))
  AND (d.supply = '' OR d.supply = ANY(%s::text[]))
ORDER BY d.supply = '', d.promised_at, d.id, e.position
FOR NO KEY UPDATE OF d
"""


@retried()
def serve_documents(*, documents: Sequence[str], actor: str) -> dict[str, int]:
    """Look for goods at every place of their pools for documents that wait; answers units per document.

    For demand that came up while goods stood elsewhere, such as a count that found less.
    """
    places = [
        Place(*row)
        for row in rows(
            """SELECT DISTINCT d.item_id, coalesce(d.location_id, e.location_id) FROM inventory_waitingdemand d
               LEFT JOIN inventory_stockpoollocation e ON e.pool_id = d.pool_id AND d.location_id IS NULL
               JOIN inventory_location w ON w.id = coalesce(d.location_id, e.location_id) AND w.is_active
               WHERE d.document = ANY(%s) AND d.quantity > 0""",
            [list(documents)],
        )
    ]
    if not places:
        return {}
    posting = Posting(levels=lock_levels(places), actor=actor)
    served = serve_waiting(posting, {place.item_id for place in places})
    posting.write()
    return served


_IN_REACH = """
SELECT DISTINCT d.item_id, w.id FROM inventory_waitingdemand d
LEFT JOIN inventory_stockpoollocation e ON e.pool_id = d.pool_id AND d.location_id IS NULL
JOIN inventory_location w ON w.id = coalesce(d.location_id, e.location_id) AND w.is_active
JOIN inventory_stocklevel l ON l.item_id = d.item_id AND l.location_id = w.id AND l.available > 0
WHERE d.quantity > 0 AND d.supply = '' ORDER BY 1, 2 LIMIT %s
"""


@retried()
def serve_within_reach(*, most: int = 500, actor: str = "system") -> int:
    """Serve who waits although goods lie free where he may have them from, at `most` places; answers at how many.

    Goods that come are handed on by the verb that brings them; this is for places that came within reach, and for an
    order that was placed in the same instant. Fewer than `most` means that nobody is left.
    """
    places = [Place(*row) for row in rows(_IN_REACH, [most])]
    if places:
        posting = Posting(levels=lock_levels(places), actor=actor)
        serve_waiting(posting, {place.item_id for place in places})
        posting.write()
    return len(places)


def serve_waiting(
    posting: Posting, item_ids: Iterable[int], *, brought: Mapping[tuple[str, Place], int] | None = None
) -> dict[str, int]:
    """Turn waiting demand into reservations at the locked places, as far as the goods go.

    Oldest promise first; a document that waits at one place is served there only. Demand linked to a purchase line
    gets no more than that line `brought` just now, and gets it first. What the posting has given back already is no
    longer waited for. Answers units per document.
    """
    linked = dict(brought or {})
    wanted = set(item_ids)
    places = [place for place, level in posting.levels.items() if place.item_id in wanted and level.available > 0]
    if not places:
        return {}
    served: dict[str, int] = {}
    open_units: dict[int, int] = {}
    posting.hold_pools()
    found = rows(
        _WAITING,
        [[p.item_id for p in places], [p.location_id for p in places], sorted({supply for supply, _ in linked})],
    )
    for pk, document, line, item_id, quantity, location_id, pool_id, supply in found:
        posting.demand_ids[(document, line, item_id)] = pk
        left = open_units.setdefault(pk, quantity + posting.demand_change.get(pk, 0))
        place = Place(item_id, location_id)
        units = min(left, posting.levels[place].available)
        if supply:
            units = min(units, linked.get((supply, place), 0))
        if units <= 0:
            continue
        if supply:
            linked[(supply, place)] -= units
        open_units[pk] -= units
        posting.demand_change[pk] = posting.demand_change.get(pk, 0) - units
        posting.promise(document=document, line=line, place=place, quantity=units, pool_id=pool_id)
        posting.served.add(document)
        served[document] = served.get(document, 0) + units
    return served
