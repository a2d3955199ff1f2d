"""Money that leaves for suppliers: for what is posted, or ahead of it, and what is set off against what."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from django.db.models import F, Sum

from inventory.services.costing import cents
from purchasing.models import InvoiceLine, InvoiceStatus, PaymentUse, Supplier, SupplierInvoice, SupplierPayment
from purchasing.services.invoicing import ZERO, lock_invoices
from purchasing.services.standing import WrongState, next_number, note_event
from retailhub.accounting.services.posting import EntryLine, NewEntry, post_entries
from retailhub.core.errors import DomainError, Invalid, NotFound, Offence
from retailhub.core.money import exponent
from retailhub.core.services.exchanging import rate_on
from retailhub.core.transactions import retried


class ExceedsPosted(DomainError):
    """More would be paid than is posted and open."""

    code = "exceeds_posted"


class ExceedsPayment(DomainError):
    """More would be set off than is left of it."""

    code = "exceeds_payment"


class OtherPayment(DomainError):
    """Something else was paid under this key."""

    code = "key_taken"


@retried(on_twin=True)
def pay_supplier(
    *,
    supplier: Supplier,
    uses: Mapping[int, Decimal],
    paid_on: date,
    actor: str,
    amount: Decimal | None = None,
    currency: str = "",
    reference: str = "",
    key: str | None = None,
) -> SupplierPayment:
    """Have a payment booked: for posted invoices by id, in their currency; what `amount` is above them is paid ahead.

    The same key pays once: again it answers the first payment, or refuses with OtherPayment when it says something
    else. Raises ExceedsPosted, naming every invoice that would be paid above what is open of it; then nothing happens.
    """
    invoices = lock_invoices(uses)
    used = sum(uses.values(), ZERO)
    amount = used if amount is None else amount
    currency = currency or next((x.currency for x in invoices.values()), supplier.currency)
    refuse_odd(supplier, invoices, uses, amount, used, currency)
    if key:
        # Asked after the invoices are held: whoever waited here sees what the first one paid.
        twin = SupplierPayment.objects.filter(key=key).first()
        if twin:
            if (twin.supplier_id, twin.amount, twin.currency) != (supplier.pk, amount, currency):
                raise OtherPayment(number=twin.number)
            return twin
    refuse_exceeding(invoices, uses)
    payment = SupplierPayment.objects.create(
        number=next_number("PAY"),
        key=key,
        supplier=supplier,
        amount=amount,
        currency=currency,
        rate=rate_on(currency, paid_on),
        paid_on=paid_on,
        reference=reference[:120],
        actor=actor,
    )
    party, home = supplier.party, cents(amount * payment.rate)
    lines = [
        EntryLine(account="bank", amount=-home, party=party, reference=payment.reference_of_journal),
        EntryLine(account="supplier_prepayments", amount=home, party=party, reference=payment.reference_of_journal),
    ]
    lines += _use_payment(payment, invoices, uses, actor)
    post_setting_off(payment.reference_of_journal, "supplier_payment", f"Paid {supplier.name}", lines, paid_on, actor)
    return payment


@retried()
def use_prepayment(*, number: str, uses: Mapping[int, Decimal], on: date, actor: str) -> SupplierPayment:
    """Set what was paid ahead off against posted invoices. Raises ExceedsPayment and ExceedsPosted."""
    invoices = lock_invoices(uses)
    payment = (
        SupplierPayment.objects.filter(number=number)
        .select_related("supplier")
        .select_for_update(of=("self",), no_key=True)
        .first()
    )
    if payment is None:
        raise NotFound
    used = sum(uses.values(), ZERO)
    refuse_odd(payment.supplier, invoices, uses, used, used, payment.currency)
    if used > payment.amount - payment.used:
        raise ExceedsPayment(left=str(payment.amount - payment.used))
    refuse_exceeding(invoices, uses)
    lines = _use_payment(payment, invoices, uses, actor)
    count = payment.uses.count()
    post_setting_off(f"{payment.reference_of_journal}:{count}", "setting_off", f"Set off {number}", lines, on, actor)
    return payment


@retried()
def use_credit_note(*, credit_note_id: int, uses: Mapping[int, Decimal], on: date, actor: str) -> SupplierInvoice:
    """Set a posted credit note off against posted invoices of its supplier. Raises ExceedsPayment, ExceedsPosted."""
    held = lock_invoices([credit_note_id, *uses])
    note = held[credit_note_id]
    invoices = {pk: held[pk] for pk in uses}
    if note.kind != SupplierInvoice.Kind.CREDIT_NOTE or note.status != InvoiceStatus.POSTED or note.supplier is None:
        raise WrongState(f"{note.number} is no credit note with something left.", status=note.status)
    used = sum(uses.values(), ZERO)
    refuse_odd(note.supplier, invoices, uses, used, used, note.currency)
    if used > note.posted_total - note.paid_total:
        raise ExceedsPayment(left=str(note.posted_total - note.paid_total))
    refuse_exceeding(invoices, uses)
    before = cents(note.paid_total * note.rate)
    note.paid_total += used
    off = cents(note.paid_total * note.rate) - before
    party = note.supplier.party
    lines = [EntryLine(account="payable", amount=-off, party=party, reference=note.reference)]
    for pk, amount in uses.items():
        PaymentUse.objects.create(credit_note=note, invoice=invoices[pk], amount=amount, actor=actor)
    settled = settle(invoices, uses, party, f"credit note {note.number}", actor)
    lines += settled
    lines += exchange(off - sum((x.amount for x in settled), ZERO), party, note.reference)
    if note.paid_total == note.posted_total and not _waits(note):
        note.status = InvoiceStatus.CREDITED
    note.save(update_fields=["paid_total", "status"])
    count = note.credit_uses.count()
    post_setting_off(f"{note.reference}:used:{count}", "setting_off", f"Set off {note.number}", lines, on, actor)
    return note


def sources_of(invoice: SupplierInvoice) -> list[SupplierInvoice | SupplierPayment]:
    """Answer what may settle an invoice of which something is open: posted credit notes, and payments ahead."""
    if invoice.kind != SupplierInvoice.Kind.INVOICE or invoice.posted_total <= invoice.paid_total:
        return []
    same = {"supplier": invoice.supplier_id, "currency": invoice.currency}
    notes = SupplierInvoice.objects.filter(
        kind=SupplierInvoice.Kind.CREDIT_NOTE, status=InvoiceStatus.POSTED, posted_total__gt=F("paid_total"), **same
    )
    return [*notes.defer("read")[:100], *SupplierPayment.objects.filter(amount__gt=F("used"), **same)[:100]]


def left_of(source: SupplierInvoice | SupplierPayment) -> Decimal:
    """Answer what of a credit note, or of a payment, was not set off yet."""
    if isinstance(source, SupplierInvoice):
        return Decimal(source.posted_total - source.paid_total)
    return Decimal(source.amount - source.used)


# --- the parts -------------------------------------------------------------------------------------------------------
def _use_payment(
    payment: SupplierPayment, invoices: Mapping[int, SupplierInvoice], uses: Mapping[int, Decimal], actor: str
) -> list[EntryLine]:
    """Take the uses off what was paid ahead, at the payment's rate; what the rate did since is a gain or a loss."""
    if not uses:
        return []
    before = cents(payment.used * payment.rate)
    payment.used += sum(uses.values(), ZERO)
    payment.save(update_fields=["used"])
    off = cents(payment.used * payment.rate) - before
    party, reference = payment.supplier.party, payment.reference_of_journal
    lines = [EntryLine(account="supplier_prepayments", amount=-off, party=party, reference=reference)]
    for pk, amount in uses.items():
        PaymentUse.objects.create(payment=payment, invoice=invoices[pk], amount=amount, actor=actor)
    settled = settle(invoices, uses, party, f"payment {payment.number}", actor)
    return [*lines, *settled, *exchange(off - sum((x.amount for x in settled), ZERO), party, reference)]


