"""What a channel is offered now: by listing, or, on a desk channel, which has none, by item."""

from __future__ import annotations

import time
from collections.abc import Sequence

from channels.exposure import Figure, Terms, published
from channels.models import Account
from retailhub.core.sql import rows

# As `channels.queries` reckons for listings: a kit that ships together counts per place.
_OFFERED = """
WITH parts AS (
    SELECT i.id, coalesce(k.component_id, i.id) AS item_id, coalesce(k.quantity, 1) AS per_unit
    FROM inventory_item i LEFT JOIN inventory_kitcomponent k ON k.kit_id = i.id AND i.kind = 'kit'
    WHERE i.id = ANY(%s) AND (i.kind <> 'kit' OR k.id IS NOT NULL)
),
by_place AS (
    SELECT p.id, e.location_id, min(greatest(coalesce(s.available - s.safety, 0), 0) / p.per_unit) AS units
    FROM parts p JOIN inventory_stockpoollocation e ON e.pool_id = %s
    JOIN inventory_location w ON w.id = e.location_id AND w.is_active
    LEFT JOIN inventory_stocklevel s ON s.item_id = p.item_id AND s.location_id = e.location_id
    GROUP BY p.id, e.location_id
)
SELECT id, sum(units)::bigint FROM by_place GROUP BY id
"""


def desk_figures(account: Account, item_ids: Sequence[int]) -> dict[int, Figure]:
    """Answer what the channel may sell of each item right now: one statement whatever their number."""
    offered = dict(rows(_OFFERED, [list(item_ids), account.channel.pool_id]))
    return {
        item_id: published(
            Terms(
                live=True,
                offered=offered.get(item_id, 0),
                share_percent=account.share_percent,
                buffer=account.buffer,
            )
        )
        for item_id in item_ids
    }


def reading_version() -> int:
    """Answer a version for figures that nobody counts: the microsecond they were read in."""
    return time.time_ns() // 1_000
