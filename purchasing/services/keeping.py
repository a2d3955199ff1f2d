"""Goods on which the buyer decides after they came: surplus that is kept, paid for or free, and damage that is ours."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from decimal import Decimal

from django.utils import timezone

from inventory.models import Bucket, Location, Reason
from inventory.services.ledger import Place, lock_levels
from inventory.services.moving import MoveLine, move_stock
from inventory.services.revaluing import Correction, correct_receipts
from purchasing.events import DeliveryReceived, PurchaseOrderChanged
from purchasing.models import (
    OPEN,
    Claim,
    OrderStatus,
    PurchaseOrder,
    PurchaseOrderLine,
    Receipt,
    ReceiptLine,
    ReceiptStatus,
)
from purchasing.services.approving import Demand, approval_needed, approval_of, categories_of, ensure_may_approve
from purchasing.services.claiming import claimed_amount
from purchasing.services.drafting import OrderedLine, build_lines, home_value
from purchasing.services.exceptions import look_at_exceptions
from purchasing.services.revising import keep_revision
from purchasing.services.standing import WrongState, lock_purchase_orders, net_total, note_event, standing_of
from purchasing.services.unbilled import WentBefore, on_hold_of, unbilled_share, units_in, went_before
from retailhub.accounting.services.posting import EntryLine, NewEntry, post_entries
from retailhub.core.errors import DomainError, NotFound, Offence
from retailhub.core.money import round_cost
from retailhub.core.transactions import retried
from retailhub.outbox.services.publishing import publish


class NotThatMany(DomainError):
    """There are fewer units to decide about."""

    code = "not_that_many"


class NeedsApprover(DomainError):
    """Keeping these takes the order above what was approved: somebody who approves orders keeps them."""

    code = "needs_another_approver"


class NoOrder(DomainError):
    """No open order stands behind these goods: return them, or order them first."""

    code = "no_order"


@retried()
def keep_surplus(
    *,
    receipt_line_id: int,
    quantity: int,
    actor: str,
    roles: Collection[str] = (),
    may_approve: bool = False,
    reason: str = "",
    at: datetime | None = None,
) -> ReceiptLine:
    """Have surplus units ordered after the fact, at the price they were received for, and for sale.

    The order line they came with grows by them; other goods get a line of their own on the same order. The order has
    one more revision, which goes to the supplier. Where that takes it above what was approved, and above what its buyer
    may approve himself, only somebody who `may_approve`, did not write it and holds the `roles` that its bands ask for
    can keep them, and approves it by that. Raises NeedsApprover, NeedsAnother, NeedsRole, NotThatMany and NoOrder; then
    nothing happens.
    """
    row, order, before = _lock(receipt_line_id)
    _ensure_on_hold(row, quantity, before)
    if order is None or order.status not in OPEN | {OrderStatus.RECEIVED}:
        raise NoOrder
    at = at or timezone.now()
    demand_before = approval_of(order)
    lines = list(order.lines.select_related("item").order_by("line"))
    if row.order_line_id is not None:
        line = next(x for x in lines if x.pk == row.order_line_id)
        change = [f"/lines/{line.line - 1}/quantity", line.quantity, line.quantity + quantity]
        line.quantity += quantity
        line.received += quantity
    else:
        line = _new_line(row, order, quantity, number=lines[-1].line + 1, at=at)
        lines.append(line)
        change = [f"/lines/{line.line - 1}", None, {"sku": line.item.sku, "quantity": quantity}]
    order.net_total = net_total(lines, list(order.charges.all()), order.currency)
    _approve(order, lines, demand_before, actor=actor, roles=roles, may_approve=may_approve, at=at)
    line.save()
    row.order_line = line
    _revise(order, lines, change, reason or "Surplus is kept", actor, at)
    row.over -= quantity
    row.accepted += quantity
    row.save(update_fields=["over", "accepted", "order_line"])
    _move(row, quantity, Bucket.ON_HOLD, actor)
    note_event(row.receipt.reference, "kept", f"{quantity} surplus units are kept", actor=actor)
    look_at_exceptions(row.receipt, list(row.receipt.lines.all()), by=actor)
    publish(
        PurchaseOrderChanged(order_id=order.pk),
        DeliveryReceived(receipt_id=row.receipt_id),
    )
    return row


@retried()
def keep_free(*, receipt_line_id: int, quantity: int, actor: str, at: datetime | None = None) -> ReceiptLine:
    """Have surplus units for sale that the supplier gives away: worth nothing, and nobody will bill them.

    What they stood for comes off goods received, and off stock or, where others of them were sold, cost of sales.
    """
    row, _order, before = _lock(receipt_line_id)
    _ensure_on_hold(row, quantity, before)
    at = at or timezone.now()
    share = unbilled_share(row, quantity, before)
    reference = f"{row.receipt.reference}#{row.line}"
    row.over -= quantity
    row.free += quantity
    row.reduced += share
    row.save(update_fields=["over", "free", "reduced"])
    # The level that the goods are moved in comes before the cost pool that is corrected.
    lock_levels([Place(row.item_id, row.receipt.location_id)])
    if share:
        (corrected,) = correct_receipts(
            corrections=[
                Correction(
                    document=row.receipt.reference,
                    line=row.line,
                    quantity=quantity,
                    value_change=-share,
                    reference=reference,
                )
            ],
            document=row.receipt.reference,
            reason="invoice_price",
            actor=actor,
            note="free goods",
        )
        _book_free(row, share, corrected.to_stock, corrected.to_sold, at, actor)
    _move(row, quantity, Bucket.ON_HOLD, actor)
    note_event(row.receipt.reference, "kept_free", f"{quantity} surplus units are kept as free goods", actor=actor)
    look_at_exceptions(row.receipt, list(row.receipt.lines.all()), by=actor)
    publish(DeliveryReceived(receipt_id=row.receipt_id))
    return row


@retried()
def accept_damaged(
    *, receipt_line_id: int, quantity: int, actor: str, for_sale: bool = False, at: datetime | None = None
) -> ReceiptLine:
    """Take damaged units after all: they count as received, may be billed, and are claimed no longer.

    They stay in the damaged bucket unless they are `for_sale`.
    """
    row, order, before = _lock(receipt_line_id)
    left = row.damaged - before.by_bucket.get(Bucket.DAMAGED, 0)
    if not 0 < quantity <= left:
        raise _not_that_many(row, left, "damaged")
    row.damaged -= quantity
    row.accepted += quantity
    row.save(update_fields=["damaged", "accepted"])
    if order is not None and row.order_line_id is not None:
        lines = list(order.lines.order_by("line"))
        line = next(x for x in lines if x.pk == row.order_line_id)
        line.rejected -= quantity
        line.received += quantity
        line.save(update_fields=["rejected", "received"])
    _lower_claim(row, quantity, at or timezone.now())
    if for_sale:
        _move(row, quantity, Bucket.DAMAGED, actor)
    note_event(row.receipt.reference, "damage_accepted", f"{quantity} damaged units are accepted", actor=actor)
    look_at_exceptions(row.receipt, list(row.receipt.lines.all()), by=actor)
    publish(
        DeliveryReceived(receipt_id=row.receipt_id),
        *([PurchaseOrderChanged(order_id=order.pk)] if order is not None else []),
    )
    return row


def _lock(receipt_line_id: int) -> tuple[ReceiptLine, PurchaseOrder | None, WentBefore]:
    """Hold the order behind the line, then its receipt, and answer the line as it is now and what went back of it."""
    row = ReceiptLine.objects.select_related("order_line", "instead_of__order_line").filter(pk=receipt_line_id).first()
    if row is None:
        raise NotFound
    source = row.order_line or (row.instead_of.order_line if row.instead_of else None)
    order_id = source.order_id if source else row.receipt.orders.order_by("pk").values_list("pk", flat=True).first()
    order = lock_purchase_orders([order_id])[order_id] if order_id else None
    receipt = (
        Receipt.objects.select_related("location", "supplier")
        .select_for_update(of=("self",), no_key=True)
        .get(pk=row.receipt_id)
    )
    if receipt.status != ReceiptStatus.POSTED:
        raise WrongState(f"{receipt.number} is {receipt.get_status_display().lower()}.", status=receipt.status)
    # Read again: whoever waited here sees what the first one decided.
    row = ReceiptLine.objects.select_related("item", "order_line__order").get(pk=receipt_line_id)
    row.receipt = receipt
    return row, order, went_before([row.pk]).get(row.pk, WentBefore())


def _ensure_on_hold(row: ReceiptLine, quantity: int, before: WentBefore) -> None:
    left = on_hold_of(row, before)
    if not 0 < quantity <= left:
        raise _not_that_many(row, left, "on hold")


def _not_that_many(row: ReceiptLine, left: int, how: str) -> NotThatMany:
    detail = f"{left} units of line {row.line} of {row.receipt.number} are {how}"
    return NotThatMany(
        errors=[
            Offence(pointer="/quantity", code="not_that_many", detail=detail, extra={"line": row.line, "left": left})
        ]
    )


def _new_line(row: ReceiptLine, order: PurchaseOrder, quantity: int, *, number: int, at: datetime) -> PurchaseOrderLine:
    came = units_in(row)
    (line,) = build_lines(
        order,
        [
            OrderedLine(
                sku=row.item.sku,
                quantity=quantity,
                unit_cost=round_cost(row.amount / came / row.rate) if came else Decimal(0),
                expected_on=timezone.localdate(at),
            )
        ],
        on=timezone.localdate(at),
        first=number,
    )
    line.received = quantity
    return line


def _approve(
    order: PurchaseOrder,
    lines: list[PurchaseOrderLine],
    before: Demand,
    *,
    actor: str,
    roles: Collection[str],
    may_approve: bool,
    at: datetime,
) -> None:
    """Hold the order as it would be against its approval, as a change of it is held."""
    value = home_value(order)
    demand = approval_needed(value=value, buyer=order.created_by, category_ids=categories_of(lines))
    if not demand.is_free and (value > order.approved_total or demand.roles - before.roles):
        if not may_approve:
            raise NeedsApprover
        ensure_may_approve(demand, authors=(order.created_by,), actor=actor, roles=roles)
        order.approved_by, order.approved_at = actor, at
        note_event(order.reference, "approved", f"{value:.2f} with the surplus that is kept", actor=actor)
    order.approved_total = max(order.approved_total, value)
    order.save(update_fields=["approved_by", "approved_at", "approved_total"])


def _revise(
    order: PurchaseOrder, lines: list[PurchaseOrderLine], change: list[object], reason: str, actor: str, at: datetime
) -> None:
    order.status = standing_of(order, lines)
    keep_revision(order, lines, [change], reason=reason, actor=actor, at=at)
    order.save(update_fields=["revision", "net_total", "status"])
    note_event(order.reference, "amended", reason, actor=actor, data={"revision": order.revision})


def _move(row: ReceiptLine, quantity: int, bucket: str, actor: str) -> None:
    move_stock(
        location=row.receipt.location,
        reason=Reason.RELEASED,
        lines=[MoveLine(sku=row.item.sku, quantity=quantity, from_bucket=bucket, to_bucket=Bucket.SELLABLE)],
        actor=actor,
        note=row.receipt.number,
    )


def _book_free(row: ReceiptLine, share: Decimal, to_stock: Decimal, to_sold: Decimal, at: datetime, actor: str) -> None:
    receipt = row.receipt
    reference = f"{receipt.reference}#{row.line}"
    account = "in_transit" if receipt.location.kind == Location.Kind.TRANSIT else "inventory"
    party = receipt.supplier.party if receipt.supplier else ""
    post_entries(
        entries=[
            NewEntry(
                key=f"{reference}:free:{row.free}",
                kind="free_goods",
                document=receipt.reference,
                date=timezone.localdate(at),
                text=f"Free goods of receipt {receipt.number}",
                lines=[
                    EntryLine(account="grni", amount=share, party=party, reference=reference),
                    EntryLine(account=account, amount=to_stock, location=receipt.location.code, reference=reference),
                    EntryLine(account="cogs", amount=to_sold, location=receipt.location.code, reference=reference),
                ],
                or_first_open=True,
            )
        ],
        actor=actor,
    )


def _lower_claim(row: ReceiptLine, quantity: int, at: datetime) -> None:
    claim = (
        Claim.objects.select_for_update(no_key=True)
        .filter(receipt_line=row, kind=Claim.Kind.DAMAGED, state=Claim.State.OPEN)
        .first()
    )
    if claim is None:
        return
    left = claim.quantity - quantity
    if left <= 0:
        claim.state, claim.settled_at = Claim.State.WITHDRAWN, at
    else:
        claim.quantity = left
        claim.amount, claim.currency = claimed_amount(row, left)
    claim.save(update_fields=["state", "settled_at", "quantity", "amount"])
