"""Purchase orders of the past from files, each with its lines and what became of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.utils import timezone

from inventory.models import Item, Location
from purchasing.models import PurchaseCharge, PurchaseOrder, PurchaseOrderLine, Supplier
from purchasing.services.drafting import OrderedCharge
from purchasing.services.remembering import PastLine, PastOrder, remember_orders
from retailhub.core.imports.fields import Field
from retailhub.core.imports.targets import Desk, Outcome, Row, Verdict, write_or_refuse
from retailhub.core.money import round_cost

ADDS_UP = Decimal("0.01")
"""How far an order's own figures may be from the sum of its lines: a cent."""
_RATE = Decimal("0.000001")
_Known = tuple[str, date, tuple[tuple[Any, ...], ...]]


class PurchaseOrderImport:
    """Past orders by supplier and number, taken as facts, with what was received and rejected.

    Nothing is sent to anybody. `received` counts everything that came, `rejected` what of it was not accepted. What did
    not come is given up, unless `expects_rest`. `subtotal` and `total` are the file's own sums; an order whose lines do
    not add up to them is refused, and so is one that is in the book with other lines.
    """

    label: str = "Purchase orders of the past"
    scopes: Sequence[str] = ("purchasing:write",)
    key: Sequence[str] = ("supplier", "reference")
    fields: Sequence[Field] = (
        Field(name="supplier", required=True, length=32),
        Field(name="reference", required=True, length=120),
        Field(name="ship_to", required=True, length=32),
        Field(name="ordered_on", kind="day", required=True),
        Field(name="shipped_on", kind="day"),
        Field(name="currency", kind="currency", required=True),
        Field(name="state", length=80),
        Field(name="expects_rest", kind="flag"),
        Field(name="freight", kind="money", least=0),
        Field(name="tax_total", kind="money", least=0),
        Field(name="subtotal", kind="money"),
        Field(name="total", kind="money"),
    )
    part_fields: Sequence[Field] = (
        Field(name="sku", kind="sku", label="SKU", required=True, length=64),
        Field(name="quantity", kind="whole", required=True, least=1),
        Field(name="price", kind="cost", required=True, least=0),
        Field(name="due_on", kind="day"),
        Field(name="received", kind="whole", least=0),
        Field(name="rejected", kind="whole", least=0),
        Field(name="received_on", kind="day"),
    )

    def judge(self, rows: Sequence[Row], desk: Desk) -> list[Verdict]:
        items = Item.objects.by_sku({part.values["sku"] for row in rows for part in row.parts})
        suppliers = {x.code.upper(): x for x in Supplier.objects.named(*{row.values["supplier"] for row in rows})}
        codes = {row.values["ship_to"] for row in rows}
        places = {x.code: x for x in Location.objects.places().filter(code__in=codes)}
        known = _known(rows)
        verdicts = []
        for row in rows:
            verdict = Verdict(row)
            supplier, place = suppliers.get(row.values["supplier"].upper()), places.get(row.values["ship_to"])
            if supplier is None:
                verdict.refuse("supplier", "no supplier has this code")
            if place is None:
                verdict.refuse("ship_to", "no place has this code")
            elif not desk.principal.may("purchasing:write", location=place.code):
                verdict.refuse("ship_to", "you may not order for this place")
            today = timezone.localdate(desk.now)
            if row.values["ordered_on"] > today:
                verdict.refuse("ordered_on", "this day is still to come")
            _judge_lines(verdict, items, today)
            if verdict.outcome != Outcome.REFUSED:
                _judge_figures(verdict)
            if supplier and place and verdict.outcome != Outcome.REFUSED:
                verdict.plan = _order(row, supplier, place, items)
                self._judge_twin(verdict, known.get((supplier.pk, row.values["reference"])))
            verdicts.append(verdict)
        return verdicts

    @staticmethod
    def _judge_twin(verdict: Verdict, known: _Known | None) -> None:
        if known is None:
            return
        past: PastOrder = verdict.plan
        verdict.outcome = Outcome.SAME
        lines = tuple(
            (x.item.pk, x.quantity, round_cost(x.price), x.accepted, x.refused, x.expected_on) for x in past.lines
        )
        if known[1:] != (past.ordered_on, lines):
            verdict.refuse("reference", f"{known[0]} is another order of this supplier with this number")

    def apply(self, verdicts: Sequence[Verdict], desk: Desk) -> None:
        def write(some: Sequence[Verdict]) -> None:
            remember_orders(orders=[verdict.plan for verdict in some], actor=desk.actor)

        write_or_refuse(verdicts, write)
        for verdict in verdicts:
            if verdict.writes:
                _tally(verdict.plan, desk)


