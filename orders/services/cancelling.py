"""Orders called off, whole or in part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils import timezone

from inventory.services.releasing import release_stock
from orders.events import OrderCancelled
from orders.models import Order, OrderEvent, OrderLine, Status
from orders.services.lines import LineWanted, find_lines, parts_of
from orders.services.standing import lock_order, settle_status
from retailhub.core.errors import DomainError, Offence
from retailhub.core.sql import write_fields
from retailhub.core.transactions import retried
from retailhub.outbox.services.publishing import publish


class NothingToCancel(DomainError):
    """Nothing of this is left to cancel."""

    code = "nothing_to_cancel"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cut:
    line: OrderLine
    quantity: int


@retried()
def cancel_order(
    *,
    order_id: int,
    actor: str,
    lines: Sequence[LineWanted] | None = None,
    reason: str = "",
    told_by_channel: bool = False,
) -> Order:
    """Call the order off, or so many units of some lines; what they had reserved goes to who waits, or is free.

    Units that left already stay as they are; asking for more than is open is refused (NothingToCancel names each line).
    Cancelling a cancelled order changes nothing. A channel's cancellation (`told_by_channel`) takes what is still open.
    """
    order = lock_order(order_id)
    if order.status == Status.CANCELLED:
        return order
    cuts = _cuts(order, lines, lenient=told_by_channel)
    if not cuts:
        if told_by_channel:
            return order
        raise NothingToCancel(f"Everything of {order.number} has left or is cancelled.")
    parts = parts_of([cut.line for cut in cuts])
    quantities: dict[tuple[int, int], int] = {}
    for cut in cuts:
        for item_id, per_unit in parts.get(cut.line.pk, {}).items():
            quantities[(cut.line.line, item_id)] = per_unit * cut.quantity
        cut.line.cancelled += cut.quantity
    release_stock(document=order.reference, quantities=quantities, actor=actor)
    write_fields([cut.line for cut in cuts], ["cancelled"])
    if all(line.quantity == line.cancelled for line in order.lines.all()):
        order.cancelled_at = timezone.now()
    settle_status(order)
    OrderEvent.objects.create(
        order=order,
        kind="cancelled",
        text=reason,
        data={"lines": [{"line": cut.line.line, "quantity": cut.quantity} for cut in cuts]},
        actor=actor,
    )
    publish(OrderCancelled(order_id=order.pk, document=order.reference))
    return order


def _cuts(order: Order, wanted: Sequence[LineWanted] | None, *, lenient: bool) -> list[_Cut]:
    if wanted is None:
        return [_Cut(line=line, quantity=line.open_quantity) for line in order.lines.all() if line.open_quantity]
    cuts, errors = [], []
    for asked in find_lines(order, wanted):
        line = asked.line
        units = min(asked.quantity, line.open_quantity) if lenient else asked.quantity
        if units > line.open_quantity:
            errors.append(
                Offence(
                    pointer=f"/lines/{asked.index}/quantity",
                    code="nothing_to_cancel",
                    detail=f"{line.open_quantity} of line {line.line} can be cancelled",
                    extra={"line": line.line, "open": line.open_quantity},
                )
            )
        elif units:
            cuts.append(_Cut(line=line, quantity=units))
    if errors:
        raise NothingToCancel(errors=errors)
    return cuts
