"""What people decide about invoices that are held: let pass, pay what is right, dispute, or reject."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from purchasing.models import Dispute, Hold, HoldCode, InvoiceLine, InvoiceStatus, MatchAllocation, SupplierInvoice
from purchasing.services.invoicing import ZERO, ensure_can, lock_invoice, refuse_same_hands
from purchasing.services.matching import match_invoices
from purchasing.services.standing import WrongState, note_event, note_events
from purchasing.services.telling import tell_of_dispute
from purchasing.transports.registry import way_to
from retailhub.core.errors import Invalid, NotFound, Offence
from retailhub.core.services.attending import settle_attention
from retailhub.core.sql import write_fields
from retailhub.core.transactions import retried

REPLY_DAYS = 14
"""How long a supplier has to answer a dispute, unless somebody says otherwise."""


@retried()
def release_hold(*, hold_id: int, reason: str, actor: str, at: datetime | None = None) -> Hold:
    """Let a held part pass, for a reason. It stays so unless it gets worse. Releasing twice changes nothing.

    Raises NeedsAnother for whoever entered the invoice, and above the first approval limit for whoever wrote the order.
    """
    hold = Hold.objects.filter(pk=hold_id).first()
    if hold is None:
        raise NotFound
    invoice = lock_invoice(hold.invoice_id)
    hold.refresh_from_db()
    if hold.released_at is not None:
        return hold
    _release(invoice, [hold], reason, actor, at or timezone.now())
    match_invoices(invoice_ids=[invoice.pk], actor=actor, at=at)
    return hold


def _release(invoice: SupplierInvoice, holds: Sequence[Hold], reason: str, actor: str, at: datetime) -> None:
    if not reason.strip():
        raise Invalid(errors=[Offence(pointer="/reason", code="blank", detail="say why it may pass")])
    if invoice.status == InvoiceStatus.REJECTED:
        raise WrongState(f"{invoice.number} is rejected.", status=invoice.status)
    worth = max((x.amount_at_risk for x in holds), default=ZERO)
    # A paper that is held as a whole is worth all it asks for, whatever the figure beside the hold.
    refuse_same_hands(invoice, actor, max(worth, Decimal("0.01")), from_zero=True, what="lets it pass")
    for hold in holds:
        hold.released_at, hold.released_by, hold.release_reason = at, actor, reason[:200]
    note_events(
        invoice.reference,
        [
            ("released", f"{x.code} was released: {reason}", {"hold": x.pk, "amount": str(x.amount_at_risk)})
            for x in holds
        ],
        actor=actor,
    )
    write_fields(holds, ["released_at", "released_by", "release_reason"])


@retried()
def decide_lines(
    *, invoice_id: int, decisions: Mapping[int, str], actor: str, reason: str = "", at: datetime | None = None
) -> SupplierInvoice:
    """Decide held lines, by number: `accept` as billed, `pay_received` at the ordered price, or `dispute` whole.

    To accept is to release the line's holds, with what that asks of a person. The other two pay less than is billed:
    the rest stays held until a credit note comes. An empty decision takes one back. Raises Invalid naming every line
    that is not there, and NeedsAnother.
    """
    invoice = lock_invoice(invoice_id)
    lines = {line.line: line for line in InvoiceLine.objects.filter(invoice=invoice)}
    missing = [
        Offence(pointer=f"/decisions/{number}", code="unknown_line", detail=f"there is no line {number}")
        for number in decisions
        if number not in lines
    ] + [
        Offence(pointer=f"/decisions/{number}", code="invalid", detail=f"{decision} is no decision")
        for number, decision in decisions.items()
        if decision not in InvoiceLine.Decision.values
    ]
    if missing:
        raise Invalid(errors=missing)
    if invoice.status == InvoiceStatus.REJECTED:
        raise WrongState(f"{invoice.number} is rejected.", status=invoice.status)
    accepted = [lines[number].pk for number, decision in decisions.items() if decision == "accept"]
    holds = list(Hold.objects.filter(invoice=invoice, line__in=accepted, released_at=None, is_warning=False))
    if holds:
        _release(invoice, holds, reason or "Accepted as billed", actor, at or timezone.now())
    for number, decision in decisions.items():
        lines[number].decision = decision
    note_events(
        invoice.reference,
        [
            ("decided", f"Line {number}: {InvoiceLine.Decision(decision).label.lower()}", {})
            for number, decision in decisions.items()
            if decision
        ],
        actor=actor,
    )
    write_fields([lines[number] for number in decisions], ["decision"])
    match_invoices(invoice_ids=[invoice.pk], actor=actor, at=at)
    invoice.refresh_from_db(fields=["status"])
    return invoice


@retried()
def open_dispute(
    *, invoice_id: int, actor: str, note: str = "", reply_by: date | None = None, on: date | None = None
) -> Dispute:
    """Tell the supplier what is wrong: every held part that nobody accepted, with what we expect of him.

    The letter goes to a supplier who has an address. An invoice that waits only for that is disputed; what may be paid
    of it can still be. Opening again answers the dispute that is open. Raises WrongState when nothing is held.
    """
    invoice = lock_invoice(invoice_id)
    standing = Dispute.objects.filter(invoice=invoice, state=Dispute.State.OPEN).first()
    if standing:
        return standing
    dispute = draft_dispute(invoice, note=note, reply_by=reply_by, on=on)
    if not dispute.lines:
        raise WrongState(f"Nothing of {invoice.number} is held.", status=invoice.status)
    if invoice.status == InvoiceStatus.ON_HOLD:
        ensure_can(invoice, InvoiceStatus.DISPUTED)
        invoice.status = InvoiceStatus.DISPUTED
        invoice.save(update_fields=["status"])
    dispute.actor = actor
    dispute.opened_at = timezone.now()
    dispute.save()
    note_event(
        invoice.reference,
        "disputed",
        f"{dispute.amount:.2f} {invoice.currency} disputed",
        actor=actor,
        data={"dispute": dispute.pk},
    )
    if invoice.supplier and way_to(invoice.supplier)[1]:
        tell_of_dispute(dispute_id=dispute.pk, actor=actor)
    return dispute


def draft_dispute(
    invoice: SupplierInvoice, *, note: str = "", reply_by: date | None = None, on: date | None = None
) -> Dispute:
    """Answer the dispute as it would be opened now, not kept."""
    return Dispute(
        invoice=invoice,
        amount=invoice_difference(invoice),
        lines=disputed_lines(invoice),
        note=note,
        reply_by=reply_by or (on or timezone.localdate()) + timedelta(days=REPLY_DAYS),
    )


def disputed_lines(invoice: SupplierInvoice) -> list[dict[str, Any]]:
    """Answer what a letter about the invoice says, part by part.

    Several things may be wrong with one part: what of it is disputed (`difference`) stands beside the first of them,
    but not beside a value that differs because the price does.
    """
    open_holds = Hold.objects.filter(invoice=invoice, released_at=None, is_warning=False)
    holds = list(open_holds.select_related("line__item", "charge").order_by("line__line", "charge__line", "pk"))
    priced = {hold.line_id for hold in holds if hold.code == HoldCode.PRICE}
    told: list[dict[str, Any]] = []
    known: set[tuple[int | None, int | None]] = set()
    for hold in holds:
        place = (hold.line_id, hold.charge_id)
        follows = hold.code == HoldCode.EXT and hold.line_id in priced
        told.append(
            {
                "line": hold.line.line if hold.line else None,
                "charge": hold.charge.code if hold.charge else None,
                "description": _called(hold),
                "code": hold.code,
                "why": hold.get_code_display(),
                "expected": hold.expected,
                "invoiced": hold.invoiced,
                "amount": str(hold.amount_at_risk),
                "difference": "" if follows or place in known else _difference(hold),
            }
        )
        if not follows:
            known.add(place)
    return told


def _difference(hold: Hold) -> str:
    if hold.line:
        return str(hold.line.net_amount - hold.line.credited_amount - hold.line.payable_amount)
    return str(hold.charge.amount - hold.charge.payable_amount) if hold.charge else ""


def _called(hold: Hold) -> str:
    if hold.line:
        return hold.line.description or (hold.line.item.name if hold.line.item else "")
    return hold.charge.description if hold.charge else ""


def invoice_difference(invoice: SupplierInvoice) -> Decimal:
    """Answer what is billed net and may not be paid."""
    parts = [x.net_amount - x.credited_amount - x.payable_amount for x in invoice.lines.all()]
    parts += [x.amount - x.payable_amount for x in invoice.charges.all()]
    return max(sum(parts, ZERO), ZERO)


@retried()
def end_dispute(*, dispute_id: int, state: str, actor: str, at: datetime | None = None) -> Dispute:
    """Say how a dispute ended; the invoice is matched anew. Ending twice changes nothing."""
    dispute = Dispute.objects.filter(pk=dispute_id).first()
    if dispute is None:
        raise NotFound
    if state not in Dispute.State.values or state == Dispute.State.OPEN:
        raise Invalid(errors=[Offence(pointer="/state", code="invalid", detail=f"{state} is no end")])
    invoice = lock_invoice(dispute.invoice_id)
    dispute.refresh_from_db()
    if dispute.state != Dispute.State.OPEN:
        return dispute
    dispute.state, dispute.ended_at = state, at or timezone.now()
    dispute.save(update_fields=["state", "ended_at"])
    if invoice.status == InvoiceStatus.DISPUTED:
        invoice.status = InvoiceStatus.ON_HOLD
        invoice.save(update_fields=["status"])
    note_event(invoice.reference, "dispute_ended", dispute.get_state_display(), actor=actor)
    match_invoices(invoice_ids=[invoice.pk], actor=actor, at=at)
    return dispute


@retried()
def reject_invoice(*, invoice_id: int, reason: str, actor: str, at: datetime | None = None) -> SupplierInvoice:
    """Refuse the paper: it bills nothing, and its number may come again. Rejecting twice changes nothing.

    Raises WrongState once a part of it is posted.
    """
    invoice = lock_invoice(invoice_id)
    if invoice.status == InvoiceStatus.REJECTED:
        return invoice
    if not reason.strip():
        raise Invalid(errors=[Offence(pointer="/reason", code="blank", detail="say why it is rejected")])
    ensure_can(invoice, InvoiceStatus.REJECTED)
    at = at or timezone.now()
    lines = list(invoice.lines.all())
    for line in lines:
        line.payable_quantity, line.payable_amount = 0, ZERO
    MatchAllocation.objects.filter(invoice_line__invoice=invoice).delete()
    write_fields(lines, ["payable_quantity", "payable_amount"])
    invoice.charges.update(payable_amount=0)
    invoice.holds.filter(released_at=None).update(released_at=at, release_reason="The invoice was rejected")
    Dispute.objects.filter(invoice=invoice, state="open").update(state=Dispute.State.WITHDRAWN, ended_at=at)
    invoice.status, invoice.rejected_reason = InvoiceStatus.REJECTED, reason[:200]
    invoice.save(update_fields=["status", "rejected_reason"])
    note_event(invoice.reference, "rejected", reason, actor=actor)
    settle_attention(kind="invoice_held", documents=[invoice.reference], by=actor, at=at)
    _rematch_siblings(invoice, actor)
    return invoice


def _rematch_siblings(invoice: SupplierInvoice, actor: str) -> None:
    """What this invoice took of its orders is free again for those that came after it."""
    later = (
        SupplierInvoice.objects.filter(
            pk__gt=invoice.pk, lines__order_line__invoice_lines__invoice=invoice, status__in=["on_hold", "disputed"]
        )
        .values_list("pk", flat=True)
        .distinct()
    )
    if ids := list(later):
        match_invoices(invoice_ids=ids, actor=actor)
