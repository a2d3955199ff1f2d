"""Transfers through the API: drafted, reserved, sent, received."""

from __future__ import annotations

from typing import Any

import pytest

from inventory.models import Item, Location, StockLevel
from tests.factories.core import program
from tests.factories.inventory import ItemFactory, LocationFactory, pool_of, put_on_hand
from tests.factories.orders import SalesChannelFactory, placed

pytestmark = pytest.mark.django_db


@pytest.fixture
def goods() -> Item:
    item = ItemFactory.create(sku="TEE-S")
    put_on_hand(item, LocationFactory.create(code="paris"), 10)
    for code in ("lyon", "nice"):
        LocationFactory.create(code=code)
    return item


ROAD = "in-transit"
BODY = {"from": "paris", "to": "lyon", "lines": [{"sku": "TEE-S", "quantity": 4}]}


def level(item: Item, code: str) -> Any:
    return StockLevel.objects.filter(item=item, location__code=code).values("sellable", "reserved").first()


def test_goods_travel_from_shop_to_shop(goods: Item) -> None:
    client = program()
    drafted = client.send("/stock/transfers/", BODY)
    assert (drafted.status_code, drafted.json()["status"]) == (201, "draft")
    path = f"/stock/transfers/{drafted.json()['number']}/"
    assert client.read(path).json() == drafted.json()

    assert client.send(f"{path}ready/", key=None).json()["status"] == "ready"
    assert level(goods, "paris") == {"sellable": 10, "reserved": 4}
    assert client.send(f"{path}ship/").json()["status"] == "in_transit"
    (row,) = client.read("/stock/", sku="TEE-S", location="lyon").json()["results"]
    assert (row["on_hand"], row["incoming"]) == (0, 4), "seen there before it is there"
    some = client.send(f"{path}receive/", {"lines": [{"sku": "tee-s", "received": 2, "damaged": 1}]}).json()
    assert (some["status"], some["lines"][0]["received"], some["lines"][0]["damaged"]) == ("part_received", 2, 1)
    (row,) = client.read("/stock/", sku="TEE-S", location="lyon").json()["results"]
    assert (row["sellable"], row["damaged"], row["incoming"]) == (2, 1, 1)
    too_many = client.send(f"{path}receive/", {"lines": [{"line": 1, "received": 2}]})
    assert (too_many.status_code, too_many.json()["code"]) == (409, "exceeds_shipped")
    assert client.send(f"{path}receive/").json()["status"] == "received"
    late = client.send(f"{path}cancel/")
    assert (late.status_code, late.json()["code"], late.json()["current_status"]) == (409, "wrong_state", "received")


def test_a_transfer_that_cannot_be_filled_stays_a_draft(goods: Item) -> None:
    client = program()
    body = BODY | {"lines": [{"sku": "TEE-S", "quantity": 11}]}
    path = f"/stock/transfers/{client.send('/stock/transfers/', body).json()['number']}/"

    answer = client.send(f"{path}ready/")

    assert (answer.status_code, answer.json()["code"]) == (409, "not_enough_stock")
    assert client.read(path).json()["status"] == "draft"
    assert client.send(f"{path}cancel/").json()["status"] == "cancelled"


def test_moving_verbs_take_a_key(goods: Item) -> None:
    client = program()
    assert client.send("/stock/transfers/", BODY, key=None).json()["code"] == "idempotency_key_required"
    path = f"/stock/transfers/{client.send('/stock/transfers/', BODY).json()['number']}/"

    for verb in ("ship", "receive"):
        assert client.send(f"{path}{verb}/", key=None).json()["code"] == "idempotency_key_required"


@pytest.mark.parametrize(
    ("change", "status", "code", "pointer"),
    [
        ({"to": "paris"}, 400, "invalid", "/to"),
        ({"to": "moon"}, 422, "unknown_location", "/to"),
        ({"from": "@loss"}, 422, "unknown_location", "/from"),
        ({"lines": []}, 400, "invalid", "/lines"),
        ({"lines": [{"sku": "NO", "quantity": 1}]}, 422, "unknown_sku", "/lines/0/sku"),
        ({"from_": "paris"}, 400, "unknown_field", "/from_"),
    ],
)
def test_drafts_that_make_no_sense(goods: Item, change: dict[str, Any], status: int, code: str, pointer: str) -> None:
    answer = program().send("/stock/transfers/", BODY | change)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.json()["errors"][0]["pointer"] == pointer


