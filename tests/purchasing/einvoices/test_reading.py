"""What is read out of every field, and how places are named when something cannot be read."""

from __future__ import annotations

import io
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from purchasing.einvoices.carrying import from_plain
from purchasing.einvoices.child import _answer
from purchasing.einvoices.document import Adjustment, Kind, OrderLine, ReadInvoice, Totals
from purchasing.einvoices.elements import MOST
from purchasing.einvoices.limits import USUAL
from purchasing.einvoices.reading import read_invoice
from purchasing.einvoices.refusing import UnreadableDocument
from retailhub.core import money
from tests.purchasing.einvoices.writing import a_pdf, an_invoice, as_ubl, small_cii

FOOT = "<cac:LegalMonetaryTotal"


def refused(data: bytes | str, name: str = "bill.xml") -> UnreadableDocument:
    with pytest.raises(UnreadableDocument) as refusal:
        read_invoice(data.encode() if isinstance(data, str) else data, name)
    assert (refusal.value.code, refusal.value.status) == ("unreadable_document", 422)
    assert all(error.pointer == "/file" for error in refusal.value.errors)
    return refusal.value


def comparable(read: ReadInvoice) -> ReadInvoice:
    """Answer the invoice without where it stood in its file."""
    return replace(
        read,
        file="",
        xml="",
        lines=tuple(replace(line, source_line=None, element="") for line in read.lines),
    )


def test_every_field_of_an_invoice_is_read() -> None:
    invoice = an_invoice()

    read = read_invoice(as_ubl(invoice).encode(), "bill.xml")

    assert comparable(read) == invoice
    assert read.xml == as_ubl(invoice)
    assert [line.gtin for line in read.lines] == ["4006381333931"] * 2
    assert read.seller.glns == ("4000001000005",)
    assert [line.element for line in read.lines] == ["/Invoice/InvoiceLine[1]", "/Invoice/InvoiceLine[2]"]
    assert all(read.xml.splitlines()[line.source_line - 1].startswith("<cac:InvoiceLine>") for line in read.lines)


def test_a_credit_note_is_read_in_positive_figures() -> None:
    note = replace(an_invoice(), kind=Kind.CREDIT_NOTE, type_code="381", due_date=None)

    read = read_invoice(as_ubl(note).encode(), "note.xml")

    assert comparable(read) == note
    assert not read.turned


@pytest.mark.parametrize(("kind", "code"), [(Kind.INVOICE, "380"), (Kind.CREDIT_NOTE, "381")])
def test_negative_figures_become_a_credit_note_in_positive_ones(kind: Kind, code: str) -> None:
    right = replace(an_invoice(), kind=kind, type_code=code, due_date=None)
    written = as_ubl(negated(right))

    read = read_invoice(written.encode(), "note.xml")

    assert (read.kind, read.turned) == (Kind.CREDIT_NOTE, True)
    assert replace(comparable(read), remarks=(), turned=False) == replace(right, kind=Kind.CREDIT_NOTE)
    assert [remark.code for remark in read.remarks] == [
        "negative_invoice" if kind is Kind.INVOICE else "negative_credit_note"
    ]


def negated(read: ReadInvoice) -> ReadInvoice:
    def adjusted(adjustments: tuple[Adjustment, ...]) -> tuple[Adjustment, ...]:
        return tuple(replace(one, amount=-one.amount) for one in adjustments)

    totals = {name: None if (v := getattr(read.totals, name)) is None else -v for name in Totals.__dataclass_fields__}
    return replace(
        read,
        lines=tuple(
            replace(line, quantity=-line.quantity, net=-line.net, adjustments=adjusted(line.adjustments))
            for line in read.lines
        ),
        adjustments=adjusted(read.adjustments),
        taxes=tuple(replace(tax, basis=-tax.basis, amount=-tax.amount) for tax in read.taxes),
        totals=Totals(**totals),
    )


@given(
    number=st.text(st.characters(codec="utf-8", categories=["L", "N", "P"]), min_size=1, max_size=40),
    quantity=st.decimals(0, 10**9, places=4),
    price=st.decimals(0, 10**9, places=6),
)
@settings(max_examples=60, deadline=None)
def test_any_text_and_figure_comes_through_as_it_was_written(number: str, quantity: Decimal, price: Decimal) -> None:
    first, second = an_invoice().lines
    invoice = replace(an_invoice(), number=number, lines=(replace(first, quantity=quantity, price=price), second))

    plain, _ = _answer(USUAL, io.BytesIO(as_ubl(invoice).encode()))  # in this process: a child for each takes long

    read = from_plain(ReadInvoice, plain["read"])
    assert (read.lines[0].quantity, read.lines[0].price) == (quantity, price)
    assert read.number == clean(number)


def clean(text: str) -> str:
    from retailhub.core.text import clean_line

    return clean_line(text)


def test_a_cross_industry_invoice_names_the_line_of_our_order() -> None:
    read = read_invoice(small_cii().encode(), "bill.xml")

    assert read.lines[0].order_line == OrderLine(order="PO-1", line="20")
    assert (read.totals.payable, read.totals.tax) == (Decimal("119.00"), Decimal("19.00"))


def test_tax_in_the_sellers_own_currency_stands_beside_the_tax_of_the_invoice() -> None:
    xml = small_cii(extra="<ram:TaxCurrencyCode>SEK</ram:TaxCurrencyCode>").replace(
        "<ram:GrandTotalAmount>",
        '<ram:TaxTotalAmount currencyID="SEK">190.00</ram:TaxTotalAmount><ram:GrandTotalAmount>',
    )

    totals = read_invoice(xml.encode(), "bill.xml").totals

    assert (totals.tax, totals.tax_in_tax_currency) == (Decimal("19.00"), Decimal("190.00"))


