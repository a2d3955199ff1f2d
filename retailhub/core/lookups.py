"""Look-ups of our own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import Field, ForeignKey
from django.db.models.lookups import Lookup


@Field.register_lookup
@ForeignKey.register_lookup
class Among(Lookup[Any]):
    """`id__among=[...]`: `in` for long lists of keys. They travel as one array, so the statement does not grow."""

    lookup_name = "among"
    prepare_rhs = False

    def get_prep_lookup(self) -> list[Any]:
        values: Iterable[Any] = self.rhs
        return list(values)

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        column, values = self.process_lhs(compiler, connection)
        return f"{column} = ANY(%s)", [*values, self.rhs]
