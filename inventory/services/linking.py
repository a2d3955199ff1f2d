"""Demand that waits for the goods of one purchase line: a special order is served by what was bought for it."""

from __future__ import annotations

from inventory.services.releasing import lock_for_documents
from inventory.services.serving import serve_waiting
from retailhub.core.errors import DomainError
from retailhub.core.sql import rows
from retailhub.core.transactions import retried


class NothingWaits(DomainError):
    """This line waits for nothing: there is no demand to link."""

    code = "nothing_waits"


class LinkedElsewhere(DomainError):
    """This line waits for another purchase line already."""

    code = "linked_elsewhere"


@retried()
def link_demand(*, document: str, line: int, supply: str, actor: str, item_id: int | None = None) -> int:
    """Let what the line still waits for be served by goods received for `supply` alone; answers the units.

    Of a kit `item_id` names the component that the purchase line brings. Asking twice changes nothing. Raises
    NothingWaits when the line has all it wanted, and LinkedElsewhere when another purchase line is to serve it.
    """
    if not supply:
        raise ValueError("a link names its supply")
    lock_for_documents([document])
    waiting = _waiting(document, line, item_id)
    if not waiting:
        raise NothingWaits(document=document, line=line)
    others = sorted({known for _, _, _, known in waiting} - {"", supply})
    if others:
        raise LinkedElsewhere(
            f"Line {line} waits for {others[0]} already.", document=document, line=line, supplies=others
        )
    _say([pk for pk, *_ in waiting], supply)
    return sum(units for _, _, units, _ in waiting)


@retried()
def unlink_demand(
    *, document: str, line: int, actor: str, supply: str | None = None, item_id: int | None = None
) -> dict[str, int]:
    """Let what the line waits for be served from any goods again, and serve it at once where some lie free.

    With `supply` only demand linked to that is unlinked. Asking twice changes nothing. Answers units served per
    document: who waited longer comes first.
    """
    posting = lock_for_documents([document])
    posting.actor = actor
    linked = [row for row in _waiting(document, line, item_id) if row[3] and supply in (None, row[3])]
    if not linked:
        return {}
    _say([pk for pk, *_ in linked], "")
    served = serve_waiting(posting, {item for _, item, _, _ in linked})
    posting.write()
    return served


def _waiting(document: str, line: int, item_id: int | None) -> list[tuple[int, int, int, str]]:
    """Answer (id, item, units, supply) of what the line waits for, locked: read it after the levels."""
    return rows(
        """SELECT id, item_id, quantity, supply FROM inventory_waitingdemand
           WHERE document = %s AND line = %s AND quantity > 0 AND (%s::bigint IS NULL OR item_id = %s)
           ORDER BY id FOR NO KEY UPDATE""",
        [document, line, item_id, item_id],
    )


def _say(ids: list[int], supply: str) -> None:
    rows("UPDATE inventory_waitingdemand SET supply = %s WHERE id = ANY(%s) RETURNING id", [supply, ids])