def settle(
    invoices: Mapping[int, SupplierInvoice], uses: Mapping[int, Decimal], party: str, by: str, actor: str
) -> list[EntryLine]:
    """Have the locked invoices paid by so much each, and answer what comes off what is owed for them."""
    lines = []
    for pk, amount in uses.items():
        invoice = invoices[pk]
        before = cents(invoice.paid_total * invoice.rate)
        invoice.paid_total += amount
        lines.append(
            EntryLine(
                account="payable", amount=cents(invoice.paid_total * invoice.rate) - before, party=party,
                reference=invoice.reference,
            )
        )  # fmt: skip
        if invoice.paid_total == invoice.posted_total and not _open_net(invoice):
            invoice.status = InvoiceStatus.PAID
        invoice.save(update_fields=["paid_total", "status"])
        note_event(invoice.reference, "paid", f"{amount:.2f} {invoice.currency} by {by}", actor=actor)
    return lines


def _waits(note: SupplierInvoice) -> bool:
    """Whether a line of a credit note is still held."""
    return note.lines.filter(net_amount__gt=F("posted_amount") + F("credited_amount")).exists()


def _open_net(invoice: SupplierInvoice) -> Decimal:
    """Answer what is billed net, was not taken back, and is not posted."""
    lines = invoice.lines.aggregate(x=Sum(F("net_amount") - F("posted_amount")))["x"] or ZERO
    charges = invoice.charges.aggregate(x=Sum(F("amount") - F("posted_amount")))["x"] or ZERO
    absorbed = InvoiceLine.objects.filter(corrects__invoice=invoice).aggregate(x=Sum("credited_amount"))["x"] or ZERO
    return Decimal(lines + charges - absorbed)


