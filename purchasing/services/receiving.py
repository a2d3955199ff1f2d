"""Deliveries that are checked against their orders and posted: stock, books and orders in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.utils import timezone

from inventory.models import Bucket, Location
from inventory.services.receiving import ReceiptLine as StockLine
from inventory.services.receiving import receive_stock
from purchasing.events import DeliveryReceived
from purchasing.models import (
    OPEN,
    RECEIPT_MOVES,
    OrderStatus,
    PurchaseOrder,
    PurchaseOrderLine,
    Receipt,
    ReceiptLine,
    ReceiptStatus,
    Supplier,
)
from purchasing.services.accruing import book_receipt, settle_billed
from purchasing.services.claiming import claim_for
from purchasing.services.exceptions import look_at_exceptions
from purchasing.services.expecting import tell_expected
from purchasing.services.landing import accrue_landed
from purchasing.services.special_orders import credit_special_orders
from purchasing.services.standing import (
    WrongState,
    lock_purchase_orders,
    next_number,
    note_event,
    open_units,
    standing_of,
)
from purchasing.services.tolerating import over_limits
from purchasing.services.valuing import Worth, worth_of
from retailhub.core.errors import DomainError, Invalid, NotFound, Offence
from retailhub.core.sql import insert_rows, take_keys, write_fields
from retailhub.core.transactions import retried
from retailhub.outbox.services.publishing import publish

RECEIVABLE = OPEN | {OrderStatus.RECEIVED}
"""Orders whose goods may be received; what comes after everything came is over."""


class OrderNotOpen(DomainError):
    """The order does not take goods in its state."""

    code = "order_not_open"


class OtherPlace(DomainError):
    """The order is to be delivered to another place."""

    code = "other_place"


class OtherSupplier(DomainError):
    """One receipt holds goods of one supplier."""

    code = "other_supplier"


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What was counted of one order line, or of an item nobody ordered (`order_line_id` None), in base units.

    `wrong` units are of `wrong_item_id`. `over` units were never ordered, whatever the tolerance. `announced` is what
    the delivery note says, where it differs from the rest.
    """

    item_id: int
    order_line_id: int | None = None
    accepted: int = 0
    damaged: int = 0
    wrong: int = 0
    wrong_item_id: int | None = None
    refused: int = 0
    over: int = 0
    announced: int | None = None
    note: str = ""


@retried()
def receive_delivery(
    *,
    location: Location,
    counted: Sequence[Counted],
    actor: str,
    delivery_note: str = "",
    supplier: Supplier | None = None,
    note: str = "",
    at: datetime | None = None,
    received_on: date | None = None,
) -> Receipt:
    """Have a delivery posted that was counted elsewhere: a receipt is made and posted as `post_receipt` does."""
    receipt = Receipt.objects.create(
        number=next_number("GR"),
        location=location,
        supplier=supplier,
        delivery_note=delivery_note,
        note=note,
        started_by=actor,
    )
    return post_receipt(receipt_id=receipt.pk, counted=counted, actor=actor, at=at, received_on=received_on)