def test_each_end_does_its_own_part(goods: Item) -> None:
    paris, lyon, nice = (program(locations=[code]) for code in ("paris", "lyon", "nice"))
    assert nice.send("/stock/transfers/", BODY).json()["code"] == "unknown_location"
    path = f"/stock/transfers/{lyon.send('/stock/transfers/', BODY).json()['number']}/"

    assert nice.read(path).status_code == 404
    assert nice.send(f"{path}ready/").status_code == 404
    assert lyon.send(f"{path}ready/").status_code == 403
    assert paris.send(f"{path}ready/").status_code == 200
    assert lyon.send(f"{path}ship/").status_code == 403
    assert paris.send(f"{path}ship/").status_code == 200
    assert paris.send(f"{path}receive/").status_code == 403
    for named, pointer in (({"sku": "NO"}, "/lines/1/sku"), ({"line": 9}, "/lines/1/line")):
        unknown = lyon.send(f"{path}receive/", {"lines": [{"line": 1, "received": 1}, named | {"received": 1}]})
        assert (unknown.status_code, unknown.json()["code"]) == (422, "unknown_line")
        assert [error["pointer"] for error in unknown.json()["errors"]] == [pointer]
    assert lyon.send(f"{path}receive/").json()["status"] == "received"
    assert [t["number"] for t in nice.read("/stock/transfers/").json()["results"]] == []
    assert len(lyon.read("/stock/transfers/", status="received", location="paris").json()["results"]) == 1


def _order(**shipping: Any) -> dict[str, Any]:
    line = {"sku": "TEE-S", "quantity": 1, "unit_price": "1"}
    return {
        "channel": "web", "external_reference": "2", "currency": "EUR", "lines": [line], "shipping": shipping,
    }  # fmt: skip


def test_goods_on_the_road_are_touched_by_their_transfer_alone(goods: Item) -> None:
    """What anything else took or promised there would be missing when the transfer arrives."""
    client = program()
    web = SalesChannelFactory.create(code="web", pool=pool_of(Location.objects.get(code="nice")))
    order = placed(web, "1", ("TEE-S", 1)).number
    path = f"/stock/transfers/{client.send('/stock/transfers/', BODY).json()['number']}/"
    client.send(f"{path}ready/")
    client.send(f"{path}ship/")
    line = {"sku": "TEE-S", "quantity": 1}
    move = line | {"from_bucket": "sellable", "to_bucket": "damaged"}
    change = {"sku": "TEE-S", "change": -1}
    road = {"location": ROAD}
    tried: list[tuple[str, dict[str, Any], str]] = [
        ("/stock/adjustments/", road | {"reason": "loss", "lines": [change]}, "/location"),
        ("/stock/adjustments/", road | {"reason": "count", "lines": [{"sku": "TEE-S", "counted": 0}]}, "/location"),
        ("/stock/moves/", road | {"reason": "damage", "lines": [move]}, "/location"),
        ("/stock/receipts/", road | {"lines": [line]}, "/location"),
        ("/stock/transfers/", {"from": ROAD, "to": "nice", "lines": [line]}, "/from"),
        ("/stock/transfers/", {"from": "nice", "to": ROAD, "lines": [line]}, "/to"),
        (f"/orders/{order}/ship/", road, "/location"),
        (
            "/channels/",
            {
                "code": "x", "name": "X", "kind": "desk", "currency": "EUR", "prices_include_tax": True,
                "locations": ["nice", ROAD],
            },
            "/locations/1",
        ),
    ]  # fmt: skip
    for address, body, pointer in tried:
        answer = client.send(address, body)
        assert (answer.status_code, answer.json()["code"]) == (409, "on_the_road"), address
        assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    pickup = client.send("/orders/", _order(pickup_location=ROAD))
    assert (pickup.status_code, pickup.json()["code"]) == (422, "unknown_location")

    assert level(goods, ROAD) == {"sellable": 4, "reserved": 0}
    assert client.send(f"{path}receive/").json()["status"] == "received"
    assert level(goods, "lyon") == {"sellable": 4, "reserved": 0}
