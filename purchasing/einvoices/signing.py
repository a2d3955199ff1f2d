"""One sign for all: what lowers our debt is a credit note in positive figures, however it was written."""

from __future__ import annotations

from dataclasses import fields, replace
from decimal import Decimal

from purchasing.einvoices.document import Adjustment, InvoiceLine, Kind, ReadInvoice, Remark, Totals


def signed(read: ReadInvoice) -> ReadInvoice:
    """Answer the document with figures that are positive in the direction of its kind.

    An invoice over a negative sum owes us money: it becomes a credit note. A credit note over a negative sum might
    mean a debit, but suppliers write it for credits: it is read as one, which never pays too much, with a remark.
    """
    if read.totals.grand >= 0:
        return read
    if read.kind is Kind.INVOICE:
        remark = Remark(
            code="negative_invoice", detail="An invoice over a negative amount: it is read as a credit note."
        )
    else:
        remark = Remark(
            code="negative_credit_note",
            detail="A credit note in negative figures: it is read as a credit. Ask the supplier if a debit is meant.",
        )
    return replace(
        read,
        kind=Kind.CREDIT_NOTE,
        turned=True,
        lines=tuple(map(_turned_line, read.lines)),
        adjustments=tuple(map(_turned_adjustment, read.adjustments)),
        taxes=tuple(replace(tax, basis=_minus(tax.basis), amount=-tax.amount + 0) for tax in read.taxes),
        totals=_turned_totals(read.totals),
        remarks=(*read.remarks, remark),
    )


def _minus(value: Decimal | None) -> Decimal | None:
    return None if value is None else -value + 0  # adding zero turns -0 into 0


def _turned_line(line: InvoiceLine) -> InvoiceLine:
    """Turn the net amount, and the quantity with it: a price keeps its sign."""
    return replace(
        line,
        quantity=_minus(line.quantity),
        net=_minus(line.net),
        adjustments=tuple(map(_turned_adjustment, line.adjustments)),
    )


def _turned_adjustment(one: Adjustment) -> Adjustment:
    return replace(one, amount=-one.amount + 0, base=_minus(one.base))


def _turned_totals(totals: Totals) -> Totals:
    return Totals(**{field.name: _minus(getattr(totals, field.name)) for field in fields(Totals)})  # type: ignore[arg-type]
