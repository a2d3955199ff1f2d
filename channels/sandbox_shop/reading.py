"""Reading what a caller sent, value by value, so that nothing unexpected gets any further."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

from channels.sandbox_shop.refusals import Refusal, bad_value

MAX_QUANTITY = 1_000_000_000
MAX_VERSION = 2**62
_MONEY = re.compile(r"\d{1,12}(\.\d{1,4})?\Z", re.ASCII)
_CURRENCY = re.compile(r"[A-Z]{3}\Z", re.ASCII)
_KEY = re.compile(r"[\x21-\x7e]{1,255}\Z", re.ASCII)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number")


def read_object(raw: bytes) -> dict[str, Any]:
    """The JSON object of a request body."""
    try:
        value = json.loads(raw.decode("utf-8"), parse_float=Decimal, parse_constant=_no_constant)
    except (ValueError, RecursionError) as trouble:
        raise Refusal(400, "invalid_json", "The body is not valid JSON in UTF-8.") from trouble
    if not isinstance(value, dict):
        raise Refusal(400, "invalid_json", "The body must be a JSON object.")
    return value


def echo(value: Any) -> str | int | None:
    """What a caller sent, if it is short and harmless enough to be said back."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= MAX_VERSION:
        return value
    return value if isinstance(value, str) and len(value) <= 100 and value.isprintable() else None


def entries(data: Mapping[str, Any], field: str, *, most: int, least: int = 1) -> list[dict[str, Any]]:
    """A list of objects, neither empty nor longer than allowed."""
    value = data.get(field)
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise bad_value(field, "Must be a list of objects.")
    if not least <= len(value) <= most:
        raise Refusal(
            422, "too_many_entries" if value else "no_entries", f"Must have {least} to {most} entries.", field=field
        )
    return value


def text(data: Mapping[str, Any], field: str, *, most: int, default: str | None = None) -> str:
    """One line of text without control characters, trimmed and in one Unicode form."""
    value = data.get(field)
    if value is None and default is not None:
        return default
    if not isinstance(value, str):
        raise bad_value(field, "Must be text.")
    value = unicodedata.normalize("NFC", value).strip()
    if any(unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp") for letter in value):
        raise bad_value(field, "Must not have control characters or line breaks.")
    if len(value) > most or not (value or default is not None):
        raise bad_value(
            field, f"Must have 1 to {most} characters." if default is None else f"At most {most} characters."
        )
    return value


def whole(data: Mapping[str, Any], field: str, *, least: int, most: int, default: int | None = None) -> int:
    value = data.get(field)
    if value is None and default is not None:
        return default
    if not isinstance(value, int) or isinstance(value, bool):
        raise bad_value(field, "Must be a whole number.")
    if not least <= value <= most:
        raise bad_value(field, f"Must lie between {least} and {most}.")
    return value


def whole_or_null(data: Mapping[str, Any], field: str, *, least: int, most: int) -> int | None:
    """A whole number or an explicit null; leaving it out is a mistake, not a choice."""
    if field not in data:
        raise bad_value(field, "Must be given; null opts out.")
    return None if data[field] is None else whole(data, field, least=least, most=most)


def yes(data: Mapping[str, Any], field: str, *, default: bool) -> bool:
    value = data.get(field, default)
    if not isinstance(value, bool):
        raise bad_value(field, "Must be true or false.")
    return value


def fraction(data: Mapping[str, Any], field: str, *, default: float) -> float:
    """A number from 0 to 1."""
    value = data.get(field, default)
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal) or not 0 <= value <= 1:
        raise bad_value(field, "Must be a number from 0 to 1.")
    return float(value)


def seconds(data: Mapping[str, Any], field: str, *, default: float, most: float) -> float:
    value = data.get(field, default)
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal) or not 0 <= value <= most:
        raise bad_value(field, f"Must be a number of seconds from 0 to {most:g}.")
    return float(value)


def money(data: Mapping[str, Any], field: str, *, default: str | None = None) -> str:
    """An amount as a decimal in text, never a JSON number; kept as written."""
    value = data.get(field, default)
    if not isinstance(value, str) or not _MONEY.match(value):
        raise bad_value(field, 'Must be an amount in text such as "12.50", not negative, at most four decimals.')
    return value


def rate(data: Mapping[str, Any], field: str, *, default: str) -> str:
    """A tax rate as a fraction in text: "0.07"."""
    value = money(data, field, default=default)
    try:
        if Decimal(value) <= 1:
            return value
    except InvalidOperation:
        pass
    raise bad_value(field, 'Must be a fraction in text such as "0.07".')


def currency(data: Mapping[str, Any], field: str) -> str:
    value = data.get(field)
    if not isinstance(value, str) or not _CURRENCY.match(value):
        raise bad_value(field, "Must be a currency code of three capital letters.")
    return value


def idempotency_key(value: str | None) -> str:
    if value is None:
        raise Refusal(400, "key_missing", "This call needs an Idempotency-Key header.", field="Idempotency-Key")
    if not _KEY.match(value):
        raise Refusal(400, "key_invalid", "The key must be 1 to 255 visible ASCII characters.", field="Idempotency-Key")
    return value
