"""What the database refuses, whoever asks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.db import DatabaseError, IntegrityError, ProgrammingError, connection, transaction

from retailhub.accounting.models import Account, JournalEntry, JournalLine, Period, PeriodChange
from tests.factories.accounting import posted

pytestmark = pytest.mark.django_db


@contextmanager
def refused(name: str, kind: type[DatabaseError] = IntegrityError) -> Iterator[None]:
    with pytest.raises(kind, match=name), transaction.atomic():  # noqa: PT012  deferred checks speak at the end
        yield
        sql("SET CONSTRAINTS ALL IMMEDIATE")


def sql(statement: str, *values: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def entry(*amounts: str, count: int | None = None, day: str = "2026-11-12", **given: Any) -> None:
    """Write an entry past every service."""
    columns = {
        "number": "JE-1", "key": "raw", "kind": "x", "document": "x:1", "date": day, "document_date": day, "text": "",
        "actor": "x", "line_count": len(amounts) if count is None else count, "fingerprint": "", **given,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO accounting_journalentry ({', '.join(columns)}) "
            f"VALUES ({', '.join(['%s'] * len(columns))}) RETURNING id",
            list(columns.values()),
        )
        ((pk,),) = cursor.fetchall()
    for line, amount in enumerate(amounts, 1):
        write_line(pk, line, amount)


def write_line(entry_id: int, line: int, amount: str, **given: Any) -> None:
    columns = {
        "entry_id": entry_id, "line": line, "account_id": Account.objects.get(role="bank").pk, "amount": amount,
        "location": "", "party": "", "reference": "", "original_currency": "", "memo": "", **given,
    }  # fmt: skip
    sql(
        f"INSERT INTO accounting_journalline ({', '.join(columns)}) VALUES ({', '.join(['%s'] * len(columns))})",
        *columns.values(),
    )


def test_an_entry_balances_or_does_not_exist() -> None:
    for amounts in (("5", "-4.99"), ("5", "5"), ("5", "-3", "-1")):
        with refused("journal_entry_is_balanced"):
            entry(*amounts)
    with refused("journal_entry_is_balanced"):
        entry("5", "-5", count=3)
    with refused("journal_entry_is_balanced"):
        entry(count=2)
    with refused("journal_entry_has_two_sides"):
        entry("5")

    entry("5", "-3", "-2")
    sql("SET CONSTRAINTS ALL IMMEDIATE")

    assert JournalEntry.objects.get().lines.count() == 3


def test_balance_is_asked_when_the_transaction_ends() -> None:
    with transaction.atomic():
        entry("5", count=2)
        write_line(JournalEntry.objects.get().pk, 2, "-5")
        sql("SET CONSTRAINTS ALL IMMEDIATE")

    assert JournalLine.objects.count() == 2


def test_an_entry_gets_no_further_lines() -> None:
    entry("5", "-5")
    sql("SET CONSTRAINTS ALL IMMEDIATE")
    pk = JournalEntry.objects.get().pk

    with refused("journal_line_belongs_to_its_entry"):
        write_line(pk, 3, "1")
        write_line(pk, 4, "-1")
    with refused("journal_line_once_per_entry"):
        write_line(pk, 1, "1")
    with refused("journal_line_counts_from_one"):
        write_line(pk, 0, "1")


@pytest.mark.parametrize(
    ("amount", "given", "name"),
    [
        ("0", {}, "journal_line_is_not_zero"),
        ("NaN", {}, "journal_line_amount_is_a_number"),
        ("5", {"original_amount": "5"}, "journal_line_original_has_a_currency"),
        ("5", {"original_currency": "USD"}, "journal_line_original_has_a_currency"),
        ("5", {"original_amount": "5", "original_currency": "usd"}, "journal_line_original_has_a_currency"),
    ],
)
def test_a_line_has_an_amount_on_an_account(amount: str, given: dict[str, Any], name: str) -> None:
    with refused(name):
        entry(count=2)
        write_line(JournalEntry.objects.get().pk, 1, amount, **given)


@pytest.mark.parametrize("table", ["accounting_journalentry", "accounting_journalline", "accounting_periodchange"])
def test_the_journal_is_append_only(table: str) -> None:
    posted()
    PeriodChange.objects.create(period=Period.objects.get(), act="closed", actor="x")
    sql("SET CONSTRAINTS ALL IMMEDIATE")

    for statement in (f"UPDATE {table} SET id = id", f"DELETE FROM {table}", f"TRUNCATE {table} CASCADE"):
        with refused("pgtrigger: Cannot", ProgrammingError):
            sql(statement)

    assert JournalLine.objects.count() == 2
    with refused("pgtrigger: Cannot truncate", ProgrammingError):
        sql("TRUNCATE accounting_account CASCADE")


def test_what_is_closed_takes_no_entry() -> None:
    posted()
    Period.objects.update(state="closed", closed_by="x", closed_at="2026-12-01T00:00Z")

    for day in ("2026-11-30", "2026-11-01", "2026-10-31", "2019-01-01"):
        with refused("journal_entry_in_open_period"):
            entry("5", "-5", day=day)
    with refused("journal_entry_moves_only_forward"):
        entry("5", "-5", day="2026-12-01", document_date="2026-12-02")

    entry("5", "-5", day="2026-12-01", document_date="2026-11-30")
    assert JournalEntry.objects.count() == 2


def test_a_period_is_what_it_was() -> None:
    posted()

    with refused("pgtrigger: Cannot", ProgrammingError):
        sql("UPDATE accounting_period SET \"end\" = '2026-11-29'")
    with refused("pgtrigger: Cannot", ProgrammingError):
        sql("DELETE FROM accounting_period")
    with refused("period_days_belong_to_one"):
        Period.objects.create(start=date(2026, 11, 30), end=date(2026, 12, 31))
    with refused("period_ends_after_its_start"):
        Period.objects.create(start=date(2026, 12, 30), end=date(2026, 12, 1))
    with refused("period_closed_says_by_whom"):
        sql("UPDATE accounting_period SET state = 'closed'")
    with refused("period_closed_says_by_whom"):
        sql("UPDATE accounting_period SET closed_by = 'x'")
    with refused("period_reopened_for_a_reason"):
        PeriodChange.objects.create(period=Period.objects.get(), act="reopened", actor="x")


def test_an_account_keeps_its_meaning() -> None:
    bank = Account.objects.get(role="bank")

    for change in ("role = NULL", "role = 'cogs'", "kind = 'expense'"):
        with refused("pgtrigger: Cannot|unique", DatabaseError):
            sql(f"UPDATE accounting_account SET {change} WHERE role = 'bank'")
    for number in ("cash", "", "1 0"):
        with refused("account_number_begins_with_digit"):
            sql("UPDATE accounting_account SET number = %s WHERE role = 'bank'", number)
    with refused("account_role_is_known"):
        Account.objects.create(number="1", name="x", kind="asset", role="petty_cash")
    with refused("number"):
        Account.objects.create(number="1000", name="x", kind="asset")
    posted("x:1", credit="bank")
    with refused("foreign key"):
        Account._base_manager.filter(pk=bank.pk)._raw_delete("default")

    sql("UPDATE accounting_account SET number = '1001', name = 'House bank' WHERE role = 'bank'")
    assert Account.objects.get(role="bank").number == "1001"


def test_the_chart_goes_as_it_came() -> None:
    migration = import_module("retailhub.accounting.migrations.0002_chart_of_accounts")
    own = Account.objects.create(number="6100", name="Rent", kind="expense")
    Account.objects.filter(role="bank").update(number="1001")

    migration.make_accounts(apps, None)
    assert Account.objects.count() == len(migration.CHART) + 1
    assert Account.objects.get(role="bank").number == "1001"
    migration.remove_accounts(apps, None)
    assert list(Account.objects.all()) == [own]
    migration.make_accounts(apps, None)
    assert Account.objects.get(role="bank").number == "1000"
