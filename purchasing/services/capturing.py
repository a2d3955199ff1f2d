"""Supplier invoices that come in, typed or by the API; files come by `reading_files`. Nothing is judged here."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.db import IntegrityError, transaction

from inventory.services.finding import find_items
from purchasing.models import (
    InvoiceCharge,
    InvoiceLine,
    InvoiceStatus,
    PurchaseCharge,
    PurchaseOrder,
    Supplier,
    SupplierInvoice,
)
from purchasing.services.recognising import Named, Recognised, recognise_lines
from purchasing.services.standing import note_event
from retailhub.core.errors import DomainError, Invalid, Offence, Unknown
from retailhub.core.money import currencies, round_cost, round_total
from retailhub.core.services.exchanging import rate_on
from retailhub.core.sql import insert_rows
from retailhub.core.transactions import retried


class DuplicateInvoice(DomainError):
    """This supplier's invoice is here already."""

    code = "duplicate_invoice"


class UnknownOrder(Unknown):
    """An order is named that is not there."""

    code = "unknown_purchase_order"


class UnknownInvoice(Unknown):
    """An invoice is named that is not there."""

    code = "unknown_invoice"


@dataclass(frozen=True, slots=True, kw_only=True)
class BilledLine:
    """One line as it is billed: `unit_price` net for `price_quantity` of `unit` (base units where that is empty).

    `net_amount` is as stated; without it, it follows from price and quantity. On a credit note `corrects_line` names
    the line of the invoice, and `credit_kind` says whether goods went back or only the price was wrong.
    """

    quantity: Decimal
    unit_price: Decimal
    price_quantity: Decimal = Decimal(1)
    net_amount: Decimal | None = None
    sku: str = ""
    gtin: str = ""
    supplier_sku: str = ""
    description: str = ""
    unit: str = ""
    purchase_order: str = ""
    order_line: int | None = None
    tax_rate: Decimal | None = None
    corrects_line: int | None = None
    credit_kind: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BilledCharge:
    """Freight or another charge beside the lines, net; an allowance is negative."""

    code: str
    amount: Decimal
    description: str = ""
    tax_rate: Decimal | None = None
    treatment: str = ""


def number_key(number: str) -> str:
    """Fold an invoice number for comparing: INV-0017 and "inv 17" are one number."""
    plain = unicodedata.normalize("NFKC", number).casefold()
    parts = re.findall(r"[^\W\d_]+|\d+", plain)
    return "".join(part.lstrip("0") or "0" if part.isdigit() else part for part in parts)[:80] or plain[:80]


@retried()
def capture_invoice(
    *,
    supplier: Supplier | None,
    number: str,
    invoice_date: date,
    currency: str,
    lines: Sequence[BilledLine],
    actor: str,
    kind: str = SupplierInvoice.Kind.INVOICE,
    charges: Sequence[BilledCharge] = (),
    purchase_orders: Sequence[str] = (),
    tax_total: Decimal | None = None,
    total: Decimal | None = None,
    net_total: Decimal | None = None,
    due_date: date | None = None,
    corrects: str = "",
    source: str = SupplierInvoice.Source.HAND,
    note: str = "",
    strict: bool = True,
    **extra: Any,
) -> SupplierInvoice:
    """Have the invoice (or credit note) with its lines in base units, recognised as far as the paper allows.

    `strict` refuses SKUs and orders that name nothing, as a program's mistake; a file keeps them as they are, for the
    match to hold. Raises DuplicateInvoice for a number this supplier used before, UnknownSku, UnknownOrder,
    UnknownInvoice, NoExchangeRate and Invalid, naming every offending line; then nothing is kept.
    """
    _refuse_odd(number, currency, lines, charges)
    named = [
        Named(
            sku=line.sku, gtin=line.gtin, supplier_sku=line.supplier_sku, description=line.description,
            order=line.purchase_order, order_line=line.order_line, quantity=line.quantity, unit=line.unit,
        )
        for line in lines
    ]  # fmt: skip
    if strict:
        _refuse_unknown(named, purchase_orders)
    known = recognise_lines(supplier=supplier, lines=named, orders=purchase_orders)
    invoice = SupplierInvoice(
        supplier=supplier,
        kind=kind,
        number=number[:80],
        number_key=number_key(number),
        invoice_date=invoice_date,
        due_date=due_date or (invoice_date + timedelta(days=supplier.payment_days) if supplier else None),
        currency=currency,
        rate=rate_on(currency, invoice_date),
        source=source,
        note=note,
        entered_by=actor,
        corrects=_corrected(supplier, corrects),
        **extra,
    )
    refuse_duplicate(invoice)
    rows = [
        _line(invoice, index, line, found, supplier, purchase_orders)
        for index, (line, found) in enumerate(zip(lines, known, strict=True), 1)
    ]
    billed = _charges(invoice, charges, known, supplier)
    goods = sum((row.net_amount for row in rows), Decimal(0)) + sum((row.amount for row in billed), Decimal(0))
    invoice.net_total = goods if net_total is None else net_total
    computed = computed_tax(rows, billed, currency)
    invoice.tax_total = computed if tax_total is None else tax_total
    invoice.total = invoice.net_total + invoice.tax_total if total is None else total
    invoice.guesses = [*invoice.guesses, *guesses_of(known)]
    try:
        with transaction.atomic():
            invoice.save()
    except IntegrityError as error:
        if "supplier_invoice_once_per_number" not in str(error):
            raise
        raise DuplicateInvoice(f"{number} of this supplier is here already.", number=number) from error
    if invoice.corrects_id:
        _correct(rows, lines, invoice)
        _correct_charges(billed, invoice)
    insert_rows(rows)
    insert_rows(billed)
    note_event(
        invoice.reference, "captured", f"{number}: {len(rows)} lines over {invoice.total} {currency}", actor=actor
    )
    return invoice


