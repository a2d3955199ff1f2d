"""Files read row by row: any terminators, the usual encodings, never more than a piece in memory."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from retailhub.core.imports.complaints import BadFile, Complaint, shown
from retailhub.core.imports.encodings import find_encoding, reads
from retailhub.core.imports.escaping import restored_cell
from retailhub.core.imports.limits import FOLDER, Limits, check_size
from retailhub.core.text import DirtyText, clean_line

Cells = list[str]
Numbered = tuple[int, Cells]
_PIECE = 1 << 16


@dataclass(frozen=True, kw_only=True)
class FileSpec:
    """How one file is written. Without `columns` its first row names them; `quote` empty means no quoting at all.

    `name` is what people know the file by; an upload is `stored` under another. In a `shared` file others look for
    their rows too: of several rows under a key the first counts, and rows that nobody here asked for are no news.
    """

    alias: str
    name: str
    stored: str = ""
    columns: tuple[str, ...] = ()
    delimiter: str = ","
    end: str = ""
    quote: str = '"'
    encoding: str = "auto"
    key: str = ""
    escaped: bool = False
    shared: bool = False

    @property
    def on_disk(self) -> str:
        return self.stored or self.name


class Table:
    """One file, opened as declared: its columns and its rows. Reading it again starts at the first row."""

    def __init__(self, folder: Path, spec: FileSpec, limits: Limits = FOLDER) -> None:
        self.spec, self.limits = spec, limits
        self.path = folder / spec.on_disk
        if not self.path.is_file():
            raise BadFile(f"{spec.name} is not in {folder}.")
        check_size(self.path, limits, spec.name)
        self.encoding = self._encoding()
        self.columns = spec.columns or self._header()
        folded = [column.casefold() for column in self.columns]
        self._places = {column: folded.index(column) for column in folded if folded.count(column) == 1}
        self._twice = {column for column in folded if folded.count(column) > 1}

    def place(self, column: str) -> int:
        """Answer where the column stands. Raises BadFile if it is not there, or there twice."""
        found = self._places.get(column.casefold())
        if found is None:
            why = "more than once" if column.casefold() in self._twice else "not"
            raise BadFile(f"{self.spec.name} has the column {column} {why}; it has {', '.join(self.columns)}.")
        return found

    def rows(self, complain: Callable[[Complaint], None]) -> Iterator[Numbered]:
        """Answer the numbered rows that have the right shape; the others are complained of."""
        width, cell = len(self.columns), self.limits.cell
        for number, cells in self._numbered(complain):
            if number > self.limits.rows + 1:
                raise BadFile(f"{self.spec.name} has more than {self.limits.rows:,} rows.")
            if len(cells) != width:
                reason = f"the row has {len(cells)} fields where {width} belong"
                complain(Complaint(self.spec.name, number, "", shown(self.spec.delimiter.join(cells)), reason))
                continue
            longest = max(cells, key=len)
            if len(longest) > cell:
                reason = f"the cell holds {len(longest):,} characters; {cell:,} are allowed"
                complain(Complaint(self.spec.name, number, self.columns[cells.index(longest)], shown(longest), reason))
                continue
            if self.spec.escaped:
                cells = [restored_cell(text) for text in cells]
            yield number, cells

    def count(self) -> int:
        """Answer how many rows there are, malformed ones too, blank ones not."""
        bad: list[int] = []
        return sum(1 for _ in self._numbered(lambda complaint: bad.append(complaint.row))) + len(bad)

    def records(self) -> Iterator[Numbered]:
        """Answer everything that can be split into cells, headings and rows of the wrong shape too."""
        return self._records(lambda complaint: None)

    # --- how it is read ------------------------------------------------------------------------------------------
    def _encoding(self) -> str:
        declared = self.spec.encoding
        if declared == "auto":
            return find_encoding(self.path, self.spec.name)
        if not reads(self.path, declared):
            raise BadFile(f"{self.spec.name} is not {declared} text.")
        return declared

    def _header(self) -> tuple[str, ...]:
        def give_up(complaint: Complaint) -> None:
            raise BadFile(f"{self.spec.name} names no columns in its first row: {complaint.reason}.")

        for _, cells in self._records(give_up):
            if len(cells) > self.limits.columns:
                raise BadFile(f"{self.spec.name} has {len(cells)} columns; {self.limits.columns} are allowed.")
            if not any(name.strip() for name in cells):
                break
            return tuple(self._heading(name, place) for place, name in enumerate(cells, 1))
        raise BadFile(f"{self.spec.name} names no columns in its first row.")

    def _heading(self, name: str, place: int) -> str:
        if len(name) > self.limits.cell:
            raise BadFile(f"{self.spec.name} has a heading of {len(name):,} characters.")
        try:
            return clean_line(name) or f"column {place}"
        except DirtyText as dirt:
            raise BadFile(f"{self.spec.name} has a heading that cannot be read, of column {place}: {dirt}.") from dirt

    def _numbered(self, complain: Callable[[Complaint], None]) -> Iterator[Numbered]:
        records = self._records(complain)
        if not self.spec.columns:
            next(records, None)
        for number, cells in records:
            if any(cells):
                yield number, cells

    def _records(self, complain: Callable[[Complaint], None]) -> Iterator[Numbered]:
        with self.path.open("r", encoding=self.encoding, newline="") as file:
            if self.spec.quote:
                yield from self._quoted(file, complain)
            else:
                yield from enumerate((line.split(self.spec.delimiter) for line in self._lines(file)), 1)

    def _quoted(self, file: io.TextIOWrapper, complain: Callable[[Complaint], None]) -> Iterator[Numbered]:
        csv.field_size_limit(max(csv.field_size_limit(), 16 * self.limits.cell))
        reader = csv.reader(file, delimiter=self.spec.delimiter, quotechar=self.spec.quote, strict=True)
        number = 0
        while True:
            number += 1
            try:
                yield number, next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                reason = f"the quotes do not match: {error}"
                if "field limit" in str(error):
                    reason = (
                        f"a cell is too long, or its quotes do not match; {self.limits.cell:,} characters are allowed"
                    )
                complain(Complaint(self.spec.name, number, "", "", reason))

    def _lines(self, file: io.TextIOWrapper) -> Iterator[str]:
        """Split at the declared row terminator, whatever it is; the end of the file ends the last row too."""
        end, rest = self.spec.end or "\n", ""
        most = self.limits.cell * max(1, len(self.spec.columns))
        while piece := file.read(_PIECE):
            *lines, rest = (rest + piece).split(end)
            if end == "\n":
                lines = [line.removesuffix("\r") for line in lines]
            yield from lines
            if len(rest) > most:
                raise BadFile(
                    f"{self.spec.name} has a row of more than {most:,} characters; does {end!r} end its rows?"
                )
        if rest.strip("\r\n"):
            yield rest
