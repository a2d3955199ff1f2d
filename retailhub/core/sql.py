"""Several tables written in one round trip, for the few verbs that must be fast.

Each part becomes a data-modifying CTE of one statement, fed by arrays: the text of the statement, and so the number of
round trips, does not depend on how many rows there are. Column types come from the models.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from django.db import connection, models
from django.db.models.fields.json import JSONField

Columns = Mapping[str, Sequence[Any]]


def element_type(field: models.Field[Any, Any]) -> str:
    """Answer the PostgreSQL type of one value of the field, as used in an array cast."""
    if isinstance(field, models.ForeignKey):
        return element_type(field.target_field)
    kind = field.cast_db_type(connection) or "text"
    return {"serial": "integer", "bigserial": "bigint"}.get(kind, "varchar" if kind.startswith("varchar") else kind)


def array(field: models.Field[Any, Any], values: Sequence[Any]) -> tuple[str, list[Any]]:
    """Answer the placeholder with its cast and the values, ready for `unnest`."""
    if isinstance(field, JSONField):
        return "%s::text[]::jsonb[]", [orjson.dumps(value).decode() for value in values]
    return f"%s::{element_type(field)}[]", list(values)


class OneTrip:
    """Collects inserts and updates and sends them as one statement."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._values: list[Any] = []

    def __bool__(self) -> bool:
        return bool(self._parts)

    def insert(self, model: type[models.Model], columns: Columns, *, ending: str = "") -> None:
        """Add rows, given column by column; `ending` is what follows the rows, such as ON CONFLICT."""
        if not columns or not len(next(iter(columns.values()))):
            return
        fields = [model._meta.get_field(name) for name in columns]
        casts, values = zip(*(array(f, columns[f.name]) for f in fields), strict=True)  # type: ignore[arg-type]
        names = ", ".join(f'"{f.column}"' for f in fields)  # type: ignore[union-attr]
        self.add(
            # Names come from the models, values travel as parameters.
            f'INSERT INTO "{model._meta.db_table}" ({names}) SELECT * FROM unnest({", ".join(casts)}) {ending}',  # noqa: S608
            values,
        )

    def update(self, model: type[models.Model], keys: Columns, *, add: Columns = {}, put: Columns = {}) -> None:  # noqa: B006
        """Change the rows named by `keys`: `add` numbers to columns, `put` new values. The rows are locked already."""
        if not len(next(iter(keys.values()))):
            return
        table, casts, values, names = model._meta.db_table, [], [], []
        for prefix, columns in (("k", keys), ("a", add), ("p", put)):
            for name, entries in columns.items():
                cast, listed = array(model._meta.get_field(name), entries)  # type: ignore[arg-type]
                casts.append(cast)
                values.append(listed)
                names.append(f"{prefix}_{name}")

        def column(name: str) -> str:
            return f'"{model._meta.get_field(name).column}"'  # type: ignore[union-attr]

        changes = [f"{column(n)} = t.{column(n)} + v.a_{n}" for n in add] + [f"{column(n)} = v.p_{n}" for n in put]
        where = " AND ".join(f"t.{column(n)} = v.k_{n}" for n in keys)
        self.add(
            f'UPDATE "{table}" t SET {", ".join(changes)} '  # noqa: S608  as above
            f"FROM unnest({', '.join(casts)}) AS v({', '.join(names)}) WHERE {where}",
            values,
        )

    def add(self, statement: str, values: Sequence[Any] = ()) -> None:
        """Add a data-modifying statement of your own."""
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
        ctes = ", ".join(f"part_{number} AS ({part})" for number, part in enumerate(self._parts))
        with connection.cursor() as cursor:
            cursor.execute(f"WITH {ctes} SELECT 1", self._values)
        self._parts, self._values = [], []


def rows(statement: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> list[tuple[Any, ...]]:
    """Run a reading statement and answer its rows."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found
