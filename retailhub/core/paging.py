"""Paging through lists that may hold millions of rows: nothing here counts further than it must."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Paginator
from django.db import connections
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

MOST = 10_000
"""As far as page numbers go. Beyond it people narrow the list; an OFFSET of a million rows costs half a second."""


class BoundedPaginator(Paginator):  # type: ignore[type-arg]
    """Counts at most 10,001 rows; of a whole table that is longer it tells PostgreSQL's estimate."""

    template_name = "rh/pagination.html"

    @cached_property
    def found(self) -> int:
        """How many rows there are, up to one more than we look for."""
        rows: Any = self.object_list
        return int(rows.order_by()[: MOST + 1].count())

    @cached_property
    def count(self) -> int:
        return min(self.found, MOST)

    @cached_property
    def label(self) -> str:
        from retailhub.core.templatetags.rh import qty

        if self.found <= MOST:
            return qty(self.found)
        estimate = self._estimate()
        return _("about %(count)s") % {"count": qty(estimate)} if estimate > MOST else f"{qty(MOST)}+"

    def _estimate(self) -> int:
        rows: Any = self.object_list
        if rows.query.where or rows.query.distinct:
            return 0
        with connections[rows.db].cursor() as cursor:
            cursor.execute(
                "SELECT reltuples::bigint FROM pg_class WHERE oid = to_regclass(%s)", [rows.model._meta.db_table]
            )
            row = cursor.fetchone()
        return int(row[0]) if row else 0
