"""Invoices for what is to be paid ahead: posted as a prepayment, set off against the invoices for the goods later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal

from inventory.services.costing import cents
from purchasing.models import InvoiceCharge, InvoiceLine, InvoiceStatus, PaymentUse, SupplierInvoice
from purchasing.services.invoicing import ZERO, Sums, lock_invoices
from purchasing.services.paying import (
    ExceedsPayment,
    exchange,
    post_setting_off,
    refuse_exceeding,
    refuse_odd,
    settle,
)
from purchasing.services.standing import WrongState, note_event
from retailhub.accounting.services.posting import EntryLine, NewEntry, post_entries
from retailhub.core.money import round_total
from retailhub.core.sql import write_fields
from retailhub.core.transactions import retried


def prepaid_net(invoice: SupplierInvoice, total: Decimal) -> Decimal:
    """Answer what so much of a posted prepayment stands for without its tax: home currency, whole cents."""
    return cents(total * invoice.rate) - cents(_tax_of(invoice, total) * invoice.rate)


def _tax_of(invoice: SupplierInvoice, total: Decimal) -> Decimal:
    if total == invoice.posted_total:
        return Decimal(invoice.posted_tax)
    return round_total(invoice.posted_tax * total / invoice.posted_total, invoice.currency)


def post_prepayment(
    invoice: SupplierInvoice,
    lines: Sequence[InvoiceLine],
    charges: Sequence[InvoiceCharge],
    sums: Sums,
    *,
    actor: str,
    at: datetime,
    on: date,
) -> SupplierInvoice:
    """Have the prepayment owed to the supplier, and standing as paid ahead until goods are billed. The caller holds it.

    It bills no goods: nothing is set against receipts, and the order still waits for its invoice.
    """
    party = invoice.supplier.party if invoice.supplier else ""
    tax, total = cents(sums.tax * invoice.rate), cents(sums.total * invoice.rate)
    before_tax, before = cents(invoice.posted_tax * invoice.rate), cents(invoice.posted_total * invoice.rate)
    net = (total - tax) - (before - before_tax)
    reference = invoice.reference
    invoice.posted_tax, invoice.posted_total = sums.tax, sums.total
    invoice.postings += 1
    for line in lines:
        line.posted_quantity, line.posted_amount = line.payable_quantity, line.payable_amount
    for charge in charges:
        charge.posted_amount = charge.payable_amount
    write_fields(lines, ["posted_quantity", "posted_amount"])
    write_fields(charges, ["posted_amount"])
    entry = NewEntry(
        key=f"{reference}:{invoice.postings}",
        kind="supplier_prepayment",
        document=reference,
        date=on,
        text=f"Prepayment invoice {invoice.number}",
        lines=[
            EntryLine(account="supplier_prepayments", amount=net, party=party, reference=reference),
            EntryLine(account="input_tax", amount=tax - before_tax, party=party, reference=reference),
            EntryLine(account="payable", amount=before - total, party=party, reference=reference),
        ],
        or_first_open=True,
    )
    post_entries(entries=[entry], actor=actor)
    invoice.status, invoice.posted_by, invoice.posted_at = InvoiceStatus.POSTED, actor, at
    invoice.save(update_fields=["status", "posted_by", "posted_at", "posted_total", "posted_tax", "postings"])
    note_event(reference, "posted", f"{sums.total:.2f} {invoice.currency} to be paid ahead", actor=actor)
    return invoice


@retried()
def use_prepayment_invoice(*, invoice_id: int, uses: Mapping[int, Decimal], on: date, actor: str) -> SupplierInvoice:
    """Set what was paid of a prepayment invoice off against posted invoices of its supplier, tax included.

    Those invoices ask for the whole tax: the tax of what is set off is taken back. Raises ExceedsPayment above what was
    paid and not used, and ExceedsPosted; then nothing happens.
    """
    held = lock_invoices([invoice_id, *uses])
    prepayment = held[invoice_id]
    invoices = {pk: held[pk] for pk in uses}
    if prepayment.kind != SupplierInvoice.Kind.PREPAYMENT or prepayment.supplier is None or invoice_id in uses:
        raise WrongState(f"{prepayment.number} is no prepayment for other invoices.", status=prepayment.status)
    used = sum(uses.values(), ZERO)
    refuse_odd(prepayment.supplier, invoices, uses, used, used, prepayment.currency)
    if used > prepayment.paid_total - prepayment.used_total:
        raise ExceedsPayment(left=str(prepayment.paid_total - prepayment.used_total))
    refuse_exceeding(invoices, uses)
    before = prepayment.used_total
    prepayment.used_total += used
    prepayment.save(update_fields=["used_total"])
    off = cents(prepayment.used_total * prepayment.rate) - cents(before * prepayment.rate)
    net = prepaid_net(prepayment, prepayment.used_total) - prepaid_net(prepayment, before)
    party, reference = prepayment.supplier.party, prepayment.reference
    for pk, amount in uses.items():
        PaymentUse.objects.create(credit_note=prepayment, invoice=invoices[pk], amount=amount, actor=actor)
    settled = settle(invoices, uses, party, f"prepayment {prepayment.number}", actor)
    lines = [
        EntryLine(account="supplier_prepayments", amount=-net, party=party, reference=reference),
        EntryLine(account="input_tax", amount=net - off, party=party, reference=reference),
        *settled,
        *exchange(off - sum((x.amount for x in settled), ZERO), party, reference),
    ]
    note_event(reference, "used", f"{used:.2f} {prepayment.currency} set off", actor=actor)
    count = prepayment.credit_uses.count()
    post_setting_off(f"{reference}:used:{count}", "setting_off", f"Set off {prepayment.number}", lines, on, actor)
    return prepayment
