"""What is on its way to us: the open units of orders that were sent, as stock sees them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, time

from inventory.services.expecting import Expected, expect_supply
from purchasing.models import OPEN, PurchaseOrder, PurchaseOrderLine
from purchasing.services.standing import open_units


def tell_expected(order: PurchaseOrder, lines: Sequence[PurchaseOrderLine]) -> None:
    """Have stock expect just what is still open of these lines, on their confirmed or expected day.

    Nothing is expected of an order that is held, closed or cancelled.
    """
    tell_all_expected([(order, lines)])


def tell_all_expected(orders: Sequence[tuple[PurchaseOrder, Sequence[PurchaseOrderLine]]]) -> None:
    """Have stock expect what is still open of all these orders' lines, as for one. One statement."""
    expect_supply(
        lines=[
            Expected(
                document=order.reference,
                line=line.line,
                item_id=line.item_id,
                location_id=order.ship_to_id,
                quantity=open_units(line) if order.status in OPEN else 0,
                due=_due(order, line),
            )
            for order, lines in orders
            for line in lines
        ]
    )


def _due(order: PurchaseOrder, line: PurchaseOrderLine) -> datetime | None:
    day = line.confirmed_on or line.expected_on or order.expected_on
    return datetime.combine(day, time(12), tzinfo=UTC) if day else None
