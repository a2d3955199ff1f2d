"""Rows set aside on disk under a key, so that looking up and grouping need no memory, however big the files are."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator

from retailhub.core.imports.sources import Cells, Numbered


class Shelf:
    """A private temporary database of rows, found by key or read in the order of their keys."""

    def __init__(self) -> None:
        self._base = sqlite3.connect("")  # an empty name: a file of its own that is gone when it is closed
        self._base.execute("PRAGMA journal_mode = OFF")
        self._base.execute("CREATE TABLE row (key TEXT NOT NULL, number INTEGER NOT NULL, cells TEXT NOT NULL)")
        self._known: dict[str, list[Numbered]] = {}
        self._asked: set[int] = set()

    def put(self, entries: Iterable[tuple[str, Numbered]]) -> int:
        """Add rows under their keys and answer how many there are."""
        self._base.executemany(
            "INSERT INTO row VALUES (?, ?, ?)",
            ((key, number, json.dumps(cells)) for key, (number, cells) in entries),
        )
        self._base.execute("CREATE INDEX IF NOT EXISTS row_by_key ON row (key, number)")
        ((count,),) = self._base.execute("SELECT count(*) FROM row").fetchall()
        return int(count)

    def find(self, key: str) -> list[Numbered]:
        """Answer the rows under the key in file order, and remember that somebody asked for them."""
        found = self._known.get(key)
        if found is None:
            found = [
                (number, json.loads(cells))
                for number, cells in self._base.execute(
                    "SELECT number, cells FROM row WHERE key = ? ORDER BY number", [key]
                )
            ]
            if len(self._known) > 20_000:
                self._known.clear()
            self._known[key] = found
            self._asked.update(number for number, _ in found)
        return found

    def by_key(self) -> Iterator[tuple[str, Numbered]]:
        """Answer all rows in the order of their keys, within a key in file order."""
        for key, number, cells in self._base.execute("SELECT key, number, cells FROM row ORDER BY key, number"):
            yield key, (number, json.loads(cells))

    def unasked(self) -> Iterator[tuple[str, int]]:
        """Answer key and number of the rows nobody asked for, in file order."""
        for key, number in self._base.execute("SELECT key, number FROM row ORDER BY number"):
            if number not in self._asked:
                yield key, number

    def doubles(self) -> Iterator[tuple[str, int, int]]:
        """Answer the rows whose key an earlier row has: key, number, number of the first."""
        yield from self._base.execute(
            """SELECT key, number, first FROM (SELECT key, number, min(number) OVER (PARTITION BY key) first FROM row)
               WHERE number > first ORDER BY number"""
        )

    def close(self) -> None:
        self._base.close()


class Seen:
    """Which keys came by already, and in which row first. On disk like a shelf."""

    def __init__(self) -> None:
        self._base = sqlite3.connect("")
        self._base.execute("PRAGMA journal_mode = OFF")
        self._base.execute("CREATE TABLE seen (key TEXT PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID")

    def first(self, key: str, number: int) -> int | None:
        """Note the key; answer the row that had it before, or None."""
        if self._base.execute("INSERT INTO seen VALUES (?, ?) ON CONFLICT DO NOTHING", [key, number]).rowcount:
            return None
        ((first,),) = self._base.execute("SELECT number FROM seen WHERE key = ?", [key]).fetchall()
        return int(first)

    def close(self) -> None:
        self._base.close()


__all__ = ["Cells", "Seen", "Shelf"]
