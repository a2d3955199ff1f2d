"""How far an order is: what of it came and what of it was billed. Both follow from its lines and are kept nowhere."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import F, IntegerField, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce, Least

from purchasing.models import PurchaseOrder, PurchaseOrderLine


@dataclass(frozen=True, slots=True)
class Progress:
    """Units over all lines: ordered (less what was cancelled), received, still to come, and billed (less credited).

    `owed` is what we kept and what is still to come: all of that will be billed.
    """

    ordered: int = 0
    received: int = 0
    open: int = 0
    owed: int = 0
    billed: int = 0

    @property
    def receipt_status(self) -> str:
        if not self.ordered or not self.open:
            return "fully_received" if self.ordered else "to_receive"
        return "part_received" if self.received else "to_receive"

    @property
    def bill_status(self) -> str:
        if self.billed and self.billed >= self.owed:
            return "fully_billed"
        return "part_billed" if self.billed else "to_bill"

    @property
    def received_percent(self) -> int:
        return _percent(self.received, self.ordered)

    @property
    def billed_percent(self) -> int:
        return _percent(self.billed, self.owed)


def _percent(part: int, whole: int) -> int:
    """Whole percent, rounded down: 100 is said only of all."""
    return min(100, 100 * part // whole) if whole > 0 else 0


def progress_of(lines: Iterable[PurchaseOrderLine]) -> Progress:
    """Answer how far these lines are; each line counts for no more than itself."""
    ordered = received = still = owed = billed = 0
    for line in lines:
        wanted, kept = line.quantity - line.cancelled, line.received - line.returned
        ordered += wanted
        received += min(wanted, line.received)
        still += line.open_quantity
        owed += kept + line.open_quantity
        billed += min(kept + line.open_quantity, line.invoiced - line.credited)
    return Progress(ordered=ordered, received=received, open=still, owed=owed, billed=billed)


_ORDERED = F("quantity") - F("cancelled")
_OWED = F("received") - F("returned") + F("open_quantity")
_SUMS: dict[str, Any] = {
    "ordered": _ORDERED,
    "received": Least(F("received"), _ORDERED),
    "open": F("open_quantity"),
    "owed": _OWED,
    "billed": Least(F("invoiced") - F("credited"), _OWED),
}


def with_progress(orders: QuerySet[PurchaseOrder]) -> QuerySet[PurchaseOrder]:
    """Answer the orders with what `shown_progress` reads: sums that are taken for the rows of the page alone."""
    lines = PurchaseOrderLine.objects.filter(order=OuterRef("pk")).order_by().values("order")
    sums: dict[str, Any] = {
        f"units_{name}": Coalesce(
            Subquery(lines.annotate(units=Sum(units)).values("units"), output_field=IntegerField()), 0
        )
        for name, units in _SUMS.items()
    }
    return orders.annotate(**sums)


def shown_progress(order: PurchaseOrder) -> Progress:
    """Answer how far an order is that was read by `with_progress`."""
    return Progress(**{name: getattr(order, f"units_{name}") for name in _SUMS})