def _known(rows: Sequence[Row]) -> dict[tuple[int, str], _Known]:
    """Answer the orders of the rows that are in the book: number, day and lines. Two queries."""
    orders = {
        order.pk: order
        for order in PurchaseOrder.objects.filter(
            supplier__in=Supplier.objects.named(*{row.values["supplier"] for row in rows}),
            external_reference__in={row.values["reference"] for row in rows},
        )
    }
    lines: dict[int, list[tuple[Any, ...]]] = {}
    for order_id, *line in (
        PurchaseOrderLine.objects.filter(order__in=orders)
        .order_by("order", "line")
        .values_list("order", "item", "quantity", "price", "received", "rejected", "expected_on")
    ):
        lines.setdefault(order_id, []).append(tuple(line))
    return {
        (order.supplier_id, order.external_reference): (
            order.number,
            order.issued_at.date() if order.issued_at else date.min,
            tuple(lines.get(pk, [])),
        )
        for pk, order in orders.items()
    }


def _judge_lines(verdict: Verdict, items: Mapping[str, Item], today: date) -> None:
    row = verdict.row
    if not row.parts:
        verdict.refuse("reference", "the order has no lines")
    for part in row.parts:
        item = items.get(part.values["sku"])
        if item is None:
            verdict.refuse("sku", "no item has this SKU", row=part)
        elif item.kind == Item.Kind.KIT:
            verdict.refuse("sku", "this is a kit: its components are bought", row=part)
        came, rejected = part.get("received", 0), part.get("rejected", 0)
        if rejected > came:
            verdict.refuse("rejected", f"more than the {came} that came", row=part)
        on = _came_on(row, part)
        if came and on is None:
            verdict.refuse("received", "nobody says on which day it came", row=part)
        elif came and on and on > today:
            verdict.refuse("received", f"it is to come on {on} only", row=part)


def _came_on(row: Row, part: Row) -> date | None:
    """Answer the day a line's goods came: as it is told, else the day they were due, but not before they were sent."""
    told: date | None = part.values.get("received_on")
    if told:
        return told
    days = [day for day in (part.values.get("due_on"), row.values.get("shipped_on")) if day]
    return max(days, default=None)


def _judge_figures(verdict: Verdict) -> None:
    row = verdict.row
    exact = sum((part.values["quantity"] * part.values["price"] for part in row.parts), Decimal(0))
    subtotal = row.get("subtotal", exact)
    if abs(exact - subtotal) > ADDS_UP:
        verdict.refuse("subtotal", f"the lines come to {exact.normalize():f}")
    total = subtotal + row.get("tax_total", Decimal(0)) + row.get("freight", Decimal(0))
    if row.values.get("total") is not None and abs(total - row.values["total"]) > ADDS_UP:
        verdict.refuse("total", f"its parts come to {total.normalize():f}")
    if exact and row.get("tax_total", Decimal(0)) >= 10 * exact:
        verdict.refuse("tax_total", "this is more than ten times the value of the goods")


def _order(row: Row, supplier: Supplier, place: Location, items: Mapping[str, Item]) -> PastOrder:
    exact = sum((part.values["quantity"] * part.values["price"] for part in row.parts), Decimal(0))
    rate = (row.get("tax_total", Decimal(0)) / exact).quantize(_RATE, ROUND_HALF_UP) if exact else Decimal(0)
    freight = row.get("freight", Decimal(0))
    past = PastOrder(
        supplier=supplier,
        ship_to=place,
        external_reference=row.values["reference"],
        ordered_on=row.values["ordered_on"],
        currency=row.values["currency"],
        lines=[
            PastLine(
                item=items[part.values["sku"]],
                quantity=part.values["quantity"],
                price=part.values["price"],
                accepted=part.get("received", 0) - part.get("rejected", 0),
                refused=part.get("rejected", 0),
                received_on=_came_on(row, part),
                expected_on=part.values.get("due_on"),
                tax_rate=rate,
            )
            for part in row.parts
        ],
        expects_rest=row.get("expects_rest", False),
        told=row.get("state", ""),
    )
    if not freight:
        return past
    charge = OrderedCharge(
        code="freight", amount=freight, treatment=PurchaseCharge.Treatment.EXPENSE, tax_rate=Decimal(0)
    )
    return replace(past, charges=[charge])


def _tally(past: PastOrder, desk: Desk) -> None:
    for line in past.lines:
        desk.tally["units ordered from suppliers"] += line.quantity
        desk.tally["units received and accepted"] += line.accepted
        desk.tally["units received and rejected"] += line.refused
        if line.accepted + line.refused < line.quantity:
            desk.tally["order lines that came short"] += 1
        desk.add(f"value of purchase orders, total ({past.currency})", line.quantity * line.price)
