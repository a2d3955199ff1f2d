"""What every test can ask for. PostgreSQL and Redis come from the plugin named in pyproject.toml."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pgtrigger
import pytest
from django.apps import apps
from django.core.cache import cache
from django.db import connection, transaction
from django.test import TransactionTestCase

from inventory.models import Location
from inventory.services import ledger
from purchasing.models import ApprovalBand, MatchPolicy
from retailhub.accounting.models import Account

_PLACES = import_module("inventory.migrations.0002_ledger_ground").PLACES
_CHART = import_module("retailhub.accounting.migrations.0002_chart_of_accounts").CHART
_POLICIES = import_module("purchasing.migrations.0002_numbers_and_defaults").POLICIES
_GUARDED = {
    "inventory_stockmovement", "inventory_valueadjustment", "inventory_costmethodchange", "accounting_journalentry",
    "accounting_journalline", "accounting_period", "accounting_periodchange",
}  # fmt: skip


def _empty_tables(self: TransactionTestCase) -> None:
    """Empty what a test wrote, protected ledgers and histories too, and put back what the migrations had put there.

    Only tables with rows are emptied, by deleting: that takes a tenth of the time that truncating every table does.
    Foreign keys are checked when the transaction ends, so the order does not matter.
    """
    tables = [
        model._meta.db_table
        for model in apps.get_models(include_auto_created=True)
        if model._meta.managed and not model._meta.proxy and model._meta.app_label not in {"contenttypes", "auth"}
    ]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(f"SELECT '{t}' WHERE EXISTS (SELECT 1 FROM \"{t}\")" for t in tables))
        filled = [row[0] for row in cursor.fetchall()]
        # Neither is what is protected to be kept, nor is there to be a history of its end.
        with transaction.atomic(), pgtrigger.ignore():
            for table in filled:
                cursor.execute(f'DELETE FROM "{table}"')
    _make_places()
    Account.objects.bulk_create(
        Account(role=role, number=number, name=name, kind=kind) for role, number, name, kind in _CHART
    )
    MatchPolicy.objects.bulk_create(
        MatchPolicy(code=code, percent=percent, floor=floor, cap=cap, units=units, action=action)
        for code, percent, floor, cap, units, action in _POLICIES
    )
    ApprovalBand.objects.bulk_create([ApprovalBand(up_to=1000, by_another=False), ApprovalBand(by_another=True)])


def _make_places() -> None:
    ledger.forget_counterparties()
    Location.objects.bulk_create(
        Location(code=code, name=name, kind=kind, owned=owned) for code, name, kind, owned in _PLACES
    )


TransactionTestCase._fixture_teardown = _empty_tables  # type: ignore[method-assign]


@pytest.fixture(autouse=True)
def _clean_memory() -> Iterator[None]:
    """Forget what one test left in the process: the cache, and ids of places that a rollback took away."""
    cache.clear()
    ledger.forget_counterparties()
    yield
    ledger.forget_counterparties()


@pytest.fixture
def deliver() -> Any:
    """Answer a function that delivers the outbox until it is empty, as a worker would, and fails on a failed one."""
    from retailhub.outbox.models import Delivery
    from retailhub.outbox.services.delivering import deliver_waiting

    def run() -> int:
        count = 0
        while tried := deliver_waiting():
            count += tried
        broken = Delivery.objects.exclude(error="").values_list("listener", "error")
        assert not list(broken)
        return count

    return run
