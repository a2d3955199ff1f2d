"""What callers ask to have posted, what is refused of it, and the checksum of what an entry says."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any

import orjson
from django.conf import settings

from retailhub.core.errors import DomainError, Invalid, Offence
from retailhub.core.money import PRICE_PLACES, NotMoney, currencies, exponent
from retailhub.core.money import amount as read_amount
from retailhub.core.text import DirtyText, clean_line

REVERSAL = ":reversed"
"""What the key of a reversal adds to the key of the entry it takes back."""


class Unbalanced(DomainError):
    """The lines of an entry do not add up to nothing."""

    code = "unbalanced"
    status = 422


class UnknownAccount(DomainError):
    """There is no such account."""

    code = "unknown_account"
    status = 422


class PeriodClosed(DomainError):
    """The books are closed for this date."""

    code = "period_closed"


class KeyTaken(DomainError):
    """Something else was posted under this key."""

    code = "key_taken"


class NotReversible(DomainError):
    """A reversal is not reversed: post the entry anew."""

    code = "not_reversible"


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryLine:
    """One account's part: `account` is a role, or the number of an account; debit above zero, home currency."""

    account: str
    amount: Decimal
    location: str = ""
    party: str = ""
    reference: str = ""
    memo: str = ""
    original_amount: Decimal | None = None
    original_currency: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEntry:
    """What to post for a document. Posting the same key twice changes nothing; another content under it is refused.

    With `or_first_open` an entry for a closed date stands on the first day after what is closed.
    """

    key: str
    kind: str
    document: str
    date: date
    text: str
    lines: Sequence[EntryLine]
    or_first_open: bool = False


def counting(entry: NewEntry) -> list[EntryLine]:
    return [line for line in entry.lines if line.amount]


_LIMITS = {"key": 200 - len(REVERSAL), "kind": 40, "document": 80, "text": 10_000}
_LINE_LIMITS = {"account": 24, "location": 40, "party": 120, "reference": 120, "memo": 10_000}


def cleaned(entries: Sequence[NewEntry]) -> list[NewEntry]:
    """Answer the entries with tidy text. Raises Invalid for what cannot be stored, in every place where it stands."""
    errors: list[Offence] = []
    tidy = []
    for index, entry in enumerate(entries):
        at = f"/entries/{index}"
        texts = _texts(entry, _LIMITS, at, errors)
        errors.extend(
            Offence(pointer=f"{at}/{name}", code="blank", detail=f"an entry has a {name}")
            for name in ("key", "kind")
            if not texts[name]
        )
        lines = []
        for number, line in enumerate(entry.lines):
            below = f"{at}/lines/{number}"
            errors.extend(_odd_amounts(line, below))
            told = _texts(line, _LINE_LIMITS, below, errors)
            lines.append(replace(line, **told) if any(getattr(line, x) != text for x, text in told.items()) else line)
        tidy.append(replace(entry, **texts, lines=lines))
    if errors:
        raise Invalid("An entry holds what no journal can hold.", errors=errors)
    return tidy


# Accounts, places and parties come again and again.
_tidy = lru_cache(maxsize=10_000)(clean_line)


def _texts(part: Any, limits: Mapping[str, int], at: str, errors: list[Offence]) -> dict[str, Any]:
    texts = {}
    for name, most in limits.items():
        try:
            texts[name] = _tidy(getattr(part, name))
        except DirtyText as dirt:
            errors.append(Offence(pointer=f"{at}/{name}", code="invalid", detail=str(dirt)))
            texts[name] = "?"
        if len(texts[name]) > most:
            errors.append(Offence(pointer=f"{at}/{name}", code="too_long", detail=f"at most {most} characters"))
    return texts


def _odd_amounts(line: EntryLine, at: str) -> list[Offence]:
    home = settings.HOME_CURRENCY
    found = [*_odd_amount(line.amount, exponent(home), f"{at}/amount", home)]
    if (line.original_amount is None) != (not line.original_currency):
        found.append(
            Offence(pointer=f"{at}/original_amount", code="invalid", detail="an original amount has a currency")
        )
    elif line.original_amount is not None:
        if line.original_currency not in currencies():
            found.append(
                Offence(pointer=f"{at}/original_currency", code="unknown_currency", detail="this is no ISO 4217 code")
            )
        found += _odd_amount(line.original_amount, 4, f"{at}/original_amount", line.original_currency)
    return found


def _odd_amount(value: Decimal, places: int, pointer: str, currency: str) -> list[Offence]:
    try:
        read_amount(value)
    except NotMoney as error:
        return [Offence(pointer=pointer, code="not_an_amount", detail=str(error))]
    if value != round(value, places):
        detail = f"an amount in {currency} has at most {places} places, this is {value}"
        return [Offence(pointer=pointer, code="not_rounded", detail=detail)]
    return []


def named(entry: NewEntry) -> str:
    return f"entry {entry.key}" + (f" ({entry.document})" if entry.document else "")


Figures = tuple[int, Decimal, str, str, str, str, Decimal | None, str]
"""A line as it is stored: account, amount, location, party, reference, memo, original amount and currency."""


def figures(line: EntryLine, account_id: int) -> Figures:
    return (
        account_id, line.amount, line.location, line.party, line.reference, line.memo, line.original_amount,
        line.original_currency,
    )  # fmt: skip


def fingerprint(
    *, kind: str, document: str, document_date: date, text: str, reverses_id: int | None, lines: Sequence[Figures]
) -> str:
    """Answer the checksum of an entry's content: equal for equal entries, whoever posted them and when."""

    def plain(value: Any) -> Any:
        return str(value.quantize(PRICE_PLACES)) if isinstance(value, Decimal) else value

    content = [kind, document, str(document_date), text, reverses_id, [[plain(v) for v in line] for line in lines]]
    return hashlib.sha256(orjson.dumps(content)).hexdigest()
