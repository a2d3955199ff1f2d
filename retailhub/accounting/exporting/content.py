"""What an export holds, whatever it is written in: accounts, opening balances, entries and what is proved."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

from django.conf import settings
from django.db.models import Max, Min, QuerySet

from retailhub.accounting.models import Account, JournalEntry, JournalLine
from retailhub.accounting.proving import expectations
from retailhub.accounting.queries import ZERO, Span, account_named, trial_balance
from retailhub.core.api.amounts import written

BEFORE_ALL = date(1970, 1, 1)
_AT_ONCE = 2_000


class Line(NamedTuple):
    line: int
    account_id: int
    amount: Decimal
    location: str
    party: str
    reference: str
    memo: str
    original_amount: Decimal | None
    original_currency: str


class Entry(NamedTuple):
    number: str
    key: str
    kind: str
    document: str
    day: date
    document_day: date
    text: str
    actor: str
    reverses: str | None
    recorded_at: datetime
    lines: Sequence[Line]


_HEAD = (
    "entry__number", "entry__key", "entry__kind", "entry__document", "entry__date", "entry__document_date",
    "entry__text", "entry__actor", "entry__reverses__number", "entry__recorded_at",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """The journal of some days, ready to be written. Read inside one transaction, which sees one moment."""

    currency: str
    accounts: Sequence[Account]
    names: Mapping[int, str]
    span: Span | None
    first: date
    opening: Sequence[tuple[int, Decimal]]
    proved_on: date | None
    """The morning on which what the documents expect is asserted; None where later entries stand outside."""
    proved: Sequence[tuple[int, Decimal]]

    def entries(self) -> Iterator[Entry]:
        """Answer the entries by date, reading them piece by piece: a journal of any length needs no memory."""
        lines = JournalLine.objects.filter(**_within("entry__date", self.span)).order_by(
            "entry__date", "entry_id", "line"
        )
        rows = lines.values_list("entry_id", *_HEAD, *Line._fields).iterator(chunk_size=_AT_ONCE)
        for _, group in groupby(rows, key=itemgetter(0)):
            content = list(group)
            end = 1 + len(_HEAD)
            yield Entry._make((*content[0][1:end], [Line._make(row[end:]) for row in content]))

    def amount(self, value: Decimal) -> str:
        """Write an amount with the currency's places."""
        return written(value, self.currency) or ""


def open_book(span: Span | None) -> Book:
    """Answer the book of these days, or of all.

    What the documents expect is asserted on the morning after the last entry. It holds for the present only, so a
    period with entries after it is exported without.
    """
    accounts = list(Account.objects.order_by("number"))
    inside = _bounds(JournalEntry.objects.filter(**_within("date", span)))
    first = span.start if span else inside[0] or BEFORE_ALL
    opening: list[tuple[int, Decimal]] = []
    if span is not None and span.start > date.min:
        before = trial_balance(until=span.start - timedelta(days=1))
        opening = [(line.account.pk, line.closing) for line in before if line.closing]
    last = _bounds(JournalEntry.objects.all())[1] or first
    is_present = last < date.max and (span is None or last <= span.end)
    return Book(
        currency=settings.HOME_CURRENCY,
        accounts=accounts,
        names=account_names(accounts),
        span=span,
        first=first,
        opening=opening,
        proved_on=max(last, first) + timedelta(days=1) if is_present else None,
        proved=[
            (account_named(role).pk, sum(expected.values(), ZERO)) for role, expected in sorted(expectations().items())
        ]
        if is_present
        else [],
    )


def _within(field: str, span: Span | None) -> dict[str, Any]:
    return {f"{field}__range": (span.start, span.end)} if span else {}


def _bounds(entries: QuerySet[JournalEntry]) -> tuple[date | None, date | None]:
    found = entries.aggregate(first=Min("date"), last=Max("date"))
    return found["first"], found["last"]


_ROOTS = {
    Account.Kind.ASSET: "Assets",
    Account.Kind.LIABILITY: "Liabilities",
    Account.Kind.EQUITY: "Equity",
    Account.Kind.INCOME: "Income",
    Account.Kind.EXPENSE: "Expenses",
}


def account_names(accounts: Sequence[Account]) -> dict[int, str]:
    """Answer names that plain-text ledgers accept, from number and name: Assets:1200-Inventory. No two are equal."""
    names: dict[int, str] = {}
    taken: set[str] = set()
    for account in accounts:
        words = "-".join(_word(f"{account.number} {account.name}"))
        name = wanted = f"{_ROOTS[Account.Kind(account.kind)]}:{words}"
        twin = 1
        while name in taken:
            twin += 1
            name = f"{wanted}-{twin}"
        taken.add(name)
        names[account.pk] = name
    return names


def _word(text: str) -> list[str]:
    # Letters and digits of any script; marks, which Thai writes its vowels with, are no letters to beancount.
    kept = "".join(c if unicodedata.category(c)[0] == "L" or c in "0123456789" else " " for c in text)
    return kept.split()


def one_line(text: str) -> str:
    """Answer the text without line ends and control characters, which would end a directive."""
    return " ".join("".join(" " if unicodedata.category(c) in {"Cc", "Zl", "Zp", "Cs"} else c for c in text).split())
