"""What the engine asks of an app that lets things be imported: judge rows without writing, then write what is new."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable

from django.db import transaction

from retailhub.core.access import Principal
from retailhub.core.errors import DomainError
from retailhub.core.imports.complaints import Complaint, shown
from retailhub.core.imports.fields import Field
from retailhub.core.imports.transforms import Tally


class Outcome(StrEnum):
    NEW = "new"
    CHANGED = "changed"
    SAME = "same"
    REFUSED = "refused"


@dataclass(slots=True)
class Row:
    """One row of a file as typed values by field; `columns` says under which headings they stood."""

    file: str
    number: int
    values: dict[str, Any]
    columns: Mapping[str, str]
    raw: Mapping[str, str] = field(default_factory=dict)
    parts: list[Row] = field(default_factory=list)

    def get(self, name: str, default: Any = None) -> Any:
        value = self.values.get(name)
        return default if value is None else value

    def complaint(self, name: str, reason: str) -> Complaint:
        """Say what is wrong with a field, in the file's own words."""
        value = self.raw.get(name) or self.values.get(name)
        return Complaint(self.file, self.number, self.columns.get(name, name), shown(value), reason)


@dataclass(slots=True)
class Verdict:
    """What becomes of a row: the outcome, what would change, and what is said about it."""

    row: Row
    outcome: Outcome = Outcome.NEW
    changes: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    refusals: list[Complaint] = field(default_factory=list)
    remarks: list[Complaint] = field(default_factory=list)
    plan: Any = None
    trace: dict[str, Any] | None = None
    """What was there before and what is there now, as JSON; set by `apply` where the desk keeps traces."""

    def refuse(self, name: str, reason: str, *, row: Row | None = None) -> Verdict:
        self.outcome = Outcome.REFUSED
        self.refusals.append((row or self.row).complaint(name, reason))
        return self

    def remark(self, name: str, reason: str, *, row: Row | None = None) -> Verdict:
        self.remarks.append((row or self.row).complaint(name, reason))
        return self

    def compare(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> Verdict:
        """Note what differs; nothing different makes the outcome `same`."""
        self.changes = {name: (old.get(name), value) for name, value in new.items() if old.get(name) != value}
        self.outcome = Outcome.CHANGED if self.changes else Outcome.SAME
        return self

    @property
    def writes(self) -> bool:
        return self.outcome in {Outcome.NEW, Outcome.CHANGED}


@dataclass(slots=True, kw_only=True)
class Desk:
    """Who imports, when, from what, with which options; and the tally for the report."""

    principal: Principal
    source: str
    now: datetime
    options: Mapping[str, Any] = field(default_factory=dict)
    tally: Tally = field(default_factory=Tally)
    sums: dict[str, Decimal] = field(default_factory=dict)
    keeps_traces: bool = False
    """Whether rows have to say what they wrote, so that it can be taken back."""

    def add(self, what: str, amount: Decimal) -> None:
        """Add to a sum of the report."""
        self.sums[what] = self.sums.get(what, Decimal(0)) + amount

    @property
    def actor(self) -> str:
        return self.principal.actor


class Target(Protocol):
    """A kind of thing that can be imported. `key` names the fields under which a file may hold a thing only once."""

    label: str
    fields: Sequence[Field]
    part_fields: Sequence[Field]
    key: Sequence[str]
    scopes: Sequence[str]

    def judge(self, rows: Sequence[Row], desk: Desk) -> list[Verdict]:
        """Answer one verdict per row, in order, from what the database says now. Writes nothing."""

    def apply(self, verdicts: Sequence[Verdict], desk: Desk) -> None:
        """Write the rows whose verdict says so; a refusal by a service turns its row's verdict."""


@dataclass(slots=True)
class Written:
    """A row that was taken once, with the trace it left; `keep` says why it cannot be taken back."""

    file: str
    row: int
    trace: dict[str, Any]
    kept: list[Complaint] = field(default_factory=list)

    def keep(self, column: str, value: Any, reason: str) -> None:
        self.kept.append(Complaint(self.file, self.row, column, shown(value), reason))


@runtime_checkable
class TakesBack(Protocol):
    """A target whose rows can be taken back while nobody touched what they wrote."""

    def take_back(self, written: Sequence[Written], desk: Desk) -> None:
        """Have everything as it was before these rows; each row that cannot be taken back says why."""


def write_or_refuse(verdicts: Sequence[Verdict], write: Callable[[Sequence[Verdict]], None]) -> None:
    """Write all in one call; rows that a service refuses are marked and the rest is tried again without them.

    A refusal names its places (`/entries/3/price`: the third number-like part is the row); one that names none is
    narrowed down by halves.
    """
    left = list(verdicts)
    while left:
        try:
            with transaction.atomic():
                write(left)
            return
        except DomainError as refusal:
            if refusal.status >= 500:
                raise
            offenders = _offenders(refusal, left)
            if not offenders and len(left) > 1:
                middle = len(left) // 2
                write_or_refuse(left[:middle], write)
                left = left[middle:]
                continue
            if not offenders:
                left[0].refuse("", refusal.detail)
                return
            left = [verdict for index, verdict in enumerate(left) if index not in offenders]


def _offenders(refusal: DomainError, verdicts: Sequence[Verdict]) -> set[int]:
    found: set[int] = set()
    for offence in refusal.errors:
        parts = offence.pointer.strip("/").split("/")
        index = next((int(part) for part in parts if part.isdecimal()), None)
        if index is None or index >= len(verdicts):
            continue
        name = parts[-1] if not parts[-1].isdecimal() else ""
        verdicts[index].refuse(name, offence.detail)
        found.add(index)
    return found
