"""Pages by key: no count, no offset, the same cost at any depth."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

import orjson
from django.db.models import Model, Q, QuerySet
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from retailhub.core.errors import Invalid, Offence

if TYPE_CHECKING:
    # DRF's settings import this module while its views are being made
    from rest_framework.views import APIView

Row = TypeVar("Row", bound=Model)

CURSOR, SIZE = "cursor", "page_size"
DEFAULT_SIZE, MOST = 50, 500


class BadCursor(Invalid):
    """The cursor is none that we gave."""

    code = "bad_cursor"


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page starts: after the row with these key values, or before it."""

    values: list[Any]
    backwards: bool = False

    def __str__(self) -> str:
        raw = orjson.dumps([self.backwards, *self.values], option=orjson.OPT_UTC_Z)
        return base64.urlsafe_b64encode(raw).decode().rstrip("=")

    @classmethod
    def read(cls, text: str, kinds: Sequence[type]) -> Cursor:
        try:
            raw = base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
            backwards, *values = orjson.loads(raw)
            values = [_value(kind, value) for kind, value in zip(kinds, values, strict=True)]
        except (ValueError, TypeError, binascii.Error, UnicodeError) as error:
            raise BadCursor(errors=[parameter(CURSOR, "bad_cursor", "take it from `next` or `previous`")]) from error
        if not isinstance(backwards, bool):
            raise BadCursor
        return cls(values, backwards)


def _value(kind: type, value: Any) -> Any:
    if kind is datetime and isinstance(value, str):
        return datetime.fromisoformat(value)
    if type(value) is not kind or (isinstance(value, int) and not -(2**63) <= value < 2**63):
        raise TypeError(value)
    if isinstance(value, str) and "\x00" in value:
        raise TypeError(value)
    return value


def parameter(name: str, code: str, detail: str) -> Offence:
    """Answer an offence of the query string, which has no JSON pointer."""
    return Offence(pointer="", code=code, detail=detail, extra={"parameter": name})


class KeysetPagination(BasePagination):
    """Walks a view's `keys`: field names that together are unique, each falling when it begins with `-`."""

    def paginate_queryset(  # type: ignore[override]
        self, queryset: QuerySet[Any], request: Request, view: APIView | None = None
    ) -> list[Any]:
        self.request, self.keys = request, tuple(getattr(view, "keys", ("-pk",)))
        fields = [key.lstrip("-") for key in self.keys]
        falling = [key.startswith("-") for key in self.keys]
        kinds = tuple(getattr(view, "key_kinds", None) or [int] * len(fields))
        size = page_size(request)
        text = request.query_params.get(CURSOR, "")
        self.cursor = cursor = Cursor.read(text, kinds) if text else None
        backwards = bool(cursor and cursor.backwards)
        rows = queryset.order_by(
            *(f"-{field}" if falls != backwards else field for field, falls in zip(fields, falling, strict=True))
        )
        if cursor:
            rows = rows.filter(_after(fields, [falls != backwards for falls in falling], cursor.values))
        page = list(rows[: size + 1])
        more, page = len(page) > size, page[:size]
        if backwards:
            page.reverse()
        self.has_next, self.has_previous = (True, more) if backwards else (more, cursor is not None)
        self.fields, self.page = fields, page
        return page

    def get_paginated_response(self, data: Any) -> Response:
        return Response({"results": data, "next": self._link(True), "previous": self._link(False)})

    def _link(self, forwards: bool) -> str | None:
        if not (self.has_next if forwards else self.has_previous):
            return None
        url = self.request.build_absolute_uri()
        if not self.page:  # the rows behind the cursor are gone: turn round at the cursor itself
            if self.cursor is None or self.cursor.backwards == (not forwards):
                return None
            return replace_query_param(url, CURSOR, str(Cursor(self.cursor.values, not forwards)))
        row = self.page[-1] if forwards else self.page[0]
        return replace_query_param(url, CURSOR, str(Cursor([_read(row, f) for f in self.fields], not forwards)))

    def get_schema_operation_parameters(self, view: APIView) -> list[dict[str, Any]]:
        return [
            {
                "name": CURSOR,
                "in": "query",
                "schema": {"type": "string"},
                "description": "Where to go on: taken from `next` or `previous` of the page before.",
            },
            {
                "name": SIZE,
                "in": "query",
                "schema": {"type": "integer", "minimum": 1, "maximum": MOST, "default": DEFAULT_SIZE},
            },
        ]

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        link = {"type": ["string", "null"], "format": "uri"}
        return {
            "type": "object",
            "required": ["results", "next", "previous"],
            "properties": {"results": schema, "next": link, "previous": link},
        }


def page_size(request: Request) -> int:
    """Answer how many rows a page has. Raises Invalid for anything but 1 to 500."""
    text = request.query_params.get(SIZE, "")
    if not text:
        return DEFAULT_SIZE
    if not text.isascii() or not text.isdecimal() or len(text) > 6 or not 1 <= int(text) <= MOST:
        raise Invalid(
            f"A page has 1 to {MOST} rows.", errors=[parameter(SIZE, "invalid", f"a number from 1 to {MOST}")]
        )
    return int(text)


def _after(fields: Sequence[str], falling: Sequence[bool], values: Sequence[Any]) -> Q:
    """Answer the condition for rows beyond the given key, in the order given."""
    condition = Q()
    for depth in range(len(fields)):
        step = Q(**{f"{fields[depth]}__{'lt' if falling[depth] else 'gt'}": values[depth]})
        for field, value in zip(fields[:depth], values[:depth], strict=True):
            step &= Q(**{field: value})
        condition |= step
    # Says the same once more in a form for which an index on the first field is enough.
    return Q(**{f"{fields[0]}__{'lte' if falling[0] else 'gte'}": values[0]}) & condition


def _read(row: Any, field: str) -> Any:
    for name in field.split("__"):
        row = row[name] if isinstance(row, dict) else getattr(row, name)
    return row