@pytest.mark.parametrize("name", ["factur-x.xml", "ZUGFeRD-invoice.xml", "zugferd-invoice.xml", "xrechnung.xml"])
def test_the_invoice_in_a_pdf_is_found_by_its_prescribed_name(name: str) -> None:
    pdf = a_pdf({"photo.png": b"png", name: small_cii().encode(), "other.xml": b"<other/>"})

    read = read_invoice(pdf, "C:\\scans\\bill.pdf")

    assert (read.number, read.file, read.attachment) == ("CII-1", "bill.pdf", name)
    assert set(read.attachments) == {"photo.png", "other.xml"}


def test_the_only_xml_in_a_pdf_is_taken_for_the_invoice() -> None:
    assert read_invoice(a_pdf({"R-17.XML": as_ubl(an_invoice()).encode()}), "bill.pdf").attachment == "R-17.XML"


def test_one_invoice_attached_twice_is_one_invoice() -> None:
    xml = small_cii().encode()

    assert read_invoice(a_pdf({"factur-x.xml": [xml, xml]}), "bill.pdf").number == "CII-1"


def test_every_bad_place_is_named_at_once() -> None:
    xml = (
        as_ubl(an_invoice())
        .replace("<cbc:ID>INV-2026-17</cbc:ID>\n", "")
        .replace("2026-03-31", "31.03.2026")
        .replace(">24<", ">two dozen<", 1)
        .replace(">23.00</cbc:LineExtensionAmount>", ">1e5</cbc:LineExtensionAmount>", 1)
    )

    refusal = refused(xml)

    lines = xml.splitlines()
    places = {(error.code, error.extra["element"]): error for error in refusal.errors}
    assert set(places) == {
        ("missing", "/Invoice/ID"),
        ("bad_date", "/Invoice/IssueDate"),
        ("bad_number", "/Invoice/InvoiceLine[1]/InvoicedQuantity"),
        ("bad_number", "/Invoice/InvoiceLine[1]/LineExtensionAmount"),
    }
    quantity = places["bad_number", "/Invoice/InvoiceLine[1]/InvoicedQuantity"]
    assert "two dozen" in lines[quantity.extra["line"] - 1]
    assert quantity.detail.startswith(f"bill.xml, line {quantity.extra['line']}, /Invoice/InvoiceLine[1]/")
    assert "'two dozen' is not a number" in quantity.detail


@pytest.mark.parametrize(
    ("old", "new", "code", "element"),
    [
        ('currencyID="EUR">23.00<', 'currencyID="USD">23.00<', "other_currency", "/InvoiceLine[1]/LineExtensionAmount"),
        (">EUR<", ">Euro<", "bad_currency", "/DocumentCurrencyCode"),
        (">true<", ">yes<", "bad_flag", "/AllowanceCharge[1]/ChargeIndicator"),
        (">12</cbc:BaseQuantity>", ">0</cbc:BaseQuantity>", "bad_number", "/InvoiceLine[1]/Price/BaseQuantity"),
        (">24<", ">12345678901234<", "bad_number", "/InvoiceLine[1]/InvoicedQuantity"),
        (">24<", ">NaN<", "bad_number", "/InvoiceLine[1]/InvoicedQuantity"),
        (">24<", ">1,5<", "bad_number", "/InvoiceLine[1]/InvoicedQuantity"),
        (">24<", ">٢٤<", "bad_number", "/InvoiceLine[1]/InvoicedQuantity"),
        ("2026-03-31", "2026-02-30", "bad_date", "/IssueDate"),
        ("2026-03-31", "0026-03-31", "bad_date", "/IssueDate"),
        (">PO-1042<", ">PO\x9b1042<", "dirty_text", "/OrderReference/ID"),
        (">PO-1042<", f">{'P' * 1001}<", "too_long", "/OrderReference/ID"),
        (
            "<cac:LegalMonetaryTotal>",
            "<cac:LegalMonetaryTotal/><cac:LegalMonetaryTotal>",
            "ambiguous",
            "/LegalMonetaryTotal[2]",
        ),
    ],
)
def test_what_cannot_be_read_is_named(old: str, new: str, code: str, element: str) -> None:
    xml = as_ubl(an_invoice())
    assert old in xml

    errors = refused(xml.replace(old, new, 1)).errors

    assert (code, f"/Invoice{element}") in [(error.code, error.extra["element"]) for error in errors]


def test_another_document_is_refused_by_its_root() -> None:
    error = refused(
        '<?xml version="1.0"?>\n<Order xmlns="urn:oasis:names:specification:ubl:schema:xsd:Order-2"/>'
    ).errors[0]

    assert (error.code, error.extra["line"], error.extra["element"]) == ("unknown_format", 2, "/Order")


def test_a_file_object_is_read_only_as_far_as_is_allowed() -> None:
    class Endless(io.RawIOBase):
        given = 0

        def read(self, size: int = -1) -> bytes:
            self.given += size
            return b"<" + b" " * (size - 1)

    stream = Endless()

    with pytest.raises(UnreadableDocument):
        read_invoice(stream, "bill.xml")

    assert stream.given <= USUAL.most_bytes + 1


def test_numbers_have_the_bounds_of_all_money() -> None:
    assert MOST == money.MOST
