"""A recorder over every writing verb: no level is changed that was not locked, in order, in the same transaction."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection

from inventory.services import ledger
from tests.test_statement_counts import CEILINGS, World

pytestmark = pytest.mark.django_db

_UPDATE = re.compile(r'UPDATE "inventory_stocklevel" t SET')
_WRITE = re.compile(r"(UPDATE|INSERT INTO|DELETE FROM) \"?inventory_(stocklevel|stockmovement)")
_LOCK = re.compile(
    r"FROM inventory_stocklevel l JOIN wanted.*ORDER BY l\.item_id, l\.location_id FOR NO KEY UPDATE OF l", re.DOTALL
)


class Recorder:
    """Which levels were locked, in which order, and which were changed."""

    def __init__(self) -> None:
        self.locked: set[tuple[int, int]] = set()
        self.changed: set[tuple[int, int]] = set()
        self.complaints: list[str] = []

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if _LOCK.search(sql):
            asked = list(zip(params[0], params[1], strict=True))
            if asked != sorted(asked):
                self.complaints.append(f"locked out of order: {asked}")
            self.locked |= set(asked)
        elif _UPDATE.search(sql):
            changed = set(zip(params[0], params[1], strict=True))
            if not changed <= self.locked:
                self.complaints.append(f"changed without a lock: {changed - self.locked}")
            self.changed |= changed
        elif _WRITE.search(sql) and "WITH part_0" not in sql:
            self.complaints.append(f"written past the ledger: {sql[:100]}")
        return execute(sql, params, many, context)


@contextmanager
def recording() -> Iterator[Recorder]:
    recorder = Recorder()
    with connection.execute_wrapper(recorder):
        yield recorder


@pytest.mark.parametrize("verb", CEILINGS)
def test_every_verb_locks_what_it_changes(verb: str) -> None:
    act = CEILINGS[verb][0](World(4))

    with recording() as recorder:
        act()

    assert recorder.complaints == []


def test_the_recorder_hears_a_lock_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "LOCK", "")
    act = CEILINGS["reserve"][0](World(2))

    with recording() as recorder:
        act()

    assert len(recorder.changed) == 2
    assert recorder.complaints


def test_one_module_writes_levels_and_movements() -> None:
    """By reading: only the ledger names them as targets of its writing."""
    from pathlib import Path

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
