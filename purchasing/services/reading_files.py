"""Supplier invoices out of files: what a paper says, in the words in which invoices are captured."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from decimal import Decimal
from typing import Any

from django.core.files.base import File

from purchasing.einvoices.carrying import as_plain
from purchasing.einvoices.document import Format, ReadInvoice
from purchasing.einvoices.document import InvoiceLine as ReadLine
from purchasing.einvoices.findings import find
from purchasing.models import Supplier, SupplierInvoice
from purchasing.services.capturing import BilledCharge, BilledLine, capture_invoice
from purchasing.services.recognising import Guess, recognise_supplier


def capture_file(
    *, read: ReadInvoice, file: File[Any] | None, actor: str, supplier: Supplier | None = None
) -> SupplierInvoice:
    """Have an invoice that was read out of a file, with the file beside it, what it said, and what is odd about it.

    A supplier that is named counts more than what the paper says of him. Without one recognised the invoice waits to be
    told whose it is. Raises as `capture_invoice` does.
    """
    guesses: list[Guess] = []
    if supplier is None:
        supplier, guesses = recognise_supplier(read)
    lines = [
        BilledLine(
            quantity=line.quantity if line.quantity is not None else Decimal(1),
            unit_price=line.price if line.price is not None else (line.net or Decimal(0)),
            price_quantity=line.price_base if line.price is not None else Decimal(1),
            net_amount=line.net,
            sku=line.buyer_item,
            gtin=line.gtin,
            supplier_sku=line.seller_item,
            description=(line.name or line.description)[:300],
            unit=line.unit,
            purchase_order=line.order_line.order if line.order_line else "",
            order_line=_int(line.order_line.line) if line.order_line else None,
            tax_rate=None if line.tax_rate is None else line.tax_rate / 100,
        )
        for line in read.lines
        if line.counts and not _takes_off(line)
    ]
    net = read.totals.tax_basis if read.totals.tax_basis is not None else read.totals.grand - (read.totals.tax or 0)
    if not lines:
        # Profiles without lines (MINIMUM, BASIC WL) ask for a sum; a person says what it is for.
        lines = [BilledLine(quantity=Decimal(1), unit_price=net, description="As billed in total")]
    charges = [
        BilledCharge(
            code=_charge_code(entry.code, entry.reason, is_charge=entry.is_charge),
            amount=entry.signed,
            description=entry.reason[:200],
            tax_rate=None if entry.tax_rate is None else entry.tax_rate / 100,
        )
        for entry in (read.adjustments if any(line.counts for line in read.lines) else ())
    ] + [
        BilledCharge(
            code="allowance",
            amount=line.net or Decimal(0),
            description=(line.name or line.description)[:200],
            tax_rate=None if line.tax_rate is None else line.tax_rate / 100,
        )
        for line in read.lines
        if line.counts and _takes_off(line)
    ]
    digest = ""
    stored: dict[str, Any] = {} if file is None else {"file": file}
    if file is not None:
        file.seek(0)
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        file.seek(0)
    is_pdf = read.file.lower().endswith(".pdf")
    return capture_invoice(
        supplier=supplier,
        kind=read.kind.value,
        number=read.number,
        invoice_date=read.issue_date,
        due_date=read.due_date,
        currency=read.currency,
        lines=lines,
        charges=charges,
        purchase_orders=[read.order] if read.order else [],
        net_total=net,
        tax_total=read.totals.tax or Decimal(0),
        total=read.totals.grand,
        prepaid=max(Decimal(0), read.totals.prepaid or Decimal(0)),
        corrects=read.corrects[0].number if read.corrects else "",
        source="pdf" if is_pdf else "ubl" if read.format is Format.UBL else "cii",
        actor=actor,
        strict=False,
        read=as_plain(replace(read, xml="")),
        findings=[as_plain(finding) for finding in find(read)],
        guesses=[list(guess) for guess in guesses],
        file_hash=digest,
        **stored,
    )


# --- the parts -------------------------------------------------------------------------------------------------------
def _takes_off(line: ReadLine) -> bool:
    """Whether a line of a file gives money back in the middle of an invoice: an allowance, whatever it is called."""
    return (line.net or Decimal(0)) < 0 or (line.quantity or Decimal(0)) < 0


def _charge_code(code: str, reason: str, *, is_charge: bool) -> str:
    """Answer our word for a charge that a paper names by UNTDID 7161 or in words."""
    words = f"{code} {reason}".casefold()
    for ours, theirs in (
        ("freight", ("fc", "freight", "fracht", "versand", "shipping", "transport", "porto", "delivery")),
        ("packing", ("pac", "packing", "packag", "verpack")),
        ("insurance", ("ins", "insurance", "versicherung")),
        ("duty", ("dut", "duty", "zoll", "customs")),
    ):
        if any(code.casefold() == word or (len(word) > 3 and word in words) for word in theirs):
            return ours
    return "other" if is_charge else "allowance"


def _int(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else None
