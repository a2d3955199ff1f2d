"""What was measured: rows of a table with their floors and aims."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(kw_only=True)
class Figure:
    """One row: raw and subject per second and their ratio, or a count or time that stands for itself."""

    name: str
    floor: float
    moonshot: float
    value: float
    unit: str = "x raw"
    raw: float | None = None
    subject: float | None = None
    smaller_is_better: bool = False
    is_trend: bool = False
    note: str = ""
    detail: dict[str, Any] = field(default_factory=dict)

    def _reaches(self, mark: float) -> bool:
        return self.value <= mark if self.smaller_is_better else self.value >= mark

    @property
    def passes(self) -> bool:
        return self._reaches(self.floor)

    @property
    def verdict(self) -> str:
        return "moonshot" if self._reaches(self.moonshot) else "ok" if self.passes else "BELOW FLOOR"

    def cells(self) -> list[str]:
        return [
            self.name,
            _number(self.raw),
            _number(self.subject),
            f"{_number(self.value)} {self.unit}".strip(),
            _number(self.floor),
            _number(self.moonshot),
            self.verdict,
        ]


HEADS = ["benchmark", "raw /s", "retailhub /s", "result", "floor", "moonshot", "verdict"]


def compare(
    *, raw: Callable[[], float], subject: Callable[[], float], rounds: int
) -> tuple[float, float, float, list[float]]:
    """Measure raw, subject, raw in every round; answer the medians of raw, subject and ratio, and all ratios."""
    raws: list[float] = []
    subjects: list[float] = []
    ratios: list[float] = []
    before = raw()
    for _ in range(rounds):
        measured = subject()
        after = raw()
        raws.append((before + after) / 2)
        subjects.append(measured)
        ratios.append(measured / raws[-1])
        before = after
    return statistics.median(raws), statistics.median(subjects), statistics.median(ratios), ratios


def table(figures: list[Figure]) -> str:
    """Write the figures as a Markdown table."""
    lines = [HEADS, *(figure.cells() for figure in figures)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(HEADS))]
    written = ["| " + " | ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)) + " |" for line in lines]
    written.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    notes = [f"- {figure.name}: {figure.note}" for figure in figures if figure.note]
    return "\n".join([*written, "", *notes]).rstrip() + "\n"


def keep(figures: list[Figure], file: Path) -> None:
    file.parent.mkdir(exist_ok=True)
    rows = [vars(figure) | {"verdict": figure.verdict} for figure in figures]
    file.write_text(json.dumps(rows, indent=2) + "\n")


def _number(value: float | None) -> str:
    if value is None:
        return ""
    if value == 0:
        return "0"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
