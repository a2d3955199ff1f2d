"""What a document does to the books: entries that add up to nothing, posted once per key.

Callers name accounts by role and post in their own transaction, after their document and the stock ledger. Lock order:
document, levels, cost pools, ledger, journal, outbox. The journal's lock is shared by all who post; only who closes or
opens a period takes it alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from django.db.models import Model

from retailhub.accounting.models import JournalEntry, JournalLine, Period
from retailhub.accounting.models.periods import last_day
from retailhub.accounting.models.triggers import BOOKS_LOCK
from retailhub.accounting.services.entries import (
    REVERSAL,
    EntryLine,
    KeyTaken,
    NewEntry,
    NotReversible,
    PeriodClosed,
    Unbalanced,
    UnknownAccount,
    cleaned,
    counting,
    figures,
    fingerprint,
    named,
)
from retailhub.core.errors import NotFound, Offence
from retailhub.core.sql import OneTrip, array, rows
from retailhub.core.transactions import retried

__all__ = [
    "EntryLine", "KeyTaken", "NewEntry", "NotReversible", "PeriodClosed", "Unbalanced", "UnknownAccount",
    "post_entries", "reverse_entry",
]  # fmt: skip

LOCK = f"SELECT pg_advisory_xact_lock_shared({BOOKS_LOCK})"
"""Keeps periods from being closed under an entry. The race in the tests takes it away to see what it is worth."""


@retried()
def post_entries(*, entries: Sequence[NewEntry], actor: str) -> list[JournalEntry]:
    """Have every entry in the journal, all or none, and answer them in the order given.

    Lines of zero are left out, and so is an entry of which nothing remains. Joins the caller's transaction. Four
    statements, whatever the number of entries. Raises Unbalanced, UnknownAccount, PeriodClosed and KeyTaken, each
    naming every offending entry.
    """
    return _post(cleaned(entries), actor=actor)


@retried()
def reverse_entry(*, key: str, date: date, actor: str, text: str = "") -> JournalEntry:
    """Have the entry under this key taken back by one with all signs turned, dated `date`, and answer that one.

    Asking twice changes nothing. Raises NotFound, NotReversible for a reversal, PeriodClosed, and KeyTaken when it was
    reversed before with another date or text.
    """
    entry = JournalEntry.objects.filter(key=key).first()
    if entry is None:
        raise NotFound(f"there is no entry under the key {key}")
    if entry.reverses_id is not None:
        raise NotReversible(f"{entry.number} is itself a reversal: post the entry anew")
    turned = NewEntry(
        key=key,
        kind=entry.kind,
        document=entry.document,
        date=date,
        text=text or f"Reversal of {entry.number}",
        lines=[
            EntryLine(
                account=line.account.number,
                amount=-line.amount,
                location=line.location,
                party=line.party,
                reference=line.reference,
                memo=line.memo,
                original_amount=None if line.original_amount is None else -line.original_amount,
                original_currency=line.original_currency,
            )
            for line in entry.lines.select_related("account").order_by("line")
        ],
    )
    turned = replace(cleaned([turned])[0], key=key + REVERSAL)
    (reversal,) = _post([turned], actor=actor, reverses={turned.key: entry.pk})
    return reversal


def _post(
    entries: Sequence[NewEntry], *, actor: str, reverses: Mapping[str, int] = MappingProxyType({})
) -> list[JournalEntry]:
    places = [place for place, entry in enumerate(entries) if any(line.amount for line in entry.lines)]
    if not places:
        return []
    rows(LOCK)
    books = _read_books([entry.key for entry in entries])
    accounts = _find_accounts(entries, books)
    _refuse_unbalanced(entries)
    prints = {
        place: fingerprint(
            kind=entries[place].kind,
            document=entries[place].document,
            document_date=entries[place].date,
            text=entries[place].text,
            reverses_id=reverses.get(entries[place].key),
            lines=[figures(line, accounts[line.account]) for line in counting(entries[place])],
        )
        for place in places
    }
    fresh: dict[str, int] = {}
    taken: set[int] = set()
    for place in places:
        key = entries[place].key
        known = books.prints.get(key) or (prints[fresh[key]] if key in fresh else None)
        if known is None:
            fresh[key] = place
        elif known != prints[place]:
            taken.add(place)
    _refuse_taken(entries, taken)
    _refuse_closed(entries, fresh.values(), books.closed_through)
    if fresh:
        _write([(entries[place], prints[place]) for place in fresh.values()], accounts, books, actor, reverses)
    keys = [entries[place].key for place in places]
    found = {entry.key: entry for entry in JournalEntry.objects.filter(key__in=keys)}
    # Somebody may have been quicker with a key; what he wrote is there now, and must be the same.
    _refuse_taken(entries, {place for place in places if found[entries[place].key].fingerprint != prints[place]})
    return [found[key] for key in keys]


# --- what the books say ----------------------------------------------------------------------------------------------
@dataclass(slots=True)
class _Books:
    accounts: dict[str, int]
    prints: dict[str, str]
    closed_through: date | None


_READ_BOOKS = """
SELECT 'account', id, number, role, NULL::date FROM accounting_account
UNION ALL SELECT 'entry', id, key, fingerprint, date FROM accounting_journalentry WHERE key = ANY(%s)
UNION ALL SELECT 'closed', NULL, NULL, NULL, max("end") FROM accounting_period WHERE state = 'closed'
"""


def _read_books(keys: Sequence[str]) -> _Books:
    books = _Books(accounts={}, prints={}, closed_through=None)
    for what, pk, name, other, day in rows(_READ_BOOKS, [list(keys)]):
        if what == "account":
            books.accounts[name] = pk
            if other:
                books.accounts[other] = pk
        elif what == "entry":
            books.prints[name] = other
        else:
            books.closed_through = day
    return books


def _find_accounts(entries: Sequence[NewEntry], books: _Books) -> dict[str, int]:
    errors = [
        Offence(
            pointer=f"/entries/{index}/lines/{number}/account",
            code="unknown_account",
            detail=f"{named(entry)}: there is no account {line.account}",
            extra={"account": line.account},
        )
        for index, entry in enumerate(entries)
        for number, line in enumerate(entry.lines)
        if line.account not in books.accounts
    ]
    if errors:
        raise UnknownAccount(errors=errors)
    return books.accounts


def _refuse_unbalanced(entries: Sequence[NewEntry]) -> None:
    errors = [
        Offence(
            pointer=f"/entries/{index}/lines",
            code="unbalanced",
            detail=f"{named(entry)}: debit and credit differ by {difference}",
            extra={"difference": str(difference)},
        )
        for index, entry in enumerate(entries)
        if (difference := sum((line.amount for line in entry.lines), Decimal(0)))
    ]
    if errors:
        raise Unbalanced(errors=errors)


def _refuse_taken(entries: Sequence[NewEntry], places: set[int]) -> None:
    if places:
        raise KeyTaken(
            errors=[
                Offence(
                    pointer=f"/entries/{place}/key",
                    code="key_taken",
                    detail=f"{named(entries[place])}: something else was posted under this key",
                    extra={"key": entries[place].key},
                )
                for place in sorted(places)
            ]
        )


def _refuse_closed(entries: Sequence[NewEntry], places: Iterable[int], through: date | None) -> None:
    errors = [
        Offence(
            pointer=f"/entries/{place}/date",
            code="period_closed",
            detail=f"{named(entries[place])} is dated {entries[place].date}; the books are closed through {through}",
            extra={"closed_through": str(through)},
        )
        for place in places
        if through and entries[place].date <= through and not entries[place].or_first_open
    ]
    if errors:
        raise PeriodClosed(errors=errors)


# --- writing ---------------------------------------------------------------------------------------------------------
_NEW_ENTRY = (
    "key", "kind", "document", "date", "document_date", "text", "actor", "reverses", "line_count", "fingerprint",
)  # fmt: skip
_NEW_LINE = (
    "line", "account", "amount", "location", "party", "reference", "memo", "original_amount", "original_currency",
)  # fmt: skip


def _write(
    entries: Sequence[tuple[NewEntry, str]],
    accounts: Mapping[str, int],
    books: _Books,
    actor: str,
    reverses: Mapping[str, int],
) -> None:
    first_open = books.closed_through + timedelta(days=1) if books.closed_through else date.min
    dates = [max(entry.date, first_open) for entry, _ in entries]
    trip = OneTrip()
    months = sorted({day.replace(day=1) for day in dates})
    # A month of the books is there from its first entry on.
    trip.insert(
        Period,
        {"start": months, "end": [last_day(month) for month in months]},
        ending="ON CONFLICT DO NOTHING",
    )
    written = [
        (
            entry.key, entry.kind, entry.document, day, entry.date, entry.text, actor, reverses.get(entry.key),
            len(counting(entry)), mark,
        )
        for (entry, mark), day in zip(entries, dates, strict=True)
    ]  # fmt: skip
    columns, casts, values = _columns(JournalEntry, _NEW_ENTRY, written)
    # Numbers go by the order asked; the rows by key, so that two callers with common keys queue instead of deadlocking.
    made = trip.add_named(
        f"""INSERT INTO accounting_journalentry (number, {columns})
            SELECT s.* FROM (SELECT 'JE-' || nextval('accounting_entry_number'), n.* FROM unnest({casts}) n) s
            ORDER BY 2 ON CONFLICT (key) DO NOTHING RETURNING id, key""",  # noqa: S608  names of our own columns
        values,
    )
    lines = [
        (number, *figures(line, accounts[line.account]))
        for entry, _ in entries
        for number, line in enumerate(counting(entry), 1)
    ]
    columns, casts, values = _columns(JournalLine, _NEW_LINE, lines)
    trip.add(
        f"""INSERT INTO accounting_journalline (entry_id, {columns})
            SELECT e.id, {", ".join(f"n.{name}" for name in _NEW_LINE)}
            FROM unnest(%s::varchar[], {casts}) n(key, {", ".join(_NEW_LINE)}) JOIN {made} e ON e.key = n.key""",  # noqa: S608  as above
        [[entry.key for entry, _ in entries for _ in counting(entry)], *values],
    )
    trip.run()


def _columns(
    model: type[Model], names: Sequence[str], written: Sequence[tuple[Any, ...]]
) -> tuple[str, str, list[Any]]:
    """Answer the columns, their casts for `unnest` and the values, column by column."""
    fields: list[Any] = [model._meta.get_field(name) for name in names]
    pairs = [array(field, column) for field, column in zip(fields, zip(*written, strict=True), strict=True)]
    columns = ", ".join(field.column for field in fields)
    return columns, ", ".join(cast for cast, _ in pairs), [list(values) for _, values in pairs]
