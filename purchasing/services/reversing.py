"""Receipts that are undone: as if the delivery had never been booked, in stock, journal and orders."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

from django.utils import timezone

from inventory.models import Location
from inventory.services import returning
from inventory.services.ledger import Place, lock_levels
from inventory.services.returning import WentBack
from purchasing.events import DeliveryReceived, PurchaseOrderChanged
from purchasing.models import (
    OPEN,
    Claim,
    MatchAllocation,
    OrderStatus,
    PurchaseOrder,
    PurchaseOrderLine,
    Receipt,
    ReceiptLine,
    ReceiptStatus,
    SpecialOrder,
)
from purchasing.services.exceptions import settle_exceptions
from purchasing.services.expecting import tell_expected
from purchasing.services.landing import take_back_landed
from purchasing.services.special_orders import take_back
from purchasing.services.standing import WrongState, lock_purchase_orders, note_event, standing_of
from retailhub.accounting.services.posting import EntryLine, NewEntry, post_entries
from retailhub.core.errors import DomainError, NotFound, Offence
from retailhub.core.sql import write_fields
from retailhub.core.transactions import retried
from retailhub.outbox.services.publishing import publish


class ReceiptInvoiced(DomainError):
    """Goods of this receipt were billed: return them to the supplier instead."""

    code = "receipt_invoiced"


class ReceiptTouched(DomainError):
    """Something was decided about goods of this receipt that cannot be undone with it."""

    code = "receipt_touched"


@retried()
def reverse_receipt(*, receipt_id: int, reason: str, actor: str, at: datetime | None = None) -> Receipt:
    """Have the delivery undone: goods out of stock, goods received off the books, order lines open again.

    Only while nobody billed it and the goods lie free where they came in. Raises ReceiptInvoiced naming the invoices,
    ReceiptTouched naming returns, settled claims and free goods, GoodsGone naming who holds the goods, and WrongState;
    then nothing happens. Open claims are withdrawn. Reversing twice changes nothing.
    """
    at = at or timezone.now()
    orders = lock_purchase_orders(
        ReceiptLine.objects.filter(receipt=receipt_id, order_line__isnull=False).values_list(
            "order_line__order", flat=True
        )
    )
    receipt = (
        Receipt.objects.select_related("location", "supplier")
        .select_for_update(of=("self",), no_key=True)
        .filter(pk=receipt_id)
        .first()
    )
    if receipt is None:
        raise NotFound
    if receipt.status == ReceiptStatus.REVERSED:
        return receipt
    if receipt.status != ReceiptStatus.POSTED:
        raise WrongState(f"{receipt.number} is {receipt.get_status_display().lower()}.", status=receipt.status)
    rows = list(receipt.lines.select_related("order_line", "item").order_by("line"))
    _refuse_invoiced(receipt, rows)
    _refuse_touched(rows, orders)
    came = [row for row in rows if row.accepted or row.damaged or row.over or row.free]
    if came:
        # Levels come before the cost pools that the landed costs change.
        lock_levels(Place(row.item_id, receipt.location_id) for row in came)
        take_back_landed(receipt, came, on=timezone.localdate(at), actor=actor)
        back = returning.reverse_receipt(document=receipt.reference, actor=actor, occurred_at=at)
        _book_reversal(receipt, rows, back, on=timezone.localdate(at), actor=actor)
    receipt.status, receipt.reversed_by, receipt.reversed_at = ReceiptStatus.REVERSED, actor, at
    receipt.reverse_reason = reason[:200]
    receipt.save(update_fields=["status", "reversed_by", "reversed_at", "reverse_reason"])
    _open_again(receipt, rows, orders, actor)
    Claim.objects.filter(receipt_line__receipt=receipt, state=Claim.State.OPEN).update(
        state=Claim.State.WITHDRAWN, settled_at=at
    )
    settle_exceptions(receipt, by=actor)
    note_event(receipt.reference, "reversed", reason, actor=actor)
    publish(
        DeliveryReceived(receipt_id=receipt.pk),
        *(PurchaseOrderChanged(order_id=order_id) for order_id in sorted(orders)),
    )
    return receipt


def _refuse_invoiced(receipt: Receipt, rows: Sequence[ReceiptLine]) -> None:
    if not any(row.invoiced or row.cleared for row in rows):
        return
    numbers: dict[int, set[str]] = {}
    for line, number in MatchAllocation.objects.filter(receipt_line__receipt=receipt, is_posted=True).values_list(
        "receipt_line__line", "invoice_line__invoice__number"
    ):
        numbers.setdefault(line, set()).add(number)
    errors = []
    for row in rows:
        if row.invoiced or row.cleared:
            invoices = sorted(numbers.get(row.line, ()))
            said = f"{row.invoiced} units of line {row.line} are on {', '.join(invoices) or 'an invoice'}"
            errors.append(
                Offence(
                    pointer=f"/lines/{row.line - 1}",
                    code="receipt_invoiced",
                    detail=said,
                    extra={"line": row.line, "invoices": invoices},
                )
            )
    raise ReceiptInvoiced(errors=errors)


def _refuse_touched(rows: Sequence[ReceiptLine], orders: dict[int, PurchaseOrder]) -> None:
    claimed = dict(
        Claim.objects.filter(
            receipt_line__in=rows, state__in=[Claim.State.CREDITED, Claim.State.REPLACED]
        ).values_list("receipt_line", "number")
    )  # fmt: skip
    errors = []
    for row in rows:
        said = ""
        if row.returned:
            said = f"{row.returned} units of line {row.line} went back to the supplier"
        elif row.free:
            said = f"{row.free} units of line {row.line} were kept as free goods"
        elif row.pk in claimed:
            said = f"{claimed[row.pk]} about line {row.line} is settled"
        elif row.order_line and orders[row.order_line.order_id].status == OrderStatus.CLOSED:
            said = f"{orders[row.order_line.order_id].number} is closed"
        if said:
            errors.append(
                Offence(pointer=f"/lines/{row.line - 1}", code="receipt_touched", detail=said, extra={"line": row.line})
            )
    if errors:
        raise ReceiptTouched(errors=errors)


def _book_reversal(
    receipt: Receipt, rows: Sequence[ReceiptLine], back: Sequence[WentBack], *, on: date, actor: str
) -> None:
    """Take the goods off stock and off goods received; what they cost more or less by now is a price variance."""
    account = "in_transit" if receipt.location.kind == Location.Kind.TRANSIT else "inventory"
    party = receipt.supplier.party if receipt.supplier else ""
    lost: dict[int, Decimal] = {}
    for part in back:
        lost[part.line] = lost.get(part.line, Decimal(0)) + part.stock_value
    lines: list[EntryLine] = []
    for row in rows:
        if not receipt.location.owned:
            continue
        reference = f"{receipt.reference}#{row.line}"
        standing, stock = row.amount - row.reduced, lost.get(row.line, Decimal(0))
        row.reduced = row.amount
        lines += [
            EntryLine(account="grni", amount=standing, party=party, reference=reference),
            EntryLine(account=account, amount=-stock, location=receipt.location.code, party=party, reference=reference),
            EntryLine(account="price_variance", amount=stock - standing, party=party, reference=reference),
        ]
    write_fields(rows, ["reduced"])
    post_entries(
        entries=[
            NewEntry(
                key=f"{receipt.reference}:reversed",
                kind="receipt_reversed",
                document=receipt.reference,
                date=on,
                text=f"Receipt {receipt.number} reversed",
                lines=lines,
                or_first_open=True,
            )
        ],
        actor=actor,
    )


def _open_again(receipt: Receipt, rows: Sequence[ReceiptLine], orders: dict[int, PurchaseOrder], actor: str) -> None:
    """Let order lines, customers' orders and expected supply forget what came."""
    of_order: dict[int, list[PurchaseOrderLine]] = {}
    by_id: dict[int, PurchaseOrderLine] = {}
    for line in PurchaseOrderLine.objects.filter(order__in=orders).order_by("order", "line"):
        of_order.setdefault(line.order_id, []).append(line)
        by_id[line.pk] = line
    touched: dict[int, PurchaseOrderLine] = {}
    taken: dict[int, int] = {}
    for row in rows:
        if row.order_line_id is None:
            continue
        line = touched[row.order_line_id] = by_id[row.order_line_id]
        line.received -= row.accepted
        line.rejected -= row.damaged + row.wrong + row.refused
        taken[line.pk] = taken.get(line.pk, 0) + row.accepted
        if orders[line.order_id].status == OrderStatus.CLOSED_SHORT:
            # Nothing more is to come of it, and that includes what turns out not to have come.
            line.cancelled = min(line.quantity, line.cancelled + row.accepted + row.damaged + row.wrong + row.refused)
    write_fields(touched.values(), ["received", "rejected", "cancelled"])
    for pk, order in orders.items():
        if order.status in OPEN | {OrderStatus.RECEIVED}:
            order.status = standing_of(order, of_order[pk])
        tell_expected(order, [line for line in of_order[pk] if line.pk in touched])
        note_event(
            order.reference, "reversed", f"{receipt.number} was reversed", actor=actor, data={"receipt": receipt.number}
        )
    write_fields(orders.values(), ["status"])
    if SpecialOrder.objects.filter(order_line__in=taken).exists():
        take_back(taken)
