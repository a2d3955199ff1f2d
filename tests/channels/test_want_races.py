"""A change that nobody else sees yet, and a push of the figure of before: the last word is the figure of after."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import QuerySet

from channels.models import Account, StockIntent
from channels.services.connecting import change_exposure
from channels.services.verifying import verify
from channels.services.wanting import want_items_pushed
from inventory.services.adjusting import AdjustmentLine, adjust_stock
from tests.channels.scripted import ScriptedConnector
from tests.factories.channels import account_of, listed, push_all
from tests.factories.inventory import ItemFactory, LocationFactory, put_on_hand

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("locked", [True, False], ids=["locked", "control"])
def test_a_figure_found_told_is_not_replaced_by_the_one_of_before(
    connector: ScriptedConnector, monkeypatch: pytest.MonkeyPatch, locked: bool
) -> None:
    """The channel shows 5 of 10, less a buffer of 5. Two more come, and the buffer rises by two: it is 5 again."""
    warehouse = LocationFactory.create(code="wh")
    item = ItemFactory.create(sku="MUG")
    put_on_hand(item, warehouse, 10)
    account = account_of(warehouse)
    listed(account, item)
    change_exposure(account_id=account.pk, buffer=5)
    push_all(account)
    assert connector.shown == {"at-MUG": 5}
    found = AdjustmentLine(sku="MUG", change=2)
    adjust_stock(location=warehouse, reason="found", lines=[found], actor="test")  # its news is not heard yet
    if not locked:
        lock = QuerySet.select_for_update
        monkeypatch.setattr(
            QuerySet, "select_for_update", lambda rows, **kw: rows if rows.model is StockIntent else lock(rows, **kw)
        )
    other = threading.Thread(target=_hear_and_push, args=[account, item.pk])

    with transaction.atomic():
        change_exposure(account_id=account.pk, buffer=7)
        other.start()
        other.join(1.0)
    other.join(20)

    push_all(account)
    assert (connector.shown["at-MUG"] == 5) is locked
    assert (verify() == []) is locked


def _hear_and_push(account: Account, item_id: int) -> Any:
    try:
        want_items_pushed([item_id])
        if StockIntent.objects.filter(state="due").exists():
            push_all(account)
    finally:
        connection.close()
