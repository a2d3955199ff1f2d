"""CSV and XLSX as django-import-export knows them, made safe: no cell that we write is taken for a formula."""

from __future__ import annotations

import re
import zipfile
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

_FORMULA = re.compile(rb"<(?:\w+:)?f[\s>/]")


class NotUsable(ValueError):
    """The workbook holds more than an upload may, or something whose value nobody knows."""


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
        """Answer the first sheet that is not hidden as text; what a formula came to when it was saved counts.

        Raises NotUsable for a formula that was never calculated: an empty cell in its place would take something away.
        """
        book = openpyxl.load_workbook(BytesIO(in_stream), read_only=True, data_only=True)
        place = next((n for n, sheet in enumerate(book.worksheets) if sheet.sheet_state == "visible"), None)
        if place is None:
            raise NotUsable("the workbook has no sheet that is not hidden")
        rows = list(self._rows(book.worksheets[place]))
        if _has_formulas(in_stream):
            asked = openpyxl.load_workbook(BytesIO(in_stream), read_only=True)
            _check_formulas(asked.worksheets[place], book.worksheets[place])
        width = max((_filled(row) for row in rows), default=0)
        headings = rows[0][:width] if rows else []
        # A value beside the headings gets a column of its own: nobody has to choose it, but it is not lost unseen.
        headings += [""] * (width - len(headings))
        dataset = tablib.Dataset(headers=[name or f"column {place}" for place, name in enumerate(headings, 1)])
        for row in rows[1:]:
            dataset.append(row[:width] + [""] * (width - len(row)))
        return dataset

    def _rows(self, sheet: Any) -> Iterator[list[str]]:
        # What a sheet says of its own size may be wrong, and rows behind it would be lost.
        sheet.reset_dimensions()
        for number, cells in enumerate(sheet.iter_rows(values_only=True), 1):
            if number > self.limits.rows + 1:
                raise NotUsable(f"the sheet has more than {self.limits.rows:,} rows")
            if len(cells) > self.limits.columns and any(cells[self.limits.columns :]):
                raise NotUsable(f"the sheet has more than {self.limits.columns} columns")
            yield [as_text(cell) for cell in cells[: self.limits.columns]]


EXPORT_FORMATS: Sequence[type[base_formats.Format]] = (SafeCsv, SafeXlsx)


def as_text(value: Any) -> str:
    """Write a sheet's value as a file would hold it: 12 for 12.0, yes for TRUE, ISO for dates."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        # A sheet shows fifteen digits; what is behind them (21.890000000000004) is noise of binary fractions.
        return f"{Decimal(f'{value:.15g}').normalize():f}"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, date | time):
        return value.isoformat()
    return str(value)


def _has_formulas(raw: bytes) -> bool:
    """Whether any sheet of the workbook holds a formula, found without reading the cells."""
    with zipfile.ZipFile(BytesIO(raw)) as book:
        for name in book.namelist():
            if not name.startswith("xl/worksheets/"):
                continue
            with book.open(name) as part:
                before = b""
                while piece := part.read(1 << 20):
                    if _FORMULA.search(before + piece):
                        return True
                    before = piece[-32:]
    return False


def _check_formulas(asked: Any, answered: Any) -> None:
    """Compare the formulas of a sheet with what they came to. Text of no length is an answer, nothing is none."""
    asked.reset_dimensions()
    for questions, answers in zip(asked.iter_rows(), answered.iter_rows(), strict=False):
        for question, answer in zip(questions, answers, strict=False):
            if question.data_type == "f" and answer.value is None and answer.data_type == "n":
                raise NotUsable(
                    f"the formula in {question.coordinate} was never calculated; "
                    "open the file in a spreadsheet program and save it there"
                )


def _filled(row: Sequence[str]) -> int:
    return next((place for place in range(len(row), 0, -1) if row[place - 1]), 0)


def _safe(dataset: tablib.Dataset) -> tablib.Dataset:
    safe = tablib.Dataset(headers=dataset.headers, title=dataset.title)
    for row in dataset:
        safe.append([safe_cell(cell) for cell in row])
    return safe
