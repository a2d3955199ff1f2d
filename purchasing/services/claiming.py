"""What a supplier owes us for a delivery: opened when it is posted, settled by a credit note, goods, or given up."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from django.conf import settings
from django.utils import timezone

from purchasing.events import PurchaseOrderChanged
from purchasing.models import OPEN, Claim, OrderStatus, PurchaseOrder, PurchaseOrderLine, Receipt, ReceiptLine
from purchasing.services.exceptions import look_at_exceptions
from purchasing.services.expecting import tell_expected
from purchasing.services.replacing import expect_for_returned
from purchasing.services.standing import WrongState, lock_purchase_order, note_event, standing_of
from purchasing.services.unbilled import units_in
from retailhub.core.errors import DomainError, NotFound
from retailhub.core.money import round_total
from retailhub.core.sql import insert_rows, rows, write_fields
from retailhub.core.transactions import retried
from retailhub.outbox.services.publishing import publish


class NothingToReplace(DomainError):
    """Only goods of an order that takes deliveries can be replaced."""

    code = "nothing_to_replace"


def claim_for(receipt: Receipt, lines: Sequence[ReceiptLine], *, actor: str) -> list[Claim]:
    """Have a claim for what was announced and did not come, for damaged goods and for wrong ones, line by line.

    Without a supplier there is nobody to claim from. A fixed number of statements.
    """
    if receipt.supplier is None:
        return []
    found: list[Claim] = []
    for row in lines:
        if row.instead_of_id is not None:
            continue
        counted = row.accepted + row.damaged + row.wrong + row.refused + row.over
        for kind, units in (
            (Claim.Kind.SHORT, max(0, (row.announced or 0) - counted)),
            (Claim.Kind.DAMAGED, row.damaged),
            (Claim.Kind.WRONG, row.wrong),
        ):
            if units:
                amount, currency = claimed_amount(row, units)
                found.append(
                    Claim(
                        supplier=receipt.supplier,
                        kind=kind,
                        receipt_line=row,
                        order_line=row.order_line,
                        quantity=units,
                        amount=amount,
                        currency=currency,
                        created_by=actor,
                    )
                )
    return write_claims(found)


def write_claims(claims: Sequence[Claim]) -> list[Claim]:
    """Give the claims their numbers and keep them."""
    if not claims:
        return []
    numbers = rows("SELECT nextval('purchasing_document_number') FROM generate_series(1, %s)", [len(claims)])
    for claim, (number,) in zip(claims, numbers, strict=True):
        claim.number = f"CL-{number}"
    insert_rows(claims)
    return list(claims)


def claimed_amount(row: ReceiptLine, units: int) -> tuple[Decimal, str]:
    """Answer what so many units of the line are worth to us, net, and in which currency."""
    if row.order_line is not None:
        currency = row.order_line.order.currency
        return round_total(row.order_line.net_amount(units), currency), currency
    currency = settings.HOME_CURRENCY
    came = units_in(row)
    return (round_total(row.amount * units / came, currency) if came else Decimal(0)), currency


@retried()
def withdraw_claim(*, claim_id: int, reason: str, actor: str, at: datetime | None = None) -> Claim:
    """Give the claim up, with a reason. Withdrawing twice changes nothing; what is settled cannot be withdrawn."""
    claim = lock_claim(claim_id)
    if claim.state == Claim.State.WITHDRAWN:
        return claim
    ensure_open(claim)
    _settle(claim, Claim.State.WITHDRAWN, at)
    note_event(_about(claim), "claim_withdrawn", f"{claim.number}: {reason}", actor=actor)
    _look_again(claim, actor)
    return claim


@retried()
def promise_replacement(*, claim_id: int, actor: str, at: datetime | None = None) -> Claim:
    """Expect goods in place of what is claimed: the order line is open for them again and the claim is settled.

    Promising twice changes nothing. Raises NothingToReplace where no open order stands behind the claim; short goods
    are open anyway and need no replacement.
    """
    order_id = Claim.objects.filter(pk=claim_id).values_list("order_line__order", flat=True).first()
    if order_id is None:
        lock_claim(claim_id)
        raise NothingToReplace
    order = lock_purchase_order(order_id)
    claim = lock_claim(claim_id)
    if claim.state == Claim.State.REPLACED:
        return claim
    ensure_open(claim)
    if claim.kind in (Claim.Kind.SHORT, Claim.Kind.PRICE) or order.status not in OPEN | {OrderStatus.RECEIVED}:
        raise NothingToReplace(claim=claim.number, status=order.status)
    expect_replacement(order, {claim.order_line_id or 0: claim.quantity})
    if claim.receipt_line_id:
        expect_for_returned(claim.receipt_line_id, claim.quantity)
    _settle(claim, Claim.State.REPLACED, at)
    note_event(order.reference, "replacement", f"{claim.quantity} units are to come for {claim.number}", actor=actor)
    publish(PurchaseOrderChanged(order_id=order.pk))
    _look_again(claim, actor)
    return claim


def expect_replacement(order: PurchaseOrder, units: dict[int, int]) -> None:
    """Have the locked order wait for so many more units by line id; one that was closed is open again for them."""
    lines = list(PurchaseOrderLine.objects.filter(order=order).order_by("line"))
    changed = [line for line in lines if units.get(line.pk)]
    for line in changed:
        line.replacement_due += units[line.pk]
    write_fields(changed, ["replacement_due"])
    if order.status in OPEN | {OrderStatus.RECEIVED, OrderStatus.CLOSED, OrderStatus.CLOSED_SHORT}:
        order.status, order.closed_at, order.close_reason = standing_of(order, lines), None, ""
        order.save(update_fields=["status", "closed_at", "close_reason"])
    tell_expected(order, changed)


def lock_claim(claim_id: int) -> Claim:
    """Answer the claim, held until the transaction ends. Raises NotFound."""
    claim = Claim.objects.select_for_update(no_key=True).filter(pk=claim_id).first()
    if claim is None:
        raise NotFound
    return claim


def ensure_open(claim: Claim) -> None:
    if claim.state != Claim.State.OPEN:
        raise WrongState(f"{claim.number} is {claim.get_state_display().lower()}.", status=claim.state)


def _settle(claim: Claim, state: str, at: datetime | None) -> None:
    claim.state, claim.settled_at = state, at or timezone.now()
    claim.save(update_fields=["state", "settled_at"])


def _about(claim: Claim) -> str:
    if claim.receipt_line_id is None:
        return f"claim:{claim.number}"
    number = ReceiptLine.objects.filter(pk=claim.receipt_line_id).values_list("receipt__number", flat=True).get()
    return f"receipt:{number}"


def _look_again(claim: Claim, actor: str) -> None:
    if claim.receipt_line is not None:
        receipt = Receipt.objects.select_related("location", "supplier").get(pk=claim.receipt_line.receipt_id)
        look_at_exceptions(receipt, list(receipt.lines.all()), by=actor)
