"""How an order stands, told the same way whether it was just placed or placed long ago."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from orders.models import Order, Status
from orders.queries import stock_of_lines
from orders.services.totals import Totals


@dataclass(slots=True, kw_only=True)
class PlacedLine:
    """A line and how it stands: units reserved, units short, and where the reserved ones are."""

    line: int
    sku: str
    quantity: int
    reserved: int
    short: int
    allocations: list[dict[str, Any]] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class PlacedOrder:
    """An order in the book; `created` is false when it had been there before."""

    order_id: int
    number: str
    status: str
    currency: str
    lines: list[PlacedLine]
    totals: Totals
    created: bool

    def repeated(self) -> PlacedOrder:
        return replace(self, created=False)


def describe_orders(order_ids: Sequence[int]) -> dict[int, PlacedOrder]:
    """Answer how the orders stand now: four statements, whatever their number."""
    orders = list(Order.objects.filter(pk__in=order_ids).prefetch_related("lines"))
    stock = stock_of_lines(orders)
    return {
        order.pk: PlacedOrder(
            order_id=order.pk,
            number=order.number,
            status=Status(order.status),
            currency=order.currency,
            lines=[
                PlacedLine(
                    line=line.line,
                    sku=line.sku,
                    quantity=line.quantity,
                    reserved=stock[order.pk][line.line].reserved,
                    short=stock[order.pk][line.line].short,
                    allocations=stock[order.pk][line.line].allocations,
                )
                for line in order.lines.all()
            ],
            totals=Totals(
                lines=order.lines_total, shipping=order.shipping_price, tax=order.tax_total, total=order.total
            ),
            created=False,
        )
        for order in orders
    }
