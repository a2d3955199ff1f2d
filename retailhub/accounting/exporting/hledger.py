"""The journal for hledger: accounts and the currency declared, so that a strict check accepts it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from retailhub.accounting.exporting.content import Book, Entry, one_line
from retailhub.accounting.models import Account
from retailhub.core.money import exponent

_TYPES = {
    Account.Kind.ASSET: "A",
    Account.Kind.LIABILITY: "L",
    Account.Kind.EQUITY: "E",
    Account.Kind.INCOME: "R",
    Account.Kind.EXPENSE: "X",
}
# hledger reads dates of postings out of comments: [2026-11-12] and date:2026-11-12.
_DATES = re.compile(r"\b(date2?)\s*:")


def write(book: Book) -> Iterator[str]:
    places = "0" * exponent(book.currency)
    yield f"; retailhub journal {book.span.code if book.span else 'of all days'}\n"
    yield f"decimal-mark .\ncommodity 1000.{places} {book.currency}\n\n"
    for account in book.accounts:
        yield f"account {book.names[account.pk]}  ; type: {_TYPES[Account.Kind(account.kind)]}\n"
        yield _comment("  ", {"number": account.number, "name": account.name, "role": account.role})
    if book.opening:
        yield f"\n{book.first} * Opening balances\n"
        for account_id, amount in book.opening:
            yield f"    {book.names[account_id]}  {book.amount(amount)} {book.currency}\n"
    for entry in book.entries():
        yield _entry(book, entry)
    if book.proved_on is None:
        yield "\n; Entries follow after this period, so what the documents prove today is not asserted here.\n"
    elif book.proved:
        yield f"\n{book.proved_on} * What the documents prove\n"
        nothing = book.amount(book.proved[0][1] * 0)
        for account_id, amount in book.proved:
            balance = f"{nothing} {book.currency} = {book.amount(amount)} {book.currency}"
            yield f"    {book.names[account_id]}  {balance}\n"


def _entry(book: Book, entry: Entry) -> str:
    text = one_line(entry.text)
    shown = text.replace(";", ",")
    lines = [f"\n{entry.day} * ({entry.number}) {shown}".rstrip() + "\n"]
    facts = {
        "key": entry.key,
        "kind": entry.kind,
        "document": entry.document,
        "reverses": entry.reverses,
        "actor": entry.actor,
        "text": text if shown != text else "",
        "document-day": str(entry.document_day) if entry.document_day != entry.day else "",
    }
    lines.append(_comment("    ", facts))
    for line in entry.lines:
        lines.append(f"    {book.names[line.account_id]}  {book.amount(line.amount)} {book.currency}\n")
        original = "" if line.original_amount is None else f"{line.original_amount:f} {line.original_currency}"
        told = {name: getattr(line, name) for name in ("location", "party", "reference", "memo")}
        lines.append(_comment("      ", {**told, "original": original}))
    return "".join(lines)


def _comment(margin: str, facts: dict[str, str | None]) -> str:
    return "".join(f"{margin}; {name}: {_told(value)}\n" for name, value in facts.items() if value)


def _told(text: str) -> str:
    return _DATES.sub(r"\1 -", one_line(text)).replace("[", "(").replace("]", ")")
