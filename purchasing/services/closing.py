"""Orders that are kept back, closed before everything came, or called off."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from django.db.models import Exists, F, Max, OuterRef, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from purchasing.events import PurchaseOrderChanged
from purchasing.models import OrderStatus, PurchaseOrder, PurchaseOrderLine, SpecialOrder
from purchasing.services.expecting import tell_expected
from purchasing.services.replacing import give_up_replacements
from purchasing.services.revising import keep_revision
from purchasing.services.standing import (
    WrongState,
    ensure_can,
    lock_purchase_order,
    net_total,
    note_event,
    open_units,
)
from retailhub.core.errors import DomainError, Offence
from retailhub.core.sql import write_fields
from retailhub.core.transactions import retried
from retailhub.outbox.services.publishing import publish


class GoodsReceived(DomainError):
    """Goods of this order came already: close it short instead."""

    code = "goods_received"


class CustomersWait(DomainError):
    """Customers wait for goods of this order: say first what becomes of them."""

    code = "customers_wait"


@retried()
def hold_purchase_order(*, order_id: int, reason: str, actor: str) -> PurchaseOrder:
    """Keep the order from going on: it is not sent, and nothing is expected of it. Holding again changes the reason."""
    order = lock_purchase_order(order_id)
    if order.status != OrderStatus.ON_HOLD:
        ensure_can(order, OrderStatus.ON_HOLD)
        order.held_from, order.status = order.status, OrderStatus.ON_HOLD
    order.held_reason = reason[:200]
    order.save(update_fields=["status", "held_from", "held_reason"])
    tell_expected(order, list(order.lines.all()))
    note_event(order.reference, "held", reason, actor=actor)
    publish(PurchaseOrderChanged(order_id=order.pk))
    return order


@retried()
def release_purchase_order(*, order_id: int, actor: str) -> PurchaseOrder:
    """Let the order go on from the state in which it was held."""
    order = lock_purchase_order(order_id)
    if order.status != OrderStatus.ON_HOLD:
        raise WrongState(f"{order.number} is not held.", status=order.status)
    order.status, order.held_from, order.held_reason = order.held_from, "", ""
    order.save(update_fields=["status", "held_from", "held_reason"])
    tell_expected(order, list(order.lines.all()))
    note_event(order.reference, "released", "Goes on", actor=actor)
    publish(PurchaseOrderChanged(order_id=order.pk))
    return order


@retried()
def cancel_purchase_order(*, order_id: int, reason: str, actor: str, at: datetime | None = None) -> PurchaseOrder:
    """Call the whole order off: nothing is expected of it any more. Cancelling twice changes nothing.

    Raises GoodsReceived once anything came, and CustomersWait naming the customers' orders that are linked to it.
    """
    order = lock_purchase_order(order_id)
    if order.status == OrderStatus.CANCELLED:
        return order
    ensure_can(order, OrderStatus.CANCELLED)
    lines = list(order.lines.all())
    if any(line.received or line.rejected for line in lines):
        raise GoodsReceived
    refuse_if_customers_wait(lines)
    for line in lines:
        line.cancelled = line.quantity
    _end(order, lines, OrderStatus.CANCELLED, reason, at or timezone.now())
    note_event(order.reference, "cancelled", reason, actor=actor)
    publish(PurchaseOrderChanged(order_id=order.pk))
    return order


@retried()
def close_short(
    *,
    order_id: int,
    reason: str,
    actor: str,
    lines: Sequence[int] | None = None,
    at: datetime | None = None,
) -> PurchaseOrder:
    """Give up what is still open of the order, or of some lines; it counts as cancelled and is not expected any more.

    When nothing is open after it the order is closed short. What was received can still be invoiced. A supplier who had
    the order gets one more revision that says so. Raises CustomersWait while customers are linked to what would be
    given up.
    """
    order = lock_purchase_order(order_id)
    ensure_can(order, OrderStatus.CLOSED_SHORT)
    kept = list(order.lines.select_related("item").order_by("line"))
    chosen = [line for line in kept if lines is None or line.line in lines]
    refuse_if_customers_wait(chosen)
    at = at or timezone.now()
    before = {line.line: line.cancelled for line in chosen}
    given_up = {str(line.line): units for line in chosen if (units := open_units(line))}
    for line in chosen:
        line.cancelled += open_units(line)
        line.replacement_due = 0
    give_up_replacements(line.pk for line in chosen)
    if any(open_units(line) for line in kept):
        write_fields(kept, ["cancelled", "replacement_due"])
        order.net_total = net_total(kept, list(order.charges.all()), order.currency)
        order.save(update_fields=["net_total"])
    else:
        _end(order, kept, OrderStatus.CLOSED_SHORT, reason, at)
    tell_expected(order, kept)
    note_event(
        order.reference,
        "closed_short",
        reason,
        actor=actor,
        data={"lines": [line.line for line in chosen], "given_up": given_up},
    )
    _revise(order, kept, before, reason, actor, at)
    publish(PurchaseOrderChanged(order_id=order.pk))
    return order


def _revise(
    order: PurchaseOrder,
    lines: Sequence[PurchaseOrderLine],
    before: dict[int, int],
    reason: str,
    actor: str,
    at: datetime,
) -> None:
    """Have one more revision with what was called off, for a supplier who knows of the order."""
    changes = [
        [f"/lines/{line.line - 1}/cancelled", before[line.line], line.cancelled]
        for line in lines
        if line.cancelled != before.get(line.line, line.cancelled)
    ]
    if not changes or not order.revision:
        return
    keep_revision(order, lines, changes, reason=reason, actor=actor, at=at)
    order.save(update_fields=["revision"])


@retried()
def close_if_settled(*, order_id: int, actor: str, at: datetime | None = None) -> PurchaseOrder:
    """Close a received order once everything that is kept of it was billed. Otherwise nothing changes."""
    order = lock_purchase_order(order_id)
    lines = list(order.lines.all())
    if order.status != OrderStatus.RECEIVED or not all(_is_billed(line) for line in lines):
        return order
    order.status, order.closed_at = OrderStatus.CLOSED, at or timezone.now()
    order.save(update_fields=["status", "closed_at"])
    note_event(order.reference, "closed", "Everything was received and billed", actor=actor)
    return order


def _is_billed(line: PurchaseOrderLine) -> bool:
    return line.invoiced - line.credited >= line.received - line.returned


def sweep_orders(*, on: date) -> int:
    """Close what is settled, and close short what little is missing of orders whose supplier's terms say so.

    Each order is one transaction of its own. One that customers wait for stays open. Answers how many were closed.
    """
    closed = 0
    unbilled = PurchaseOrderLine.objects.filter(
        order=OuterRef("pk"), received__gt=F("invoiced") - F("credited") + F("returned")
    )
    settled = PurchaseOrder.objects.filter(~Exists(unbilled), status=OrderStatus.RECEIVED)
    for order_id in settled.order_by("pk").values_list("pk", flat=True)[:1_000]:
        order = close_if_settled(order_id=order_id, actor="system")
        closed += order.status == OrderStatus.CLOSED
    for order_id in _nearly_complete(on):
        try:
            close_short(order_id=order_id, reason="What little is missing is given up", actor="system")
        except (CustomersWait, WrongState):
            continue
        closed += 1
    return closed


def _nearly_complete(on: date) -> list[int]:
    """Answer orders of which no more is open than their supplier's terms let go, so many days after the last date."""
    wanted = (
        PurchaseOrder.objects.filter(status=OrderStatus.PART_RECEIVED, supplier__close_short_percent__isnull=False)
        .annotate(
            missing=Sum("lines__open_quantity"),
            ordered=Sum(F("lines__quantity") - F("lines__cancelled")),
            last=Max(Coalesce("lines__confirmed_on", "lines__expected_on", "expected_on")),
        )
        .filter(missing__gt=0, missing__lte=F("ordered") * F("supplier__close_short_percent") / 100)
        .order_by("pk")
        .values_list("pk", "last", "supplier__close_short_days")[:1_000]
    )
    return [pk for pk, last, days in wanted if last is None or last + timedelta(days=days or 0) < on]


