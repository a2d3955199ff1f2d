"""Customers through the API."""

from __future__ import annotations

import pytest

from customers.models import Customer
from customers.services.finding import Person, Place, add_addresses
from inventory.models import Location
from tests.factories.core import program
from tests.factories.inventory import ItemFactory, LocationFactory, pool_of, put_on_hand
from tests.factories.orders import SalesChannelFactory, placed

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann() -> Customer:
    """Ann ordered twice in the web shop; Bob on the market."""
    shop: Location = LocationFactory.create(code="paris")
    put_on_hand(ItemFactory.create(sku="TEE-S"), shop, 10)
    web = SalesChannelFactory.create(code="web", pool=pool_of(shop))
    market = SalesChannelFactory.create(code="market", pool=web.pool)
    who = Person(name="Ann", email="Ann@Example.com", phone="+33 1 23 45 67 89", external_id="77", channel="web")
    placed(web, "1", ("TEE-S", 1), customer=who)
    placed(web, "2", ("TEE-S", 1), customer=who)
    placed(market, "3", ("TEE-S", 1), customer=Person(name="Bob", email="bob@example.com", channel="market"))
    ann = Customer.objects.get(name="Ann")
    add_addresses(addresses=[(ann.pk, Place(line1="1 Rue", city="Paris", country="FR"))])
    return ann


@pytest.mark.parametrize(
    "query",
    [{"email": "ann@example.COM"}, {"phone": "0033123456789"}, {"external_id": "77"}, {"email": " Ann@example.com"}],
)
def test_a_customer_is_found_by_what_identifies_her(ann: Customer, query: dict[str, str]) -> None:
    (found,) = program().read("/customers/", **query).json()["results"]

    assert found["id"] == ann.pk
    assert found["email"] == "Ann@Example.com"
    assert {(x["kind"], x["value"]) for x in found["identities"]} == {
        ("external", "77"), ("email", "ann@example.com"), ("phone", "+33123456789"),
    }  # fmt: skip
    assert found["addresses"][0]["city"] == "Paris"
    assert program().read(f"/customers/{ann.pk}/").json() == found


def test_nobody_is_found_by_half_a_name(ann: Customer) -> None:
    client = program()

    assert client.read("/customers/", email="ann").json()["results"] == []
    assert client.read("/customers/", phone="123").json()["results"] == []
    assert client.read("/customers/", name="Ann").status_code == 400
    assert client.read(f"/customers/{10**30}/").status_code == 404
    assert client.read("/customers/0/").status_code == 404


def test_her_orders_are_listed(ann: Customer) -> None:
    client = program()

    orders = client.read(f"/customers/{ann.pk}/orders/").json()["results"]

    assert [order["external_reference"] for order in orders] == ["2", "1"]
    assert client.read("/customers/999999/orders/").status_code == 404
    assert client.send(f"/customers/{ann.pk}/orders/", {}).status_code == 405


def test_who_may_not_see_customers_sees_a_name_on_an_order_at_most(ann: Customer) -> None:
    warehouse = program("orders:read")

    assert warehouse.read("/customers/").status_code == 403
    (_, _, order) = warehouse.read("/orders/").json()["results"]
    assert warehouse.read(f"/orders/{order['number']}/").json()["customer"] == {"id": ann.pk, "name": "Ann"}


def test_a_key_for_one_channel_knows_who_ordered_there(ann: Customer) -> None:
    market = program(channel="market")

    assert [c["name"] for c in market.read("/customers/").json()["results"]] == ["Bob"]
    assert market.read(f"/customers/{ann.pk}/").status_code == 404
    assert market.read(f"/customers/{ann.pk}/orders/").status_code == 404
    assert market.send(f"/customers/{ann.pk}/erase/").status_code == 404


def test_verbs_that_are_not_built_yet_say_so(ann: Customer) -> None:
    client = program()
    bob = Customer.objects.get(name="Bob")

    for verb, body in (("merge", {"into": bob.pk}), ("export", None), ("erase", None)):
        answer = client.send(f"/customers/{ann.pk}/{verb}/", body)
        assert (answer.status_code, answer.json()["code"]) == (409, "not_available_yet")
    assert client.send(f"/customers/{ann.pk}/merge/", {"into": 10**18}).status_code == 404
    assert Customer.objects.count() == 2
