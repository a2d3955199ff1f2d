"""Invoices that are agreed to and posted: what may be paid of them stands in the books, part by part."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

from django.utils import timezone

from purchasing.models import Hold, InvoiceLine, InvoiceStatus, SupplierInvoice
from purchasing.services.crediting import post_credit_note, unposted
from purchasing.services.deciding import open_dispute
from purchasing.services.invoice_booking import book_round
from purchasing.services.invoicing import (
    ensure_can,
    lock_invoice,
    lock_invoices,
    open_codes,
    payable_of,
    refuse_same_hands,
)
from purchasing.services.matching import match_invoices
from purchasing.services.prepaying import post_prepayment
from purchasing.services.standing import WrongState, note_event
from retailhub.core.transactions import retried


class NothingPayable(WrongState):
    """Nothing of this invoice may be paid as it is."""

    code = "nothing_payable"


@retried()
def approve_invoice(
    *, invoice_id: int, actor: str, at: datetime | None = None, expected: Decimal | None = None
) -> SupplierInvoice:
    """Agree to pay what may be paid of the invoice; what is held of it stays held. Approving twice changes nothing.

    It is matched once more before: what is approved is what is true now, and kept with it. `expected` is the amount
    somebody saw; when it is another by now nothing is approved. Approved again when more may be paid than was agreed
    to, it is agreed to anew. Raises NeedsAnother above the first approval limit for whoever entered the invoice or
    wrote its order, and NothingPayable.
    """
    invoice = lock_invoice(invoice_id)
    if invoice.status in (InvoiceStatus.POSTED, InvoiceStatus.PAID):
        return invoice
    match_invoices(invoice_ids=[invoice_id], actor=actor, at=at)
    invoice = lock_invoice(invoice_id)
    is_again = invoice.status == InvoiceStatus.APPROVED
    if not is_again:
        ensure_can(invoice, InvoiceStatus.APPROVED)
    sums = payable_of(invoice, list(invoice.lines.all()), list(invoice.charges.all()), open_codes(invoice))
    if sums.total <= 0 and not _is_absorbed(invoice):
        raise NothingPayable(f"Nothing of {invoice.number} may be paid as it is.", status=invoice.status)
    refuse_another_amount(invoice, sums.total, expected)
    if is_again and sums.total <= invoice.approved_total:
        return invoice
    refuse_same_hands(invoice, actor, sums.total, from_zero=False, what="approves it")
    invoice.status = InvoiceStatus.APPROVED
    _agree(invoice, sums.total, actor, at or timezone.now())
    return invoice


def refuse_another_amount(invoice: SupplierInvoice, total: Decimal, expected: Decimal | None) -> None:
    """Raise WrongState where another amount may be paid than somebody saw."""
    if expected is not None and expected != total:
        raise WrongState(
            f"{total} {invoice.currency} may be paid by now, not {expected}: look again.", payable_now=str(total)
        )


def _agree(invoice: SupplierInvoice, total: Decimal, actor: str, at: datetime) -> None:
    """Keep who agreed to how much of the invoice."""
    invoice.approved_total, invoice.approved_by, invoice.approved_at = total, actor, at
    invoice.save(update_fields=["status", "approved_total", "approved_by", "approved_at"])
    note_event(
        invoice.reference,
        "approved",
        f"{total:.2f} {invoice.currency} may be paid",
        actor=actor,
        data={"amount": str(total)},
    )


def _is_absorbed(invoice: SupplierInvoice) -> bool:
    """Whether a credit note takes back only what was never posted."""
    return invoice.kind == SupplierInvoice.Kind.CREDIT_NOTE and invoice.lines.filter(payable_amount__gt=0).exists()


@retried()
def post_invoice(
    *,
    invoice_id: int,
    actor: str,
    at: datetime | None = None,
    on: date | None = None,
    expected: Decimal | None = None,
) -> SupplierInvoice:
    """Have what may be paid of the invoice in the books: owed to the supplier, taken off what was received.

    What is held may follow in a further round once it is released; a round in which nothing is new changes nothing.
    Prices that differ go to the value of the goods and, of what was sold, to cost of sales; what the rate did since the
    receipt is a gain or loss. A prepayment is owed and stands as paid ahead; it bills no goods. Raises WrongState
    unless it is approved, and where it is another amount in all than `expected`; and NeedsAnother, as approving does,
    where more is posted than was agreed to: whoever posts it agrees to the rest.
    """
    invoice = _lock_with_corrected(invoice_id)
    if invoice.kind == SupplierInvoice.Kind.CREDIT_NOTE and invoice.status == InvoiceStatus.CREDITED:
        return invoice
    if invoice.status not in (InvoiceStatus.APPROVED, InvoiceStatus.POSTED, InvoiceStatus.PAID):
        ensure_can(invoice, InvoiceStatus.POSTED)
    at = at or timezone.now()
    # A credit note and what it corrects together: their orders are held before anything of stock is.
    match_invoices(invoice_ids={invoice_id, invoice.corrects_id or invoice_id}, actor=actor, at=at)
    invoice = lock_invoice(invoice_id)
    further = invoice.status in (InvoiceStatus.POSTED, InvoiceStatus.PAID)
    if invoice.status == InvoiceStatus.ON_HOLD:
        raise WrongState(f"{invoice.number} is held anew: look again.", status=invoice.status)
    if invoice.status == InvoiceStatus.MATCHED:
        ensure_can(invoice, InvoiceStatus.POSTED)
    lines: Sequence[InvoiceLine] = list(
        InvoiceLine.objects.filter(invoice=invoice).select_related("order_line__order__supplier").order_by("line")
    )
    charges = list(invoice.charges.select_related("order_charge__order").order_by("line"))
    sums = payable_of(invoice, lines, charges, open_codes(invoice))
    if further:
        is_credit = invoice.kind == SupplierInvoice.Kind.CREDIT_NOTE
        if not any(unposted(lines, charges)) if is_credit else sums.total <= invoice.posted_total:
            return invoice
    refuse_another_amount(invoice, sums.total, expected)
    if further or sums.total > invoice.approved_total:
        refuse_same_hands(invoice, actor, sums.total, from_zero=False, what="posts it")
        if sums.total > invoice.approved_total:
            _agree(invoice, sums.total, actor, at)
    on = on or timezone.localdate(at)
    if invoice.kind == SupplierInvoice.Kind.CREDIT_NOTE:
        return post_credit_note(invoice, lines, charges, actor=actor, at=at, on=on)
    if invoice.kind == SupplierInvoice.Kind.PREPAYMENT:
        return post_prepayment(invoice, lines, charges, sums, actor=actor, at=at, on=on)
    book_round(invoice, lines, charges, sums, actor=actor, on=on)
    invoice.status = InvoiceStatus.POSTED
    invoice.posted_by, invoice.posted_at = actor, at
    invoice.save(update_fields=["status", "posted_by", "posted_at", "posted_total", "posted_tax", "postings"])
    note_event(
        invoice.reference, "posted", f"{invoice.posted_total:.2f} {invoice.currency} in the books", actor=actor,
        data={"round": invoice.postings},
    )  # fmt: skip
    return invoice


@retried()
def approve_and_dispute(
    *, invoice_id: int, actor: str, expected: Decimal, at: datetime | None = None, on: date | None = None
) -> SupplierInvoice:
    """Have what is right of the invoice approved and in the books, and the supplier told of what is held: all or none.

    `expected` is the amount in all that somebody saw. Refuses as approving and posting do; then nothing is disputed and
    no letter goes.
    """
    _lock_with_corrected(invoice_id)
    approve_invoice(invoice_id=invoice_id, actor=actor, at=at, expected=expected)
    invoice = post_invoice(invoice_id=invoice_id, actor=actor, at=at, on=on, expected=expected)
    if Hold.objects.filter(invoice=invoice, released_at=None, is_warning=False).exists():
        open_dispute(invoice_id=invoice_id, actor=actor, on=on)
    return invoice


def _lock_with_corrected(invoice_id: int) -> SupplierInvoice:
    """Hold a credit note together with what it corrects, by id: both change when it is posted."""
    corrected = SupplierInvoice.objects.filter(pk=invoice_id).values_list("corrects_id", flat=True).first()
    return lock_invoices([invoice_id, *([corrected] if corrected else [])])[invoice_id]
