"""Several tables written in one round trip, for the few verbs that must be fast.

Each part becomes a data-modifying CTE of one statement, fed by arrays: the text of the statement, and so the number of
round trips, does not depend on how many rows there are. Column types come from the models. The same few texts come
again and again, so the server is asked to plan each once per connection, and arrays travel as text, which is several
times quicker than adapting them value by value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import cache, lru_cache
from typing import Any
from uuid import UUID

import orjson
from django.db import connection, models
from django.db.models.expressions import DatabaseDefault
from django.db.models.fields.json import JSONField

Columns = Mapping[str, Sequence[Any]]


@cache
def element_type(field: models.Field[Any, Any]) -> str:
    """Answer the PostgreSQL type of one value of the field, as used in an array cast."""
    if isinstance(field, models.ForeignKey):
        return element_type(field.target_field)
    kind = field.cast_db_type(connection) or "text"
    return {"serial": "integer", "bigserial": "bigint"}.get(kind, "varchar" if kind.startswith("varchar") else kind)


@cache
def _cast(field: models.Field[Any, Any]) -> str:
    return "%s::text[]::jsonb[]" if isinstance(field, JSONField) else f"%s::{element_type(field)}[]"


def array(field: models.Field[Any, Any], values: Sequence[Any]) -> tuple[str, Sequence[Any]]:
    """Answer the placeholder with its cast and the values, ready for `unnest`."""
    if isinstance(field, JSONField):
        values = [orjson.dumps(value).decode() for value in values]
    return _cast(field), values


class OneTrip:
    """Collects inserts and updates and sends them as one statement."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._values: list[Any] = []
        self._keeps_history = False

    def __bool__(self) -> bool:
        return bool(self._parts)

    def insert(self, model: type[models.Model], columns: Columns, *, ending: str = "") -> str:
        """Add rows, given column by column; `ending` is what follows the rows, such as ON CONFLICT.

        Answers the name by which later parts can read what it RETURNs.
        """
        if not columns or not len(next(iter(columns.values()))):
            return ""
        statement, fields = _insertion(model, tuple(columns), ending)
        self.add(statement, [array(field, columns[field.name])[1] for field in fields])
        self._keeps_history |= _has_history(model)
        return f"part_{len(self._parts) - 1}"

    def update(self, model: type[models.Model], keys: Columns, *, add: Columns = {}, put: Columns = {}) -> None:  # noqa: B006
        """Change the rows named by `keys`: `add` numbers to columns, `put` new values. The rows are locked already."""
        if not len(next(iter(keys.values()))):
            return
        statement, fields = _change(model, tuple(keys), tuple(add), tuple(put))
        entries = [*keys.values(), *add.values(), *put.values()]
        self.add(statement, [array(field, listed)[1] for field, listed in zip(fields, entries, strict=True)])
        self._keeps_history |= _has_history(model)

    def add(self, statement: str, values: Sequence[Any] = ()) -> None:
        """Add a data-modifying statement of your own, on tables without a history."""
        self._parts.append(statement)
        self._values.extend(values)

    def add_named(self, statement: str, values: Sequence[Any] = ()) -> str:
        """Add a statement that RETURNs rows and answer the name by which later parts can read them."""
        self.add(statement, values)
        return f"part_{len(self._parts) - 1}"

    def run(self) -> None:
        """Send what was collected, if anything, as one statement."""
        if not self._parts:
            return
        statement = _joined(tuple(self._parts))
        if self._keeps_history:
            with connection.cursor() as cursor:
                cursor.execute(statement, self._values)
        else:
            prepared_rows(statement, self._values)
        self._parts, self._values, self._keeps_history = [], [], False


def insert_rows(objects: Iterable[models.Model]) -> None:
    """Insert new rows of one model and give each its key, unless all have theirs; defaults are not read back.

    One statement, whatever their number, and several times as quick as Django's `bulk_create`.
    """
    listed = list(objects)
    if not listed:
        return
    model = type(listed[0])
    for row in listed:
        # A row that it points to may have got its key since.
        row._prepare_related_fields_for_save(operation_name="insert_rows")  # type: ignore[attr-defined]
    columns = {}
    keyed = listed[0].pk is not None
    for field in model._meta.concrete_fields:
        if field.generated or (field.primary_key and not keyed):
            continue
        values = _written(field, [field.pre_save(row, True) for row in listed])
        if not all(isinstance(value, DatabaseDefault) for value in values):
            columns[field.name] = values
    statement, fields = _insertion(model, tuple(columns), "RETURNING id")
    run = rows if _has_history(model) else prepared_rows
    made = run(statement, [array(field, columns[field.name])[1] for field in fields])
    # Rows are returned in the order in which they were inserted, which is the order of the arrays.
    for row, (pk,) in zip(listed, made, strict=True):
        row.pk, row._state.adding, row._state.db = pk, False, connection.alias


def take_keys(objects: Sequence[models.Model]) -> None:
    """Give new rows of one model their keys before they are inserted."""
    if objects:
        table = objects[0]._meta.db_table
        keys = rows(
            "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)", [table, len(objects)]
        )
        for row, (key,) in zip(objects, keys, strict=True):
            row.pk = key


