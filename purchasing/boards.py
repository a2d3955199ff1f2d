"""A delivery as whoever counts it sees it: what is expected, what was counted, who waits, what differs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from django.db.models import Sum

from inventory.models import Item, WaitingDemand
from purchasing.models import PurchaseOrder, PurchaseOrderLine, Receipt, ReceiptScan, SpecialOrder
from purchasing.services.counting import lines_of
from purchasing.services.tolerating import over_limits


@dataclass(slots=True)
class Row:
    """A line of the count: an order line, or goods on no order (`line_id` None). Base units."""

    item: Item
    line_id: int | None = None
    order: str = ""
    expected: int | None = None
    tolerated: int = 0
    good: int = 0
    damaged: int = 0
    refused: int = 0
    surplus: int = 0
    wrong: list[tuple[str, int]] = field(default_factory=list)
    waiting: Sequence[tuple[str, int]] = ()
    promised: Sequence[str] = ()
    """Customers' orders for which these very goods were ordered: the line cannot be closed short."""

    @property
    def counted(self) -> int:
        return self.good + self.damaged + self.refused + sum(units for _, units in self.wrong)

    @property
    def over(self) -> int:
        """Good units above what is expected and tolerated, about which nobody said anything yet."""
        return 0 if self.line_id is None else max(0, self.good - (self.expected or 0) - self.tolerated)

    @property
    def kept(self) -> int:
        """Units that stay good when the rest is kept apart or refused."""
        return self.good - self.over

    @property
    def refused_with_over(self) -> int:
        return self.refused + self.over

    @property
    def surplus_with_over(self) -> int:
        return self.surplus + self.over

    @property
    def short(self) -> int:
        return 0 if self.expected is None else max(0, self.expected - self.counted)

    @property
    def is_done(self) -> bool:
        return self.expected is not None and self.counted >= self.expected

    @property
    def differs(self) -> bool:
        odd = self.damaged or self.refused or self.surplus or self.wrong
        if self.line_id is None:
            return bool(odd)
        return bool(odd) or self.good != (self.expected or 0)


@dataclass(slots=True)
class Board:
    """Everything about one count, read in a fixed number of queries."""

    receipt: Receipt | None
    orders: list[PurchaseOrder]
    rows: list[Row]
    scans: list[ReceiptScan]
    photos: int
    is_blind: bool

    @property
    def counted(self) -> int:
        return sum(row.counted + row.surplus for row in self.rows)

    @property
    def expected(self) -> int:
        return sum(row.expected or 0 for row in self.rows)

    @property
    def differences(self) -> list[Row]:
        return [row for row in self.rows if row.differs]


def board_of(receipt: Receipt | None, order: PurchaseOrder | None, *, is_blind: bool) -> Board:
    """Answer the count as it stands; of an order of which nothing was counted yet, what is expected."""
    if receipt is not None:
        lines = lines_of(receipt)
        orders = list(PurchaseOrder.objects.filter(receipts=receipt).select_related("supplier").order_by("pk"))
    else:
        lines = list(order.lines.select_related("item", "order__supplier").order_by("line")) if order else []
        orders = [order] if order else []
    by_order = {x.pk: x for x in orders}
    for line in lines:
        line.order = by_order.get(line.order_id, line.order)
    rows = _rows(lines)
    scans: list[ReceiptScan] = []
    if receipt is not None:
        _count(receipt, rows)
        scans = list(receipt.scans.filter(undone_at=None).select_related("item").order_by("-pk")[:5])
    _tell_waiting(receipt, order, rows)
    return Board(
        receipt=receipt,
        orders=orders,
        rows=list(rows.values()),
        scans=scans,
        photos=receipt.photos.count() if receipt else 0,
        is_blind=receipt.is_blind if receipt else is_blind,
    )


def _rows(lines: Sequence[PurchaseOrderLine]) -> dict[tuple[int | None, int], Row]:
    limits = over_limits(lines)
    return {
        (line.pk, line.item_id): Row(
            item=line.item,
            line_id=line.pk,
            order=line.order.number,
            expected=line.open_quantity,
            tolerated=limits[line.pk],
        )
        for line in lines
        if line.open_quantity
    }


def _count(receipt: Receipt, rows: dict[tuple[int | None, int], Row]) -> None:
    sums = list(
        receipt.scans.filter(undone_at=None)
        .values_list("order_line", "order_line__item", "order_line__order__number", "item", "condition")
        .annotate(units=Sum("quantity"))
        .order_by("order_line", "item")
    )
    items = Item.objects.in_bulk({found for x in sums for found in (x[1], x[3]) if found})
    for line_id, ordered_id, number, item_id, condition, units in sums:
        wrong = condition == ReceiptScan.Condition.WRONG and line_id is not None
        key = (line_id, ordered_id if wrong else item_id)
        if key not in rows:
            rows[key] = Row(item=items[key[1]], line_id=line_id, order=number or "", expected=0 if line_id else None)
        row = rows[key]
        if wrong:
            row.wrong.append((items[item_id].sku, units))
        elif condition == ReceiptScan.Condition.WRONG:
            row.surplus += units
        else:
            setattr(row, condition, getattr(row, condition) + units)


def _tell_waiting(
    receipt: Receipt | None, order: PurchaseOrder | None, rows: dict[tuple[int | None, int], Row]
) -> None:
    """Say which customers wait for the goods, oldest promise first."""
    waiting: dict[int, list[tuple[str, int]]] = {}
    found = WaitingDemand.objects.filter(item__in={key[1] for key in rows}, quantity__gt=0).order_by(
        "promised_at", "pk"
    )
    for item_id, document, units in found.values_list("item", "document", "quantity")[:500]:
        waiting.setdefault(item_id, []).append((document.partition(":")[2], units))
    promised: dict[int, list[str]] = {}
    links = SpecialOrder.objects.filter(
        order_line__in=[key[0] for key in rows if key[0]], state=SpecialOrder.State.OPEN
    )  # fmt: skip
    for line_id, document in links.order_by("pk").values_list("order_line", "document"):
        promised.setdefault(line_id, []).append(document.partition(":")[2])
    for key, row in rows.items():
        row.waiting = waiting.get(key[1], ())[:3]
        row.promised = promised.get(key[0] or 0, ())
