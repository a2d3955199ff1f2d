"""Goods that go back to a supplier: out of stock, off what we owe or into what he owes us."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.utils import timezone

from inventory.models import Bucket, Location
from inventory.services.costing import cents
from inventory.services.returning import ReturnLine, WentBack, return_to_supplier
from purchasing.events import GoodsReturned, PurchaseOrderChanged
from purchasing.models import (
    Claim,
    PurchaseOrder,
    PurchaseOrderLine,
    Receipt,
    ReceiptLine,
    ReceiptStatus,
    SupplierReturn,
    SupplierReturnLine,
)
from purchasing.services.claiming import claimed_amount, expect_replacement, write_claims
from purchasing.services.exceptions import look_at_exceptions
from purchasing.services.standing import lock_purchase_orders, next_number, note_event
from purchasing.services.telling import tell_of_return
from purchasing.services.unbilled import WentBefore, here_of, unbilled_share, unbilled_units, went_before
from purchasing.transports.registry import way_to
from retailhub.accounting.services.posting import EntryLine, NewEntry, post_entries
from retailhub.core.errors import DomainError, Invalid, NotFound, Offence
from retailhub.core.money import round_total
from retailhub.core.sql import insert_rows, write_fields
from retailhub.core.transactions import retried
from retailhub.outbox.services.publishing import publish


class ExceedsReceived(DomainError):
    """More is to go back than came and did not go back yet."""

    code = "exceeds_received"


class NotReturnable(DomainError):
    """These receipts cannot be returned together, or not from here."""

    code = "not_returnable"


@dataclass(frozen=True, slots=True, kw_only=True)
class GoingBack:
    """Units of a receipt line that go back, from the bucket in which they stand."""

    receipt_line_id: int
    quantity: int
    bucket: str = Bucket.SELLABLE


@retried()
def return_goods(
    *,
    lines: Sequence[GoingBack],
    reason: str,
    actor: str,
    carrier: str = "",
    tracking_number: str = "",
    wants_replacement: bool = False,
    tell_supplier: bool = False,
    at: datetime | None = None,
) -> SupplierReturn:
    """Let goods of posted receipts go back to their supplier, all lines or none, and answer the paper.

    They leave stock at what stock says; what was not billed comes off goods received, what was billed is owed to us,
    and a difference is a price variance. Accepted goods that go back are claimed, damaged and wrong ones have their
    claim already; with `wants_replacement` the order lines are open for as many again instead. A supplier who is to be
    told and has an address gets a letter. Raises Invalid, NotReturnable, ExceedsReceived and GoodsGone, naming every
    offending line; then nothing happens.
    """
    _refuse_odd(lines)
    at = at or timezone.now()
    rows, orders = _lock(lines)
    receipts = {row.receipt_id: row.receipt for row in rows.values()}
    first = rows[lines[0].receipt_line_id].receipt
    _refuse_mixed(lines, rows, first)
    before = went_before(rows)
    _refuse_exceeding(lines, rows, before)
    paper = SupplierReturn.objects.create(
        number=next_number("RV"),
        supplier=first.supplier,  # type: ignore[misc]  # receipts without one are refused above
        location=first.location,
        reason=reason[:200],
        carrier=carrier,
        tracking_number=tracking_number,
        wants_replacement=wants_replacement,
        actor=actor,
        returned_on=timezone.localdate(at),
        made_at=at,
    )
    back = return_to_supplier(
        location=first.location,
        lines=[
            ReturnLine(
                item_id=rows[x.receipt_line_id].item_id,
                quantity=x.quantity,
                receipt=rows[x.receipt_line_id].receipt.reference,
                receipt_line=rows[x.receipt_line_id].line,
                bucket=x.bucket,
                line=number,
            )
            for number, x in enumerate(lines, 1)
        ],
        document=paper.reference,
        actor=actor,
        occurred_at=at,
    )
    gone, accepted = _write_lines(paper, lines, rows, back, before)
    _book(paper, gone, back, on=paper.returned_on, actor=actor)
    _settle_with_supplier(paper, gone, accepted, orders, actor, at)
    for receipt in receipts.values():
        note_event(
            receipt.reference, "returned", f"{paper.number}: {reason}", actor=actor, data={"return": paper.number}
        )
        look_at_exceptions(receipt, list(receipt.lines.all()), by=actor)
    publish(
        GoodsReturned(supplier_return_id=paper.pk),
        *(PurchaseOrderChanged(order_id=order_id) for order_id in sorted(orders)),
    )
    if tell_supplier and way_to(paper.supplier)[1]:
        tell_of_return(return_id=paper.pk, actor=actor)
    return paper


def _refuse_odd(lines: Sequence[GoingBack]) -> None:
    errors = [
        Offence(pointer=f"/lines/{i}/quantity", code="invalid", detail="a positive number of units goes back")
        for i, x in enumerate(lines)
        if x.quantity <= 0
    ]
    if not lines:
        errors = [Offence(pointer="/lines", code="invalid", detail="there are no lines")]
    if errors:
        raise Invalid(errors=errors)


def _lock(lines: Sequence[GoingBack]) -> tuple[dict[int, ReceiptLine], dict[int, PurchaseOrder]]:
    wanted = sorted({x.receipt_line_id for x in lines})
    behind = ReceiptLine.objects.filter(pk__in=wanted).values_list("order_line__order", "instead_of__order_line__order")
    orders = lock_purchase_orders({pk for pair in behind for pk in pair if pk})
    held = Receipt.objects.filter(lines__in=wanted).values_list("pk", flat=True)
    receipts = {
        receipt.pk: receipt
        for receipt in Receipt.objects.filter(pk__in=list(held))
        .select_related("location", "supplier")
        .order_by("pk")
        .select_for_update(of=("self",), no_key=True)
    }
    rows = {
        row.pk: row
        for row in ReceiptLine.objects.filter(pk__in=wanted).select_related(
            "order_line__order", "instead_of__order_line__order"
        )
    }
    if len(rows) != len(wanted):
        raise NotFound
    for row in rows.values():
        row.receipt = receipts[row.receipt_id]
    return rows, orders


def _refuse_mixed(lines: Sequence[GoingBack], rows: dict[int, ReceiptLine], first: Receipt) -> None:
    errors = []
    for index, x in enumerate(lines):
        receipt = rows[x.receipt_line_id].receipt
        said = ""
        if receipt.status != ReceiptStatus.POSTED:
            said = f"{receipt.number} is {receipt.get_status_display().lower()}"
        elif receipt.supplier_id is None:
            said = f"{receipt.number} names no supplier"
        elif receipt.supplier_id != first.supplier_id:
            said = f"{receipt.number} came from another supplier than {first.number}"
        elif receipt.location_id != first.location_id:
            said = f"{receipt.number} came in at another place than {first.number}"
        if said:
            errors.append(Offence(pointer=f"/lines/{index}", code="not_returnable", detail=said))
    if errors:
        raise NotReturnable(errors=errors)


def _refuse_exceeding(lines: Sequence[GoingBack], rows: dict[int, ReceiptLine], before: dict[int, WentBefore]) -> None:
    taken: dict[int, dict[str, int]] = {}
    errors = []
    for index, x in enumerate(lines):
        row = rows[x.receipt_line_id]
        known = before.get(row.pk, WentBefore())
        gone = taken.setdefault(row.pk, dict(known.by_bucket))
        here = here_of(row, WentBefore(by_bucket=gone))
        left = here.apart.get(x.bucket, 0) + here.accepted + here.free
        gone[x.bucket] = gone.get(x.bucket, 0) + x.quantity
        if x.quantity > left:
            errors.append(
                Offence(
                    pointer=f"/lines/{index}/quantity",
                    code="exceeds_received",
                    detail=f"{left} units of line {row.line} of {row.receipt.number} came and did not go back",
                    extra={"line": row.line, "left": left},
                )
            )
    if errors:
        raise ExceedsReceived(errors=errors)


def _write_lines(
    paper: SupplierReturn,
    lines: Sequence[GoingBack],
    rows: dict[int, ReceiptLine],
    back: Sequence[WentBack],
    before: dict[int, WentBefore],
) -> tuple[list[SupplierReturnLine], dict[int, int]]:
    """Keep what went, and answer it with the accepted units among it, by index."""
    gone: list[SupplierReturnLine] = []
    accepted: dict[int, int] = {}
    for index, (x, went) in enumerate(zip(lines, back, strict=True)):
        row = rows[x.receipt_line_id]
        known = before.setdefault(row.pk, WentBefore())
        # What is not ours to pay goes first: damaged and surplus units were counted apart, and are billed last.
        here = here_of(row, known)
        refused = min(x.quantity, here.apart.get(x.bucket, 0))
        accepted[index] = min(x.quantity - refused, here.accepted)
        unbilled = unbilled_units(row, known)
        uninvoiced = min(refused, unbilled) + min(accepted[index], max(0, unbilled - sum(here.apart.values())))
        from_open = unbilled_share(row, uninvoiced, known) if uninvoiced else Decimal(0)
        uninvoiced += x.quantity - refused - accepted[index]  # free ones
        owed = cents(went.receipt_cost * (x.quantity - uninvoiced) / x.quantity)
        if not paper.location.owned:
            from_open = owed = Decimal(0)
        gone.append(
            SupplierReturnLine(
                supplier_return=paper,
                line=index + 1,
                receipt_line=row,
                item_id=row.item_id,
                bucket=x.bucket,
                quantity=x.quantity,
                uninvoiced=uninvoiced,
                amount=from_open + owed,
                from_open=from_open,
            )
        )
        row.returned += x.quantity
        row.reduced += from_open
        known.by_bucket[x.bucket] = known.by_bucket.get(x.bucket, 0) + x.quantity
        known.uninvoiced += uninvoiced
    insert_rows(gone)
    write_fields(rows.values(), ["returned", "reduced"])
    return gone, accepted


def _book(
    paper: SupplierReturn, gone: Sequence[SupplierReturnLine], back: Sequence[WentBack], *, on: date, actor: str
) -> None:
    if not paper.location.owned:
        return
    account = "in_transit" if paper.location.kind == Location.Kind.TRANSIT else "inventory"
    party = paper.supplier.party
    lines: list[EntryLine] = []
    for row, went in zip(gone, back, strict=True):
        reference = f"{row.receipt_line.receipt.reference}#{row.receipt_line.line}"
        own = f"{paper.reference}#{row.line}"
        lines += [
            EntryLine(account="grni", amount=row.from_open, party=party, reference=reference),
            EntryLine(account="supplier_claims", amount=row.amount - row.from_open, party=party, reference=own),
            EntryLine(
                account=account, amount=-went.stock_value, location=paper.location.code, party=party, reference=own
            ),
            EntryLine(account="price_variance", amount=went.stock_value - row.amount, party=party, reference=own),
        ]
    post_entries(
        entries=[
            NewEntry(
                key=paper.reference,
                kind="supplier_return",
                document=paper.reference,
                date=on,
                text=f"Return {paper.number} to {paper.supplier.name}",
                lines=lines,
                or_first_open=True,
            )
        ],
        actor=actor,
    )


def _settle_with_supplier(
    paper: SupplierReturn,
    gone: Sequence[SupplierReturnLine],
    accepted: dict[int, int],
    orders: dict[int, PurchaseOrder],
    actor: str,
    at: datetime,
) -> None:
    """Claim accepted units that went back, or expect others in their place; claims on damaged ones are replaced too."""
    ours: dict[int, int] = {}
    due: dict[int, int] = {}
    claims: list[Claim] = []
    for index, row in enumerate(gone):
        source = row.receipt_line if row.receipt_line.order_line_id else row.receipt_line.instead_of
        order_line = source.order_line if source else None
        if order_line and row.receipt_line.order_line_id:
            ours[order_line.pk] = ours.get(order_line.pk, 0) + accepted[index]
        if paper.wants_replacement and order_line:
            # Surplus of the very item was never wanted.
            surplus = row.bucket == Bucket.ON_HOLD and row.receipt_line.instead_of_id is None
            wanted = accepted[index] if surplus else row.quantity
            due[order_line.pk] = due.get(order_line.pk, 0) + wanted
            if row.receipt_line.order_line_id:
                row.to_replace = min(wanted, row.quantity - row.uninvoiced)
        elif accepted[index]:
            amount, currency = claimed_amount(row.receipt_line, accepted[index])
            claims.append(
                Claim(
                    supplier_id=paper.supplier_id,
                    kind=Claim.Kind.RETURNED,
                    receipt_line=row.receipt_line,
                    order_line=row.receipt_line.order_line,
                    quantity=accepted[index],
                    amount=amount,
                    currency=currency,
                    note=paper.number,
                    created_by=actor,
                )
            )
    write_claims(claims)
    write_fields([row for row in gone if row.to_replace], ["to_replace"])
    changed = list(PurchaseOrderLine.objects.filter(pk__in=ours))
    for line in changed:
        line.returned += ours[line.pk]
    write_fields(changed, ["returned"])
    if not due:
        return
    _replace_claims(gone, at)
    of_order: dict[int, dict[int, int]] = {}
    for pk, order_id in PurchaseOrderLine.objects.filter(pk__in=due).values_list("pk", "order"):
        of_order.setdefault(order_id, {})[pk] = due[pk]
    for order_id, units in of_order.items():
        expect_replacement(orders[order_id], units)
        note_event(orders[order_id].reference, "replacement", f"{paper.number}: goods are to come again", actor=actor)


def _replace_claims(gone: Sequence[SupplierReturnLine], at: datetime) -> None:
    """Let claims on what went back shrink by it: goods come instead of money."""
    units: dict[int, int] = {}
    for row in gone:
        pk = row.receipt_line.instead_of_id or row.receipt_line_id
        units[pk] = units.get(pk, 0) + row.quantity
    open_claims = list(
        Claim.objects.filter(
            receipt_line__in=units, state=Claim.State.OPEN, kind__in=[Claim.Kind.DAMAGED, Claim.Kind.WRONG]
        )
    )
    for claim in open_claims:
        left = claim.quantity - units[claim.receipt_line_id or 0]
        if left <= 0:
            claim.state, claim.settled_at = Claim.State.REPLACED, at
        else:
            claim.amount = round_total(claim.amount * left / claim.quantity, claim.currency)
            claim.quantity = left
    write_fields(open_claims, ["state", "settled_at", "quantity", "amount"])
