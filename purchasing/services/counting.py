"""Deliveries while they are counted: scans that count once, corrections, photos, and the end of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Sum
from django.utils import timezone

from inventory.models import Item, Location
from purchasing.models import (
    RECEIPT_MOVES,
    PurchaseOrder,
    PurchaseOrderLine,
    Receipt,
    ReceiptScan,
    ReceiptStatus,
    Supplier,
)
from purchasing.services.closing import close_short
from purchasing.services.exceptions import PARKED, park, settle_exceptions
from purchasing.services.reading_codes import Code, read_code
from purchasing.services.receiving import RECEIVABLE, Counted, OrderNotOpen, OtherPlace, OtherSupplier, post_receipt
from purchasing.services.standing import WrongState, lock_purchase_orders, next_number, note_event, open_units
from retailhub.core.errors import DomainError, Invalid, NotFound, Offence
from retailhub.core.quantities import MOST
from retailhub.core.services.attending import settle_attention
from retailhub.core.text import storable
from retailhub.core.transactions import OutOfTurn, retried

Condition = ReceiptScan.Condition


class NotOnOrder(DomainError):
    """The goods are on none of the orders that are counted; `offers` names open orders that want them."""

    code = "not_on_order"


class BelowNothing(DomainError):
    """Fewer than none cannot be counted."""

    code = "below_nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanned:
    """What a scan counted: the item, base units, the order line, and what the code said besides."""

    item: Item
    quantity: int
    order_line_id: int | None
    note: str = ""
    again: bool = False
    scans: Sequence[ReceiptScan] = field(default_factory=tuple)


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
def scan_goods(
    *,
    receipt_id: int,
    code: str,
    key: str,
    actor: str,
    condition: str = Condition.GOOD,
    times: int = 1,
    as_surplus: bool = False,
    instead_of: int | None = None,
) -> Scanned:
    """Have what a code names counted: one base unit, or what the pack holds that bears it, `times` over.

    The line that is due first gets it; what it has no room for goes to the next one, what no line has room for stays on
    the last. The same `key` counts once, however often it comes. Goods on no order of the receipt are refused with
    NotOnOrder, which names the supplier's open orders that want them, unless they are taken `as_surplus` or as wrong
    goods `instead_of` an order line. Raises UnknownCode and WrongState; then nothing is counted.
    """
    receipt = lock_draft(receipt_id)
    _refuse_key(key)
    known = list(receipt.scans.filter(key__in=[key, f"{key}/2"]).select_related("item").order_by("pk"))
    if known:
        return _told(known, note=known[0].note, again=True)
    found = read_code(code, supplier_id=receipt.supplier_id)
    units = found.units * times
    if not 0 < units <= MOST:
        raise Invalid(errors=[Offence(pointer="/times", code="invalid", detail="that is no number of units")])
    scans = [
        ReceiptScan(
            receipt=receipt,
            key=key if number == 1 else f"{key}/{number}",
            code=storable(code)[:120],
            item=found.item,
            order_line_id=line_id,
            quantity=share,
            condition=Condition.SURPLUS if as_surplus and condition == Condition.GOOD else condition,
            note=found.note[:200],
            actor=actor,
        )
        for number, (line_id, share) in enumerate(_places(receipt, found, units, condition, as_surplus, instead_of), 1)
    ]
    ReceiptScan.objects.bulk_create(scans)
    return _told(scans, note=found.note)


@retried()
def undo_scan(*, receipt_id: int, key: str, actor: str) -> Receipt:
    """Let one scan count no more. Undoing twice changes nothing; a scan that never came is NotFound."""
    receipt = lock_draft(receipt_id)
    scans = receipt.scans.filter(key__in=[key, *(f"{key}/{n}" for n in range(2, 50))])
    if not scans.exists():
        raise NotFound
    scans.filter(undone_at=None).update(undone_at=timezone.now())
    _refuse_negative(receipt)
    return receipt


@retried()
def set_count(
    *, receipt_id: int, item_id: int, order_line_id: int | None, counts: Mapping[str, int], key: str, actor: str
) -> Receipt:
    """Have exactly so many units counted of a line, by condition; conditions not named stay as they are.

    The difference is one more entry of the count, under `key`; the same key counts once.
    """
    receipt = lock_draft(receipt_id)
    _refuse_key(key)
    odd = [name for name, units in counts.items() if name not in Condition.values or not 0 <= units <= MOST]
    if odd:
        raise Invalid(
            errors=[Offence(pointer=f"/{name}", code="invalid", detail="that is no number of units") for name in odd]
        )
    if (
        order_line_id is not None
        and not PurchaseOrderLine.objects.filter(
            pk=order_line_id, item=item_id, order__in=receipt.orders.all()
        ).exists()
    ):
        raise NotFound
    keys = {name: f"{key}:{name}"[:64] for name in counts}
    if receipt.scans.filter(key__in=keys.values()).exists():
        return receipt
    now = {
        row["condition"]: row["units"]
        for row in receipt.scans.filter(item=item_id, order_line=order_line_id, undone_at=None)
        .values("condition")
        .annotate(units=Sum("quantity"))
        .order_by()
    }
    ReceiptScan.objects.bulk_create(
        ReceiptScan(
            receipt=receipt,
            key=keys[name],
            item_id=item_id,
            order_line_id=order_line_id,
            quantity=units - now.get(name, 0),
            condition=name,
            actor=actor,
        )
        for name, units in counts.items()
        if units != now.get(name, 0)
    )
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
    at: datetime | None = None,
) -> Receipt:
    """Post what was counted, as `post_receipt` does. `announced` says by order line what the delivery note claims.

    Order lines in `close_lines` are closed short: what did not come is not expected any more. Finishing twice changes
    nothing.
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
    of_order: dict[int, list[int]] = {}
    for order_id, line in PurchaseOrderLine.objects.filter(
        pk__in=close_lines, order__in=receipt.orders.all(), open_quantity__gt=0
    ).values_list("order", "line"):
        of_order.setdefault(order_id, []).append(line)
    for order_id in sorted(of_order):
        close_short(
            order_id=order_id, reason=f"Not delivered with {receipt.number}", actor=actor, lines=of_order[order_id]
        )
    return receipt


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


