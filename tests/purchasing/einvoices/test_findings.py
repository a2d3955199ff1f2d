"""What does not add up is found by rule and place, and what adds up is left alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from purchasing.einvoices.document import Identifier, ReadInvoice, Remark
from purchasing.einvoices.findings import Severity, find
from purchasing.einvoices.reading import read_invoice
from tests.purchasing.einvoices.writing import an_invoice
from tests.shared_data import shared_data

CENT = Decimal("0.01")


def total(name: str, change: Decimal) -> Callable[[ReadInvoice], ReadInvoice]:
    return lambda read: replace(read, totals=replace(read.totals, **{name: (getattr(read.totals, name) or 0) + change}))


def first_line(**changes: object) -> Callable[[ReadInvoice], ReadInvoice]:
    return lambda read: replace(read, lines=(replace(read.lines[0], **changes), *read.lines[1:]))


def first_tax(**changes: object) -> Callable[[ReadInvoice], ReadInvoice]:
    return lambda read: replace(read, taxes=(replace(read.taxes[0], **changes), *read.taxes[1:]))


def test_an_invoice_that_adds_up_has_no_findings() -> None:
    assert find(an_invoice()) == ()


@pytest.mark.parametrize(
    ("change", "codes"),
    [
        (total("lines", CENT), {"BR-CO-10", "BR-CO-13"}),
        (total("allowances", CENT), {"BR-CO-11", "BR-CO-13"}),
        (total("charges", CENT), {"BR-CO-12", "BR-CO-13"}),
        (total("tax_basis", CENT), {"BR-CO-13", "BR-CO-15"}),
        (total("tax", CENT), {"BR-CO-14", "BR-CO-15"}),
        (total("grand", CENT), {"BR-CO-15", "BR-CO-16"}),
        (total("prepaid", CENT), {"BR-CO-16"}),
        (total("rounding", CENT), {"BR-CO-16"}),
        (total("payable", -CENT), {"BR-CO-16"}),
        (first_tax(amount=Decimal("9.99")), {"BR-CO-14", "BR-CO-17"}),
        (first_tax(rate=Decimal(7)), {"BR-CO-17", "BR-S-08"}),
        (first_tax(basis=Decimal("51.00")), {"BR-CO-17", "BR-S-08"}),
        (first_tax(category="Z"), {"BR-S-08", "BR-Z-08"}),
        (first_line(net=Decimal("24.00")), {"line_net", "BR-CO-10", "BR-S-08"}),
        (first_line(price=Decimal("12.50")), {"line_net"}),
        (first_line(price_base=Decimal(1)), {"line_net"}),
        (first_line(adjustments=()), {"line_net"}),
        (first_line(counts=False), {"BR-CO-10", "BR-S-08"}),
        (first_line(standard_item=Identifier(value="4006381333932", scheme="0160")), {"gtin"}),
        (lambda read: replace(read, adjustments=()), {"BR-CO-11", "BR-CO-12", "BR-S-08"}),
        (lambda read: replace(read, type_code="325"), {"no_demand"}),
        (lambda read: replace(read, type_code="999"), {"BR-CL-01"}),
        (lambda read: replace(read, currency="XXQ"), {"BR-CL-04"}),
        (lambda read: replace(read, remarks=(Remark(code="test_document", detail="A test."),)), {"test_document"}),
    ],
)
def test_what_does_not_add_up_is_found(change: Callable[[ReadInvoice], ReadInvoice], codes: set[str]) -> None:
    assert {finding.code for finding in find(change(an_invoice()))} == codes


def test_a_finding_says_what_was_expected_and_what_is_stated() -> None:
    invoice = an_invoice()

    (finding,) = find(total("payable", -CENT)(invoice))

    assert finding.severity is Severity.ERROR
    assert (finding.expected, finding.stated) == (invoice.totals.payable, invoice.totals.payable - CENT)
    assert (finding.place, str(finding.stated) in finding.detail) == ("totals", True)


def test_a_short_profile_is_not_blamed_for_what_it_leaves_out() -> None:
    short = replace(
        an_invoice(),
        profile="minimum",
        lines=(),
        adjustments=(),
        taxes=(),
        totals=replace(an_invoice().totals, lines=None, allowances=None, charges=None, prepaid=None, rounding=None),
    )

    assert find(short) == ()


def test_the_file_that_says_it_is_wrong_is_found_wrong() -> None:
    """The corpus names one file as not validating: its sums are wrong."""
    folder = shared_data("einvoice-xml", "ZUGFeRD__corpus", "XML-Rechnung", "UBL")
    (path,) = folder.glob("not_validating*")

    codes = {finding.code for finding in find(read_invoice(path, path.name))}

    assert codes >= {"BR-CO-10", "BR-CO-15"}


def test_the_examples_of_the_standard_add_up() -> None:
    """CEN's own UBL files: the official rules have nothing against them, so the same rules here must not either."""
    folder = shared_data("einvoice-xml", "ConnectingEurope__eInvoicing-EN16931")
    files = [path for path in Path(folder).rglob("*") if path.suffix.casefold() == ".xml" and "cii" not in path.parts]
    assert len(files) == 32

    wrong = {
        (path.name, finding.code)
        for path in files
        for finding in find(read_invoice(path, path.name))
        if finding.code.startswith("BR-")
    }

    assert wrong == set()
