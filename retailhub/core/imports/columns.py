"""From a row's cells to typed values: column rules bound to a file, so that each row costs as little as it can."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from retailhub.core.imports.complaints import BadProfile, Complaint, shown
from retailhub.core.imports.encodings import repaired
from retailhub.core.imports.fields import BadValue, Field
from retailhub.core.imports.profiles import ColumnRule
from retailhub.core.imports.shelf import Shelf
from retailhub.core.imports.sources import Cells, Table
from retailhub.core.imports.targets import Row
from retailhub.core.imports.transforms import TRANSFORMATIONS, Run, Step, Value, one

LookUp = Callable[[str], tuple[Table, Shelf]]


class NotThere(ValueError):
    """A key names no row of the file it should be in."""


@dataclass(slots=True)
class _Hop:
    file: str
    shelf: Shelf
    places: list[int]

    def follow(self, key: str | None) -> Value:
        if not key:
            return None
        rows = self.shelf.find(key)
        if not rows:
            raise NotThere(f"{key} names no row of {self.file}")
        cells = rows[0][1]
        return cells[self.places[0]] if len(self.places) == 1 else [cells[place] for place in self.places]


@dataclass(slots=True)
class _Bound:
    """A rule whose columns are places in the row."""

    rule: ColumnRule
    places: list[int]
    when: int | None
    hops: list[_Hop]
    steps: list[Step]
    otherwise: _Bound | None

    def value(self, cells: Cells) -> Value:
        if self.when is not None and not cells[self.when]:
            return None
        if self.rule.value is not None:
            found: Value = self.rule.value
        elif len(self.places) == 1:
            found = cells[self.places[0]]
        else:
            found = [cells[place] for place in self.places]
        for hop in self.hops:
            found = hop.follow(one(found))
        for step in self.steps:
            found = step(found)
        return found


class Columns:
    """All rules of one step for one file, ready to turn its rows into `Row`s."""

    def __init__(
        self, rules: Sequence[ColumnRule], fields: Sequence[Field], table: Table, look_up: LookUp, run: Run
    ) -> None:
        by_name = {field.name: field for field in fields}
        unknown = [rule.field for rule in rules if rule.field not in by_name]
        if unknown:
            raise BadProfile(f"There is no field {', '.join(unknown)}; there are {', '.join(sorted(by_name))}.")
        self.table, self.run = table, run
        self._look_up = look_up
        self.rules = [(by_name[rule.field], self._bind(rule), _memory(by_name[rule.field], rule)) for rule in rules]
        self.required = [field for field in fields if field.required]
        missing = [field.name for field in self.required if field.name not in {rule.field for rule in rules}]
        if missing:
            raise BadProfile(f"Nothing says where {', '.join(missing)} comes from.")
        self.headings = {rule.field: " + ".join(rule.source) or "(constant)" for rule in rules}

    def _bind(self, rule: ColumnRule) -> _Bound:
        hops = []
        for alias, taken in rule.find:
            table, shelf = self._look_up(alias)
            hops.append(_Hop(table.spec.name, shelf, [table.place(column) for column in taken]))
        return _Bound(
            rule,
            [self.table.place(column) for column in rule.source],
            self.table.place(rule.when) if rule.when else None,
            hops,
            [TRANSFORMATIONS[name](option, self.run) for name, option in rule.do],
            self._bind(rule.else_) if rule.else_ else None,
        )

    def read(self, number: int, cells: Cells) -> tuple[Row, list[Complaint], list[Complaint]]:
        """Answer the row, why it is refused, and what is odd about it."""
        values: dict[str, Any] = {}
        raw: dict[str, str] = {}
        refusals: list[Complaint] = []
        remarks: list[Complaint] = []
        row = Row(self.table.spec.name, number, values, self.headings, raw)
        for field, bound, known in self.rules:
            if bound.places:
                raw[field.name] = cell = " + ".join([cells[place] for place in bound.places])
                if known is not None and cell in known:
                    values[field.name] = known[cell]
                    continue
            try:
                values[field.name] = field.read(self._value(bound, row, cells, refusals, remarks), self.run.zone)
                if known is not None and len(known) < MOST_KNOWN:
                    known[cell] = values[field.name]
            except BadValue as reason:
                refusals.append(row.complaint(field.name, str(reason)))
                values[field.name] = None
                continue
            text = values[field.name]
            if isinstance(text, str) and not text.isascii() and repaired(text):
                remarks.append(row.complaint(field.name, "this looks like UTF-8 that was read as Windows-1252"))
        said = {complaint.column for complaint in refusals}
        refusals += [
            row.complaint(field.name, "it is empty")
            for field in self.required
            if values.get(field.name) is None and self.headings[field.name] not in said
        ]
        return row, refusals, remarks

    def _value(
        self, bound: _Bound, row: Row, cells: Cells, refusals: list[Complaint], remarks: list[Complaint]
    ) -> Value:
        """Answer what the rule finds, or what the rule behind it does; a key that names nothing is said once a row."""
        try:
            found = bound.value(cells)
        except NotThere as reason:
            found = None
            said = refusals if bound.rule.missing == "refuse" else remarks
            value = " + ".join(cells[place] for place in bound.places)
            complaint = Complaint(row.file, row.number, " + ".join(bound.rule.source), shown(value), str(reason))
            if bound.rule.missing != "empty" and complaint not in said:
                said.append(complaint)
        if bound.otherwise and (not found or (isinstance(found, list) and not any(found))):
            return self._value(bound.otherwise, row, cells, refusals, remarks)
        return found


def _memory(field: Field, rule: ColumnRule) -> dict[str, Any] | None:
    """Answer where to keep what cells of this column came to, if nothing else decides it and they come again."""
    plain = len(rule.source) == 1 and not (rule.do or rule.find or rule.when or rule.else_)
    return {} if plain and field.kind in _FEW else None


# Figures and codes of a column repeat; names and numbers of things do not.
_FEW = frozenset({"money", "cost", "whole", "flag", "choice", "currency", "country"})
MOST_KNOWN = 20_000


def constants(
    entry: Mapping[str, Any], number: int, fields: Sequence[Field], run: Run, name: str
) -> tuple[Row, list[Complaint]]:
    """Answer a row that is written in the profile itself."""
    by_name = {field.name: field for field in fields}
    unknown = sorted(set(entry) - set(by_name))
    if unknown:
        raise BadProfile(f"There is no field {', '.join(unknown)}; there are {', '.join(sorted(by_name))}.")
    row = Row(name, number, {}, {field: field for field in entry})
    refusals = []
    for field in fields:
        try:
            row.values[field.name] = field.read(entry.get(field.name), run.zone)
        except BadValue as reason:
            refusals.append(Complaint(name, number, field.name, shown(entry.get(field.name)), str(reason)))
        if field.required and row.values.get(field.name) is None:
            refusals.append(Complaint(name, number, field.name, "", "it is empty"))
    return row, refusals
