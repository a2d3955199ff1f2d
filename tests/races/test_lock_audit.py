"""A recorder over every writing verb: no level is changed that was not locked, in order, in the same transaction."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from inventory.services import ledger
from retailhub.core.postgresql.base import DatabaseWrapper
from tests.test_statement_counts import CEILINGS, World

pytestmark = pytest.mark.django_db

_UPDATE = re.compile(r'UPDATE "inventory_stocklevel" t SET')
_WRITE = re.compile(r"(UPDATE|INSERT INTO|DELETE FROM) \"?inventory_(stocklevel|stockmovement)")
_LOCK = re.compile(
    r"FROM inventory_stocklevel l JOIN wanted.*ORDER BY l\.item_id, l\.location_id FOR NO KEY UPDATE OF l", re.DOTALL
)


CHANGE_NO_LEVEL = {
    "reserve what is short", "reserve what expired", "serve", "draft transfer", "upsert items", "find people",
    "expect supply", "link demand", "correct receipts", "correct layers", "change the costing method",
    "summarise stock", "place what is short", "place again", "hold", "let go", "raise shortages", "follow reservations",
}  # fmt: skip
"""What waits, is planned, takes over what another let go, or only talks of stock leaves the levels as they are."""


class Recorder:
    """Which levels were locked, in which order, and which were changed."""

    def __init__(self) -> None:
        self.locked: set[tuple[int, int]] = set()
        self.changed: set[tuple[int, int]] = set()
        self.complaints: list[str] = []

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        numbers = count(1)
        self.hear(re.sub("%s", lambda _: f"${next(numbers)}", sql), params)
        return execute(sql, params, many, context)

    def hear(self, sql: str, params: Any) -> None:
        if _LOCK.search(sql):
            asked = self.pairs(sql, params)
            if asked != sorted(asked):
                self.complaints.append(f"locked out of order: {asked}")
            self.locked |= set(asked)
        elif update := _UPDATE.search(sql):
            changed = set(self.pairs(sql[update.start() :], params))
            if not changed <= self.locked:
                self.complaints.append(f"changed without a lock: {sorted(changed - self.locked)}")
            self.changed |= changed
        elif _WRITE.search(sql) and "WITH part_0" not in sql and "WITH wanted(item_id, location_id)" not in sql:
            self.complaints.append(f"written past the ledger: {sql[:100]}")

    def pairs(self, sql: str, params: Any) -> list[tuple[int, int]]:
        """Answer the (item, location) pairs that the first two placeholders of the statement hold."""
        first = int(re.search(r"\$(\d+)", sql)[1])  # type: ignore[index]
        items, locations = (
            [int(entry) for entry in (column.strip("{}").split(",") if isinstance(column, str) else column)]
            for column in params[first - 1 : first + 1]
        )
        return list(zip(items, locations, strict=True))


@contextmanager
def recording() -> Iterator[Recorder]:
    """Hear what goes through Django's cursors and what is prepared past them."""
    recorder = Recorder()
    run = DatabaseWrapper.run_prepared

    def heard(self: Any, statement: bytes, values: Any) -> Any:
        recorder.hear(statement.decode(), values)
        return run(self, statement, values)

    with connection.execute_wrapper(recorder), pytest.MonkeyPatch.context() as patch:
        patch.setattr(DatabaseWrapper, "run_prepared", heard)
        yield recorder


@pytest.mark.parametrize("verb", CEILINGS)
def test_every_verb_locks_what_it_changes(verb: str) -> None:
    act = CEILINGS[verb][0](World(4))

    with recording() as recorder:
        act()

    assert recorder.complaints == []
    assert recorder.changed or verb in CHANGE_NO_LEVEL


def test_the_recorder_hears_a_lock_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "LOCK", "")
    act = CEILINGS["reserve"][0](World(2))

    with recording() as recorder:
        act()

    assert len(recorder.changed) == 2, recorder.complaints
    assert recorder.complaints[0].startswith("changed without a lock")


def test_one_module_writes_levels_and_movements() -> None:
    """By reading: only the ledger names them as targets of its writing."""
    writes = re.compile(
        r"(?:StockLevel|StockMovement)\.objects\.(?:create|bulk_|update|filter\([^)]*\)\.(?:update|delete))"
        r"|(?:UPDATE|INTO|DELETE FROM)\s+\"?inventory_stock(?:level|movement)"
        r"|trip\.(?:insert|update)\(\s*Stock(?:Level|Movement)"
    )
    root = Path(ledger.__file__).parents[2]
    writers = {
        str(path.relative_to(root))
        for app in ("inventory", "orders", "customers", "channels", "retailhub", "purchasing")
        for path in (root / app).rglob("*.py")
        if "migrations" not in path.parts and writes.search(path.read_text())
    }

    assert writers == {"inventory/services/ledger.py"}
