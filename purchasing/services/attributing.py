"""What people say of an invoice where the paper did not: whose it is, that it is no duplicate, which order it bills."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from purchasing.models import InvoiceLine, InvoiceStatus, Supplier, SupplierInvoice
from purchasing.services.capturing import DuplicateInvoice, guesses_of, refuse_duplicate
from purchasing.services.recognising import Named, recognise_lines
from purchasing.services.standing import note_event
from retailhub.core.transactions import retried


@retried()
def name_supplier(*, invoice_id: int, supplier: Supplier, actor: str) -> SupplierInvoice:
    """Say whose invoice it is where the paper did not; its lines are recognised anew."""
    invoice = SupplierInvoice.objects.select_for_update(of=("self",), no_key=True).get(pk=invoice_id)
    if invoice.status != InvoiceStatus.CAPTURED:
        raise DuplicateInvoice("It is known already whose invoice this is.")
    invoice.supplier = supplier
    refuse_duplicate(invoice)
    rows = list(invoice.lines.all())
    order = str((invoice.read or {}).get("order", ""))
    known = recognise_lines(
        supplier=supplier,
        lines=[
            Named(
                supplier_sku=row.supplier_sku, description=row.description, order=row.order_reference,
                quantity=row.stated_quantity or Decimal(row.quantity), unit=row.stated_unit,
            )
            for row in rows
        ],
        orders=[order] if order else [],
    )  # fmt: skip
    for row, found in zip(rows, known, strict=True):
        row.item = row.item or found.item
        row.order_line = row.order_line or found.order_line
    InvoiceLine.objects.bulk_update(rows, ["item", "order_line"])
    invoice.guesses = [guess for guess in invoice.guesses if guess[0] != "/supplier"] + guesses_of(known)
    invoice.due_date = invoice.due_date or invoice.invoice_date + timedelta(days=supplier.payment_days)
    invoice.save(update_fields=["supplier", "guesses", "due_date"])
    note_event(invoice.reference, "supplier", f"It is from {supplier.name}", actor=actor)
    return invoice


@retried()
def confirm_distinct(*, invoice_id: int, actor: str) -> SupplierInvoice:
    """Say that an invoice that looks like another one is none; it is not held for that again."""
    invoice = SupplierInvoice.objects.select_for_update(of=("self",), no_key=True).get(pk=invoice_id)
    if not invoice.is_distinct:
        invoice.is_distinct = True
        invoice.save(update_fields=["is_distinct"])
        note_event(invoice.reference, "distinct", "Is no duplicate", actor=actor)
    return invoice
