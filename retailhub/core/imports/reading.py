"""A folder read through a profile: chunks of typed rows, the same chunks every time it is read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

from retailhub.core.imports.columns import Columns, constants
from retailhub.core.imports.complaints import Complaint
from retailhub.core.imports.limits import FOLDER, Limits
from retailhub.core.imports.profiles import PartsRule, Profile, StepRule
from retailhub.core.imports.shelf import Seen, Shelf
from retailhub.core.imports.sources import Cells, Numbered, Table
from retailhub.core.imports.targets import Row, Target
from retailhub.core.imports.transforms import Run
from retailhub.core.text import sku_key

MOST_TOGETHER = 5_000


@dataclass(slots=True)
class Chunk:
    """Some rows that are taken together, in one transaction. `read` counts every row by file, refused ones too."""

    step: str
    number: int
    rows: list[Row] = field(default_factory=list)
    read: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    refusals: list[Complaint] = field(default_factory=list)
    remarks: list[Complaint] = field(default_factory=list)
    tally: dict[str, int] = field(default_factory=dict)

    @property
    def size(self) -> int:
        return sum(self.read.values())


class Reading:
    """The files of one run, opened once; what was set aside on disk goes when it is closed."""

    def __init__(self, profile: Profile, folder: Path, run: Run, *, limits: Limits = FOLDER) -> None:
        self.profile, self.folder, self.run, self.limits = profile, folder, run, limits
        self._tables: dict[str, Table] = {}
        self._shelves: dict[str, Shelf] = {}
        self.looked_up: dict[str, int] = {}
        self.looked_up_badly: list[Complaint] = []

    def __enter__(self) -> Reading:
        return self

    def __exit__(self, *_: object) -> None:
        for shelf in self._shelves.values():
            shelf.close()

    def table(self, alias: str) -> Table:
        if alias not in self._tables:
            self._tables[alias] = Table(self.folder, self.profile.files[alias], self.limits)
        return self._tables[alias]

    def look_up(self, alias: str) -> tuple[Table, Shelf]:
        """Answer a file whose rows are found by its key; the first time it is set aside on disk."""
        table = self.table(alias)
        if alias not in self._shelves:
            place = table.place(table.spec.key)
            refused: list[Complaint] = []
            shelf = self._shelves[alias] = Shelf()
            count = shelf.put(_keyed(table.rows(refused.append), place))
            name, key = table.spec.name, table.spec.key
            refused += [
                Complaint(name, number, key, value, f"this key is in row {first} already")
                for value, number, first in (() if table.spec.shared else shelf.doubles())
            ]
            self.looked_up[alias] = count + len([c for c in refused if not c.column])
            self.looked_up_badly += refused
        return table, self._shelves[alias]

    def expected(self, steps: Iterable[StepRule]) -> int:
        """Answer how many rows the steps will read."""
        total = 0
        for step in steps:
            total += len(step.rows) or self.table(step.file).count()
            total += self.table(step.parts.file).count() if step.parts else 0
        return total

    def chunks(self, step: StepRule, target: Target) -> Iterator[Chunk]:
        """Answer the step's chunks, numbered from 1. Rows that cannot be used are complained of in theirs."""
        seen = Seen()
        try:
            if step.rows:
                yield self._constant_chunk(step, target)
            elif step.together:
                yield from self._grouped(step, target, seen)
            else:
                yield from self._streamed(step, target, seen)
        finally:
            seen.close()

    def not_referred_to(self, *, shared: bool = True) -> Iterator[Complaint]:
        """Answer the rows of looked-up files that no row asked for; a step's own file is read anyway.

        In files that are `shared` that is how it should be: they can be left out.
        """
        own = {step.file for step in self.profile.steps}
        for alias, shelf in self._shelves.items():
            if alias in own or (self.profile.files[alias].shared and not shared):
                continue
            spec = self.profile.files[alias]
            for key, number in shelf.unasked():
                yield Complaint(spec.name, number, spec.key, key, "no row that was read refers to it")

    # --- the three ways to cut a file into chunks ------------------------------------------------------------------
    def _constant_chunk(self, step: StepRule, target: Target) -> Chunk:
        chunk, name = Chunk(step.name, 1), f"profile {self.profile.name}"
        for number, entry in enumerate(step.rows, 1):
            row, refusals = constants(entry, number, target.fields, self.run, name)
            chunk.read[name] += 1
            chunk.refusals += refusals
            if not refusals:
                chunk.rows.append(row)
        return chunk

    def _streamed(self, step: StepRule, target: Target, seen: Seen) -> Iterator[Chunk]:
        table = self.table(step.file)
        columns = Columns(step.columns, target.fields, table, self.look_up, self.run)
        parts = _Parts(self, step.parts, target) if step.parts else None
        chunk = Chunk(step.name, 1)
        if parts:
            chunk.refusals += parts.malformed
            chunk.read[parts.table.spec.name] += len(parts.malformed)
        try:
            for number, cells in table.rows(_into(chunk_of := [chunk], table)):
                chunk = chunk_of[0]
                self._take(chunk, columns, seen, target, number, cells, parts)
                if chunk.read[table.spec.name] >= step.batch:
                    yield self._closed(chunk)
                    chunk_of[0] = Chunk(step.name, chunk.number + 1)
            chunk = chunk_of[0]
            if parts:
                chunk.refusals += parts.orphans(table, chunk)
            if chunk.size:
                yield self._closed(chunk)
        finally:
            if parts:
                parts.shelf.close()

    def _grouped(self, step: StepRule, target: Target, seen: Seen) -> Iterator[Chunk]:
        """Take rows that share a value together, whatever their order in the file: one document each."""
        table = self.table(step.file)
        columns = Columns(step.columns, target.fields, table, self.look_up, self.run)
        malformed: list[Complaint] = []
        shelf = Shelf()
        try:
            shelf.put(_keyed(table.rows(malformed.append), table.place(step.together)))
            number = 0
            for _, group in groupby(shelf.by_key(), key=lambda entry: entry[0]):
                listed = [entry for _, entry in group]
                for start in range(0, len(listed), MOST_TOGETHER):
                    number += 1
                    chunk = Chunk(step.name, number)
                    if number == 1:
                        chunk.refusals += malformed
                        chunk.read[table.spec.name] += len(malformed)
                    for row_number, cells in listed[start : start + MOST_TOGETHER]:
                        self._take(chunk, columns, seen, target, row_number, cells, None)
                    yield self._closed(chunk)
            if malformed and not number:
                chunk = Chunk(step.name, 1, refusals=malformed)
                chunk.read[table.spec.name] += len(malformed)
                yield self._closed(chunk)
        finally:
            shelf.close()

    def _take(
        self,
        chunk: Chunk,
        columns: Columns,
        seen: Seen,
        target: Target,
        number: int,
        cells: Cells,
        parts: _Parts | None,
    ) -> None:
        chunk.read[columns.table.spec.name] += 1
        row, refusals, remarks = columns.read(number, cells)
        if not refusals and target.key:
            key = "\x1f".join(_folded(name, row.values.get(name)) for name in target.key)
            earlier = seen.first(key, number)
            if earlier is not None:
                refusals.append(row.complaint(target.key[0], f"row {earlier} says this already"))
        if parts:
            refusals += parts.add(row, chunk, remarks, cells, refused=bool(refusals))
        chunk.remarks += remarks
        if refusals:
            chunk.refusals += refusals
        else:
            chunk.rows.append(row)

    def _closed(self, chunk: Chunk) -> Chunk:
        """Give the chunk what was tallied while it was read."""
        chunk.tally = dict(self.run.tally)
        self.run.tally.clear()
        return chunk