@retried()
def post_receipt(
    *,
    receipt_id: int,
    counted: Sequence[Counted],
    actor: str,
    at: datetime | None = None,
    received_on: date | None = None,
) -> Receipt:
    """Have the delivery in stock, in the journal and in its orders, and serve at once who waits for the goods.

    Accepted units up to what is open and tolerated are for sale, more than that is on hold as not ordered; damaged ones
    stand as damaged, units of another item on hold as that item; refused ones never come in. Goods received, not
    invoiced rises by what came in, at the order's price and the day's rate. Posting twice changes nothing. Raises
    OrderNotOpen, OtherPlace, OtherSupplier and Invalid, naming every offending line; then nothing is kept.
    """
    if not counted or not any(x.accepted or x.damaged or x.wrong or x.refused or x.over for x in counted):
        raise Invalid(errors=[Offence(pointer="/lines", code="invalid", detail="nothing was counted")])
    orders = lock_purchase_orders(_order_ids(counted))
    # Read under the lock: whoever waited here sees what the first one received.
    of_order = {pk: list[PurchaseOrderLine]() for pk in orders}
    for line in PurchaseOrderLine.objects.filter(order__in=orders).order_by("line"):
        line.order = orders[line.order_id]
        of_order[line.order_id].append(line)
    wanted = {x.order_line_id for x in counted}
    lines = {line.pk: line for listed in of_order.values() for line in listed if line.pk in wanted}
    receipt = _lock(receipt_id)
    if receipt.status == ReceiptStatus.POSTED:
        return receipt
    if ReceiptStatus.POSTED not in RECEIPT_MOVES.get(receipt.status, set()):
        raise WrongState(f"{receipt.number} is {receipt.get_status_display().lower()}.", status=receipt.status)
    _refuse_misplaced(receipt, counted, lines)
    at = at or timezone.now()
    if receipt.supplier is None and orders:
        receipt.supplier = next(iter(orders.values())).supplier
    receipt.status, receipt.posted_by, receipt.posted_at = ReceiptStatus.POSTED, actor, at
    on = receipt.received_on = received_on or timezone.localdate(at)
    receipt.save(update_fields=["supplier", "status", "posted_by", "posted_at", "received_on"])
    rows = _split(receipt, counted, lines)
    # Written once, with their money; until the end of the transaction the keys are enough.
    take_keys(rows)
    receipt.orders.add(*orders)
    _post(receipt, rows, lines, of_order, actor, at, on)
    claim_for(receipt, rows, actor=actor)
    look_at_exceptions(receipt, rows, by=actor)
    publish(DeliveryReceived(receipt_id=receipt.pk))
    return receipt


def _order_ids(counted: Sequence[Counted]) -> set[int]:
    wanted = {x.order_line_id for x in counted if x.order_line_id is not None}
    found = dict(PurchaseOrderLine.objects.filter(pk__among=wanted).values_list("pk", "order_id")) if wanted else {}
    missing = [
        Offence(pointer=f"/lines/{i}", code="unknown_line", detail="there is no such order line")
        for i, x in enumerate(counted)
        if x.order_line_id is not None and x.order_line_id not in found
    ]
    if missing:
        raise NotFound(errors=missing)
    return set(found.values())


def _lock(receipt_id: int) -> Receipt:
    rows = Receipt.objects.select_related("location", "supplier").select_for_update(of=("self",), no_key=True)
    receipt = rows.filter(pk=receipt_id).first()
    if receipt is None:
        raise NotFound
    return receipt


def _refuse_misplaced(receipt: Receipt, counted: Sequence[Counted], lines: dict[int, PurchaseOrderLine]) -> None:
    closed, elsewhere, foreign, odd = [], [], [], []
    supplier_id = receipt.supplier_id or next((line.order.supplier_id for line in lines.values()), None)
    for index, x in enumerate(counted):
        if min(x.accepted, x.damaged, x.wrong, x.refused, x.over) < 0 or (
            x.wrong and x.wrong_item_id in (None, x.item_id)
        ):
            odd.append(
                Offence(
                    pointer=f"/lines/{index}", code="invalid", detail="counts are not negative; wrong goods have a SKU"
                )
            )
        if x.order_line_id is None:
            continue
        order: PurchaseOrder = lines[x.order_line_id].order
        told = {"purchase_order": order.number}
        if order.status not in RECEIVABLE:
            detail = f"{order.number} is {order.get_status_display().lower()}"
            closed.append(Offence(pointer=f"/lines/{index}", code="order_not_open", detail=detail, extra=told))
        if order.ship_to_id != receipt.location_id:
            detail = f"{order.number} goes to {order.ship_to.name}"
            elsewhere.append(Offence(pointer=f"/lines/{index}", code="other_place", detail=detail, extra=told))
        if order.supplier_id != supplier_id:
            detail = f"{order.number} is an order to {order.supplier.name}"
            foreign.append(Offence(pointer=f"/lines/{index}", code="other_supplier", detail=detail, extra=told))
    for refusal, errors in ((Invalid, odd), (OrderNotOpen, closed), (OtherPlace, elsewhere), (OtherSupplier, foreign)):
        if errors:
            raise refusal(errors=errors)


