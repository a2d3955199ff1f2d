"""Orders that are sent: from here on goods are expected, and changes are numbered."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from django.utils import timezone

from purchasing.events import PurchaseOrderIssued
from purchasing.models import (
    OrderStatus,
    PurchaseOrder,
    PurchaseOrderLine,
    PurchaseRevision,
    SupplierItem,
)
from purchasing.services.approving import submit_purchase_order
from purchasing.services.expecting import tell_expected
from purchasing.services.revising import snapshot_of
from purchasing.services.standing import ensure_can, lock_purchase_order, note_event
from retailhub.core.errors import DomainError
from retailhub.core.services.exchanging import rate_on
from retailhub.core.sql import write_fields
from retailhub.core.transactions import retried
from retailhub.outbox.services.publishing import publish


class NeedsApproval(DomainError):
    """The order waits for approval; it cannot be sent yet."""

    code = "needs_approval"


@retried()
def send_purchase_order(*, order_id: int, actor: str, at: datetime | None = None) -> PurchaseOrder:
    """Have the order sent to its supplier as revision 1: rate frozen, lines dated, goods expected.

    A draft below the approval limit is submitted and approved by this. One that has to be approved by somebody else is
    submitted, stays so, and the call is refused with NeedsApproval only once it waits already. Sending twice changes
    nothing: to send the paper again is `resend_paper`.
    """
    order = lock_purchase_order(order_id)
    if order.revision and order.status not in (OrderStatus.DRAFT, OrderStatus.APPROVED):
        return order
    at = at or timezone.now()
    if order.status == OrderStatus.DRAFT:
        order = submit_purchase_order(order_id=order_id, actor=actor, at=at)
        if order.status == OrderStatus.SUBMITTED:
            return order
    if order.status == OrderStatus.SUBMITTED:
        raise NeedsApproval(status=order.status)
    ensure_can(order, OrderStatus.ISSUED)
    today = timezone.localdate(at)
    order.rate = rate_on(order.currency, today)
    order.status, order.issued_at, order.revision = OrderStatus.ISSUED, at, 1
    lines = list(order.lines.select_related("item"))
    _date_lines(order, lines, today)
    order.save(update_fields=["rate", "status", "issued_at", "revision", "expected_on"])
    PurchaseRevision.objects.create(order=order, number=1, snapshot=snapshot_of(order, lines), actor=actor)
    tell_expected(order, lines)
    remember_prices(order, lines, today)
    note_event(order.reference, "issued", "Sent as revision 1", actor=actor, data={"revision": 1})
    publish(PurchaseOrderIssued(order_id=order.pk, revision=1))
    return order


def _date_lines(order: PurchaseOrder, lines: list[PurchaseOrderLine], today: date) -> None:
    """Give lines without a day the day that follows from the lead time."""
    undated = [line for line in lines if line.expected_on is None]
    if undated:
        own = dict(
            SupplierItem.objects.filter(supplier=order.supplier_id, item__in=[line.item_id for line in undated])
            .exclude(lead_time_days=None)
            .values_list("item_id", "lead_time_days")
        )
        for line in undated:
            days = own.get(line.item_id)
            line.expected_on = order.expected_on or today + timedelta(
                days=order.supplier.lead_time_days if days is None else days
            )
        write_fields(undated, ["expected_on"])
    order.expected_on = max(line.expected_on for line in lines if line.expected_on)


def remember_prices(order: PurchaseOrder, lines: Sequence[PurchaseOrderLine], today: date) -> None:
    """Let the supplier's price list know what was paid last, in his own currency and his own packs."""
    if order.currency != order.supplier.currency:
        return
    known = {
        row.item_id: row
        for row in SupplierItem.objects.filter(supplier=order.supplier_id, item__in=[line.item_id for line in lines])
    }
    changed = []
    for line in lines:
        row = known.get(line.item_id)
        if row and (row.pack_numerator, row.pack_denominator) == (line.pack_numerator, line.pack_denominator):
            row.last_price = line.price * (100 - line.discount_percent) / 100
            row.last_price_on = today
            changed.append(row)
    write_fields(changed, ["last_price", "last_price_on"])