def write_fields(objects: Iterable[models.Model], names: Sequence[str]) -> None:
    """Write these fields of rows that are there already and locked, all of one model, each named once.

    One statement, whatever their number. Django's `bulk_update` builds a branch per row and takes fifty times as long.
    """
    listed = list(objects)
    if not listed:
        return
    model = type(listed[0])
    trip = OneTrip()
    fields: list[Any] = [model._meta.get_field(name) for name in names]
    put = {field.name: _written(field, [getattr(row, field.attname) for row in listed]) for field in fields}
    trip.update(model, {"id": [row.pk for row in listed]}, put=put)
    trip.run()


def _written(field: Any, values: list[Any]) -> list[Any]:
    """Answer the values as they are written: of members of a choice the words they stand for, of files their names."""
    if isinstance(field, models.FileField):
        return [str(value) for value in values]
    return [str(value) if isinstance(value, str) else value for value in values] if field.choices else values


def rows(statement: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> list[tuple[Any, ...]]:
    """Run a reading statement and answer its rows."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found


def prepared_rows(statement: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> list[tuple[Any, ...]]:
    """Run one of the few statements that run all day, and answer its rows.

    The server plans it once per connection, for any values, so its joins should leave it no choice. It writes no tables
    with a history. Lists travel as text, so every placeholder that takes one needs a cast.
    """
    text, names = _numbered(statement)
    listed = [values[name] for name in names] if isinstance(values, Mapping) else values
    found: list[tuple[Any, ...]] = connection.run_prepared(  # type: ignore[attr-defined]
        text, [array_text(value) if isinstance(value, list | tuple) else value for value in listed]
    )
    return found


def array_text(values: Sequence[Any]) -> str:
    """Write an array as PostgreSQL reads it."""
    kinds = set(map(type, values))
    if kinds == {str}:
        joined = '","'.join(values)
        if "\\" not in joined and joined.count('"') == 2 * (len(values) - 1):
            return f'{{"{joined}"}}'
    elif kinds == {int}:
        return "{" + ",".join(map(str, values)) + "}"
    return "{" + ",".join([_WRITERS.get(type(value), _element)(value) for value in values]) + "}"


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


_WRITERS: dict[type, Callable[[Any], str]] = {
    int: str,
    str: _quoted,
    Decimal: str,
    type(None): lambda _: "NULL",
    bool: lambda value: "t" if value else "f",
}


def _element(value: Any) -> str:
    if isinstance(value, str):  # a choice
        return _quoted(str(value))
    if isinstance(value, UUID | int):
        return str(value)
    if isinstance(value, date | datetime):
        return f'"{value.isoformat()}"'
    if isinstance(value, bytes):
        return f'"\\\\x{value.hex()}"'
    raise TypeError(f"{type(value).__name__} is no element of an array")


@lru_cache(maxsize=512)
def _insertion(
    model: type[models.Model], names: tuple[str, ...], ending: str
) -> tuple[str, list[models.Field[Any, Any]]]:
    fields: list[Any] = [model._meta.get_field(name) for name in names]
    columns = ", ".join(f'"{field.column}"' for field in fields)
    casts = ", ".join(_cast(field) for field in fields)
    # Names come from the models, values travel as parameters.
    return f'INSERT INTO "{model._meta.db_table}" ({columns}) SELECT * FROM unnest({casts}) {ending}', fields  # noqa: S608


@lru_cache(maxsize=512)
def _change(
    model: type[models.Model], keys: tuple[str, ...], add: tuple[str, ...], put: tuple[str, ...]
) -> tuple[str, list[models.Field[Any, Any]]]:
    def column(name: str) -> str:
        return f'"{model._meta.get_field(name).column}"'  # type: ignore[union-attr]

    fields: list[Any] = [model._meta.get_field(name) for name in (*keys, *add, *put)]
    names = [*(f"k_{name}" for name in keys), *(f"a_{name}" for name in add), *(f"p_{name}" for name in put)]
    changes = [f"{column(n)} = t.{column(n)} + v.a_{n}" for n in add] + [f"{column(n)} = v.p_{n}" for n in put]
    where = " AND ".join(f"t.{column(n)} = v.k_{n}" for n in keys)
    casts = ", ".join(_cast(field) for field in fields)
    return (
        f'UPDATE "{model._meta.db_table}" t SET {", ".join(changes)} '  # noqa: S608  as above
        f"FROM unnest({casts}) AS v({', '.join(names)}) WHERE {where}",
        fields,
    )


def _has_history(model: type[models.Model]) -> bool:
    return hasattr(model, "pgh_event_models")


@lru_cache(maxsize=512)
def _joined(parts: tuple[str, ...]) -> str:
    ctes = ", ".join(f"part_{number} AS ({part})" for number, part in enumerate(parts))
    return f"WITH {ctes} SELECT 1"


_PLACEHOLDER = re.compile(r"%(?:s|%|\((\w+)\)s)")


@lru_cache(maxsize=512)
def _numbered(statement: str) -> tuple[bytes, list[str]]:
    """Answer the statement with $1, $2, ... and the names of its placeholders in that order, if they have names."""
    names: list[str] = []
    count = 0

    def number(match: re.Match[str]) -> str:
        nonlocal count
        if match[0] == "%%":
            return "%"
        if (name := match[1]) is None:
            count += 1
            return f"${count}"
        if name not in names:
            names.append(name)
        return f"${names.index(name) + 1}"

    return _PLACEHOLDER.sub(number, statement).encode(), names
