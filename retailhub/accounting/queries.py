"""What the books say: balances by account, reference and party, the trial balance, and how old open items are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import Q

from retailhub.accounting.models import Account, JournalLine
from retailhub.accounting.models.periods import last_day
from retailhub.core.sql import rows

ZERO = Decimal(0)
BUCKETS = ("0-30", "31-60", "61-90", "90+")
"""Ages of open items, in days."""
_PLACE = re.compile(r"(\d{4}-\d{2}-\d{2})\.(\d{1,18})\.(\d{1,9})", re.ASCII)
_PERIOD = re.compile(r"(\d{4})(?:-(\d{2}))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Span:
    """The days from `start` to `end`, both counted."""

    code: str
    start: date
    end: date


def span_of(code: str) -> Span | None:
    """Answer the days of a month (2026-11) or a year (2026), or nothing where the code is neither."""
    found = _PERIOD.fullmatch(code)
    try:
        if found is None:
            return None
        year, month = int(found[1]), found[2]
        if month is None:
            return Span(code, date(year, 1, 1), date(year, 12, 31))
        start = date(year, int(month), 1)
        return Span(code, start, last_day(start))
    except ValueError:
        return None


def account_named(name: str) -> Account:
    """Answer the account with this role or number. Raises Account.DoesNotExist."""
    if name[:1].isdigit():
        return Account.objects.get(number=name)
    return Account.objects.get(role=name)


_UNTIL = "(%(until)s::date IS NULL OR e.date <= %(until)s::date)"


def balance(role: str, *, until: date | None = None, party: str = "", reference: str = "") -> Decimal:
    """Answer what stands on the account (by role or number), debit above zero, with this party or for this reference.

    `until` counts entries through that day; None counts all.
    """
    ((total,),) = rows(
        f"""SELECT coalesce(sum(l.amount), 0) FROM accounting_journalline l JOIN accounting_journalentry e
              ON e.id = l.entry_id
            WHERE l.account_id = %(account)s AND {_UNTIL}
              AND (%(party)s = '' OR l.party = %(party)s) AND (%(reference)s = '' OR l.reference = %(reference)s)""",  # noqa: S608
        {"account": account_named(role).pk, "until": until, "party": party, "reference": reference},
    )
    return Decimal(total)


def balances_by_reference(role: str, until: date | None = None) -> dict[str, Decimal]:
    """Answer what is open on the account per reference, debit above zero; what came to nothing is left out."""
    return _balances_by("reference", role, until)


def balances_by_party(role: str, until: date | None = None) -> dict[str, Decimal]:
    """Answer what stands on the account per party, debit above zero; what came to nothing is left out."""
    return _balances_by("party", role, until)


def _balances_by(column: str, role: str, until: date | None) -> dict[str, Decimal]:
    return dict(
        rows(
            f"""SELECT l.{column}, sum(l.amount) FROM accounting_journalline l JOIN accounting_journalentry e
                  ON e.id = l.entry_id
                WHERE l.account_id = %(account)s AND {_UNTIL}
                GROUP BY 1 HAVING sum(l.amount) <> 0 ORDER BY 1""",  # noqa: S608  the column is ours
            {"account": account_named(role).pk, "until": until},
        )
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountBalance:
    """What an account stood at before some days, what came in them on each side, and what it stands at after them."""

    account: Account
    opening: Decimal
    debit: Decimal
    credit: Decimal

    @property
    def closing(self) -> Decimal:
        return self.opening + self.debit - self.credit

    @property
    def is_quiet(self) -> bool:
        return not (self.opening or self.debit or self.credit)


def trial_balance(*, since: date | None = None, until: date | None = None) -> list[AccountBalance]:
    """Answer every account by number with its turnover from `since` through `until`; the closing sum is zero."""
    figures: Mapping[int, tuple[Decimal, Decimal, Decimal]] = {
        pk: (opening, debit, credit)
        for pk, opening, debit, credit in rows(
            f"""SELECT l.account_id, coalesce(sum(l.amount) FILTER (WHERE before), 0),
                  coalesce(sum(l.amount) FILTER (WHERE NOT before AND l.amount > 0), 0),
                  -coalesce(sum(l.amount) FILTER (WHERE NOT before AND l.amount < 0), 0)
                FROM accounting_journalline l
                JOIN accounting_journalentry e ON e.id = l.entry_id
                CROSS JOIN LATERAL (SELECT coalesce(e.date < %(since)s::date, false) AS before) b
                WHERE {_UNTIL} GROUP BY 1""",  # noqa: S608
            {"since": since, "until": until},
        )
    }
    return [
        AccountBalance(
            account=account,
            opening=figures.get(account.pk, (ZERO, ZERO, ZERO))[0],
            debit=figures.get(account.pk, (ZERO, ZERO, ZERO))[1],
            credit=figures.get(account.pk, (ZERO, ZERO, ZERO))[2],
        )
        for account in Account.objects.order_by("number")
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenItem:
    """A reference on which an account has not come to nothing, since when, and with whom."""

    reference: str
    party: str
    since: date
    balance: Decimal
    days: int

    @property
    def bucket(self) -> str:
        return BUCKETS[min(max(self.days - 1, 0) // 30, 3)]


def open_items(role: str, *, today: date) -> list[OpenItem]:
    """Answer what is open on the account as of `today`, oldest first.

    An item is as old as the document that opened it, even where the entry stands on a later day because the period of
    the document was closed.
    """
    return [
        OpenItem(reference=reference, party=party, since=since, balance=total, days=(today - since).days)
        for reference, party, since, total in rows(
            """SELECT l.reference, max(l.party), min(e.document_date), sum(l.amount)
               FROM accounting_journalline l JOIN accounting_journalentry e ON e.id = l.entry_id
               WHERE l.account_id = %s AND e.date <= %s
               GROUP BY 1 HAVING sum(l.amount) <> 0 ORDER BY 3, 1""",
            [account_named(role).pk, today],
        )
    ]


def ageing(role: str, *, today: date) -> dict[str, Decimal]:
    """Answer what is open on the account by age in days: 0-30, 31-60, 61-90, 90+."""
    found = dict.fromkeys(BUCKETS, ZERO)
    for item in open_items(role, today=today):
        found[item.bucket] += item.balance
    return found


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page of an account's lines begins: before this line of this entry."""

    day: date
    entry_id: int
    line: int

    def __str__(self) -> str:
        return f"{self.day}.{self.entry_id}.{self.line}"

    @classmethod
    def read(cls, text: str) -> Place | None:
        """Answer the place a text names, or nothing where it is none of ours."""
        found = _PLACE.fullmatch(text)
        try:
            return cls(date.fromisoformat(found[1]), int(found[2]), int(found[3])) if found else None
        except ValueError:
            return None


def lines_of(
    account: Account,
    *,
    span: Span | None = None,
    party: str = "",
    reference: str = "",
    before: Place | None = None,
    most: int = 100,
) -> tuple[list[JournalLine], Place | None]:
    """Answer the account's lines, latest first, with their entries, and where the next page begins if there is one."""
    found = JournalLine.objects.filter(account=account).select_related("entry")
    if span:
        found = found.filter(entry__date__range=(span.start, span.end))
    if party:
        found = found.filter(party=party)
    if reference:
        found = found.filter(reference=reference)
    if before:
        found = found.filter(
            Q(entry__date__lt=before.day)
            | Q(entry__date=before.day, entry__lt=before.entry_id)
            | Q(entry__date=before.day, entry=before.entry_id, line__lt=before.line)
        )
    page = list(found.order_by("-entry__date", "-entry_id", "-line")[: most + 1])
    last = page[most - 1] if len(page) > most else None
    return page[:most], Place(last.entry.date, last.entry_id, last.line) if last else None