class _Parts:
    """The rows of another file that belong to the rows of a step, found by key."""

    def __init__(self, reading: Reading, rule: PartsRule, target: Target) -> None:
        self.rule = rule
        self.table = reading.table(rule.file)
        self.columns = Columns(rule.columns, target.part_fields, self.table, reading.look_up, reading.run)
        self.malformed: list[Complaint] = []
        self.shelf = Shelf()
        self.shelf.put(_keyed(self.table.rows(self.malformed.append), self.table.place(rule.by)))
        self._place = reading.table(_step_file(reading, rule)).place(rule.key)

    def add(self, row: Row, chunk: Chunk, remarks: list[Complaint], cells: Cells, *, refused: bool) -> list[Complaint]:
        """Hang the parts on their row. One bad part refuses all that belongs together, and each row hears why."""
        refusals: list[Complaint] = []
        listed = self.shelf.find(cells[self._place])
        chunk.read[self.table.spec.name] += len(listed)
        for number, part_cells in listed:
            part, bad, odd = self.columns.read(number, part_cells)
            row.parts.append(part)
            refusals += bad
            remarks += odd
        if not refusals and not refused:
            return []
        culprit = f"{refusals[0].file} row {refusals[0].row}" if refusals else f"{row.file} row {row.number}"
        named = {(complaint.file, complaint.row) for complaint in refusals}
        for part in row.parts:
            if (part.file, part.number) not in named:
                refusals.append(Complaint(part.file, part.number, "", "", f"refused together with {culprit}"))
        if not refused:
            refusals.append(Complaint(row.file, row.number, "", "", f"refused together with {culprit}"))
        return refusals

    def orphans(self, table: Table, chunk: Chunk) -> list[Complaint]:
        """Answer a complaint for each row that no row of the step's file asked for, and count them as read."""
        name, by = self.table.spec.name, self.rule.by
        lost = [
            Complaint(name, number, by, key, f"{key} names no row of {table.spec.name}")
            for key, number in self.shelf.unasked()
        ]
        chunk.read[name] += len(lost)
        return lost


def _step_file(reading: Reading, rule: PartsRule) -> str:
    return next(step.file for step in reading.profile.steps if step.parts is rule)


def _folded(name: str, value: object) -> str:
    """Answer a key as the database compares it: SKUs folded, everything else to the letter."""
    return sku_key(str(value)) if name == "sku" else str(value)


def _keyed(rows: Iterable[Numbered], place: int) -> Iterator[tuple[str, Numbered]]:
    for number, cells in rows:
        yield cells[place], (number, cells)


def _into(chunk_of: Sequence[Chunk], table: Table) -> Callable[[Complaint], None]:
    """Complain into whichever chunk is being filled."""

    def complain(complaint: Complaint) -> None:
        chunk_of[0].refusals.append(complaint)
        chunk_of[0].read[table.spec.name] += 1

    return complain