def _refuse_key(key: str) -> None:
    if not 0 < len(key) <= 50:
        raise Invalid(errors=[Offence(pointer="/key", code="invalid", detail="a scan has a key of its own")])


def _refuse_negative(receipt: Receipt) -> None:
    """A correction says what is there; the scan it corrected cannot be undone below it."""
    below = (
        receipt.scans.filter(undone_at=None)
        .values("order_line", "item", "condition")
        .annotate(units=Sum("quantity"))
        .filter(units__lt=0)
        .order_by()
    )
    if below.exists():
        raise BelowNothing


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


def _places(
    receipt: Receipt, found: Code, units: int, condition: str, as_surplus: bool, instead_of: int | None
) -> list[tuple[int | None, int]]:
    """Say for which order line the units count: (line, units), in the order in which they fill up."""
    lines = lines_of(receipt)
    if instead_of is not None:
        if condition != Condition.WRONG or not any(x.pk == instead_of and x.item_id != found.item.pk for x in lines):
            raise Invalid(
                errors=[
                    Offence(pointer="/instead_of", code="invalid", detail="wrong goods come instead of another line")
                ]
            )
        return [(instead_of, units)]
    own = [line for line in lines if line.item_id == found.item.pk]
    if not own:
        if as_surplus or not lines:
            return [(None, units)]
        raise _not_on_order(receipt, found)
    if as_surplus:
        return [(own[0].pk, units)]
    counted = dict(
        receipt.scans.filter(undone_at=None, order_line__in=own)
        .exclude(condition__in=[Condition.WRONG, Condition.SURPLUS])
        .values_list("order_line")
        .annotate(units=Sum("quantity"))
        .order_by()
    )
    shares: list[tuple[int | None, int]] = []
    left = units
    for line in own:
        room = max(0, open_units(line) - counted.get(line.pk, 0))
        share = left if line is own[-1] else min(left, room)
        if share:
            shares.append((line.pk, share))
            left -= share
    return shares


def _not_on_order(receipt: Receipt, found: Code) -> NotOnOrder:
    offers = list(
        PurchaseOrder.objects.open()
        .filter(
            supplier=receipt.supplier_id,
            ship_to=receipt.location_id,
            lines__item=found.item,
            lines__open_quantity__gt=0,
        )
        .order_by("expected_on", "pk")
        .values_list("number", flat=True)
        .distinct()[:3]
    )
    return NotOnOrder(
        f"{found.item.name} is on no order of this delivery.",
        sku=found.item.sku,
        offers=offers,
    )


def _told(scans: Sequence[ReceiptScan], *, note: str, again: bool = False) -> Scanned:
    return Scanned(
        item=scans[0].item,
        quantity=sum(scan.quantity for scan in scans),
        order_line_id=scans[0].order_line_id,
        note=note,
        again=again,
        scans=tuple(scans),
    )
