"""Naming lines of an order: by number, or by SKU where that is clear."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from orders.models import Order, OrderLine, OrderLinePart
from retailhub.core.errors import AmbiguousLine, Offence, Unknown
from retailhub.core.text import sku_key


class UnknownLine(Unknown):
    """The order has no such line."""

    code = "unknown_line"


@dataclass(frozen=True, slots=True, kw_only=True)
class LineWanted:
    """So many units of a line, named by `line` (1..n) or by `sku`."""

    quantity: int
    line: int | None = None
    sku: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """A line of the order, the units asked of it, and where in the request it was named first."""

    line: OrderLine
    quantity: int
    index: int


def find_lines(order: Order, wanted: Sequence[LineWanted]) -> list[Asked]:
    """Answer each line once, in the order asked. Raises UnknownLine or AmbiguousLine naming all."""
    lines = list(order.lines.all())
    units: dict[int, Asked] = {}
    unknown, ambiguous = [], []
    for index, entry in enumerate(wanted):
        if entry.line is not None:
            found = [line for line in lines if line.line == entry.line]
        else:
            found = [line for line in lines if sku_key(line.sku) == sku_key(entry.sku)]
        if not found:
            what = f"line {entry.line}" if entry.line is not None else entry.sku
            unknown.append(
                Offence(pointer=f"/lines/{index}", code="unknown_line", detail=f"{order.number} has no {what}")
            )
        elif len(found) > 1:
            numbers = ", ".join(str(line.line) for line in found)
            ambiguous.append(
                Offence(
                    pointer=f"/lines/{index}/sku", code="ambiguous_line", detail=f"{entry.sku} is on lines {numbers}"
                )
            )
        else:
            before = units.get(found[0].line, Asked(found[0], 0, index))
            units[found[0].line] = replace(before, quantity=before.quantity + entry.quantity)
    if unknown:
        raise UnknownLine(errors=unknown)
    if ambiguous:
        raise AmbiguousLine(errors=ambiguous)
    return list(units.values())


def parts_of(lines: Sequence[OrderLine]) -> dict[int, dict[int, int]]:
    """Answer {order line id: {item id: units in one}}: the item itself, or what a kit held when it was ordered.

    One statement.
    """
    kits: dict[tuple[int, int], dict[int, int]] = {}
    for order_id, line, item_id, quantity in OrderLinePart.objects.filter(
        order__in={line.order_id for line in lines}
    ).values_list("order_id", "line", "item_id", "quantity"):
        kits.setdefault((order_id, line), {})[item_id] = quantity
    return {line.pk: kits.get((line.order_id, line.line), {line.item_id: 1}) for line in lines if line.item_id}