def exchange(loss: Decimal, party: str, reference: str) -> list[EntryLine]:
    """Answer what the rate did between two papers: a loss above zero, a gain below."""
    account = "fx_loss" if loss > 0 else "fx_gain"
    return [EntryLine(account=account, amount=loss, party=party, reference=reference)] if loss else []


def post_setting_off(key: str, kind: str, text: str, lines: list[EntryLine], on: date, actor: str) -> None:
    """Have what was paid, or set off, in the journal."""
    entry = NewEntry(key=key, kind=kind, document=key.rsplit(":used", 1)[0], date=on, text=text, lines=lines,
                     or_first_open=True)  # fmt: skip
    post_entries(entries=[entry], actor=actor)


def refuse_odd(
    supplier: Supplier,
    invoices: Mapping[int, SupplierInvoice],
    uses: Mapping[int, Decimal],
    amount: Decimal,
    used: Decimal,
    currency: str,
) -> None:
    """Raise Invalid naming every amount that is none in the currency, and every invoice that is not the supplier's."""
    errors = []
    places = exponent(currency)
    if amount <= 0 or amount != round(amount, places):
        errors.append(Offence(pointer="/amount", code="invalid", detail=f"an amount above zero in {currency}"))
    if used > amount:
        errors.append(Offence(pointer="/amount", code="invalid", detail="the invoices come to more than is paid"))
    for index, (pk, part) in enumerate(uses.items()):
        invoice = invoices[pk]
        detail = ""
        if part <= 0 or part != round(part, places):
            detail = f"an amount above zero in {currency}"
        elif invoice.supplier_id != supplier.pk:
            detail = f"{invoice.number} is not from {supplier.name}"
        elif invoice.currency != currency:
            detail = f"{invoice.number} is in {invoice.currency}"
        elif invoice.kind == SupplierInvoice.Kind.CREDIT_NOTE:
            detail = f"{invoice.number} is no invoice"
        if detail:
            errors.append(Offence(pointer=f"/invoices/{index}", code="invalid", detail=detail, extra={"id": pk}))
    if errors:
        raise Invalid(errors=errors)


def refuse_exceeding(invoices: Mapping[int, SupplierInvoice], uses: Mapping[int, Decimal]) -> None:
    """Raise ExceedsPosted naming every invoice that would be paid above what is posted and open of it."""
    errors = [
        Offence(
            pointer=f"/invoices/{index}/amount",
            code="exceeds_posted",
            detail=f"{invoices[pk].posted_total - invoices[pk].paid_total:.2f} of {invoices[pk].number} is open",
            extra={"id": pk, "open": str(invoices[pk].posted_total - invoices[pk].paid_total)},
        )
        for index, (pk, amount) in enumerate(uses.items())
        if amount > invoices[pk].posted_total - invoices[pk].paid_total
    ]
    if errors:
        raise ExceedsPosted(errors=errors)
