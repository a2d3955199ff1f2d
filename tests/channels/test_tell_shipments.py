"""Parcels told to their channel: once, in its own units, and never twice for a lost answer."""

from __future__ import annotations

from typing import Any

import pytest

from channels.connectors.base import ItemResult, NotFound, Outcome, Retryable
from channels.models import Account
from channels.services.connecting import pause_account
from channels.services.pulling import pull_orders
from channels.services.telling import tell_shipments
from inventory.models import Item, Location
from orders.models import Order, Shipment
from orders.services.lines import LineWanted
from orders.services.shipping import ship_order
from retailhub.core.models import Attention
from tests.channels.scripted import ScriptedConnector, told_order
from tests.factories.channels import account_of, listed
from tests.factories.inventory import ItemFactory, put_on_hand


@pytest.fixture
def account(connector: ScriptedConnector, warehouse: Location) -> Account:
    return account_of(warehouse, code="web")


@pytest.fixture
def item(account: Account, warehouse: Location) -> Item:
    item = ItemFactory.create(sku="MUG")
    put_on_hand(item, warehouse, 50)
    return item


def ship(account: Account, warehouse: Location, **lines: int) -> Shipment:
    pull_orders(account_id=account.pk)
    order = Order.objects.latest("pk")
    wanted = [LineWanted(line=int(number[1:]), quantity=units) for number, units in lines.items()] or None
    return ship_order(
        order_id=order.pk, location=warehouse, lines=wanted, actor="test", carrier="Post", tracking_number="T1"
    )


def tell(account: Account) -> int:
    return tell_shipments(account_id=account.pk)


def test_a_parcel_is_told_once_under_its_own_key(
    account: Account, item: Item, connector: ScriptedConnector, warehouse: Location
) -> None:
    connector.sell(told_order("A-1", ("MUG", 2)))
    shipment = ship(account, warehouse)

    assert (tell(account), tell(account)) == (1, 0)

    (parcel,) = connector.parcels
    assert (parcel.order_external_id, parcel.key, parcel.tracking_number) == ("A-1", shipment.number, "T1")
    assert [(line.external_line_id, line.quantity) for line in parcel.lines] == [("A-1-1", 2)]
    shipment.refresh_from_db()
    assert shipment.told_channel_at is not None


@pytest.mark.parametrize("trouble", [Retryable("down"), ItemResult(key="k", outcome=Outcome.UNKNOWN, code="no_answer")])
def test_a_lost_answer_is_asked_for_again_under_the_same_key(
    account: Account, item: Item, connector: ScriptedConnector, warehouse: Location, trouble: Any
) -> None:
    connector.sell(told_order("A-1", ("MUG", 2)))
    ship(account, warehouse)
    connector.parcel_answers = [trouble]

    assert (tell(account), tell(account)) == (0, 1)

    assert len({parcel.key for parcel in connector.parcels}) == 1


def test_a_channel_that_asks_for_patience_gets_it(
    account: Account, item: Item, connector: ScriptedConnector, warehouse: Location
) -> None:
    for number in range(3):
        connector.sell(told_order(f"A-{number}", ("MUG", 1)))
        ship(account, warehouse)
    connector.parcel_answers = [ItemResult(key="k", outcome=Outcome.THROTTLED, retry_after=60, code="throttled")]

    assert (tell(account), tell(account)) == (0, 0)

    assert len(connector.parcels) == 1


@pytest.mark.parametrize("refusal", [ItemResult(key="k", outcome=Outcome.REJECTED, code="gone"), NotFound("gone")])
def test_a_refused_parcel_is_raised_once_and_holds_no_other(
    account: Account, item: Item, connector: ScriptedConnector, warehouse: Location, refusal: Any
) -> None:
    for number in range(2):
        connector.sell(told_order(f"A-{number}", ("MUG", 1)))
        ship(account, warehouse)
    connector.parcel_answers = [refusal]

    assert (tell(account), tell(account)) == (1, 0)

    assert Attention.objects.filter(kind="shipment_refused").count() == 1


def test_packs_are_told_as_packs_over_several_parcels(
    account: Account, item: Item, connector: ScriptedConnector, warehouse: Location
) -> None:
    listed(account, item)
    listed(account, item, seller_sku="MUG-6", pack=6)
    connector.sell(told_order("A-1", ("MUG-6", 2), ("MUG", 3)))
    for lines in ({"l1": 4}, {"l1": 5, "l2": 3}, {"l1": 3}):
        ship(account, warehouse, **lines)

    tell(account)

    told = [[(line.external_line_id, line.quantity) for line in parcel.lines] for parcel in connector.parcels]
    assert told == [[("A-1-1", 1), ("A-1-2", 3)], [("A-1-1", 1)]]
    assert not Shipment.objects.filter(told_channel_at=None).exists()


def test_a_paused_channel_is_told_later(
    account: Account, item: Item, connector: ScriptedConnector, warehouse: Location
) -> None:
    connector.sell(told_order("A-1", ("MUG", 2)))
    ship(account, warehouse)
    pause_account(account_id=account.pk, reason="", actor="Ada")

    assert tell(account) == 0
    assert connector.parcels == []
