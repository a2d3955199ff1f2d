"""Deliveries while they are counted: scans that count once, corrections, photos, and the end of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from django.db.models import Sum

from inventory.models import Location
from purchasing.models import (
    RECEIPT_MOVES,
    PurchaseOrder,
    PurchaseOrderLine,
    Receipt,
    ReceiptScan,
    ReceiptStatus,
    Supplier,
)
from purchasing.services.closing import close_short, who_waits
from purchasing.services.exceptions import PARKED, park, settle_exceptions
from purchasing.services.receiving import RECEIVABLE, Counted, OrderNotOpen, OtherPlace, OtherSupplier, post_receipt
from purchasing.services.standing import WrongState, lock_purchase_orders, next_number, note_event
from purchasing.services.telling import can_be_told, tell_of_claims
from retailhub.core.errors import NotFound, Offence
from retailhub.core.services.attending import settle_attention
from retailhub.core.transactions import OutOfTurn, retried

Condition = ReceiptScan.Condition


@retried()
def start_receipt(
    *,
    location: Location,
    actor: str,
    orders: Sequence[PurchaseOrder] = (),
    supplier: Supplier | None = None,
    delivery_note: str = "",
    is_blind: bool = False,
) -> Receipt:
    """Have a delivery to count at the place: of these orders, of a supplier without any, or of nobody we know.

    Whoever starts one of the same order at the same place joins the one that is being counted. Raises OrderNotOpen,
    OtherPlace and OtherSupplier, naming every order.
    """
    held = lock_purchase_orders(order.pk for order in orders)
    _refuse_orders(held.values(), location, supplier.pk if supplier else None)
    if held:
        open_one = (
            Receipt.objects.filter(orders__in=held, location=location, status=ReceiptStatus.DRAFT)
            .order_by("pk")
            .first()
        )
        if open_one is not None:
            open_one.orders.add(*held)
            return open_one
    receipt = Receipt.objects.create(
        number=next_number("GR"),
        location=location,
        supplier=supplier or next((order.supplier for order in held.values()), None),
        delivery_note=delivery_note[:80],
        is_blind=is_blind,
        started_by=actor,
    )
    receipt.orders.add(*held)
    note_event(receipt.reference, "started", "Counting began", actor=actor)
    return receipt


@retried()
def add_order(*, receipt_id: int, order: PurchaseOrder, actor: str) -> Receipt:
    """Count one more order of the same supplier in this delivery."""
    held = lock_purchase_orders([order.pk])
    receipt = lock_draft(receipt_id)
    _refuse_orders(held.values(), receipt.location, receipt.supplier_id)
    receipt.orders.add(*held)
    if receipt.supplier_id is None:
        receipt.supplier = held[order.pk].supplier
        receipt.save(update_fields=["supplier"])
    note_event(receipt.reference, "order_added", f"{order.number} is counted too", actor=actor)
    return receipt


@retried()
def cancel_receipt(*, receipt_id: int, actor: str, reason: str = "") -> Receipt:
    """Give the count up: nothing came in. Cancelling twice changes nothing; what is posted is reversed instead."""
    receipt = _lock(receipt_id)
    if receipt.status == ReceiptStatus.CANCELLED:
        return receipt
    if ReceiptStatus.CANCELLED not in RECEIPT_MOVES.get(receipt.status, set()):
        raise WrongState(f"{receipt.number} is {receipt.get_status_display().lower()}.", status=receipt.status)
    receipt.status = ReceiptStatus.CANCELLED
    receipt.save(update_fields=["status"])
    settle_exceptions(receipt, by=actor)
    note_event(receipt.reference, "cancelled", reason or "The count was given up", actor=actor)
    return receipt


@retried()
def park_receipt(*, receipt_id: int, note: str, actor: str) -> Receipt:
    """Leave the delivery for somebody who decides, with a word why; what was counted stays."""
    receipt = lock_draft(receipt_id)
    park(receipt, note=note)
    note_event(receipt.reference, "parked", note, actor=actor)
    return receipt


@retried()
def finish_receipt(
    *,
    receipt_id: int,
    actor: str,
    announced: Mapping[int, int] | None = None,
    close_lines: Collection[int] = (),
    tell_supplier: bool = False,
    at: datetime | None = None,
) -> Receipt:
    """Post what was counted, as `post_receipt` does. `announced` says by order line what the delivery note claims.

    Order lines in `close_lines` are closed short: what did not come is not expected any more. Those that customers wait
    for stay open, and the receipt's timeline says which and for whom. What is claimed is told to a supplier who has an
    address if he is to be told. Finishing twice changes nothing.
    """
    mine = Receipt.objects.filter(pk=receipt_id, orders__isnull=False).values_list("orders", flat=True)
    held = lock_purchase_orders(mine)
    receipt = _lock(receipt_id)
    if not set(mine.all()) <= set(held):
        # An order was added meanwhile; it comes before the receipt.
        raise OutOfTurn
    if receipt.status == ReceiptStatus.POSTED:
        return receipt
    receipt = post_receipt(receipt_id=receipt_id, counted=counted_so_far(receipt, announced or {}), actor=actor, at=at)
    settle_attention(kind=PARKED, documents=[receipt.reference], by=actor)
    _close_lines(receipt, close_lines, actor)
    if tell_supplier and can_be_told(receipt):
        tell_of_claims(receipt_id=receipt.pk, actor=actor)
    return receipt


def _close_lines(receipt: Receipt, wanted: Collection[int], actor: str) -> None:
    """Close the lines of which nobody waits for anything; of the others, say who does."""
    lines = list(
        PurchaseOrderLine.objects.filter(
            pk__in=wanted, order__in=receipt.orders.all(), open_quantity__gt=0
        ).select_related("order")
    )  # fmt: skip
    waiting = who_waits(lines)
    of_order: dict[int, list[int]] = {}
    for line in lines:
        if line.pk in waiting:
            said = "; ".join(offence.detail for offence in waiting[line.pk])
            note_event(
                receipt.reference, "kept_open", f"{line.order.number} line {line.line} stays open: {said}", actor=actor
            )
        else:
            of_order.setdefault(line.order_id, []).append(line.line)
    for order_id in sorted(of_order):
        close_short(
            order_id=order_id, reason=f"Not delivered with {receipt.number}", actor=actor, lines=of_order[order_id]
        )


def counted_so_far(receipt: Receipt, announced: Mapping[int, int]) -> list[Counted]:
    """Answer the scans that count, by order line and item, as posting takes them. One query, two with wrong goods."""
    sums: dict[tuple[int | None, int], dict[str, int]] = {}
    wrong: dict[int, dict[int, int]] = {}
    for line_id, item_id, condition, units in (
        receipt.scans.filter(undone_at=None)
        .values_list("order_line", "item", "condition")
        .annotate(units=Sum("quantity"))
        .order_by("order_line__order", "order_line__line", "item")
    ):
        if condition == Condition.WRONG and line_id is not None:
            wrong.setdefault(line_id, {})[item_id] = units
        else:
            sums.setdefault((line_id, item_id), {})[condition] = units
    expected = dict(
        PurchaseOrderLine.objects.filter(pk__in={*wrong, *(announced or ())}).values_list("pk", "item")
        if wrong or announced
        else []
    )
    counted = []
    for (line_id, item_id), by in sums.items():
        counted.append(
            Counted(
                item_id=item_id,
                order_line_id=line_id,
                accepted=by.get(Condition.GOOD, 0),
                damaged=by.get(Condition.DAMAGED, 0),
                refused=by.get(Condition.REFUSED, 0),
                over=by.get(Condition.SURPLUS, 0) + by.get(Condition.WRONG, 0),
                announced=announced.get(line_id) if line_id else None,
            )
        )
    told = {line_id for line_id, _ in sums}
    for line_id, items in wrong.items():
        for item_id, units in items.items():
            if units:
                counted.append(
                    Counted(item_id=expected[line_id], order_line_id=line_id, wrong=units, wrong_item_id=item_id)
                )
    # What the delivery note names and nobody saw is claimed too.
    counted += [
        Counted(item_id=expected[line_id], order_line_id=line_id, announced=units)
        for line_id, units in announced.items()
        if line_id not in told and line_id in expected
    ]
    return counted


def lock_draft(receipt_id: int) -> Receipt:
    """Answer the receipt that is being counted, held until the transaction ends. Raises NotFound and WrongState."""
    receipt = _lock(receipt_id)
    if receipt.status != ReceiptStatus.DRAFT:
        raise WrongState(f"{receipt.number} is {receipt.get_status_display().lower()}.", status=receipt.status)
    return receipt


def lines_of(receipt: Receipt) -> list[PurchaseOrderLine]:
    """Answer the lines of the orders that are counted, those that are due first in front."""
    lines = PurchaseOrderLine.objects.filter(order__in=receipt.orders.all()).select_related("item", "order")
    return sorted(lines, key=lambda x: (str(x.confirmed_on or x.expected_on or x.order.expected_on or "9"), x.pk))


def _lock(receipt_id: int) -> Receipt:
    rows = Receipt.objects.select_related("location", "supplier").select_for_update(of=("self",), no_key=True)
    receipt = rows.filter(pk=receipt_id).first()
    if receipt is None:
        raise NotFound
    return receipt


def _refuse_orders(orders: Collection[PurchaseOrder], location: Location, supplier_id: int | None) -> None:
    supplier_id = supplier_id or next((order.supplier_id for order in orders), None)
    closed, elsewhere, foreign = [], [], []
    for index, order in enumerate(orders):
        told = {"purchase_order": order.number}
        pointer = f"/purchase_orders/{index}"
        if order.status not in RECEIVABLE:
            detail = f"{order.number} is {order.get_status_display().lower()}"
            closed.append(Offence(pointer=pointer, code="order_not_open", detail=detail, extra=told))
        if order.ship_to_id != location.pk:
            detail = f"{order.number} goes to {order.ship_to.name}"
            elsewhere.append(Offence(pointer=pointer, code="other_place", detail=detail, extra=told))
        if order.supplier_id != supplier_id:
            detail = f"{order.number} is an order to {order.supplier.name}"
            foreign.append(Offence(pointer=pointer, code="other_supplier", detail=detail, extra=told))
    for refusal, errors in ((OrderNotOpen, closed), (OtherPlace, elsewhere), (OtherSupplier, foreign)):
        if errors:
            raise refusal(errors[0].detail[0].upper() + errors[0].detail[1:] + ".", errors=errors)
