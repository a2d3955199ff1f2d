"""The journal for beancount: one transaction per entry, linked to its document, and what the documents prove."""

from __future__ import annotations

import re
from collections.abc import Iterator

from retailhub.accounting.exporting.content import Book, Entry, Line, one_line


def write(book: Book) -> Iterator[str]:
    yield f'option "title" "retailhub journal {book.span.code if book.span else "of all days"}"\n'
    yield f'option "operating_currency" "{book.currency}"\n\n'
    for account in book.accounts:
        yield f"{book.first} open {book.names[account.pk]} {book.currency}\n"
        yield f"  number: {_text(account.number)}\n  name: {_text(account.name)}\n  role: {_text(account.role or '')}\n"
    if book.opening:
        yield f'\n{book.first} * "Opening balances"\n'
        for account_id, amount in book.opening:
            yield f"  {book.names[account_id]}  {book.amount(amount)} {book.currency}\n"
    for entry in book.entries():
        yield _entry(book, entry)
    if book.proved_on is None:
        yield "\n; Entries follow after this period, so what the documents prove today is not asserted here.\n"
    for account_id, amount in book.proved:
        # Without a tolerance of its own a difference of one cent would pass.
        yield f"\n{book.proved_on} balance {book.names[account_id]}  {book.amount(amount)} ~ 0 {book.currency}\n"


def _entry(book: Book, entry: Entry) -> str:
    links = "".join(f" ^{link}" for link in dict.fromkeys([_link(entry.number), _link(entry.document)]) if link)
    lines = [f"\n{entry.day} * {_text(entry.text)}{links}\n"]
    facts = {
        "number": entry.number,
        "key": entry.key,
        "kind": entry.kind,
        "document": entry.document,
        "reverses": entry.reverses,
        "actor": entry.actor,
    }
    lines += [f"  {name}: {_text(value)}\n" for name, value in facts.items() if value]
    if entry.document_day != entry.day:
        lines.append(f"  document_date: {entry.document_day}\n")
    for line in entry.lines:
        lines.append(f"  {book.names[line.account_id]}  {book.amount(line.amount)} {book.currency}\n")
        lines += [f"    {name}: {value}\n" for name, value in _facts(line)]
    return "".join(lines)


def _facts(line: Line) -> Iterator[tuple[str, str]]:
    for name in ("location", "party", "reference", "memo"):
        if value := getattr(line, name):
            yield name, _text(value)
    if line.original_amount is not None:
        yield "original", f"{line.original_amount:f} {line.original_currency}"


def _text(text: str) -> str:
    return '"' + one_line(text).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _link(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_/.-]+", "-", text).strip("-")
