"""The journal's proofs: they hold, and each breach is found and named."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

import pytest
from django.db import connection

from retailhub.accounting.services.closing import close_period
from retailhub.accounting.services.posting import reverse_entry
from retailhub.accounting.services.verifying import verify
from tests.factories.accounting import posted

pytestmark = pytest.mark.django_db


@contextmanager
def triggers_off(*tables: str) -> Iterator[Any]:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        yield cursor
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def found() -> list[tuple[str, str, str]]:
    return [(breach.check, breach.subject, breach.place) for breach in verify()]


def test_books_in_order_say_nothing(proved: dict[str, str]) -> None:
    posted("receipt:GR-1", "120.00", reference="receipt:GR-1#1")
    posted("receipt:GR-2", "5.00", reference="receipt:GR-2#1", date=date(2026, 10, 1))
    reverse_entry(key="receipt:GR-2", date=date(2026, 10, 31), actor="test")
    close_period(start=date(2026, 10, 1), today=date(2026, 11, 1), actor="test")
    posted("late", "7.00", reference="receipt:GR-3#1", date=date(2026, 10, 2), or_first_open=True)
    proved.update({"receipt:GR-1#1": "120.00", "receipt:GR-3#1": "7.00"})

    assert verify() == []


def test_an_entry_changed_behind_the_triggers_is_found() -> None:
    posted("a")
    entry = posted("b")
    with triggers_off("accounting_journalline", "accounting_journalentry") as cursor:
        cursor.execute("UPDATE accounting_journalline SET memo = 'mended' WHERE entry_id = %s AND line = 1", [entry.pk])
        assert found() == [("entry unchanged", entry.number, "")]
        cursor.execute(
            "UPDATE accounting_journalline SET memo = '', amount = 119 WHERE entry_id = %s AND line = 1", [entry.pk]
        )
        assert found() == [("entry balances", entry.number, ""), ("entry unchanged", entry.number, "")]
        cursor.execute("DELETE FROM accounting_journalline WHERE entry_id = %s", [entry.pk])
        assert found() == [("entry balances", entry.number, "")]
        cursor.execute("DELETE FROM accounting_journalentry WHERE id = %s", [entry.pk])


def test_an_entry_slipped_into_a_closed_month_is_found() -> None:
    close_period(start=date(2026, 10, 1), today=date(2026, 11, 1), actor="test")
    entry = posted("a")
    with triggers_off("accounting_journalentry") as cursor:
        cursor.execute(
            "UPDATE accounting_journalentry SET date = '2026-10-02', document_date = '2026-10-02', "
            "recorded_at = clock_timestamp()"
        )
        checks = [breach.check for breach in verify()]

    assert checks == ["entry unchanged", "closed period"]
    assert str(verify()[1]) == f"closed period: {entry.number}: expected dated after 2026-10-31, found 2026-10-02"


def test_an_account_that_the_documents_do_not_prove_is_named(proved: dict[str, str]) -> None:
    posted("receipt:GR-1", "120.00", reference="receipt:GR-1#1")
    posted("receipt:GR-2", "5.00", reference="receipt:GR-2#1")
    proved.update({"receipt:GR-1#1": "119.99", "receipt:GR-9#1": "1.00"})

    said = [str(breach) for breach in verify()]

    assert said == [
        "journal: account 2100 Goods received, not invoiced at receipt:GR-1#1: expected -119.99, found -120.0000",
        "journal: account 2100 Goods received, not invoiced at receipt:GR-2#1: expected 0, found -5.0000",
        "journal: account 2100 Goods received, not invoiced at receipt:GR-9#1: expected -1.00, found 0",
        "journal: account 1200 Inventory: expected 120.99, found 125.0000",
    ]


def test_a_proof_listed_for_another_account_is_a_defect(settings: Any) -> None:
    settings.ACCOUNTING_PROOFS = "tests.accounting.provers.CROSSED"

    with pytest.raises(ValueError, match="proves inventory, but is listed for grni"):
        verify()
