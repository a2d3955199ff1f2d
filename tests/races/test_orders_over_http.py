"""Orders sent at once through the API: what a client is promised, to the letter."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from inventory.models import Item, Location
from orders.models import Order
from tests.books import figures
from tests.factories.core import Program, key_with
from tests.factories.inventory import ItemFactory, LocationFactory, pool_of, put_on_hand
from tests.factories.orders import SalesChannelFactory
from tests.races.crowd import crowd, deadlocks  # noqa: F401

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]


@pytest.fixture
def paris() -> Location:
    location = LocationFactory.create(code="paris")
    SalesChannelFactory.create(code="web", pool=pool_of(location))
    return location


@pytest.fixture
def lamp(paris: Location) -> Item:
    lamp = ItemFactory.create(sku="LAMP")
    put_on_hand(lamp, paris, 10)
    return lamp


@pytest.fixture
def secret(db: Any) -> str:
    return key_with()[1]


def send(secret: str, reference: str, *, key: str = "", **more: Any) -> Any:
    line = {"sku": "LAMP", "quantity": 1, "unit_price": "9.90"}
    body = {"channel": "web", "external_reference": reference, "currency": "EUR", "lines": [line]}
    return Program(secret).send("/orders/", body | more, key=key)


def test_fifty_who_want_all_or_nothing_of_ten(lamp: Item, paris: Location, secret: str) -> None:
    answers = crowd(50, lambda n: send(secret, str(n), allocation="all_or_nothing"))

    assert Counter(a.status_code for a in answers) == {201: 10, 409: 40}
    assert {a.json()["code"] for a in answers if a.status_code == 409} == {"not_enough_stock"}
    assert (Order.objects.count(), figures(lamp, paris)) == (10, (10, 10, 0, 0))


def test_one_key_sent_twenty_times_is_one_order(lamp: Item, paris: Location, secret: str) -> None:
    answers = crowd(20, lambda _: send(secret, "1001", key="one"))

    assert len({a.content for a in answers if a.status_code == 201}) == 1
    others = [a for a in answers if a.status_code != 201]
    assert {(a.status_code, a.json()["code"]) for a in others} <= {(409, "idempotency_key_in_use")}
    assert len([a for a in answers if a.status_code == 201 and "Idempotency-Replayed" not in a]) == 1
    assert (Order.objects.count(), figures(lamp, paris)[1]) == (1, 1)


def test_one_order_told_under_twenty_keys_is_one_order(lamp: Item, paris: Location, secret: str) -> None:
    answers = crowd(20, lambda _: send(secret, "1001"))

    assert Counter(a.status_code for a in answers) == {201: 1, 200: 19}
    assert len({a.content for a in answers}) == 1
    assert figures(lamp, paris)[1] == 1
