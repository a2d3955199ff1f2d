"""Credit notes that are posted: what a supplier gives back of what he billed, never more than that.

What was billed and never posted is given back without a trace in the books: the invoice asks for less. Of what was
posted, goods are set against what stands in claims (or was billed and did not come), a lower price against the value of
the goods, a charge against what it was posted to.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

from inventory.services.costing import lock_pools
from purchasing.models import (
    InvoiceCharge,
    InvoiceLine,
    InvoiceStatus,
    PurchaseCharge,
    SupplierInvoice,
)
from purchasing.services.credit_booking import Crediting
from purchasing.services.invoice_booking import Round, share_rows, treatment_of
from purchasing.services.invoicing import ZERO
from purchasing.services.landing import accrual_of_charge, items_bearing, settle_charge
from purchasing.services.matching import match_invoices
from purchasing.services.standing import note_event
from retailhub.accounting.services.posting import NewEntry, post_entries
from retailhub.core.errors import DomainError, Offence
from retailhub.core.money import round_total
from retailhub.core.sql import write_fields


class ExceedsInvoiced(DomainError):
    """More is credited than was billed."""

    code = "exceeds_invoiced"


def post_credit_note(
    invoice: SupplierInvoice,
    lines: Sequence[InvoiceLine],
    charges: Sequence[InvoiceCharge],
    *,
    actor: str,
    at: datetime,
    on: date,
) -> SupplierInvoice:
    """Have the credit note in the books, and its invoice matched anew. The caller holds both, and their orders.

    Lines that are held wait for a further round; a round in which nothing is new changes nothing. Raises
    ExceedsInvoiced naming every line that gives back more than was billed; then nothing happens.
    """
    fresh, more = unposted(lines, charges)
    if not fresh and not more:
        return invoice
    targets = _targets(fresh)
    share_rows(fresh, more)
    _refuse_exceeding(fresh, targets)
    book = Round(invoice)
    lock_pools({x.order_line.item_id for x in fresh if x.order_line} | items_bearing(more))
    run = Crediting(book, fresh)
    for line in fresh:
        target = targets[line.corrects_id or 0]
        part = run.split(line, target)
        run.book(line, target, part)
        target.credited_amount += part.absorbed + part.amount
        if line.credit_kind == InvoiceLine.CreditKind.GOODS:
            target.credited_quantity += part.absorbed_units + part.units
            if line.order_line:
                line.order_line.credited += part.units
        line.credited_quantity, line.credited_amount = part.absorbed_units, part.absorbed
        line.posted_quantity, line.posted_amount = part.units, part.amount
        run.settle_claims(line, part.absorbed + part.amount, at)
    run.write()
    landed = _book_charges(book, more)
    tax, total = _totals(invoice, lines, charges)
    book.put("input_tax", book.home(invoice.posted_tax) - book.home(tax), reference=invoice.reference)
    book.put_corrections(actor)
    book.put("payable", book.home(total) - book.home(invoice.posted_total), reference=invoice.reference)
    book.put("rounding", -sum((x.amount for x in book.lines), ZERO), reference=invoice.reference)
    invoice.posted_tax, invoice.posted_total = tax, total
    invoice.postings += 1
    write_fields(targets.values(), ["credited_quantity", "credited_amount"])
    write_fields(fresh, ["credited_quantity", "credited_amount", "posted_quantity", "posted_amount"])
    ordered = list({x.order_line.pk: x.order_line for x in fresh if x.order_line}.values())
    write_fields(ordered, ["credited"])
    write_fields(more, ["posted_amount", "posted_landed"])
    post_entries(
        entries=[
            NewEntry(
                key=f"{invoice.reference}:{invoice.postings}",
                kind="credit_note",
                document=invoice.reference,
                date=on,
                text=f"Credit note {invoice.number}",
                lines=book.lines,
                or_first_open=True,
            )
        ],
        actor=actor,
    )
    for charge in landed:
        settle_charge(charge, on=on, actor=actor)
    # All of it took back what was never posted: there is nothing left to set off.
    is_over = not total and all(x.posted_amount + x.credited_amount == x.net_amount for x in lines)
    invoice.status = InvoiceStatus.CREDITED if is_over else InvoiceStatus.POSTED
    invoice.posted_by, invoice.posted_at = actor, at
    invoice.save(update_fields=["status", "posted_by", "posted_at", "posted_total", "posted_tax", "postings"])
    note_event(invoice.reference, "posted", f"{total:.2f} {invoice.currency} to set off", actor=actor)
    if invoice.corrects_id:
        note_event(f"supplier_invoice:{invoice.corrects_id}", "credited", f"Credit note {invoice.number}", actor=actor)
        match_invoices(invoice_ids=[invoice.corrects_id], actor=actor, at=at)
    return invoice


def unposted(
    lines: Sequence[InvoiceLine], charges: Sequence[InvoiceCharge]
) -> tuple[list[InvoiceLine], list[InvoiceCharge]]:
    """Answer what of a credit note may be posted and was not."""
    return (
        [x for x in lines if x.payable_amount and not (x.posted_amount or x.credited_amount)],
        [x for x in charges if x.payable_amount and not x.posted_amount],
    )


def _totals(
    invoice: SupplierInvoice, lines: Sequence[InvoiceLine], charges: Sequence[InvoiceCharge]
) -> tuple[Decimal, Decimal]:
    """Answer tax and total of what is posted: as the paper says where that is all of it, else what follows from it."""
    net: dict[Decimal, Decimal] = {}
    parts = [(x.tax_rate, x.posted_amount) for x in lines] + [(x.tax_rate, x.posted_amount) for x in charges]
    for rate, amount in parts:
        net[rate] = net.get(rate, ZERO) + amount
    if all(x.posted_amount == x.net_amount for x in lines) and all(x.posted_amount == x.amount for x in charges):
        return invoice.tax_total, invoice.total
    tax = sum((round_total(amount * rate, invoice.currency) for rate, amount in net.items()), ZERO)
    tax = min(invoice.tax_total, tax)
    return tax, sum(net.values(), ZERO) + tax


def _targets(lines: Sequence[InvoiceLine]) -> dict[int, InvoiceLine]:
    ids = {line.corrects_id for line in lines if line.corrects_id}
    rows = InvoiceLine.objects.filter(pk__in=ids).order_by("pk").select_for_update(of=("self",), no_key=True)
    return {row.pk: row for row in rows}


def _refuse_exceeding(lines: Sequence[InvoiceLine], targets: dict[int, InvoiceLine]) -> None:
    errors = []
    left = {pk: (x.net_amount - x.credited_amount, x.quantity - x.credited_quantity) for pk, x in targets.items()}
    for line in lines:
        money, units = left.get(line.corrects_id or 0, (ZERO, 0))
        is_goods = line.credit_kind == InvoiceLine.CreditKind.GOODS
        if line.net_amount > money or (is_goods and line.quantity > units):
            errors.append(
                Offence(
                    pointer=f"/lines/{line.line - 1}",
                    code="exceeds_invoiced",
                    detail=f"{line.net_amount:.2f} is credited; {money:.2f} for {units} units is left to credit",
                    extra={"left": str(money), "units": units},
                )
            )
        left[line.corrects_id or 0] = (money - line.net_amount, units - (line.quantity if is_goods else 0))
    if errors:
        raise ExceedsInvoiced(errors=errors)


def _book_charges(book: Round, charges: Sequence[InvoiceCharge]) -> list[InvoiceCharge]:
    landed = []
    for charge in charges:
        home = book.home(charge.payable_amount)
        charge.posted_amount = charge.payable_amount
        if treatment_of(charge) == PurchaseCharge.Treatment.LANDED:
            book.put("landed_accrual", -home, reference=accrual_of_charge(charge))
            charge.posted_landed -= home
            landed.append(charge)
        else:
            account = "freight" if charge.code == "freight" else "expense"
            book.put(account, -home, reference=f"{book.invoice.reference}:c{charge.line}")
    return landed
