"""Orders from before the books were opened, with what became of them: many at once, and nobody is written to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from django.db.models import Q

from inventory.models import Item, Location
from inventory.services.costing import cents
from inventory.services.receiving import ReceiptLine as StockLine
from inventory.services.remembering import PastDelivery, remember_receipts
from purchasing.models import (
    BuyingEvent,
    OrderStatus,
    PurchaseCharge,
    PurchaseOrder,
    PurchaseOrderLine,
    PurchaseRevision,
    Receipt,
    ReceiptLine,
    ReceiptStatus,
    Supplier,
)
from purchasing.services.drafting import DuplicateOrder, OrderedCharge, build_charges, home_value
from purchasing.services.expecting import tell_all_expected
from purchasing.services.revising import snapshot_of
from purchasing.services.standing import net_total, open_units, standing_of
from retailhub.accounting.services.posting import EntryLine, NewEntry, post_entries
from retailhub.core.errors import Invalid, Offence
from retailhub.core.money import MOST, round_cost, round_total
from retailhub.core.services.exchanging import NoExchangeRate, rates_of_days
from retailhub.core.sql import insert_rows, rows
from retailhub.core.transactions import retried

GIVEN_UP = "What did not come is not expected any more"


@dataclass(frozen=True, slots=True, kw_only=True)
class PastLine:
    """Base units of an item that were ordered, and how many were accepted and how many refused, on which day.

    `price` is net, of one base unit, in the order's currency.
    """

    item: Item
    quantity: int
    price: Decimal
    accepted: int = 0
    refused: int = 0
    received_on: date | None = None
    expected_on: date | None = None
    tax_rate: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class PastOrder:
    """An order as another system knows it. What did not come is given up, unless the order `expects_rest`."""

    supplier: Supplier
    ship_to: Location
    external_reference: str
    ordered_on: date
    currency: str
    lines: Sequence[PastLine]
    charges: Sequence[OrderedCharge] = ()
    expects_rest: bool = False
    told: str = ""
    """What the other system says of its state, for the timeline."""


@dataclass(slots=True)
class _Papers:
    """The rows that come of one past order, before they are written."""

    order: PurchaseOrder
    lines: list[PurchaseOrderLine]
    charges: list[PurchaseCharge]
    revision: PurchaseRevision
    ordered_total: Decimal
    receipts: list[tuple[Receipt, list[ReceiptLine]]] = field(default_factory=list)


@retried(on_twin=True)
def remember_orders(*, orders: Sequence[PastOrder], actor: str) -> list[PurchaseOrder]:
    """Have these orders of the past in the book as sent and received, all or none, with a receipt for each day.

    Receipts put what was accepted into goods received, not invoiced, dated that day or the first open one, so that its
    invoices can be matched; the goods themselves come and leave to the opening, for what is left of them is counted
    then. Refused units are counted and never came in. A closed supplier is no hindrance. No paper is sent, no event
    published, no attention row raised. Raises Invalid, DuplicateOrder and NoExchangeRate, naming every offending
    order; a fixed number of statements, whatever the number of orders.
    """
    if not orders:
        return []
    _refuse_incomplete(orders)
    _refuse_known(orders)
    rates = _rates(orders)
    numbers = iter(_numbers(len(orders) + sum(len(_days(order)) for order in orders)))
    papers = [_papers(order, numbers, rates, actor) for order in orders]
    _refuse_too_much(papers)
    _write_orders(papers, actor)
    _write_receipts(papers)
    _book(papers, actor)
    tell_all_expected([(x.order, x.lines) for x, told in zip(papers, orders, strict=True) if told.expects_rest])
    _tell(papers, orders, actor)
    return [x.order for x in papers]


# --- refusing --------------------------------------------------------------------------------------------------------
def _refuse_incomplete(orders: Sequence[PastOrder]) -> None:
    errors = []
    for index, order in enumerate(orders):
        where = f"/orders/{index}"
        if not order.external_reference:
            errors.append(Offence(pointer=f"{where}/external_reference", code="required", detail="it has no number"))
        if not order.lines:
            errors.append(Offence(pointer=f"{where}/lines", code="invalid", detail="there are no lines"))
        if order.ship_to.kind in {Location.Kind.TRANSIT, Location.Kind.COUNTERPARTY}:
            errors.append(Offence(pointer=f"{where}/ship_to", code="invalid", detail="goods do not arrive there"))
        for number, line in enumerate(order.lines):
            at = f"{where}/lines/{number}"
            if line.item.kind == Item.Kind.KIT:
                errors.append(Offence(pointer=f"{at}/sku", code="not_stocked", detail=f"{line.item.sku} is a kit"))
            if line.quantity < 1 or min(line.accepted, line.refused) < 0 or line.price < 0:
                detail = "units are ordered, counts and prices are not negative"
                errors.append(Offence(pointer=f"{at}/quantity", code="invalid", detail=detail))
            if (line.accepted or line.refused) and line.received_on is None:
                errors.append(Offence(pointer=f"{at}/received_on", code="required", detail="nobody says when it came"))
    if errors:
        raise Invalid("These orders cannot be kept like this.", errors=errors)


def _refuse_known(orders: Sequence[PastOrder]) -> None:
    keys = [(order.supplier.pk, order.external_reference) for order in orders]
    found = PurchaseOrder.objects.filter(
        Q(supplier__in={pk for pk, _ in keys}), external_reference__in={reference for _, reference in keys}
    ).values_list("supplier_id", "external_reference", "number")
    known = {(supplier_id, reference): number for supplier_id, reference, number in found}
    errors = []
    seen: set[tuple[int, str]] = set()
    for index, key in enumerate(keys):
        if key in known or key in seen:
            detail = f"{key[1]} is {known[key]}" if key in known else f"{key[1]} is named twice"
            pointer = f"/orders/{index}/external_reference"
            errors.append(Offence(pointer=pointer, code="duplicate_order", detail=detail))
        seen.add(key)
    if errors:
        raise DuplicateOrder(errors=errors)


def _refuse_too_much(papers: Sequence[_Papers]) -> None:
    errors = [
        Offence(pointer=f"/orders/{index}/lines", code="too_much", detail="the total is 10,000,000,000,000 up")
        for index, x in enumerate(papers)
        if max(x.ordered_total, x.ordered_total * x.order.rate) >= MOST
    ]
    if errors:
        raise Invalid("No amount as high as this is kept.", errors=errors)


def _rates(orders: Sequence[PastOrder]) -> Mapping[tuple[str, date], Decimal]:
    wanted = {(order.currency, day) for order in orders for day in (order.ordered_on, *_days(order))}
    rates = rates_of_days(wanted)
    errors = []
    for index, order in enumerate(orders):
        missing = [day for day in (order.ordered_on, *_days(order)) if (order.currency, day) not in rates]
        if missing:
            detail = f"there is no rate of {order.currency} on or before {min(missing)}"
            errors.append(Offence(pointer=f"/orders/{index}/currency", code="no_exchange_rate", detail=detail))
    if errors:
        raise NoExchangeRate(errors=errors)
    return rates


# --- what comes of an order ------------------------------------------------------------------------------------------
def _days(order: PastOrder) -> list[date]:
    """Answer the days on which something of the order came: each is a delivery."""
    return sorted({x.received_on for x in order.lines if x.received_on and (x.accepted or x.refused)})


def _numbers(count: int) -> Iterable[int]:
    found = rows("SELECT nextval('purchasing_document_number') FROM generate_series(1, %s)", [count])
    return [number for (number,) in found]


def _noon(day: date) -> datetime:
    return datetime.combine(day, time(12), tzinfo=UTC)


def _papers(past: PastOrder, numbers: Iterable[int], rates: Mapping[tuple[str, date], Decimal], actor: str) -> _Papers:
    numbers = iter(numbers)
    at, days = _noon(past.ordered_on), _days(past)
    order = PurchaseOrder(
        number=f"PO-{next(numbers)}",
        supplier=past.supplier,
        ship_to=past.ship_to,
        currency=past.currency,
        rate=rates[past.currency, past.ordered_on],
        payment_days=past.supplier.payment_days,
        expected_on=max((x.expected_on for x in past.lines if x.expected_on), default=None),
        external_reference=past.external_reference,
        revision=1,
        created_by=actor,
        created_at=at,
        approved_by=actor,
        approved_at=at,
        issued_at=at,
    )
    lines = [_line(order, line, number) for number, line in enumerate(past.lines, 1)]
    charges = build_charges(order, past.charges)
    whole = order.net_total = net_total(lines, charges, order.currency)
    order.approved_total = home_value(order)
    revision = PurchaseRevision(
        order=order, number=1, snapshot=snapshot_of(order, lines, charges), actor=actor, made_at=at
    )
    for row, line in zip(lines, past.lines, strict=True):
        row.received, row.rejected = line.accepted, line.refused
    _settle(order, lines, charges, past, _noon(days[-1]) if days else at)
    papers = _Papers(order, lines, charges, revision, whole)
    for day in days:
        papers.receipts.append(_receipt(papers, past, next(numbers), day, rates[past.currency, day], actor))
    return papers


def _line(order: PurchaseOrder, line: PastLine, number: int) -> PurchaseOrderLine:
    return PurchaseOrderLine(
        order=order,
        line=number,
        item=line.item,
        description=line.item.name,
        quantity=line.quantity,
        price=round_cost(line.price),
        discount_percent=Decimal(0),
        price_source="hand",
        tax_rate=line.tax_rate,
        expected_on=line.expected_on,
    )


def _settle(
    order: PurchaseOrder,
    lines: Sequence[PurchaseOrderLine],
    charges: Sequence[PurchaseCharge],
    past: PastOrder,
    at: datetime,
) -> None:
    """Give the order the state that follows from what came of it."""
    if past.expects_rest or not any(open_units(line) for line in lines):
        order.status = standing_of(order, lines)
        return
    for line in lines:
        line.cancelled = min(line.quantity, open_units(line))
    came = any(line.received or line.rejected for line in lines)
    order.status = OrderStatus.CLOSED_SHORT if came else OrderStatus.CANCELLED
    order.closed_at, order.close_reason = at, GIVEN_UP
    order.net_total = net_total(lines, charges, order.currency)


def _receipt(
    papers: _Papers, past: PastOrder, number: int, day: date, rate: Decimal, actor: str
) -> tuple[Receipt, list[ReceiptLine]]:
    receipt = Receipt(
        number=f"GR-{number}",
        supplier=past.supplier,
        location=past.ship_to,
        status=ReceiptStatus.POSTED,
        started_by=actor,
        started_at=_noon(day),
        posted_by=actor,
        posted_at=_noon(day),
        received_on=day,
    )
    listed: list[ReceiptLine] = []
    for row, line in zip(papers.lines, past.lines, strict=True):
        if line.received_on != day or not (line.accepted or line.refused):
            continue
        amount = cents(round_total(row.net_amount(line.accepted), past.currency) * rate)
        listed.append(
            ReceiptLine(
                receipt=receipt,
                line=len(listed) + 1,
                order_line=row,
                item=line.item,
                accepted=line.accepted,
                refused=line.refused,
                rate=rate,
                amount=amount if past.ship_to.owned else Decimal(0),
                unit_cost=round_cost(amount / line.accepted) if line.accepted else Decimal(0),
            )
        )
    return receipt, listed


# --- writing ---------------------------------------------------------------------------------------------------------
def _write_orders(papers: Sequence[_Papers], actor: str) -> None:
    insert_rows([x.order for x in papers])
    insert_rows([line for x in papers for line in x.lines])
    insert_rows([charge for x in papers for charge in x.charges])
    insert_rows([x.revision for x in papers])


def _write_receipts(papers: Sequence[_Papers]) -> None:
    receipts = [(x, receipt, lines) for x in papers for receipt, lines in x.receipts]
    insert_rows([receipt for _, receipt, _ in receipts])
    insert_rows([line for _, _, lines in receipts for line in lines])
    link: Any = Receipt.orders.through
    link.objects.bulk_create([link(receipt_id=receipt.pk, purchaseorder_id=x.order.pk) for x, receipt, _ in receipts])


def _book(papers: Sequence[_Papers], actor: str) -> None:
    """Have the deliveries in the ledger and in the journal, one entry each, as receiving has them."""
    received = [(receipt, lines) for x in papers for receipt, lines in x.receipts if any(r.accepted for r in lines)]
    values = remember_receipts(
        deliveries=[
            PastDelivery(
                location=receipt.location,
                document=receipt.reference,
                occurred_at=_noon(_day(receipt)),
                lines=[
                    StockLine(item_id=row.item_id, quantity=row.accepted, value=row.amount, line=row.line)
                    for row in lines
                    if row.accepted
                ],
            )
            for receipt, lines in received
        ],
        actor=actor,
    )
    entries = [
        NewEntry(
            key=receipt.reference,
            kind="receipt",
            document=receipt.reference,
            date=_day(receipt),
            text=f"Receipt {receipt.number}, before the books were opened",
            lines=[
                part
                for row in lines
                if row.accepted and row.amount
                for part in _entry_lines(receipt, row, rises[row.line])
            ],
            or_first_open=True,
        )
        for (receipt, lines), rises in zip(received, values, strict=True)
    ]
    post_entries(entries=entries, actor=actor)


def _day(receipt: Receipt) -> date:
    if receipt.received_on is None:
        raise ValueError(f"{receipt.number} has no day")
    return receipt.received_on


def _entry_lines(receipt: Receipt, row: ReceiptLine, rise: Decimal) -> list[EntryLine]:
    """Answer what a line does to the books: stock rises and falls again, goods received are owed."""
    code, reference = receipt.location.code, f"{receipt.reference}#{row.line}"
    party = receipt.supplier.party if receipt.supplier else ""
    return [
        EntryLine(account="inventory", amount=rise, location=code, party=party, reference=reference),
        EntryLine(account="inventory", amount=-rise, location=code, reference=reference),
        EntryLine(account="opening", amount=row.amount, location=code, reference=reference),
        EntryLine(account="grni", amount=-row.amount, party=party, reference=reference),
    ]


def _tell(papers: Sequence[_Papers], orders: Sequence[PastOrder], actor: str) -> None:
    """Have a first entry in the timeline of every order and receipt: where it came from."""
    events = []
    for x, past in zip(papers, orders, strict=True):
        text = f"Taken over as {past.external_reference}" + (f", {past.told}" if past.told else "")
        data = {
            "receipts": [receipt.number for receipt, _ in x.receipts],
            "given_up": {str(line.line): line.cancelled for line in x.lines if line.cancelled},
        }
        events.append(BuyingEvent(document=x.order.reference, kind="taken_over", text=text, actor=actor, data=data))
        for receipt, lines in x.receipts:
            units, refused = sum(row.accepted for row in lines), sum(row.refused for row in lines)
            said = f"{units} units came in before the books were opened" + (
                f", {refused} were refused" if refused else ""
            )
            events.append(BuyingEvent(document=receipt.reference, kind="taken_over", text=said, actor=actor))
    insert_rows(events)