def _split(receipt: Receipt, counted: Sequence[Counted], lines: dict[int, PurchaseOrderLine]) -> list[ReceiptLine]:
    """Answer the receipt's lines, still without money, and let the order lines count what came."""
    limits = over_limits(list(lines.values()))
    rows: list[ReceiptLine] = []
    for x in counted:
        row = ReceiptLine(
            receipt=receipt,
            line=len(rows) + 1,
            item_id=x.item_id,
            accepted=x.accepted,
            damaged=x.damaged,
            wrong=x.wrong,
            refused=x.refused,
            over=x.over,
            announced=x.announced,
            note=x.note,
        )
        rows.append(row)
        if x.order_line_id is not None:
            line = row.order_line = lines[x.order_line_id]
            ordered = line.quantity - line.cancelled + line.replacement_due
            above = max(0, line.received + line.rejected - ordered)
            room = open_units(line) + max(0, limits[line.pk] - above)
            row.accepted = min(x.accepted, room)
            row.over += x.accepted - row.accepted
            line.received += row.accepted
            line.rejected += x.damaged + x.wrong + x.refused
        if x.wrong and x.wrong_item_id is not None:
            rows.append(
                ReceiptLine(
                    receipt=receipt,
                    line=len(rows) + 1,
                    item_id=x.wrong_item_id,
                    over=x.wrong,
                    instead_of=row,
                    note=x.note,
                )
            )
    return rows


def _post(
    receipt: Receipt,
    rows: list[ReceiptLine],
    lines: dict[int, PurchaseOrderLine],
    of_order: dict[int, list[PurchaseOrderLine]],
    actor: str,
    at: datetime,
    on: date,
) -> None:
    # Goods that are not ours are billed by nobody.
    prepaid = settle_billed(rows) if receipt.location.owned else {}
    worth = worth_of(receipt, rows, prepaid, on=on)
    stock = [line for row in rows for line in _stock_lines(row, worth[row.line])]
    if stock:
        received = receive_stock(
            location=receipt.location,
            lines=stock,
            document=receipt.reference,
            actor=actor,
            occurred_at=at,
            self_posted=True,
        )
        book_receipt(receipt, rows, worth, prepaid, received.values, on=on, actor=actor)
    insert_rows(rows)
    if stock:
        accrue_landed(receipt, rows, on=on, actor=actor)
        _note_served(receipt, received.served, actor)
    credit_special_orders(rows, actor=actor, at=at)
    write_fields(lines.values(), ["received", "rejected"])
    orders = [listed[0].order for listed in of_order.values()]
    for order, listed in zip(orders, of_order.values(), strict=True):
        order.status = standing_of(order, listed)
        tell_expected(order, [line for line in listed if line.pk in lines])
        note_event(
            order.reference, "received", f"{receipt.number} came in", actor=actor, data={"receipt": receipt.number}
        )
    write_fields(orders, ["status"])
    note_event(receipt.reference, "posted", f"{sum(x.quantity for x in stock)} units came in", actor=actor)


def _note_served(receipt: Receipt, served: dict[str, int], actor: str) -> None:
    if served:
        note_event(
            receipt.reference,
            "served",
            f"{sum(served.values())} units are kept for {len(served)} waiting",
            actor=actor,
            data={"served": served},
        )


def _stock_lines(row: ReceiptLine, worth: Worth) -> list[StockLine]:
    """Answer what the ledger gets of a line: its units by bucket, the money shared by units."""
    parts = [
        (Bucket.SELLABLE, row.accepted),
        (Bucket.DAMAGED, row.damaged),
        (Bucket.ON_HOLD, row.over),
    ]
    values = worth.shared([units for _, units in parts])
    supply = f"{row.order_line.order.reference}#{row.order_line.line}" if row.order_line else ""
    return [
        StockLine(
            item_id=row.item_id,
            quantity=units,
            value=value,
            bucket=bucket,
            line=row.line,
            supply=supply if bucket == Bucket.SELLABLE else "",
        )
        for (bucket, units), value in zip(parts, values, strict=True)
        if units
    ]