def computed_tax(
    lines: Sequence[InvoiceLine], charges: Sequence[InvoiceCharge], currency: str, *, payable: bool = False
) -> Decimal:
    """Answer the tax that follows from the lines: by rate, each rounded; `payable` of what may be paid only."""
    bases: dict[Decimal, Decimal] = {}
    for line in lines:
        amount = line.payable_amount if payable else line.net_amount
        bases[line.tax_rate] = bases.get(line.tax_rate, Decimal(0)) + amount
    for charge in charges:
        amount = charge.payable_amount if payable else charge.amount
        bases[charge.tax_rate] = bases.get(charge.tax_rate, Decimal(0)) + amount
    return sum((round_total(base * rate, currency) for rate, base in bases.items()), Decimal(0))


# --- the parts -------------------------------------------------------------------------------------------------------
def _line(
    invoice: SupplierInvoice,
    number: int,
    line: BilledLine,
    found: Recognised,
    supplier: Supplier | None,
    orders: Sequence[str],
) -> InvoiceLine:
    exact = Fraction(line.quantity) * found.factor
    units = int(exact)
    if exact != units:
        # Half a piece is not ours to know of: the next whole number, told as what it is.
        units = max(1, round(exact))
        found.guessed.append(f"{line.quantity} {line.unit} taken for {units} pieces")
    net = line.net_amount
    if net is None:
        net = round_total(line.unit_price * line.quantity / line.price_quantity, invoice.currency)
    ordered = found.order_line
    rate = line.tax_rate
    if rate is None:
        rate = ordered.tax_rate if ordered else supplier.tax_rate if supplier else Decimal(0)
    return InvoiceLine(
        invoice=invoice,
        line=number,
        item=found.item,
        order_line=ordered,
        order_reference=(line.purchase_order or (orders[0] if len(orders) == 1 else ""))[:80],
        description=line.description[:300],
        supplier_sku=line.supplier_sku[:64],
        quantity=units,
        stated_quantity=line.quantity,
        stated_unit=line.unit[:20],
        price=round_cost(line.unit_price),
        price_quantity=_decimal(Fraction(line.price_quantity) * found.factor),
        net_amount=net,
        tax_rate=rate,
        credit_kind=line.credit_kind,
    )


def _decimal(value: Fraction) -> Decimal:
    return max(round_cost(Decimal(value.numerator) / value.denominator), Decimal("0.000001"))


def _charges(
    invoice: SupplierInvoice, charges: Sequence[BilledCharge], known: Sequence[Recognised], supplier: Supplier | None
) -> list[InvoiceCharge]:
    orders = {found.order_line.order_id for found in known if found.order_line}
    agreed = {row.code: row for row in PurchaseCharge.objects.filter(order__in=orders)} if charges else {}
    default = supplier.tax_rate if supplier else Decimal(0)
    return [
        InvoiceCharge(
            invoice=invoice,
            line=index,
            code=charge.code[:20],
            description=charge.description,
            amount=charge.amount,
            tax_rate=default if charge.tax_rate is None else charge.tax_rate,
            order_charge=agreed.get(charge.code),
            treatment=charge.treatment,
        )
        for index, charge in enumerate(charges, 1)
    ]


def guesses_of(known: Sequence[Recognised]) -> list[list[str]]:
    """Answer what was guessed, as [pointer, how]."""
    return [[f"/lines/{index}", how] for index, found in enumerate(known) for how in found.guessed]


def _corrected(supplier: Supplier | None, number: str) -> SupplierInvoice | None:
    if not number or supplier is None:
        return None
    return (
        SupplierInvoice.objects.filter(supplier=supplier, kind="invoice", number_key=number_key(number))
        .exclude(status=InvoiceStatus.REJECTED)
        .first()
    )


