"""What is said about rows: refused ones, and taken ones that something is odd about."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from retailhub.core.errors import DomainError
from retailhub.core.imports.escaping import safe_cell

MOST_SHOWN = 200


class BadFile(DomainError):
    """This file cannot be read."""

    code = "unreadable_file"
    status = 422


class BadProfile(DomainError):
    """This profile says something that cannot be followed."""

    code = "bad_profile"
    status = 422


@dataclass(frozen=True, slots=True)
class Complaint:
    """One place in a file and what is wrong there. Rows count as in a sheet: the first row below a header is 2."""

    file: str
    row: int
    column: str
    value: str
    reason: str

    HEADINGS: ClassVar[tuple[str, ...]] = ("file", "row", "column", "value", "reason")

    def as_list(self) -> list[str | int]:
        return [self.file, self.row, self.column, self.value, self.reason]

    def __str__(self) -> str:
        where = f"{self.file} row {self.row}"
        what = f", {self.column} {self.value!r}" if self.column else ""
        return f"{where}{what}: {self.reason}"


def shown(value: object) -> str:
    """Answer a value as a complaint shows it: text of bounded length that can be stored."""
    text = value if isinstance(value, str) else "" if value is None else str(value)
    text = text.replace("\x00", "\N{SYMBOL FOR NULL}").encode("utf-8", "replace").decode()
    return text if len(text) <= MOST_SHOWN else text[: MOST_SHOWN - 1] + "…"


def write_complaints(path: Path, complaints: Iterable[Sequence[str | int]]) -> int:
    """Write a CSV that a spreadsheet opens safely, and answer how many rows it has."""
    count = 0
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(Complaint.HEADINGS)
        for entry in complaints:
            writer.writerow([safe_cell(cell) for cell in entry])
            count += 1
    return count
