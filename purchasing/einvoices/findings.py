"""What does not add up in an electronic invoice. Findings are shown to the clerk; none of them refuses a document."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from stdnum import ean
from stdnum.exceptions import ValidationError

from purchasing.einvoices.codes import CREDIT_NOTES, INVOICES, NO_DEMANDS
from purchasing.einvoices.document import InvoiceLine, ReadInvoice
from retailhub.core.money import currencies, exponent, round_total

NOTHING = Decimal(0)


class Severity(StrEnum):
    """How much a finding matters: a rule is broken, something is odd, or only something to know."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One thing that was found, by the code of its rule, and where. Figures are those of `ReadInvoice`."""

    code: str
    severity: Severity
    detail: str
    place: str = ""
    expected: Decimal | None = None
    stated: Decimal | None = None


def find(read: ReadInvoice) -> tuple[Finding, ...]:
    """Answer everything odd: what reading noticed, sums, tax and codes. The rule numbers are those of EN 16931."""
    return (
        *(Finding(code=r.code, severity=Severity.WARNING, detail=r.detail, place=r.element) for r in read.remarks),
        *_codes(read),
        *_lines(read),
        *_sums(read),
        *_taxes(read),
    )


def _codes(read: ReadInvoice) -> Iterator[Finding]:
    if read.type_code in NO_DEMANDS:
        detail = f"Type {read.type_code} is {NO_DEMANDS[read.type_code]}: no money is asked for."
        yield Finding(code="no_demand", severity=Severity.ERROR, detail=detail)
    elif read.type_code not in CREDIT_NOTES | INVOICES:
        detail = f"{read.type_code!r} is no type of an invoice or credit note; it is read as {read.kind.value}."
        yield Finding(code="BR-CL-01", severity=Severity.WARNING, detail=detail)
    if read.currency not in currencies():
        yield Finding(code="BR-CL-04", severity=Severity.ERROR, detail=f"There is no currency {read.currency}.")


def _lines(read: ReadInvoice) -> Iterator[Finding]:
    slack = 2 * _step(read)
    for line in read.lines:
        place = f"line {line.id or line.position}"
        if line.gtin and not _is_gtin(line.gtin):
            yield Finding(
                code="gtin",
                severity=Severity.WARNING,
                detail=f"{line.gtin} has a wrong check digit or length for a GTIN.",
                place=place,
            )
        if not line.counts or line.quantity is None or line.price is None or line.net is None:
            continue
        expected = round_total(
            line.quantity * line.price / line.price_base + sum((one.signed for one in line.adjustments), NOTHING),
            read.currency,
        )
        if abs(expected - line.net) > slack:
            yield Finding(
                code="line_net",
                severity=Severity.WARNING,
                detail="Quantity times price, with allowances and charges, is not the net amount of the line.",
                place=place,
                expected=expected,
                stated=line.net,
            )


def _is_gtin(code: str) -> bool:
    try:
        ean.validate(code)
    except ValidationError:
        return False
    return True


def _sums(read: ReadInvoice) -> Iterator[Finding]:
    totals = read.totals
    counted = [line for line in read.lines if line.counts]
    allowances = sum((one.amount for one in read.adjustments if not one.is_charge), NOTHING)
    charges = sum((one.amount for one in read.adjustments if one.is_charge), NOTHING)
    if counted:
        nets = sum((line.net or NOTHING for line in counted), NOTHING)
        yield from _differs("BR-CO-10", "The sum of the lines", nets, totals.lines)
        # The short profiles carry sums without what they are made of; only where lines are said are these, too.
        yield from _differs("BR-CO-11", "The sum of the allowances", allowances, totals.allowances or NOTHING)
        yield from _differs("BR-CO-12", "The sum of the charges", charges, totals.charges or NOTHING)
    if totals.lines is not None:
        basis = totals.lines - (totals.allowances or NOTHING) + (totals.charges or NOTHING)
        yield from _differs("BR-CO-13", "The total without tax", basis, totals.tax_basis)
    if read.taxes:
        tax = sum((share.amount for share in read.taxes), NOTHING)
        yield from _differs("BR-CO-14", "The sum of the taxes", tax, totals.tax)
    if totals.tax_basis is not None:
        yield from _differs("BR-CO-15", "The total with tax", totals.tax_basis + (totals.tax or NOTHING), totals.grand)
    if totals.prepaid is None and read.profile == "minimum":
        return  # this profile says what is due, and leaves out what was paid before
    due = totals.grand - (totals.prepaid or NOTHING) + (totals.rounding or NOTHING)
    yield from _differs("BR-CO-16", "The amount due", due, totals.payable)


def _differs(code: str, what: str, expected: Decimal, stated: Decimal | None) -> Iterator[Finding]:
    if stated is not None and stated != expected:
        yield Finding(
            code=code,
            severity=Severity.ERROR,
            detail=f"{what} should be {expected}, but is stated as {stated}.",
            place="totals",
            expected=expected,
            stated=stated,
        )


def _taxes(read: ReadInvoice) -> Iterator[Finding]:
    step = _step(read)
    for share in read.taxes:
        place = f"tax {share.category} {'' if share.rate is None else f'{share.rate.normalize():f} %'}".strip()
        if share.basis is None:
            continue
        expected = round_total(share.basis * (share.rate or NOTHING) / 100, read.currency)
        if abs(expected - share.amount) > step:
            yield Finding(
                code="BR-CO-17",
                severity=Severity.ERROR,
                detail=f"The tax should be {expected}, but is stated as {share.amount}.",
                place=place,
                expected=expected,
                stated=share.amount,
            )
    yield from _bases(read, step)


def _bases(read: ReadInvoice, step: Decimal) -> Iterator[Finding]:
    """Compare the basis of each tax with the lines, allowances and charges that carry it (BR-S-08 and its kin)."""
    counted = [line for line in read.lines if line.counts]
    if not read.taxes or not counted or not all(map(_carries_tax, counted)):
        return
    expected: dict[tuple[str, Decimal], Decimal] = defaultdict(Decimal)
    stated: dict[tuple[str, Decimal], Decimal] = defaultdict(Decimal)
    for line in counted:
        expected[line.tax_category, line.tax_rate or NOTHING] += line.net or NOTHING
    for one in read.adjustments:
        expected[one.tax_category, one.tax_rate or NOTHING] += one.signed
    for share in read.taxes:
        stated[share.category, share.rate or NOTHING] += share.basis or NOTHING
    for category, rate in sorted(expected.keys() | stated.keys()):
        right, said = expected[category, rate], stated[category, rate]
        if abs(right - said) > step:
            yield Finding(
                code=f"BR-{category or '?'}-08",
                severity=Severity.ERROR,
                detail=f"What is taxed should be {right}, but is stated as {said}.",
                place=f"tax {category} {rate.normalize():f} %",
                expected=right,
                stated=said,
            )


def _carries_tax(line: InvoiceLine) -> bool:
    return bool(line.tax_category) and line.net is not None


def _step(read: ReadInvoice) -> Decimal:
    return Decimal(1).scaleb(-exponent(read.currency))
