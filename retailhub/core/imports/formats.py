"""CSV and XLSX as django-import-export knows them, made safe: no cell that we write is taken for a formula."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from io import BytesIO
from typing import Any

import openpyxl
import tablib
from import_export.formats import base_formats

from retailhub.core.imports.escaping import safe_cell
from retailhub.core.imports.limits import UPLOAD, Limits


class TooMuch(ValueError):
    """The sheet holds more than an upload may."""


class SafeCsv(base_formats.CSV):  # type: ignore[misc]
    """CSV whose text cells never begin like a formula; numbers stay numbers."""

    def export_data(self, dataset: tablib.Dataset, **kwargs: Any) -> Any:
        return super().export_data(_safe(dataset), **kwargs)


class SafeXlsx(base_formats.XLSX):  # type: ignore[misc]
    """XLSX written like SafeCsv, and read row by row within limits, ragged sheets too."""

    limits: Limits = UPLOAD

    def export_data(self, dataset: tablib.Dataset, **kwargs: Any) -> Any:
        return super().export_data(_safe(dataset), **kwargs)

    def create_dataset(self, in_stream: bytes) -> tablib.Dataset:
        """Answer the first sheet as text; what a formula came to when it was saved counts, not the formula."""
        book = openpyxl.load_workbook(BytesIO(in_stream), read_only=True, data_only=True)
        rows = list(self._rows(book.worksheets[0]))
        width = max((_filled(row) for row in rows), default=0)
        headings = rows[0][:width] if rows else []
        # A value beside the headings gets a column of its own: nobody has to choose it, but it is not lost unseen.
        headings += [""] * (width - len(headings))
        dataset = tablib.Dataset(headers=[name or f"column {place}" for place, name in enumerate(headings, 1)])
        for row in rows[1:]:
            dataset.append(row[:width] + [""] * (width - len(row)))
        return dataset

    def _rows(self, sheet: Any) -> Iterator[list[str]]:
        for number, cells in enumerate(sheet.iter_rows(values_only=True), 1):
            if number > self.limits.rows + 1:
                raise TooMuch(f"the sheet has more than {self.limits.rows:,} rows")
            if len(cells) > self.limits.columns and any(cells[self.limits.columns :]):
                raise TooMuch(f"the sheet has more than {self.limits.columns} columns")
            yield [as_text(cell) for cell in cells[: self.limits.columns]]


EXPORT_FORMATS: Sequence[type[base_formats.Format]] = (SafeCsv, SafeXlsx)


def as_text(value: Any) -> str:
    """Write a sheet's value as a file would hold it: 12 for 12.0, yes for TRUE, ISO for dates."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{Decimal(repr(value)).normalize():f}"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, date | time):
        return value.isoformat()
    return str(value)


def _filled(row: Sequence[str]) -> int:
    return next((place for place in range(len(row), 0, -1) if row[place - 1]), 0)


def _safe(dataset: tablib.Dataset) -> tablib.Dataset:
    safe = tablib.Dataset(headers=dataset.headers, title=dataset.title)
    for row in dataset:
        safe.append([safe_cell(cell) for cell in row])
    return safe
