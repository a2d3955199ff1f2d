"""What state an order is in, by its lines and what is reserved for them."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils import timezone

from orders.models import MOVES, WAITING, Order, Status
from orders.queries import stock_of_lines
from retailhub.core.errors import DomainError, NotFound
from retailhub.core.sql import write_fields

FINISHED = frozenset({Status.SHIPPED, Status.COLLECTED, Status.CANCELLED, Status.CLOSED})


class WrongState(DomainError):
    """The order is in a state that does not allow this."""

    code = "wrong_state"


def lock_order(order_id: int) -> Order:
    """Answer the order, held until the transaction ends: the first lock of every verb about it."""
    order = Order.objects.select_for_update(of=("self",), no_key=True).filter(pk=order_id).first()
    if order is None:
        raise NotFound
    return order


def ensure_can(order: Order, to: str) -> None:
    """Raise WrongState unless the order may move to that state."""
    if to not in MOVES.get(order.status, set()):
        raise WrongState(
            f"{order.number} is {order.get_status_display().split(':')[0].lower()}.", status=order.status, wanted=to
        )


def settle_status(order: Order) -> None:
    """Save the state that follows from the lines: what left, what was cancelled, what is reserved. Held stays held."""
    order.status = standing_of([order])[order.pk]
    order.updated_at = timezone.now()
    order.save(update_fields=["status", "cancelled_at", "held_reason", "updated_at"])


def standing_of(orders: Sequence[Order]) -> dict[int, Status]:
    """Answer the state that follows from lines and reservations for each order."""
    stock = stock_of_lines(orders)
    answers: dict[int, Status] = {}
    for order in orders:
        lines = list(order.lines.all())
        shipped, left = sum(x.shipped for x in lines), sum(x.open_quantity for x in lines)
        reserved = sum(s.reserved for s in stock[order.pk].values())
        if not left:
            answers[order.pk] = Status.SHIPPED if shipped else Status.CANCELLED
        elif order.held_reason:
            answers[order.pk] = Status.HELD
        elif shipped:
            answers[order.pk] = Status.PART_SHIPPED
        elif reserved >= left:
            answers[order.pk] = Status.ALLOCATED
        else:
            answers[order.pk] = Status.PART_ALLOCATED if reserved else Status.OPEN
    return answers


def follow_stock(order_ids: Sequence[int]) -> list[Order]:
    """Let waiting orders take the state their reservations give them; answers those that changed.

    The caller is in a transaction. Orders that are held, shipped in part or finished keep their state.
    """
    orders = list(
        Order.objects.filter(pk__in=order_ids, status__in=WAITING)
        .order_by("pk")
        .select_for_update(of=("self",), no_key=True)
        .prefetch_related("lines")
    )
    standing = standing_of(orders) if orders else {}
    changed = [order for order in orders if order.status != standing[order.pk]]
    now = timezone.now()
    for order in changed:
        order.status, order.updated_at = standing[order.pk], now
    write_fields(changed, ["status", "updated_at"])
    return changed
