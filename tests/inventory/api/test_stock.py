"""Levels, movements and the papers that change them, through the API."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from inventory.models import Item, Location, StockDocument, StockLevel
from tests.factories.core import Program, program
from tests.factories.inventory import ItemFactory, LocationFactory, pool_of, put_on_hand
from tests.factories.orders import SalesChannelFactory, placed

pytestmark = pytest.mark.django_db


@pytest.fixture
def paris() -> Location:
    return LocationFactory.create(code="paris")


@pytest.fixture
def lyon() -> Location:
    return LocationFactory.create(code="lyon")


@pytest.fixture
def tee(paris: Location) -> Item:
    tee = ItemFactory.create(sku="TEE-S")
    put_on_hand(tee, paris, 10)
    return tee


def adjust(client: Program, *lines: dict[str, Any], key: str = "", **more: Any) -> Any:
    return client.send(
        "/stock/adjustments/", {"location": "paris", "reason": "correction", "lines": list(lines)} | more, key=key
    )


def test_levels_say_what_is_where(tee: Item, paris: Location) -> None:
    assert program().read("/stock/", sku="tee-s").json()["results"] == [
        {
            "sku": "TEE-S",
            "location": "paris",
            "on_hand": 10,
            "sellable": 10,
            "reserved": 0,
            "damaged": 0,
            "on_hold": 0,
            "available": 10,
            "incoming": 0,
            "safety": 0,
        }
    ]


def test_scarce_goods_are_found_within_a_place_or_a_sku(tee: Item) -> None:
    client = program()

    assert len(client.read("/stock/", location="paris", available__lt=11).json()["results"]) == 1
    assert client.read("/stock/", sku="TEE-S", available__lt=10).json()["results"] == []
    refused = client.read("/stock/", available__lt=10)
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["parameter"] == "available__lt"
    assert client.read("/stock/", location="paris", available__lt="1.5").status_code == 400
    assert client.read("/stock/", location="paris", available__lt="9" * 30).status_code == 400


def test_an_adjustment_changes_and_counts(tee: Item, paris: Location) -> None:
    mug = ItemFactory.create(sku="MUG")
    client = program()

    answer = adjust(client, {"sku": "TEE-S", "change": -2}, {"sku": "MUG", "counted": 14}, note="after the flood")

    assert answer.status_code == 201
    number = answer.json()["number"]
    assert answer.json()["lines"] == [
        {"line": 1, "sku": "TEE-S", "bucket": "sellable", "change": -2, "counted": None},
        {"line": 2, "sku": "MUG", "bucket": "sellable", "change": 14, "counted": 14},
    ]
    assert client.read(f"/stock/adjustments/{number}/").json() == answer.json()
    assert client.read("/stock/adjustments/", location="paris").json()["results"][0]["number"] == number
    assert StockLevel.objects.get(item=mug).sellable == 14
    moved = client.read("/stock/movements/", document=f"adjustment:{number}").json()["results"]
    assert [(m["sku"], m["from"], m["to"], m["quantity"], m["line"]) for m in moved] == [
        ("MUG", "@loss", "paris", 14, 2),
        ("TEE-S", "paris", "@loss", 2, 1),
    ]
    assert moved[0]["actor"].startswith("key:")
    assert moved[0]["value"] is not None
    assert "value" not in program("stock:read").read("/stock/movements/").json()["results"][0]


def test_an_adjustment_below_what_is_promised_names_the_orders(tee: Item, paris: Location) -> None:
    channel = SalesChannelFactory.create(pool=pool_of(paris))
    order = placed(channel, "1", ("TEE-S", 9))
    client = program()

    answer = adjust(client, {"sku": "TEE-S", "change": -2}, key="k")

    assert (answer.status_code, answer.json()["code"]) == (409, "below_reserved")
    assert answer.json()["errors"][0]["documents"] == [f"order:{order.number}"]
    assert StockLevel.objects.get(item=tee).sellable == 10
    assert adjust(client, {"sku": "TEE-S", "change": -2}, key="k")["Idempotency-Replayed"] == "true"
    assert adjust(client, {"sku": "TEE-S", "counted": 8}).status_code == 201
    assert StockLevel.objects.get(item=tee).reserved == 8
    assert adjust(client, {"sku": "TEE-S", "change": -20}).json()["code"] == "below_zero"


@pytest.mark.parametrize(
    ("change", "code", "pointer"),
    [
        ({"reason": "theft"}, "invalid", "/reason"),
        ({"lines": []}, "invalid", "/lines"),
        ({"lines": [{"sku": "TEE-S"}]}, "invalid", "/lines/0"),
        ({"lines": [{"sku": "TEE-S", "change": 1, "counted": 1}]}, "invalid", "/lines/0"),
        ({"lines": [{"sku": "TEE-S", "counted": -1}]}, "invalid", "/lines/0/counted"),
        ({"lines": [{"sku": "TEE-S", "change": 1.5}]}, "invalid", "/lines/0/change"),
        ({"lines": [{"sku": "TEE-S", "change": 10**9 + 1}]}, "invalid", "/lines/0/change"),
        ({"lines": [{"sku": "TEE-S", "change": 1, "bucket": "lost"}]}, "invalid", "/lines/0/bucket"),
        ({"lines": [{"sku": "TEE-S", "change": 1, "size": 1}]}, "unknown_field", "/lines/0/size"),
        ({"lines": [{"sku": "TEE-S", "change": 1}, {"sku": "NO", "change": 1}]}, "unknown_sku", "/lines/1/sku"),
        ({"location": "moon"}, "unknown_location", "/location"),
        ({"location": "@loss"}, "unknown_location", "/location"),
    ],
)
def test_adjustments_that_cannot_be_understood_change_nothing(
    tee: Item, change: dict[str, Any], code: str, pointer: str
) -> None:
    answer = adjust(program(), {"sku": "TEE-S", "change": 1}, **change)

    assert answer.status_code == (422 if code.startswith("unknown_") and code != "unknown_field" else 400)
    assert answer.json()["code"] == code
    assert answer.json()["errors"][0]["pointer"] == pointer
    assert StockDocument.objects.count() == 1  # the opening


def test_a_key_for_another_place_finds_none(tee: Item, lyon: Location) -> None:
    elsewhere = program(locations=["lyon"])

    assert adjust(elsewhere, {"sku": "TEE-S", "change": 1}).json()["code"] == "unknown_location"
    number = StockDocument.objects.get().number
    assert elsewhere.read(f"/stock/adjustments/{number}/").status_code == 404
    for path in ("/stock/", "/stock/movements/", "/stock/adjustments/"):
        assert elsewhere.read(path).json()["results"] == []
        assert len(program().read(path).json()["results"]) == 1


def test_costs_are_told_by_whoever_may_see_them(tee: Item) -> None:
    line = {"sku": "TEE-S", "change": 1, "unit_cost": "3.5"}

    refused = adjust(program("stock:write"), line)

    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (403, "/lines/0/unit_cost")
    assert adjust(program("stock:write", "costs:read"), line).status_code == 201


def test_five_thousand_lines_and_not_one_more(paris: Location) -> None:
    Item.objects.bulk_create(Item(sku=f"S{n}", sku_key=f"s{n}", name="x") for n in range(5_000))
    lines = [{"sku": f"S{n}", "counted": n % 7} for n in range(5_000)]
    client = program()
    adjust(client, {"sku": "S0", "counted": 1})

    with CaptureQueriesContext(connection) as queries:
        answer = adjust(client, *lines)

    assert answer.status_code == 201
    assert len(queries) < 25
    too_many = adjust(client, *lines, {"sku": "S0", "change": 1})
    assert (too_many.status_code, too_many.json()["errors"][0]["pointer"]) == (400, "/lines")


def test_goods_change_their_state_where_they_stand(tee: Item, paris: Location) -> None:
    client = program()
    body = {
        "location": "paris",
        "reason": "damage",
        "lines": [{"sku": "TEE-S", "quantity": 3, "from_bucket": "sellable", "to_bucket": "damaged"}],
    }

    answer = client.send("/stock/moves/", body)

    assert answer.status_code == 201
    assert client.read(f"/stock/moves/{answer.json()['number']}/").json() == answer.json()
    level = StockLevel.objects.get(item=tee)
    assert (level.sellable, level.damaged) == (7, 3)
    body["lines"][0]["quantity"] = 8  # type: ignore[index]
    assert client.send("/stock/moves/", body).json()["code"] in {"below_zero", "below_reserved"}
    assert client.send("/stock/moves/", body, key=None).json()["code"] == "idempotency_key_required"


def test_goods_come_in_without_a_purchase_order(tee: Item, paris: Location) -> None:
    client = program()

    answer = client.send(
        "/stock/receipts/", {"location": "paris", "lines": [{"sku": "TEE-S", "quantity": 5, "unit_cost": "4.125"}]}
    )

    assert answer.status_code == 201
    assert client.read(f"/stock/receipts/{answer.json()['number']}/").json() == answer.json()
    assert StockLevel.objects.get(item=tee).sellable == 15
