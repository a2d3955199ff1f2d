"""The journal as a file."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass

from retailhub.accounting.exporting import beancount, hledger, table
from retailhub.accounting.exporting.content import Book, open_book
from retailhub.accounting.proving import at_one_moment
from retailhub.accounting.queries import Span, span_of
from retailhub.core.errors import Invalid, Offence

MONTH_OR_YEAR = "a period is a month such as 2026-11, or a year such as 2026"


@dataclass(frozen=True, slots=True)
class Form:
    """A kind of file: how it is written, its ending, and what the web calls it."""

    write: Callable[[Book], Iterator[str]]
    ending: str
    content_type: str


FORMS: dict[str, Form] = {
    "beancount": Form(beancount.write, "beancount", "text/plain; charset=utf-8"),
    "hledger": Form(hledger.write, "journal", "text/plain; charset=utf-8"),
    "csv": Form(table.write, "csv", "text/csv; charset=utf-8"),
}


@dataclass(frozen=True, slots=True)
class Export:
    """A journal on its way out: its name and its text, piece by piece, all as of one moment."""

    name: str
    content_type: str
    pieces: Generator[str, None, None]


def export_journal(*, form: str, period: str = "") -> Export:
    """Answer the journal of a period, or all of it, for beancount, hledger or as CSV.

    Reading begins with the first piece: until then the caller's other work is in no transaction of ours. Raises Invalid
    for another form or period.
    """
    errors = []
    if form not in FORMS:
        detail = f"a format is one of {', '.join(FORMS)}"
        errors.append(Offence(pointer="", code="invalid", detail=detail, extra={"parameter": "format"}))
    span = span_of(period) if period else None
    if period and span is None:
        errors.append(Offence(pointer="", code="invalid", detail=MONTH_OR_YEAR, extra={"parameter": "period"}))
    if errors:
        raise Invalid(f"{errors[0].extra['parameter']}: {errors[0].detail}", errors=errors)
    chosen = FORMS[form]
    return Export(f"journal-{period or 'all'}.{chosen.ending}", chosen.content_type, _written(chosen, span))


def _written(form: Form, span: Span | None) -> Generator[str, None, None]:
    with at_one_moment():
        gathered, size = [], 0
        for piece in form.write(open_book(span)):
            gathered.append(piece)
            size += len(piece)
            if size >= 32_768:
                yield "".join(gathered)
                gathered, size = [], 0
        yield "".join(gathered)
