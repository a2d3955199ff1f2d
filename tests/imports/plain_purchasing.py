"""A plain reading of the AdventureWorks purchasing files, with nothing of the engine: what an import is held against.

The files have no headings; COLUMNS.json beside them names their columns, and so does this.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property

from tests.shared_data import shared_data

PENDING, APPROVED, REJECTED, COMPLETE = "1", "2", "3", "4"
"""What PurchaseOrderHeader.Status says. It does not say whether goods came: every line has received some."""


def plain_rows(name: str, *columns: str) -> list[dict[str, str]]:
    text = shared_data("adventureworks-oltp", f"{name}.csv").read_bytes().decode()
    rows = [line.split("\t") for line in text.split("\n") if line]
    return [dict(zip(columns, row, strict=True)) for row in rows]


@dataclass(frozen=True)
class Link:
    """What a vendor asks for an item, how long it takes, and how much may be ordered at once."""

    product: str
    vendor: str
    lead_days: int
    price: Decimal
    last_cost: Decimal
    last_receipt: date
    least: int
    most: int
    on_order: int
    unit: str


@dataclass(frozen=True)
class Line:
    """A line of a purchase order: the same row says what was ordered and what became of it."""

    order: str
    line: str
    due: date
    ordered: int
    product: str
    price: Decimal
    total: Decimal
    received: int
    rejected: int
    stocked: int


@dataclass(frozen=True)
class Order:
    number: str
    status: str
    vendor: str
    ship_method: str
    ordered: date
    shipped: date
    subtotal: Decimal
    tax: Decimal
    freight: Decimal
    total: Decimal


class Purchasing:
    """The vendors, what they offer, and the purchase orders with their lines, as they stand in the files."""

    @cached_property
    def vendors(self) -> dict[str, dict[str, str]]:
        rows = plain_rows("Vendor", "id", "account", "name", "rating", "preferred", "active", "url", "modified")
        return {row["id"]: row for row in rows}

    @cached_property
    def links(self) -> dict[tuple[str, str], Link]:
        rows = plain_rows(
            "ProductVendor",
            *("product", "vendor", "lead", "price", "last_cost", "last_receipt", "least", "most", "on_order", "unit"),
            "modified",
        )
        return {
            (row["product"], row["vendor"]): Link(
                product=row["product"],
                vendor=row["vendor"],
                lead_days=int(row["lead"]),
                price=Decimal(row["price"]),
                last_cost=Decimal(row["last_cost"]),
                last_receipt=_day(row["last_receipt"]),
                least=int(row["least"]),
                most=int(row["most"]),
                on_order=int(row["on_order"] or 0),
                unit=row["unit"].strip(),
            )
            for row in rows
        }

    @cached_property
    def orders(self) -> dict[str, Order]:
        rows = plain_rows(
            "PurchaseOrderHeader",
            *("number", "revision", "status", "employee", "vendor", "ship_method", "ordered", "shipped"),
            *("subtotal", "tax", "freight", "total", "modified"),
        )
        return {
            row["number"]: Order(
                number=row["number"],
                status=row["status"],
                vendor=row["vendor"],
                ship_method=row["ship_method"],
                ordered=_day(row["ordered"]),
                shipped=_day(row["shipped"]),
                subtotal=Decimal(row["subtotal"]),
                tax=Decimal(row["tax"]),
                freight=Decimal(row["freight"]),
                total=Decimal(row["total"]),
            )
            for row in rows
        }

    @cached_property
    def lines(self) -> list[Line]:
        rows = plain_rows(
            "PurchaseOrderDetail",
            *("order", "line", "due", "ordered", "product", "price", "total", "received", "rejected", "stocked"),
            "modified",
        )
        return [
            Line(
                order=row["order"],
                line=row["line"],
                due=_day(row["due"]),
                ordered=int(row["ordered"]),
                product=row["product"],
                price=Decimal(row["price"]),
                total=Decimal(row["total"]),
                received=_units(row["received"]),
                rejected=_units(row["rejected"]),
                stocked=_units(row["stocked"]),
            )
            for row in rows
        ]

    @cached_property
    def lines_of(self) -> dict[str, list[Line]]:
        found: dict[str, list[Line]] = defaultdict(list)
        for line in self.lines:
            found[line.order].append(line)
        return dict(found)

    def link_of(self, line: Line) -> Link:
        return self.links[line.product, self.orders[line.order].vendor]

    def per_vendor(self) -> dict[str, tuple[int, int, int, int, int, Decimal, Decimal]]:
        """Answer by vendor: orders, and ordered, received, rejected, stocked units, subtotal and total."""
        found = {}
        for vendor in {order.vendor for order in self.orders.values()}:
            orders = [order for order in self.orders.values() if order.vendor == vendor]
            lines = [line for order in orders for line in self.lines_of[order.number]]
            found[vendor] = (
                len(orders),
                sum(line.ordered for line in lines),
                sum(line.received for line in lines),
                sum(line.rejected for line in lines),
                sum(line.stocked for line in lines),
                sum((order.subtotal for order in orders), Decimal(0)),
                sum((order.total for order in orders), Decimal(0)),
            )
        return found

    def stocked_per_product(self) -> dict[str, int]:
        found: dict[str, int] = defaultdict(int)
        for line in self.lines:
            found[line.product] += line.stocked
        return dict(found)


def _day(text: str) -> date:
    """Read a day; a time of day would be something this reading does not know of."""
    day, time = text.split(" ")
    assert time == "00:00:00.000", text
    return date.fromisoformat(day)


def _units(text: str) -> int:
    """Read 3.00 as 3. A fraction of a unit would be something this reading does not know of."""
    number = Decimal(text)
    assert number == int(number), text
    return int(number)
