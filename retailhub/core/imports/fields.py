"""What a thing that can be imported is made of, and how text becomes a typed value or is refused with a reason."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, tzinfo
from decimal import Decimal, InvalidOperation
from typing import Any

from retailhub.core import money, quantities
from retailhub.core.text import DirtyText, clean_line, clean_text, sku_key, without_card_numbers

MOST_OF_A_KEY = 96
"""What a folded SKU may have: one character such as a ligature may fold to eighteen."""

_MAIL = re.compile(r"[^@\s,;<>]+@[^@\s,;<>]+")

SHEET_ERRORS = frozenset(
    {"#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NUM!", "#NULL!", "#SPILL!", "#CALC!", "#GETTING_DATA"}
)


class BadValue(ValueError):
    """The value cannot be used; the message is the reason a person reads."""


@dataclass(frozen=True, kw_only=True)
class Field:
    """One value of a thing that can be imported: its name, its kind, and the headings under which files carry it."""

    name: str
    kind: str = "line"
    label: str = ""
    required: bool = False
    length: int = 0
    least: int | None = None
    most: int | None = None
    choices: tuple[str, ...] = ()
    headings: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        return self.label or self.name.replace("_", " ").capitalize()

    def read(self, value: Any, zone: tzinfo = UTC) -> Any:
        """Answer the typed value; None for nothing. Raises BadValue with the reason."""
        if value is None or value == "":
            return None
        if isinstance(value, str) and value in SHEET_ERRORS:
            raise BadValue("a formula of the sheet went wrong here")
        try:
            typed = KINDS[self.kind](value, self, zone)
        except (DirtyText, money.NotMoney, quantities.NotAQuantity) as error:
            raise BadValue(str(error)) from error
        if typed is not None and self.least is not None and typed < self.least:
            raise BadValue(f"it is less than {self.least}")
        if typed is not None and self.most is not None and typed > self.most:
            raise BadValue(f"it is more than {self.most:,}")
        return typed


def _line(value: Any, field: Field, zone: tzinfo) -> str | None:
    text = clean_line(str(value))
    if field.length and len(text) > field.length:
        raise BadValue(f"it has {len(text)} characters; {field.length} are allowed")
    return text or None


def _sku(value: Any, field: Field, zone: tzinfo) -> str | None:
    text = _line(value, field, zone)
    if text and len(sku_key(text)) > MOST_OF_A_KEY:
        raise BadValue(f"written out it has more than {MOST_OF_A_KEY} characters")
    return text


def _email(value: Any, field: Field, zone: tzinfo) -> str | None:
    text = _line(value, field, zone)
    if text and not _MAIL.fullmatch(text):
        raise BadValue("this is no e-mail address")
    return text


def _note(value: Any, field: Field, zone: tzinfo) -> str | None:
    return without_card_numbers(clean_text(str(value))) or None


def _places(value: Any, places: int) -> Decimal:
    number = money.amount(value if isinstance(value, Decimal) else clean_line(str(value)))
    exponent = number.normalize().as_tuple().exponent
    if isinstance(exponent, int) and -exponent > places:
        raise BadValue(f"it has more than {places} decimal places")
    return number


def _money(value: Any, field: Field, zone: tzinfo) -> Decimal:
    return _places(value, 4)


def _cost(value: Any, field: Field, zone: tzinfo) -> Decimal:
    return _places(value, 6)


def _rate(value: Any, field: Field, zone: tzinfo) -> Decimal:
    return _places(value, 9)


def _percent(value: Any, field: Field, zone: tzinfo) -> Decimal:
    number = _places(value, 2)
    if not 0 <= number <= 100:
        raise BadValue("a percentage is 0 to 100")
    return number


def _whole(value: Any, field: Field, zone: tzinfo) -> int:
    """Read 12 and 12.00 alike; 12.5 is refused, never rounded."""
    text = clean_line(str(value))
    try:
        number = Decimal(text)
        whole = int(number)
    except (InvalidOperation, ValueError, OverflowError) as error:
        raise BadValue("this is not a whole number") from error
    if number != whole:
        raise BadValue("this is not a whole number")
    return quantities.quantity(whole, least=-quantities.MOST if field.least is None else field.least)


_FLAGS = {"1": True, "t": True, "true": True, "yes": True, "y": True}
_FLAGS |= {"0": False, "f": False, "false": False, "no": False, "n": False}


def _flag(value: Any, field: Field, zone: tzinfo) -> bool:
    if isinstance(value, bool):
        return value
    try:
        return _FLAGS[str(value).strip().lower()]
    except KeyError as error:
        raise BadValue("this is neither yes nor no") from error


def _moment(value: Any, field: Field, zone: tzinfo) -> datetime:
    try:
        moment = datetime.fromisoformat(clean_line(str(value)))
    except ValueError as error:
        raise BadValue("this is not a date as in 2026-11-22 or a time as in 2026-11-22 14:30:00") from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)


def _day(value: Any, field: Field, zone: tzinfo) -> date:
    """Read a day; one with a time of day is refused, for it may be another day elsewhere."""
    try:
        moment = datetime.fromisoformat(clean_line(str(value)))
    except ValueError as error:
        raise BadValue("this is not a date as in 2026-11-22") from error
    if moment.time() != time.min:
        raise BadValue("this is a time, not a day")
    return moment.date()


def _choice(value: Any, field: Field, zone: tzinfo) -> str:
    text = clean_line(str(value)).lower()
    if text not in field.choices:
        raise BadValue(f"it is none of {', '.join(field.choices)}")
    return text


def _currency(value: Any, field: Field, zone: tzinfo) -> str:
    code = clean_line(str(value)).upper()
    if code not in money.currencies():
        raise BadValue("this is no ISO 4217 currency code")
    return code


def _country(value: Any, field: Field, zone: tzinfo) -> str:
    code = clean_line(str(value)).upper()
    if len(code) != 2 or not code.isalpha():
        raise BadValue("this is no ISO 3166 country code of two letters")
    return code


def _words(value: Any, field: Field, zone: tzinfo) -> tuple[str, ...]:
    words: Sequence[Any] = str(value).split(",") if isinstance(value, str) else value
    return tuple(cleaned for word in words if (cleaned := clean_line(str(word))))


Reader = Callable[[Any, Field, tzinfo], Any]
KINDS: dict[str, Reader] = {
    "line": _line,
    "sku": _sku,
    "email": _email,
    "note": _note,
    "money": _money,
    "cost": _cost,
    "rate": _rate,
    "percent": _percent,
    "whole": _whole,
    "flag": _flag,
    "moment": _moment,
    "day": _day,
    "choice": _choice,
    "currency": _currency,
    "country": _country,
    "words": _words,
}
