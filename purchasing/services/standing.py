"""What every verb about a purchase order shares: its lock, its state, its totals, its timeline."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from purchasing.models import (
    ORDER_MOVES,
    BuyingEvent,
    OrderStatus,
    PurchaseCharge,
    PurchaseOrder,
    PurchaseOrderLine,
)
from retailhub.core.errors import DomainError, NotFound
from retailhub.core.money import round_total
from retailhub.core.sql import insert_rows, rows


class WrongState(DomainError):
    """The document is in a state that does not allow this."""

    code = "wrong_state"


def next_number(prefix: str) -> str:
    """Answer a number that was never given before. A rolled back transaction leaves a gap."""
    ((number,),) = rows("SELECT nextval('purchasing_document_number')")
    return f"{prefix}-{number}"


def lock_purchase_order(order_id: int) -> PurchaseOrder:
    """Answer the order with its supplier, held until the transaction ends: the first lock of every verb about it."""
    return lock_purchase_orders([order_id])[order_id]


def lock_purchase_orders(order_ids: Iterable[int]) -> dict[int, PurchaseOrder]:
    """Answer the orders by id, held in the order of their ids. Raises NotFound when one is missing."""
    wanted = sorted(set(order_ids))
    found = {
        order.pk: order
        for order in PurchaseOrder.objects.filter(pk__in=wanted)
        .select_related("supplier", "ship_to")
        .order_by("pk")
        .select_for_update(of=("self",), no_key=True)
    }
    if len(found) != len(wanted):
        raise NotFound
    return found


def ensure_can(order: PurchaseOrder, to: str) -> None:
    """Raise WrongState unless the order may move to that state."""
    if to not in ORDER_MOVES.get(order.status, set()):
        raise WrongState(
            f"{order.number} is {order.get_status_display().lower()}.", status=order.status, wanted=str(to)
        )


def ensure_is(order: PurchaseOrder, states: Iterable[str]) -> None:
    """Raise WrongState unless the order is in one of the states."""
    if order.status not in set(states):
        raise WrongState(f"{order.number} is {order.get_status_display().lower()}.", status=order.status)


def net_total(lines: Sequence[PurchaseOrderLine], charges: Sequence[PurchaseCharge], currency: str) -> Decimal:
    """Answer what lines (less what was cancelled) and charges come to, each rounded to the currency's places."""
    goods = sum((round_total(x.net_amount(x.quantity - x.cancelled), currency) for x in lines), Decimal(0))
    return goods + sum((round_total(charge.amount, currency) for charge in charges), Decimal(0))


def standing_of(order: PurchaseOrder, lines: Sequence[PurchaseOrderLine]) -> str:
    """Answer the state that follows from what was received, for an order that was sent and not closed."""
    wanted = [line for line in lines if line.quantity > line.cancelled]
    came = any(line.received or line.rejected for line in wanted)
    if wanted and not any(open_units(line) for line in wanted):
        return OrderStatus.RECEIVED
    if came:
        return OrderStatus.PART_RECEIVED
    return OrderStatus.ACKNOWLEDGED if order.acknowledged_at else OrderStatus.ISSUED


def open_units(line: PurchaseOrderLine) -> int:
    """What is still to come: the generated column, for lines that are changed and not yet saved."""
    return max(0, line.quantity - line.cancelled - line.received - line.rejected + line.replacement_due)


def note_events(document: str, entries: Iterable[tuple[str, str, dict[str, Any]]], *, actor: str) -> None:
    """Have entries of (kind, text, data) in the document's timeline. One statement."""
    insert_rows(
        BuyingEvent(document=document, kind=kind, text=text, actor=actor, data=data) for kind, text, data in entries
    )


def note_event(document: str, kind: str, text: str, *, actor: str, data: dict[str, Any] | None = None) -> BuyingEvent:
    """Have one more entry in the document's timeline."""
    return BuyingEvent.objects.create(document=document, kind=kind, text=text, actor=actor, data=data or {})
