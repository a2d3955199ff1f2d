"""Lists as files: the same headings that an import understands, safe cells, one row at a time."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet
from import_export import resources

from retailhub.core.imports.escaping import safe_cell


def as_csv(resource: resources.Resource, rows: QuerySet[Any]) -> Iterator[str]:
    """Answer the lines of a CSV, read from the database piece by piece: a list of any length needs no memory."""
    yield "\ufeff" + _line(resource.get_export_headers())
    for one in resource.iter_queryset(rows):
        yield _line(resource.export_resource(one))


def _line(cells: list[Any]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerow([safe_cell(cell) for cell in cells])
    return buffer.getvalue()


class ExportResource(resources.ModelResource):  # type: ignore[misc]
    """A list that is only ever written: bringing it back goes through the import pages and the services."""

    # Fields that only those who may see costs get.
    cost_fields: tuple[str, ...] = ()

    def __init__(self, *, sees_costs: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not sees_costs:
            for name in self.cost_fields:
                self.fields.pop(name, None)

    def get_export_order(self) -> list[str]:
        return [name for name in super().get_export_order() if name in self.fields]

    def import_data(self, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError("files are brought in through the import pages")