def _correct(rows: Sequence[InvoiceLine], lines: Sequence[BilledLine], invoice: SupplierInvoice) -> None:
    """Set each line of a credit note against the line it corrects: as stated, else the one about the same goods."""
    theirs = list(InvoiceLine.objects.filter(invoice=invoice.corrects_id))
    for row, line in zip(rows, lines, strict=True):
        same = [x for x in theirs if line.corrects_line is not None and x.line == line.corrects_line]
        same = same or [x for x in theirs if row.order_line_id and x.order_line_id == row.order_line_id]
        same = same or [x for x in theirs if row.item_id and x.item_id == row.item_id]
        if not same and len(theirs) == 1:
            same = theirs
        if same:
            row.corrects, row.order_line, row.item = same[0], same[0].order_line, same[0].item
            row.credit_kind = row.credit_kind or ("goods" if _same_price(row, same[0]) else "price")


def _correct_charges(billed: Sequence[InvoiceCharge], invoice: SupplierInvoice) -> None:
    """Let charges that are given back go against what was charged, and off the goods where those bear it."""
    theirs = {x.code: x for x in InvoiceCharge.objects.filter(invoice=invoice.corrects_id).order_by("-line")}
    for row in billed:
        if twin := theirs.get(row.code):
            row.order_charge_id = row.order_charge_id or twin.order_charge_id
            row.treatment = row.treatment or twin.treatment


def _same_price(row: InvoiceLine, other: InvoiceLine) -> bool:
    """Goods are credited at the price they were billed at; a lower one corrects the price."""
    billed: Decimal = other.net_amount * row.quantity
    return bool(abs(row.net_amount * other.quantity - billed) * 50 <= abs(billed))


# --- refusals --------------------------------------------------------------------------------------------------------
def _refuse_odd(number: str, currency: str, lines: Sequence[BilledLine], charges: Sequence[BilledCharge]) -> None:
    errors = []
    if not number.strip():
        errors.append(Offence(pointer="/number", code="blank", detail="an invoice has a number"))
    if currency not in currencies():
        errors.append(Offence(pointer="/currency", code="unknown_currency", detail="this is no ISO 4217 code"))
    if not lines and not charges:
        errors.append(Offence(pointer="/lines", code="invalid", detail="there are no lines"))
    errors += [
        Offence(pointer=f"/lines/{index}/quantity", code="invalid", detail="a quantity is positive and below 10^9")
        for index, line in enumerate(lines)
        if not 0 <= line.quantity < 10**9
    ]
    errors += [
        Offence(pointer=f"/lines/{index}/price_quantity", code="invalid", detail="a price is for more than nothing")
        for index, line in enumerate(lines)
        if line.price_quantity <= 0
    ]
    if errors:
        raise Invalid(errors=errors)


def _refuse_unknown(lines: Sequence[Named], orders: Sequence[str]) -> None:
    placed = [(index, line.sku) for index, line in enumerate(lines) if line.sku]
    if placed:
        if len(placed) == len(lines):
            find_items([sku for _, sku in placed], stocked=False)
        else:
            for index, sku in placed:
                find_items([sku], stocked=False, pointer=f"/lines/{index}/sku")
    wanted = [(f"/purchase_orders/{index}", number) for index, number in enumerate(orders)]
    wanted += [(f"/lines/{index}/purchase_order", line.order) for index, line in enumerate(lines) if line.order]
    found = set(PurchaseOrder.objects.filter(number__in={n for _, n in wanted}).values_list("number", flat=True))
    missing = [
        Offence(pointer=pointer, code="unknown_purchase_order", detail=f"there is no order {number}")
        for pointer, number in wanted
        if number not in found
    ]
    if missing:
        raise UnknownOrder(errors=missing)


def refuse_duplicate(invoice: SupplierInvoice) -> None:
    """Raise DuplicateInvoice where this supplier used the number before, unless somebody said it is another paper."""
    if invoice.supplier is None or invoice.is_distinct:
        return
    twin = (
        SupplierInvoice.objects.filter(
            supplier=invoice.supplier, kind=invoice.kind, number_key=invoice.number_key, is_distinct=False
        )
        .exclude(status=InvoiceStatus.REJECTED)
        .exclude(pk=invoice.pk)
        .first()
    )
    if twin:
        raise DuplicateInvoice(
            f"{twin.number} of {invoice.supplier.name} came on {twin.entered_at:%Y-%m-%d} already.",
            errors=[
                Offence(
                    pointer="/number",
                    code="duplicate_invoice",
                    detail=f"it is the same number as {twin.number}",
                    extra={"id": twin.pk, "status": twin.status},
                )
            ],
        )
