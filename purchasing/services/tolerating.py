"""How much more than was ordered is kept without asking."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from django.conf import settings

from purchasing.models import PurchaseOrderLine, SupplierItem


def over_limits(lines: Sequence[PurchaseOrderLine]) -> dict[int, int]:
    """Answer by line id how many units above the ordered ones are kept: max(ordered x percent, units).

    The line's own tolerance comes before that of the supplier's item, that before the supplier's, that before the
    house's; the first that says anything decides. Units are whole: 100.002 of 100 at 0 % cannot be. One query.
    """
    own = {
        (row.supplier_id, row.item_id): (row.over_percent, row.over_units)
        for row in SupplierItem.objects.filter(
            supplier__in={line.order.supplier_id for line in lines}, item__among={line.item_id for line in lines}
        ).only("supplier_id", "item_id", "over_percent", "over_units")
    }
    return {line.pk: _limit(line, own.get((line.order.supplier_id, line.item_id), (None, None))) for line in lines}


def _limit(line: PurchaseOrderLine, own: tuple[Decimal | None, int | None]) -> int:
    supplier = line.order.supplier
    for percent, units in (
        (line.over_percent, line.over_units),
        own,
        (supplier.over_percent, supplier.over_units),
        (settings.OVER_DELIVERY_PERCENT, settings.OVER_DELIVERY_UNITS),
    ):
        if percent is not None or units is not None:
            ordered = line.quantity - line.cancelled
            return max(int(ordered * (percent or Decimal(0)) / 100), units or 0)
    return 0
