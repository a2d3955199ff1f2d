"""Read invoices as plain values and back: between processes, and for a JSON column that keeps the evidence."""

from __future__ import annotations

import dataclasses
import datetime as dt
import types
from collections.abc import Hashable
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

T = TypeVar("T")


def as_plain(value: Any) -> Any:
    """Answer a dataclass as JSON values: decimals and dates as text, what is empty left out."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: as_plain(inner)
            for field in dataclasses.fields(value)
            if (inner := getattr(value, field.name)) not in (None, "", ())
        }
    if isinstance(value, tuple):
        return [as_plain(entry) for entry in value]
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, dt.date):
        return value.isoformat()
    return str(value) if isinstance(value, StrEnum) else value


def from_plain(kind: type[T], plain: dict[str, Any]) -> T:
    """Answer the dataclass that `as_plain` was made from."""
    types_of = _types(cast(Hashable, kind))
    return kind(**{name: _value(types_of[name], inner) for name, inner in plain.items()})


@cache
def _types(kind: Hashable) -> dict[str, Any]:
    """Answer the types of a dataclass's fields, looked up once for each of them."""
    return get_type_hints(kind)


def _value(kind: Any, plain: Any) -> Any:
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        (kind,) = (one for one in get_args(kind) if one is not type(None))
        return _value(kind, plain)
    if origin is tuple:
        inner = get_args(kind)[0]
        return tuple(_value(inner, entry) for entry in plain)
    if dataclasses.is_dataclass(kind):
        return from_plain(kind, plain)  # type: ignore[arg-type]
    if kind is Decimal:
        return Decimal(plain)
    if kind is dt.date:
        return dt.date.fromisoformat(plain)
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return kind(plain)
    return plain
