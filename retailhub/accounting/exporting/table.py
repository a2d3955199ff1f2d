"""The journal as a table for spreadsheets and other accounting programs: one row per line."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

from retailhub.accounting.exporting.content import Book
from retailhub.core.imports.escaping import safe_cell

HEADINGS = (
    "entry", "date", "document_date", "kind", "document", "text", "line", "account", "account_name", "debit", "credit",
    "currency", "original_amount", "original_currency", "location", "party", "reference", "memo", "reverses", "actor",
    "recorded_at", "key",
)  # fmt: skip


def write(book: Book) -> Iterator[str]:
    yield "\ufeff" + _row(HEADINGS)
    accounts = {account.pk: account for account in book.accounts}
    for entry in book.entries():
        for line in entry.lines:
            account = accounts[line.account_id]
            original = "" if line.original_amount is None else f"{line.original_amount:f}"
            yield _row(
                (
                    entry.number, entry.day, entry.document_day, entry.kind, entry.document, entry.text, line.line,
                    safe_cell(account.number), account.name,
                    _figure(book.amount(line.amount) if line.amount > 0 else ""),
                    _figure(book.amount(-line.amount) if line.amount < 0 else ""),
                    book.currency, _figure(original), line.original_currency, line.location, line.party,
                    line.reference, line.memo, entry.reverses or "", entry.actor, entry.recorded_at.isoformat(),
                    entry.key,
                )
            )  # fmt: skip


class _Number(str):
    """A figure: a minus before it is no formula."""


def _figure(text: str) -> str:
    return _Number(text)


def _row(cells: Any) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerow([cell if isinstance(cell, _Number) else safe_cell(cell) for cell in cells])
    return buffer.getvalue()