def _end(order: PurchaseOrder, lines: list[PurchaseOrderLine], status: str, reason: str, at: datetime) -> None:
    write_fields(lines, ["cancelled", "replacement_due"])
    order.status, order.closed_at, order.close_reason = status, at, reason[:200]
    order.net_total = net_total(lines, list(order.charges.all()), order.currency)
    order.save(update_fields=["status", "closed_at", "close_reason", "net_total"])
    tell_expected(order, lines)


def refuse_if_customers_wait(lines: Sequence[PurchaseOrderLine]) -> None:
    """Raise CustomersWait naming every customer's order that counts on these lines."""
    if waiting := who_waits(lines):
        raise CustomersWait(errors=[offence for offences in waiting.values() for offence in offences])


def who_waits(lines: Sequence[PurchaseOrderLine]) -> dict[int, list[Offence]]:
    """Answer by line id which customers' orders count on these lines. One query."""
    waiting = SpecialOrder.objects.filter(order_line__in=[line.pk for line in lines], state=SpecialOrder.State.OPEN)
    numbers = {line.pk: line.line for line in lines}
    found: dict[int, list[Offence]] = {}
    for row in waiting:
        found.setdefault(row.order_line_id, []).append(
            Offence(
                pointer=f"/lines/{numbers[row.order_line_id] - 1}",
                code="customers_wait",
                detail=f"{row.quantity - row.received} were ordered for {row.document} line {row.line}",
                extra={"document": row.document, "line": row.line},
            )
        )
    return found
