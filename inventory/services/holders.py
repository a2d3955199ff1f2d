"""Who holds goods: named when somebody else may not have them."""

from __future__ import annotations

from collections.abc import Sequence

from inventory.services.ledger import Place
from retailhub.core.sql import rows


def holders_of(places: Sequence[Place]) -> dict[Place, list[str]]:
    """Answer the documents with open reservations at each place. One statement."""
    found: dict[Place, list[str]] = {}
    for item_id, location_id, document in rows(
        """SELECT DISTINCT r.item_id, r.location_id, r.document FROM inventory_reservation r
           JOIN unnest(%s::bigint[], %s::bigint[]) AS p(item_id, location_id)
             ON r.item_id = p.item_id AND r.location_id = p.location_id
           WHERE r.quantity > r.consumed + r.released ORDER BY r.document""",
        [[p.item_id for p in places], [p.location_id for p in places]],
    ):
        found.setdefault(Place(item_id, location_id), []).append(document)
    return found


def named(documents: Sequence[str]) -> str:
    """Name the documents as people do, the first five of them."""
    shown = [document.partition(":")[2] for document in documents[:5]]
    return ", ".join(shown) + (f" and {len(documents) - 5} more" if len(documents) > 5 else "")
