"""What became of the rows of a run: counts that add up, and the files with refused and odd rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from retailhub.core.imports.complaints import Complaint, write_complaints
from retailhub.core.models import ImportRun

COUNTS = ("read", "new", "changed", "same", "refused")
REFUSED, REMARKED = "refused.csv", "remarks.csv"


@dataclass(slots=True)
class Line:
    """What one step did with the rows of one file."""

    step: str
    file: str
    read: int = 0
    new: int = 0
    changed: int = 0
    same: int = 0
    refused: int = 0


@dataclass(slots=True)
class Report:
    """The whole run in figures: `read` is always the sum of new, changed, same and refused."""

    lines: list[Line] = field(default_factory=list)
    looked_up: dict[str, dict[str, int]] = field(default_factory=dict)
    not_read: dict[str, str] = field(default_factory=dict)
    tally: dict[str, int | str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    remarks: int = 0

    def total(self, name: str) -> int:
        return sum(getattr(line, name) for line in self.lines)

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), **{name: self.total(name) for name in COUNTS}}

    def line(self, step: str, file: str) -> Line:
        for line in self.lines:
            if (line.step, line.file) == (step, file):
                return line
        self.lines.append(Line(step, file))
        return self.lines[-1]

    def as_text(self) -> str:
        """Write the report for a console."""
        rows: list[tuple[str, ...]] = [("step", "file", *COUNTS)]
        rows += [(line.step, line.file, *(f"{getattr(line, name):,}" for name in COUNTS)) for line in self.lines]
        rows.append(("", "together", *(f"{self.total(name):,}" for name in COUNTS)))
        widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
        text = [
            "  ".join(
                cell.ljust(w) if place < 2 else cell.rjust(w)
                for place, (cell, w) in enumerate(zip(row, widths, strict=True))
            )
            for row in rows
        ]
        text.insert(1, "  ".join("-" * width for width in widths))
        text.insert(-1, text[1])
        for file, counts in sorted(self.looked_up.items()):
            text.append(
                f"looked up: {file}, {counts['rows']:,} rows, {counts['not referred to']:,} of them not referred to"
                + (f", {counts['refused']:,} refused" if counts["refused"] else "")
            )
        text += [f"not read: {file} ({why})" for file, why in sorted(self.not_read.items())]
        text += [f"{what}: {Decimal(count):,}" for what, count in sorted(self.tally.items())]
        text += [f"warning: {warning}" for warning in self.warnings]
        return "\n".join(line.rstrip() for line in text)


def gather(run: ImportRun, steps: Iterable[str]) -> Report:
    """Add up what the chunks of a run say, in the order of the steps."""
    report, tally = Report(), dict[str, Decimal]()
    order = {step: place for place, step in enumerate(steps)}
    for step, counts, added, remarks in run.chunks.values_list("step", "counts", "tally", "remarks").iterator():
        for file, entry in counts.items():
            line = report.line(step, file)
            for name in COUNTS:
                setattr(line, name, getattr(line, name) + entry.get(name, 0))
        for what, count in added.items():
            tally[what] = tally.get(what, Decimal(0)) + Decimal(count)
        report.remarks += len(remarks)
    report.lines.sort(key=lambda line: order.get(line.step, len(order)))
    report.tally = {what: int(n) if n == int(n) and "total" not in what else str(n) for what, n in tally.items()}
    return report


def refusals(run: ImportRun) -> Iterator[list[Any]]:
    """Answer the refused places of a run in the order they were read; a row with three faults has three."""
    for entries in run.chunks.exclude(refusals=[]).order_by("pk").values_list("refusals", flat=True).iterator():
        yield from entries


def remarks(run: ImportRun) -> Iterator[list[Any]]:
    for entries in run.chunks.exclude(remarks=[]).order_by("pk").values_list("remarks", flat=True).iterator():
        yield from entries


def write_files(run: ImportRun, folder: Path, *, also: Iterable[Complaint] = ()) -> tuple[int, int]:
    """Write refused.csv and remarks.csv; answers how many entries each has."""

    def remarked() -> Iterator[list[Any]]:
        yield from remarks(run)
        for complaint in also:
            yield complaint.as_list()

    folder.mkdir(parents=True, exist_ok=True)
    return write_complaints(folder / REFUSED, refusals(run)), write_complaints(folder / REMARKED, remarked())
