"""A target that keeps what it is given, so that the engine can be tested without any app."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from retailhub.core.access import SYSTEM
from retailhub.core.imports.fields import Field
from retailhub.core.imports.profiles import read_profile
from retailhub.core.imports.reading import Chunk, Reading
from retailhub.core.imports.runner import Import
from retailhub.core.imports.targets import Desk, Outcome, Row, Target, Verdict
from retailhub.core.imports.transforms import Run


@dataclass
class Kept:
    """Keeps rows in memory under their key: new the first time, then the same or changed."""

    label: str = "Things"
    scopes: Sequence[str] = ("items:write",)
    key: Sequence[str] = ("code",)
    fields: Sequence[Field] = (
        Field(name="code", required=True, length=20),
        Field(name="name"),
        Field(name="price", kind="money", least=0),
        Field(name="units", kind="whole"),
        Field(name="group"),
        Field(name="at", kind="moment"),
    )
    part_fields: Sequence[Field] = (Field(name="sku", required=True), Field(name="units", kind="whole", required=True))
    kept: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    judged: list[list[int]] = field(default_factory=list)

    def judge(self, rows: Sequence[Row], desk: Desk) -> list[Verdict]:
        self.judged.append([row.number for row in rows])
        verdicts = []
        for row in rows:
            old = self.kept.get(row.values["code"])
            verdicts.append(Verdict(row) if old is None else Verdict(row).compare(old, row.values))
        return verdicts

    def apply(self, verdicts: Sequence[Verdict], desk: Desk) -> None:
        for verdict in verdicts:
            assert verdict.outcome in {Outcome.NEW, Outcome.CHANGED}
            self.kept[verdict.row.values["code"]] = dict(verdict.row.values)


NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)


def work_of(folder: Path, document: Mapping[str, Any], target: Target | None = None, **kwargs: Any) -> Import:
    """Answer an import of the folder through a profile given as a dictionary."""
    return Import(
        profile=read_profile("test", document, digest=kwargs.pop("digest", "test")),
        folder=folder,
        targets={"things": target or Kept()},
        principal=SYSTEM,
        source=str(folder),
        **kwargs,
    )


def one_file(file: Mapping[str, Any], columns: Mapping[str, Any], **step: Any) -> dict[str, Any]:
    """Answer a profile of one file and one step."""
    return {
        "files": {"main": file},
        "steps": [{"name": "all", "into": "things", "file": "main", "columns": columns, **step}],
    }


def chunks_of(work: Import) -> list[Chunk]:
    """Read everything without writing anything."""
    with Reading(work.profile, work.folder, Run(now=NOW, zone=ZoneInfo("UTC"))) as reading:
        return [chunk for step in work.profile.steps for chunk in reading.chunks(step, work.targets[step.into])]


def read(folder: Path, document: Mapping[str, Any]) -> tuple[list[Row], list[str], Chunk]:
    """Answer all rows, all refusals as text, and the last chunk."""
    chunks = chunks_of(work_of(folder, document))
    return (
        [row for chunk in chunks for row in chunk.rows],
        [str(complaint) for chunk in chunks for complaint in chunk.refusals],
        chunks[-1],
    )
