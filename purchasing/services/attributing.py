"""What people say of an invoice where the paper did not: whose it is, that it is no duplicate, which order it bills."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from purchasing.einvoices.document import GTIN_SCHEMES
from purchasing.models import (
    InvoiceLine,
    InvoiceStatus,
    OrderStatus,
    PurchaseOrderLine,
    Supplier,
    SupplierInvoice,
    SupplierItem,
)
from purchasing.services.capturing import guesses_of, refuse_duplicate
from purchasing.services.invoicing import lock_invoice, refuse_same_hands
from purchasing.services.recognising import Named, Recognised, factor_of, recognise_lines
from purchasing.services.standing import WrongState, note_event
from retailhub.core.errors import Invalid, Offence
from retailhub.core.money import round_cost
from retailhub.core.sql import write_fields
from retailhub.core.transactions import retried

UNDECIDED = {InvoiceStatus.CAPTURED, InvoiceStatus.MATCHING, InvoiceStatus.MATCHED, InvoiceStatus.ON_HOLD}
"""States in which nobody agreed to anything about the invoice yet."""
BILLABLE = frozenset(OrderStatus.values) - {
    OrderStatus.DRAFT, OrderStatus.SUBMITTED, OrderStatus.APPROVED, OrderStatus.CANCELLED,
}  # fmt: skip


@retried()
def name_supplier(*, invoice_id: int, supplier: Supplier, actor: str) -> SupplierInvoice:
    """Say whose invoice it is where the paper did not, or where it was guessed; its lines are recognised anew.

    Naming the one who was guessed makes it a fact. Raises WrongState once somebody decided about the invoice,
    DuplicateInvoice for a number that this supplier used before.
    """
    invoice = lock_invoice(invoice_id)
    is_guess = any(guess[0] == "/supplier" for guess in invoice.guesses)
    if invoice.status not in UNDECIDED or (invoice.supplier_id is not None and not is_guess):
        if invoice.supplier_id == supplier.pk:
            return invoice
        raise WrongState("It is known already whose invoice this is.", status=invoice.status)
    guesses = [guess for guess in invoice.guesses if guess[0] != "/supplier"]
    if invoice.supplier_id != supplier.pk:
        was = invoice.supplier_id
        invoice.supplier = supplier
        refuse_duplicate(invoice)
        rows = list(invoice.lines.all())
        known = _recognise(invoice, rows, supplier)
        for row, found in zip(rows, known, strict=True):
            # What the wrong supplier's numbers and orders said of a line is no more to go by.
            row.item = found.item or (row.item if was is None else None)
            row.order_line = found.order_line or (row.order_line if was is None else None)
            _count(row, found)
        _write(rows)
        guesses = [guess for guess in guesses if not guess[0].startswith("/lines/")] + guesses_of(known)
        if was is not None or invoice.due_date is None:
            stated = (invoice.read or {}).get("due_date")
            invoice.due_date = invoice.due_date if stated else invoice.invoice_date + timedelta(supplier.payment_days)
    invoice.guesses = guesses
    invoice.save(update_fields=["supplier", "guesses", "due_date"])
    note_event(invoice.reference, "supplier", f"It is from {supplier.name}", actor=actor)
    return invoice


@retried()
def confirm_distinct(*, invoice_id: int, actor: str) -> SupplierInvoice:
    """Say that an invoice that looks like another one is none; it is not held for that again.

    To let a twin pass is to let a hold pass: raises NeedsAnother for whoever entered the invoice, and above the first
    approval limit for whoever wrote the order.
    """
    invoice = lock_invoice(invoice_id)
    if not invoice.is_distinct:
        refuse_same_hands(invoice, actor, invoice.total, from_zero=True, what="lets it pass")
        invoice.is_distinct = True
        invoice.save(update_fields=["is_distinct"])
        note_event(invoice.reference, "distinct", "Is no duplicate", actor=actor)
    return invoice


@retried()
def attach_lines(*, invoice_id: int, order_lines: Mapping[int, int | None], actor: str) -> SupplierInvoice:
    """Say which line of an order each billed line (by number) stands for; None takes one off its order.

    The line then bills the goods of that order line, in its packs. Saying the same again changes nothing. Raises
    Invalid naming every line that is not there, every order line that is not this supplier's or was never sent, and
    every line of which a part is posted; then nothing changes.
    """
    invoice = lock_invoice(invoice_id)
    if invoice.status in (InvoiceStatus.REJECTED, InvoiceStatus.CREDITED):
        raise WrongState(f"{invoice.number} is {invoice.get_status_display().lower()}.", status=invoice.status)
    rows = {row.line: row for row in invoice.lines.all()}
    wanted = PurchaseOrderLine.objects.select_related("order", "item").in_bulk(
        [pk for pk in order_lines.values() if pk]
    )
    _refuse_unfitting(invoice, rows, order_lines, wanted)
    sold = list(
        SupplierItem.objects.filter(supplier=invoice.supplier_id, item__in=[x.item_id for x in wanted.values()])
    )
    changed, guesses, told = [], list(invoice.guesses), []
    for number, pk in order_lines.items():
        row, ordered = rows[number], wanted.get(pk or 0)
        if row.order_line_id == pk:
            continue
        pointer = f"/lines/{number - 1}"
        guesses = [guess for guess in guesses if guess[0] != pointer]
        row.order_line = ordered
        if ordered is not None:
            found = Recognised(item=ordered.item, order_line=ordered)
            found.factor = factor_of(found, _named(row, {}), sold)
            row.item = ordered.item
            _count(row, found)
            guesses += [[pointer, how] for how in found.guessed]
            told.append(f"line {number} is {ordered.order.number} line {ordered.line}")
        else:
            told.append(f"line {number} is on no order")
        changed.append(row)
    if changed:
        _write(changed)
        invoice.guesses = guesses
        invoice.save(update_fields=["guesses"])
        note_event(invoice.reference, "attached", f"It bills: {'; '.join(told)}", actor=actor)
    return invoice


# --- the parts -------------------------------------------------------------------------------------------------------
def _recognise(invoice: SupplierInvoice, rows: Sequence[InvoiceLine], supplier: Supplier) -> list[Recognised]:
    read = invoice.read or {}
    stated = [line for line in read.get("lines", ()) if line.get("counts", True)]
    parts = stated if len(stated) == len(rows) else [{} for _ in rows]
    order = str(read.get("order", ""))
    return recognise_lines(
        supplier=supplier,
        lines=[_named(row, part) for row, part in zip(rows, parts, strict=True)],
        orders=[order] if order else [],
    )


def _named(row: InvoiceLine, stated: Mapping[str, Any]) -> Named:
    """Answer by what a line names its goods: what was kept of it, and the numbers its file gave it besides."""
    standard = stated.get("standard_item") or {}
    return Named(
        sku=str(stated.get("buyer_item", "")),
        gtin=str(standard.get("value", "")) if str(standard.get("scheme", "")).upper() in GTIN_SCHEMES else "",
        supplier_sku=row.supplier_sku,
        description=row.description,
        order=row.order_reference,
        quantity=row.stated_quantity if row.stated_quantity is not None else Decimal(row.quantity),
        unit=row.stated_unit,
    )


def _count(row: InvoiceLine, found: Recognised) -> None:
    """Have the line in base units by the packs of whoever it is from, and its price for as many as before."""
    if row.stated_quantity is None or not row.quantity or not row.stated_quantity:
        return
    units = max(1, round(Fraction(row.stated_quantity) * found.factor))
    if units == row.quantity:
        return
    before = Fraction(row.quantity) / Fraction(row.stated_quantity)
    price_quantity = Fraction(row.price_quantity) * found.factor / before
    row.quantity = units
    row.price_quantity = max(
        round_cost(Decimal(price_quantity.numerator) / price_quantity.denominator), Decimal("0.000001")
    )


def _write(rows: Sequence[InvoiceLine]) -> None:
    write_fields(rows, ["item", "order_line", "quantity", "price_quantity"])


def _refuse_unfitting(
    invoice: SupplierInvoice,
    rows: Mapping[int, InvoiceLine],
    order_lines: Mapping[int, int | None],
    wanted: Mapping[int, PurchaseOrderLine],
) -> None:
    errors = []
    for number, pk in order_lines.items():
        row, ordered = rows.get(number), wanted.get(pk or 0)
        code, detail = "invalid", ""
        if row is None:
            code, detail = "unknown_line", f"there is no line {number}"
        elif row.order_line_id == pk:
            continue
        elif row.posted_quantity or row.posted_amount or row.credited_quantity or row.credited_amount:
            detail = f"a part of line {number} is in the books"
        elif pk is not None and ordered is None:
            code, detail = "unknown_purchase_order_line", "there is no such order line"
        elif ordered is not None and ordered.order.supplier_id != invoice.supplier_id:
            detail = f"{ordered.order.number} is an order to another supplier"
        elif ordered is not None and ordered.order.status not in BILLABLE:
            detail = f"{ordered.order.number} is {ordered.order.get_status_display().lower()}"
        if detail:
            errors.append(Offence(pointer=f"/lines/{number - 1}/order_line", code=code, detail=detail))
    if errors:
        raise Invalid(errors=errors)
