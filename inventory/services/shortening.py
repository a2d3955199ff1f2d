"""Promises that turned out to be empty: goods that were counted away go back to waiting, latest promise first.

Soft promises are not waited for: they end, those that have run out first of all.
"""

from __future__ import annotations

from inventory.models import WaitingDemand
from inventory.services.ledger import Place, Posting
from retailhub.core.sql import rows

_LATEST_FIRST = """
SELECT r.id, r.document, r.line, r.item_id, r.location_id, r.quantity - r.consumed - r.released, r.created_at,
       r.pool_id, r.expires_at IS NOT NULL
FROM inventory_reservation r
JOIN unnest(%s::bigint[], %s::bigint[]) AS p(item_id, location_id)
  ON r.item_id = p.item_id AND r.location_id = p.location_id
WHERE r.quantity > r.consumed + r.released
ORDER BY coalesce(r.expires_at <= clock_timestamp(), false) DESC, r.id DESC
"""


def take_promises_back(posting: Posting) -> int:
    """Where a level holds less than is promised, turn the latest reservations into waiting demand of their pool.

    Answers the units that are promised no more. The order book hears of it through DemandShort.
    """
    missing = {place: level.reserved - level.sellable for place, level in posting.levels.items()}
    missing = {place: units for place, units in missing.items() if units > 0}
    if not missing:
        return 0
    short = 0
    found = rows(_LATEST_FIRST, [[p.item_id for p in missing], [p.location_id for p in missing]])
    for pk, document, line, item_id, location_id, open_units, since, pool_id, soft in found:
        place = Place(item_id, location_id)
        units = min(missing[place], open_units)
        if units <= 0:
            continue
        missing[place] -= units
        short += units
        posting.release(pk, place, units)
        if soft:
            continue
        posting.short.add(document)
        # The promise keeps its age: who was promised first is served first.
        posting.wait(
            WaitingDemand(
                document=document,
                line=line,
                item_id=item_id,
                pool_id=pool_id,
                location_id=None if pool_id else location_id,
                quantity=units,
                promised_at=since,
            )
        )
    return short
