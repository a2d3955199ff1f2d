"""/reorder/ as other people's programs call it."""

from __future__ import annotations

import pytest

from inventory.models import Item, Location
from purchasing.models import PurchaseOrder, Supplier
from tests.factories.core import program
from tests.factories.inventory import ItemFactory, LocationFactory, put_on_hand
from tests.factories.orders import SalesChannelFactory
from tests.factories.purchasing import SupplierFactory, sells

pytestmark = pytest.mark.django_db


@pytest.fixture
def warehouse(db: None) -> Location:
    return LocationFactory.create(code="warehouse", name="Warehouse")


@pytest.fixture
def siam(db: None) -> Supplier:
    return SupplierFactory.create(code="SIAM", name="Siam Textiles", minimum_order=100)


@pytest.fixture
def lamp(siam: Supplier, warehouse: Location) -> Item:
    """Of which 3 are there, whose point is 10, sold by the dozen."""
    lamp = ItemFactory.create(sku="LAMP", reorder_point=10)
    put_on_hand(lamp, warehouse, 3)
    sells(siam, lamp, "24.00", pack_code="dozen", pack_numerator=12)
    return lamp


def test_proposals_say_why_and_become_orders_once_per_key(lamp: Item) -> None:
    ItemFactory.create(sku="ODD", reorder_point=5)
    client = program()

    told = client.read("/reorder/").json()

    (group,) = told["groups"]
    assert [group[x] for x in ("supplier", "total", "minimum_order", "below_minimum")] == [
        "SIAM",
        "24.00",
        "100.00",
        "76.00",
    ]
    (line,) = group["lines"]
    assert [line[x] for x in ("sku", "available", "point", "need", "quantity", "amount")] == [
        "LAMP",
        3,
        10,
        7,
        12,
        "24.00",
    ]
    assert line["why"][0] == "Reorder point 10, as set on the item."
    assert [(x["sku"], x["missing"].partition(":")[0]) for x in told["skipped"]] == [("ODD", "nobody sells it to us")]
    assert client.read("/reorder/", supplier="siam").json() == {"groups": [group], "skipped": []}

    body = {"ship_to": "warehouse", "orders": [{"supplier": "siam", "lines": [{"sku": "LAMP", "quantity": 12}]}]}
    first = client.send("/reorder/create-orders/", body, key="k")
    again = client.send("/reorder/create-orders/", body, key="k")
    other = client.send("/reorder/create-orders/", body | {"ship_to": "elsewhere"}, key="k")

    order = PurchaseOrder.objects.get()
    assert (first.status_code, [x["number"] for x in first.json()["orders"]]) == (201, [order.number])
    assert (again.json(), again.headers["Idempotency-Replayed"]) == (first.json(), "true")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_mismatch")
    assert client.read("/reorder/").json()["groups"] == []


def test_one_order_that_cannot_be_leaves_none(lamp: Item) -> None:
    SupplierFactory.create(code="HELD", status="on_hold")
    SupplierFactory.create(code="DUMB")
    line = {"sku": "LAMP", "quantity": 12}
    client = program()

    def answer(*suppliers: str) -> tuple[int, str, list[str]]:
        orders = [{"supplier": code, "lines": [line]} for code in suppliers]
        told = client.send("/reorder/create-orders/", {"ship_to": "warehouse", "orders": orders})
        problem = told.json()
        return told.status_code, problem["code"], [e["pointer"] for e in problem.get("errors", [])]

    assert answer("SIAM", "HELD") == (409, "supplier_not_open", [])
    assert answer("SIAM", "DUMB") == (409, "no_price", ["/orders/1/lines/0/unit_cost"])
    assert answer("SIAM", "NOBODY") == (422, "unknown_supplier", ["/orders/1/supplier"])
    assert answer("SIAM", "siam") == (400, "invalid", ["/orders/1/supplier"])
    assert not PurchaseOrder.objects.exists()


def test_a_key_for_some_places_asks_for_one_of_them(lamp: Item) -> None:
    client = program(locations=["warehouse"])

    nowhere = client.read("/reorder/")
    elsewhere = client.read("/reorder/", location="lyon")

    assert (nowhere.status_code, nowhere.json()["errors"][0]["parameter"]) == (400, "location")
    assert (elsewhere.status_code, elsewhere.json()["code"]) == (422, "unknown_location")
    assert client.read("/reorder/", location="warehouse").status_code == 200
    channel = SalesChannelFactory.create().code
    assert program(channel=channel).read("/reorder/").status_code == 403


def test_costs_are_left_out_for_whoever_does_not_see_them(lamp: Item) -> None:
    (group,) = program("purchasing:read").read("/reorder/").json()["groups"]

    assert not {"total", "minimum_order", "below_minimum"} & set(group)
    assert not {"price", "price_source", "amount"} & set(group["lines"][0])
