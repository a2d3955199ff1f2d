"""Goods that are bought for one customer: linked to his line, served by their own receipt alone, and let go safely."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from purchasing.events import SpecialOrderEnded
from purchasing.models import ReceiptLine, SpecialOrder
from retailhub.outbox.services.publishing import publish


def credit_special_orders(rows: Sequence[ReceiptLine], *, actor: str, at: datetime) -> None:
    """Let the links of order lines know what came for them, oldest link first; a link that has all of it is fulfilled.

    The goods themselves were promised by the stock ledger in the same transaction.
    """
    came: dict[int, int] = {}
    for row in rows:
        if row.order_line_id and row.accepted:
            came[row.order_line_id] = came.get(row.order_line_id, 0) + row.accepted
    if not came:
        return
    links = list(
        SpecialOrder.objects.filter(order_line__in=came, state=SpecialOrder.State.OPEN)
        .order_by("pk")
        .select_for_update(of=("self",), no_key=True)
    )
    changed = []
    for link in links:
        units = min(came[link.order_line_id], link.quantity - link.received)
        if not units:
            continue
        came[link.order_line_id] -= units
        link.received += units
        if link.received == link.quantity:
            link.state, link.ended_by, link.ended_at = SpecialOrder.State.FULFILLED, actor, at
        changed.append(link)
    SpecialOrder.objects.bulk_update(changed, ["received", "state", "ended_by", "ended_at"])
    publish(*(SpecialOrderEnded(special_order_id=link.pk) for link in changed if link.ended_at))
