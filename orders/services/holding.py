"""Orders kept back by a person, and let go again."""

from __future__ import annotations

from orders.models import Order, OrderEvent, Status
from orders.services.standing import WrongState, ensure_can, lock_order, settle_status
from retailhub.core.transactions import retried


@retried()
def hold_order(*, order_id: int, reason: str, actor: str) -> Order:
    """Keep the order from leaving; its goods stay reserved. Holding a held order changes only the reason."""
    order = lock_order(order_id)
    if order.status != Status.HELD:
        ensure_can(order, Status.HELD)
    order.held_reason = reason[:200] or "held"
    settle_status(order)
    OrderEvent.objects.create(order=order, kind="held", text=order.held_reason, actor=actor)
    return order


@retried()
def release_order(*, order_id: int, actor: str) -> Order:
    """Let the order go on: it takes the state that its stock gives it."""
    order = lock_order(order_id)
    if order.status != Status.HELD:
        raise WrongState(f"{order.number} is not held.", status=order.status)
    order.held_reason = ""
    settle_status(order)
    OrderEvent.objects.create(order=order, kind="released", text="", actor=actor)
    return order
