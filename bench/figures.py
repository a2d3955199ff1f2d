"""What was measured: rows of a table with their floors and aims."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
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


def seconds(name: str, raw: list[float], subject: list[float], *, floor: float, moonshot: float, note: str) -> Figure:
    """Answer how many times as long as raw the subject took, round by round; both in seconds."""
    ratios = [ours / theirs for ours, theirs in zip(subject, raw, strict=True)]
    return Figure(
        name=name,
        floor=floor,
        moonshot=moonshot,
        value=median(ratios),
        smaller_is_better=True,
        unit="x raw time",
        raw=1 / median(raw),
        subject=1 / median(subject),
        note=note,
        detail={"ratios": ratios},
    )


HEADS = ["benchmark", "raw /s", "retailhub /s", "result", "floor", "moonshot", "verdict"]


@dataclass(frozen=True)
class Rate:
    """Orders per second, and processor time of all processes involved for each of them."""

    per_second: float
    cpu_ms: float


@dataclass
class Comparison:
    """What rounds of raw, subject, raw came to."""

    raw: list[Rate]
    subject: list[Rate]

    @property
    def ratios(self) -> list[float]:
        return [subject.per_second / raw.per_second for subject, raw in zip(self.subject, self.raw, strict=True)]

    @property
    def cpu_ratios(self) -> list[float]:
        """Answer what the ratios would be on a machine that does nothing else and is never waited for."""
        return [raw.cpu_ms / subject.cpu_ms for subject, raw in zip(self.subject, self.raw, strict=True)]


def compare(*, raw: Callable[[], Rate], subject: Callable[[], Rate], rounds: int) -> Comparison:
    """Measure raw, subject, raw in every round; what counts as raw is the mean of before and after."""
    compared = Comparison([], [])
    before = raw()
    for _ in range(rounds):
        compared.subject.append(subject())
        after = raw()
        compared.raw.append(Rate((before.per_second + after.per_second) / 2, cpu_ms=(before.cpu_ms + after.cpu_ms) / 2))
        before = after
    return compared


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
