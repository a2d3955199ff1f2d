"""What the supplier says to an order: as it is, otherwise, or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.utils import timezone

from purchasing.events import PurchaseOrderChanged
from purchasing.models import OPEN, OrderStatus, Proposal, PurchaseOrder, PurchaseOrderLine
from purchasing.services.changes import LineChange, OrderChanges, UnknownLine
from purchasing.services.expecting import tell_expected
from purchasing.services.standing import ensure_is, lock_purchase_order, note_event
from retailhub.core.errors import Invalid, Offence
from retailhub.core.services.attending import settle_attention
from retailhub.core.sql import write_fields
from retailhub.core.transactions import retried
from retailhub.outbox.services.publishing import publish


@dataclass(frozen=True, slots=True, kw_only=True)
class LineAnswer:
    """What he says of one line: None as ordered. `quantity` is what he delivers of it in all, 0: nothing."""

    line: int
    quantity: int | None = None
    expected_on: date | None = None
    unit_cost: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """The order as it stands now, and the proposal that waits for the buyer where the supplier wants something else."""

    order: PurchaseOrder
    proposal: Proposal | None = None


@retried()
def acknowledge_purchase_order(
    *,
    order_id: int,
    actor: str,
    answers: Sequence[LineAnswer] | None = None,
    rejected: bool = False,
    supplier_reference: str = "",
    reason: str = "",
    at: datetime | None = None,
) -> Acknowledged:
    """Have it known what the supplier confirmed, line by line; without answers all of it, as it was ordered.

    Lines he takes as they are count as confirmed at once, and stock expects them so. Whatever he wants otherwise, a
    quantity, a day, a price or the whole order, waits as his proposal: nothing of it holds until a buyer accepts it.
    An earlier proposal of his is overtaken. Confirming the same twice changes nothing. Raises UnknownLine and Invalid.
    """
    order = lock_purchase_order(order_id)
    ensure_is(order, OPEN)
    at = at or timezone.now()
    lines = list(order.lines.select_related("item"))
    if answers is not None:
        _refuse_unknown(order, lines, answers)
    _overtake(order, actor, at)
    if supplier_reference:
        order.supplier_reference = supplier_reference
    changes = OrderChanges(rejected=True) if rejected else _wanted_otherwise(lines, answers or ())
    if not rejected:
        told = None if answers is None else {x.line for x in answers}
        differing = {change.line for change in changes.lines}
        for line in lines:
            if (told is None or line.line in told) and line.line not in differing:
                line.confirmed, line.confirmed_on = line.quantity - line.cancelled, line.expected_on
        write_fields(lines, ["confirmed", "confirmed_on"])
    proposal = None
    if rejected or changes.lines:
        proposal = Proposal.objects.create(
            order=order,
            by=Proposal.By.SUPPLIER,
            changes=changes.as_json(),
            reason=reason[:200],
            made_by=actor,
            made_at=at,
        )
    elif all(line.confirmed is not None for line in lines if line.quantity > line.cancelled):
        if order.acknowledged_at is None:
            note_event(order.reference, "acknowledged", reason or "Confirmed as ordered", actor=actor)
        order.acknowledged_at = order.acknowledged_at or at
        if order.status == OrderStatus.ISSUED:
            order.status = OrderStatus.ACKNOWLEDGED
    order.save(update_fields=["supplier_reference", "acknowledged_at", "status"])
    if proposal:
        numbers = ", ".join(str(change.line) for change in changes.lines[:20])
        said = "The supplier declines the order" if rejected else f"The supplier wants it otherwise on line {numbers}"
        note_event(order.reference, "answered", reason or said, actor=actor, data={"proposal": proposal.pk})
    tell_expected(order, lines)
    publish(PurchaseOrderChanged(order_id=order.pk))
    return Acknowledged(order, proposal)


def _wanted_otherwise(lines: Sequence[PurchaseOrderLine], answers: Sequence[LineAnswer]) -> OrderChanges:
    """Answer what of the answers differs from the order."""
    by_number = {line.line: line for line in lines}
    wanted = []
    for answer in answers:
        line = by_number[answer.line]
        quantity = answer.quantity if answer.quantity != line.quantity - line.cancelled else None
        day = answer.expected_on if answer.expected_on != line.expected_on else None
        cost = answer.unit_cost
        if cost is not None and cost * (line.quantity or 1) == line.net_amount(line.quantity or 1):
            cost = None
        if quantity is not None or day is not None or cost is not None:
            wanted.append(LineChange(line=answer.line, quantity=quantity, expected_on=day, unit_cost=cost))
    return OrderChanges(lines=wanted)


def _refuse_unknown(order: PurchaseOrder, lines: Sequence[PurchaseOrderLine], answers: Sequence[LineAnswer]) -> None:
    known, seen = {line.line for line in lines}, set[int]()
    unknown, twice = [], []
    for index, answer in enumerate(answers):
        pointer = f"/lines/{index}/line"
        if answer.line not in known:
            detail = f"{order.number} has no line {answer.line}"
            unknown.append(Offence(pointer=pointer, code="unknown_line", detail=detail))
        elif answer.line in seen:
            twice.append(Offence(pointer=pointer, code="invalid", detail=f"line {answer.line} is named twice"))
        seen.add(answer.line)
    if unknown:
        raise UnknownLine(errors=unknown)
    if twice:
        raise Invalid(errors=twice)


def _overtake(order: PurchaseOrder, actor: str, at: datetime) -> None:
    known = order.proposals.filter(by=Proposal.By.SUPPLIER, state=Proposal.State.OPEN)
    if known.update(state=Proposal.State.SUPERSEDED, decided_by=actor, decided_at=at):
        settle_attention(kind="proposal_supplier", documents=[order.reference], by=actor, at=at)
