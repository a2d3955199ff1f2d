"""All electronic invoices made by others that we have: what is read equals a plain second reading of the same bytes."""

from __future__ import annotations

import os
from decimal import Decimal
from pathlib import Path

import pytest

from purchasing.einvoices.carrying import as_plain, from_plain
from purchasing.einvoices.document import Kind, ReadInvoice
from purchasing.einvoices.reading import read_invoice
from purchasing.einvoices.refusing import UnreadableDocument
from tests.purchasing.einvoices.plain import read_plainly, xml_in_pdf
from tests.shared_data import shared_data

# What is refused, and why that is right.
REFUSED = {
    # The XML declares an encoding that does not exist, which every XML parser has to take for a fatal error.
    "factur-x-invalid-xml-encoding-attribute.pdf": (
        "wrong_encoding",
        {"attachment": "factur-x.xml", "line": 1},
    ),
}
# Negative invoices and corrections, read as credit notes in positive figures.
TURNED = {
    "ZUGFeRD_1p0_BASIC_Rechnungskorrektur.pdf",
    "ZUGFeRD_1p0_EXTENDED_Rechnungskorrektur.pdf",
    "Avoir_FR_type380_BASIC.pdf",
    "Avoir_FR_type380_MINIMUM.pdf",
    "BIS3_Invoice_negativ.XML",
    "testout-ZF2PushCorrection.xml",
}
CREDIT_NOTES = TURNED | {
    "Avoir_FR_type381_BASIC.pdf",
    "Avoir_FR_type381_BASICWL.pdf",
    "Avoir_FR_type381_EN16931.pdf",
    "Avoir_FR_type381_MINIMUM.pdf",
    "CreditNote-Min_content_with_VAT.xml",
    "CreditNote-Min_content_without_VAT.xml",
    "testout-ZF2PushCreditNote.xml",
}


def files(folder: str, suffix: str) -> list[Path]:
    root = os.environ.get("RETAILHUB_SHARED_DATA", "")
    beside = Path(__file__).resolve().parents[4] / "shared" / "data"
    found = (Path(root) if root else beside) / folder
    return sorted(path for path in found.rglob("*") if path.suffix.casefold() == suffix)


XML, PDF = files("einvoice-xml", ".xml"), files("einvoice-pdf", ".pdf")
EVERY = XML + PDF


def test_every_file_is_looked_at() -> None:
    shared_data("einvoice-xml"), shared_data("einvoice-pdf")

    assert (len(XML), len(PDF)) == (82, 50)
    assert {path.name for path in EVERY} >= CREDIT_NOTES | set(REFUSED)


@pytest.mark.parametrize("path", EVERY or [None], ids=lambda path: path.name if path else "no-files")
def test_what_is_read_equals_a_plain_reading(path: Path | None) -> None:
    if path is None:
        shared_data("einvoice-xml")
    if path.name in REFUSED:
        with pytest.raises(UnreadableDocument) as refusal:
            read_invoice(path, path.name)
        (error,) = refusal.value.errors
        code, place = REFUSED[path.name]
        assert (error.code, {name: error.extra[name] for name in place}) == (code, place)
        return
    plain = read_plainly(xml_in_pdf(path) if path.suffix.casefold() == ".pdf" else path.read_bytes())

    read = read_invoice(path, path.name)

    sign = -1 if read.turned else 1
    assert read.turned == (path.name in TURNED)
    assert (read.kind is Kind.CREDIT_NOTE) == (path.name in CREDIT_NOTES)
    assert (read.number, read.issue_date.strftime("%Y%m%d")) == (plain.number, plain.date)
    assert (read.type_code, read.currency, read.order) == (plain.type_code, plain.currency, plain.order)
    assert not plain.seller or squeezed(read.seller.name) == squeezed(plain.seller)
    lines = [line for line in read.lines if line.quantity is not None or line.net is not None]
    assert [(sign * (line.quantity or 0), sign * (line.net or 0)) for line in lines] == plain.lines
    assert [line.price or 0 for line in lines] == plain.prices
    assert [squeezed(line.name) for line in lines] == [squeezed(name) for name in plain.names]
    assert [(tax.rate or 0, sign * (tax.basis or 0), sign * tax.amount) for tax in read.taxes] == plain.taxes
    assert sign * (read.totals.tax or Decimal(0)) == plain.tax
    for name, figure in plain.totals.items():
        assert sign * (getattr(read.totals, name) or 0) == figure, name
    assert from_plain(ReadInvoice, as_plain(read)) == read


def squeezed(name: str) -> str:
    return "".join(name.split())


# One pair is no pair: its UBL lacks the means of payment that its CII has.
TWINS = [path for path in XML if path.name.endswith(".ubl.xml") and not path.name.startswith("not_validating")]


@pytest.mark.parametrize("ubl", TWINS or [None], ids=lambda path: path.name if path else "no-files")
def test_the_same_invoice_in_both_formats_is_read_alike(ubl: Path | None) -> None:
    """The corpus has UBL and CII of the same invoices: what identifies the parties and items must come out equal."""
    if ubl is None:
        shared_data("einvoice-xml")
    cii = ubl.parent.parent / "CII" / ubl.name.replace(".ubl.xml", ".cii.xml")

    one, other = read_invoice(ubl, ubl.name), read_invoice(cii, cii.name)

    for party in ("seller", "buyer"):
        mine, theirs = getattr(one, party), getattr(other, party)
        assert (mine.name, mine.vat_ids, mine.glns, mine.ibans) == (
            theirs.name,
            theirs.vat_ids,
            theirs.glns,
            theirs.ibans,
        )
        assert (mine.address.city, mine.address.postcode, mine.address.country) == (
            theirs.address.city,
            theirs.address.postcode,
            theirs.address.country,
        )
    assert (one.kind, one.due_date, one.order, one.sales_order, one.buyer_reference, one.corrects) == (
        other.kind,
        other.due_date,
        other.order,
        other.sales_order,
        other.buyer_reference,
        other.corrects,
    )
    assert (one.despatch_advices, one.receiving_advices) == (other.despatch_advices, other.receiving_advices)
    for mine, theirs in zip(one.lines, other.lines, strict=True):
        assert (mine.id, mine.gtin, mine.seller_item, mine.buyer_item, mine.order_line) == (
            theirs.id,
            theirs.gtin,
            theirs.seller_item,
            theirs.buyer_item,
            theirs.order_line,
        )
        assert (mine.quantity, mine.unit, mine.price, mine.net, mine.tax_category) == (
            theirs.quantity,
            theirs.unit,
            theirs.price,
            theirs.net,
            theirs.tax_category,
        )
        assert [one.signed for one in mine.adjustments] == [one.signed for one in theirs.adjustments]
    assert [one.signed for one in one.adjustments] == [one.signed for one in other.adjustments]
    assert one.totals.payable == other.totals.payable
