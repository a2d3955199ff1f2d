"""POST /receipts/ and /supplier-returns/, as other people's programs call them."""

from __future__ import annotations

import pytest

from inventory.models import Item, Location
from purchasing.models import Receipt, Supplier
from tests.books import figures
from tests.factories.core import program
from tests.factories.inventory import ItemFactory, LocationFactory
from tests.factories.purchasing import SupplierFactory, issued

pytestmark = pytest.mark.django_db


@pytest.fixture
def lamp(db: None) -> Item:
    return ItemFactory.create(sku="LAMP")


@pytest.fixture
def rope(db: None) -> Item:
    return ItemFactory.create(sku="ROPE")


@pytest.fixture
def warehouse(db: None) -> Location:
    return LocationFactory.create(code="warehouse", name="Warehouse")


@pytest.fixture
def siam(db: None) -> Supplier:
    return SupplierFactory.create(code="SIAM", name="Siam Textiles")


def test_a_delivery_is_booked_once_per_key(siam: Supplier, lamp: Item, rope: Item, warehouse: Location) -> None:
    order = issued(siam, warehouse, [(lamp, 5, "2.50")])
    body = {
        "purchase_order": order.number,
        "location": "warehouse",
        "delivery_note": "DN-1",
        "lines": [
            {
                "sku": "LAMP",
                "accepted": 6,
                "damaged": 1,
                "wrong": 1,
                "received_sku": "ROPE",
                "refused": 1,
                "note": "wet",
            }
        ],
    }
    client = program()

    first = client.send("/receipts/", body, key="k")
    again = client.send("/receipts/", body, key="k")

    told = first.json()
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert Receipt.objects.count() == 1
    line = told["lines"][0]
    assert [line[name] for name in ("accepted", "not_ordered", "damaged", "wrong", "refused")] == [5, 1, 1, 1, 1]
    assert (told["lines"][1]["sku"], told["lines"][1]["instead_of"]) == ("ROPE", 1)
    assert {x["kind"] for x in told["exceptions"]} == {"delivery_over", "delivery_damaged", "delivery_wrong"}
    assert len(told["claims"]) == 2
    assert (figures(lamp, warehouse), figures(rope, warehouse)) == ((5, 0, 1, 1), (0, 0, 0, 1))
    assert client.read(f"/receipts/{told['number']}/").json() == told
    assert client.read("/receipts/", purchase_order=order.number).json()["results"] == [told]


def test_a_delivery_is_reversed(siam: Supplier, lamp: Item, warehouse: Location) -> None:
    order = issued(siam, warehouse, [(lamp, 5, "2.50")])
    client = program()
    body = {"purchase_order": order.number, "location": "warehouse", "lines": [{"sku": "LAMP", "accepted": 5}]}
    number = client.send("/receipts/", body).json()["number"]

    answer = client.send(f"/receipts/{number}/reverse/", {"reason": "another truck"})

    assert (answer.status_code, answer.json()["status"]) == (200, "reversed")
    assert figures(lamp, warehouse) == (0, 0, 0, 0)


def test_goods_are_sent_back(siam: Supplier, lamp: Item, warehouse: Location) -> None:
    order = issued(siam, warehouse, [(lamp, 5, "2.50")])
    client = program()
    body = {"purchase_order": order.number, "location": "warehouse", "lines": [{"sku": "LAMP", "accepted": 5}]}
    number = client.send("/receipts/", body).json()["number"]
    going = {"reason": "torn", "lines": [{"receipt": number, "line": 1, "quantity": 2}]}

    answer = client.send("/supplier-returns/", going)
    more = client.send("/supplier-returns/", {**going, "lines": [{"receipt": number, "line": 1, "quantity": 4}]})

    assert (answer.status_code, answer.json()["lines"][0]["amount"]) == (201, "5.00")
    assert (more.status_code, more.json()["errors"][0]["left"]) == (409, 3)
    assert client.read(f"/supplier-returns/{answer.json()['number']}/").json() == answer.json()


def test_what_names_nothing_is_named(siam: Supplier, lamp: Item, rope: Item, warehouse: Location) -> None:
    order = issued(siam, warehouse, [(lamp, 5, "1"), (lamp, 3, "1")])
    client = program()

    def refused(**body: object) -> tuple[int, str, str]:
        answer = client.send("/receipts/", {"location": "warehouse", "purchase_order": order.number, **body})
        told = answer.json()
        return answer.status_code, told["code"], told["errors"][0]["pointer"]

    assert refused(lines=[{"sku": "LAMP", "accepted": 1}]) == (409, "ambiguous_line", "/lines/0/line")
    assert refused(lines=[{"sku": "ROPE", "accepted": 1}]) == (422, "unknown_line", "/lines/0/sku")
    assert refused(lines=[{"sku": "X", "accepted": 1}]) == (422, "unknown_sku", "/lines/0/sku")
    assert refused(lines=[{"sku": "LAMP", "line": 1, "wrong": 1}]) == (400, "invalid", "/lines/0/received_sku")
    assert refused(lines=[{"sku": "LAMP", "line": 1, "wrong": 1, "received_sku": "X"}]) == (
        422, "unknown_sku", "/lines/0/received_sku",
    )  # fmt: skip
    assert refused(lines=[{"sku": "LAMP", "line": 1}]) == (400, "invalid", "/lines")
    assert refused(purchase_order="PO-1", lines=[{"sku": "LAMP", "accepted": 1}])[1] == "unknown_purchase_order"
    assert not Receipt.objects.exists()


def test_who_may(siam: Supplier, lamp: Item, warehouse: Location) -> None:
    LocationFactory.create(code="shop")
    order = issued(siam, warehouse, [(lamp, 5, "1")])
    body = {"purchase_order": order.number, "location": "warehouse", "lines": [{"sku": "LAMP", "accepted": 1}]}

    elsewhere = program("stock:write", "purchasing:read", locations=["shop"]).send("/receipts/", body)
    blind = program("stock:write").send("/receipts/", body)
    done = program("stock:write", "purchasing:read", locations=["warehouse"]).send("/receipts/", body)

    assert (elsewhere.status_code, blind.status_code, done.status_code) == (422, 403, 201)
    assert "amount" not in done.json()["lines"][0]
    assert program("purchasing:read", locations=["shop"]).read(f"/receipts/{done.json()['number']}/").status_code == 404
    assert program("stock:read").read("/receipts/").status_code == 403
