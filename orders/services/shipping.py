"""Parcels that leave for a customer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.utils import timezone

from inventory.models import Location
from inventory.services.consuming import Leaving, consume_stock
from orders.events import OrderShipped
from orders.models import OrderEvent, Shipment, ShipmentLine, Status
from orders.services.lines import Asked, LineWanted, find_lines, parts_of
from orders.services.standing import WrongState, lock_order, settle_status
from retailhub.core.errors import DomainError, Offence
from retailhub.core.sql import rows, write_fields
from retailhub.core.transactions import retried
from retailhub.outbox.services.publishing import publish

SHIPPABLE = frozenset({Status.OPEN, Status.ALLOCATED, Status.PART_ALLOCATED, Status.PICKING, Status.PART_SHIPPED})


class ExceedsOpen(DomainError):
    """More would leave than is still to be sent."""

    code = "exceeds_open"


class Unmapped(DomainError):
    """A line's SKU is not mapped to an item yet."""

    code = "unmapped_line"


@retried()
def ship_order(
    *,
    order_id: int,
    location: Location,
    lines: Sequence[LineWanted] | None,
    actor: str,
    carrier: str = "",
    tracking_number: str = "",
    shipped_at: datetime | None = None,
) -> Shipment:
    """Have the units leave this place for the customer, as one shipment; None: everything that is still to be sent.

    Raises WrongState for a held or finished order, ExceedsOpen, Unmapped or NotThere naming every line; then nothing
    happens. The channel is told by an event.
    """
    order = lock_order(order_id)
    if order.status not in SHIPPABLE:
        raise WrongState(f"{order.number} is {order.get_status_display().split(':')[0].lower()}.", status=order.status)
    if lines is None:
        going = [
            Asked(line, line.open_quantity, index) for index, line in enumerate(order.lines.all()) if line.open_quantity
        ]
    else:
        going = find_lines(order, lines)
    _refuse(going)
    parts = parts_of([asked.line for asked in going])
    shipped_at = shipped_at or timezone.now()
    consume_stock(
        document=order.reference,
        location=location,
        leaving=[
            Leaving(
                line=asked.line.line,
                item_id=item_id,
                quantity=asked.quantity * per_unit,
                sku=asked.line.sku,
                pointer=f"/lines/{asked.index}/quantity",
            )
            for asked in going
            for item_id, per_unit in parts[asked.line.pk].items()
        ],
        actor=actor,
        occurred_at=shipped_at,
    )
    for asked in going:
        asked.line.shipped += asked.quantity
    write_fields([asked.line for asked in going], ["shipped"])
    ((number,),) = rows("SELECT nextval('orders_shipment_id_seq')")
    shipment = Shipment.objects.create(
        pk=number,
        number=f"SH-{number}",
        order=order,
        location=location,
        carrier=carrier,
        tracking_number=tracking_number,
        actor=actor,
        shipped_at=shipped_at,
    )
    ShipmentLine.objects.bulk_create(
        ShipmentLine(shipment=shipment, order_line=asked.line, quantity=asked.quantity) for asked in going
    )
    settle_status(order)
    OrderEvent.objects.create(
        order=order,
        kind="shipped",
        text=f"{shipment.number} from {location.name}",
        data={
            "shipment": shipment.number,
            "lines": [{"line": asked.line.line, "quantity": asked.quantity} for asked in going],
        },
        actor=actor,
    )
    publish(OrderShipped(order_id=order.pk, shipment_id=shipment.pk))
    return shipment


def _refuse(going: Sequence[Asked]) -> None:
    exceeding = [
        Offence(
            pointer=f"/lines/{asked.index}/quantity",
            code="exceeds_open",
            detail=f"{asked.line.open_quantity} of line {asked.line.line} are still to be sent",
            extra={"line": asked.line.line, "open": asked.line.open_quantity},
        )
        for asked in going
        if asked.quantity > asked.line.open_quantity
    ]
    if exceeding or not going:
        raise ExceedsOpen(errors=exceeding)
    unmapped = [
        Offence(pointer=f"/lines/{asked.index}", code="unmapped_line", detail=f"{asked.line.sku} names no item yet")
        for asked in going
        if asked.line.item_id is None
    ]
    if unmapped:
        raise Unmapped(errors=unmapped)
