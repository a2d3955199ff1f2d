"""Items and places through the API."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from inventory.models import Item, Location
from tests.factories.core import Program, program
from tests.factories.inventory import ItemFactory, LocationFactory, kit_of

pytestmark = pytest.mark.django_db

TEE: dict[str, Any] = {
    "sku": "TEE-S",
    "name": "T-shirt, small",
    "barcodes": ["4006381333931"],
    "price": "19.90",
    "currency": "EUR",
    "cost": "7.5",
    "category": ["Clothes", "Shirts"],
}


def item_page(client: Program, sku: str) -> Any:
    return client.get(f"/api/v1/items/{quote(sku, safe='')}/")


def test_an_item_is_made_read_and_changed() -> None:
    client = program()

    made = client.send("/items/", TEE, key=None)
    assert made.status_code == 201
    assert made.json() | {"updated_at": ""} == {
        "sku": "TEE-S",
        "name": "T-shirt, small",
        "kind": "stocked",
        "status": "active",
        "base_unit": "each",
        "category": ["Clothes", "Shirts"],
        "price": "19.90",
        "currency": "EUR",
        "reorder_point": 0,
        "weight_grams": None,
        "barcodes": ["4006381333931"],
        "components": [],
        "updated_at": "",
        "cost": "7.50",
    }
    changed = client.send("/items/tee-s/", {"price": "18.5", "status": "discontinued"}, method="patch")
    assert changed.status_code == 200
    assert item_page(client, "TEE-S").json() == changed.json()
    assert (changed.json()["price"], changed.json()["name"]) == ("18.50", "T-shirt, small")


def test_a_sku_or_barcode_that_is_taken_is_409() -> None:
    client = program()
    client.send("/items/", TEE)

    twin = client.send("/items/", TEE | {"sku": "\uff54ee-S", "barcodes": []})
    code = client.send("/items/", TEE | {"sku": "OTHER"})

    assert (twin.status_code, twin.json()["code"]) == (409, "duplicate_sku")
    assert (code.status_code, code.json()["code"]) == (409, "barcode_taken")
    assert Item.objects.count() == 1


@pytest.mark.parametrize(
    "sku", ["A/B", "A/B/", "/A", "50%", "a b", "ümlaut", "A?B#C", "bulk", "..", "A+B", "中文-1", "x%2Fy", "\\", "'\""]
)
def test_a_sku_may_hold_anything_printable(sku: str) -> None:
    client = program()
    assert client.send("/items/", {"sku": sku, "name": "x"}).status_code == 201

    assert item_page(client, sku).json()["sku"] == sku.strip()
    path = f"/items/{quote(sku, safe='')}/"
    assert client.send(path, {"name": "y"}, method="patch").json()["name"] == "y"


def test_what_is_not_there_is_404() -> None:
    client = program()

    for sku in ("NO", "%00", "a%07", "%FF"):
        assert client.get(f"/api/v1/items/{sku}/").status_code == 404
    assert client.send("/items/NO/", {"name": "x"}, method="patch").status_code == 404


def test_costs_take_a_scope() -> None:
    everybody, buyer = program("items:read", "items:write"), program()
    buyer.send("/items/", TEE)

    assert "cost" not in item_page(everybody, "TEE-S").json()
    refused = everybody.send("/items/TEE-S/", {"cost": "1"}, method="patch")
    assert (refused.status_code, refused.json()["scope"]) == (403, "costs:read")
    bulk = everybody.send(
        "/items/bulk/", {"entries": [{"sku": "X", "name": "x"}, {"sku": "TEE-S", "cost": "1"}]}
    ).json()
    assert [r["status"] for r in bulk["results"]] == [201, 403]
    assert item_page(buyer, "TEE-S").json()["cost"] == "7.50"


def test_bulk_makes_changes_and_refuses_entry_by_entry() -> None:
    client = program()
    client.send("/items/", TEE)

    answer = client.send(
        "/items/bulk/",
        {
            "entries": [
                {"sku": "NEW", "name": "New", "barcodes": ["ABC"]},
                {"sku": "TEE-S", "price": "21"},
                {"sku": "TEE-S ", "price": "22"},
                {"sku": "tee-s"},
                {"sku": "NAMELESS"},
                {"sku": "WRONG", "name": "x", "barcodes": ["4006381333932"]},
                {"sku": "COLOUR", "name": "x", "colour": "red"},
                {"sku": "PACK", "name": "Pack", "kind": "kit", "components": [{"sku": "TEE-S", "quantity": 2}]},
                {"sku": "PACK2", "name": "Pack", "kind": "kit", "components": [{"sku": "NO", "quantity": 2}]},
            ]
        },
        key=None,
    )

    assert answer.status_code == 207
    results = answer.json()["results"]
    assert [r["status"] for r in results] == [201, 200, 409, 409, 400, 400, 400, 201, 422]
    assert results[1]["body"] == {"sku": "TEE-S", "outcome": "changed"}
    assert results[5]["problem"]["errors"][0] == {
        "pointer": "/entries/5/barcodes/0",
        "code": "bad_check_digit",
        "detail": "4006381333932 has a wrong check digit",
    }
    assert results[6]["problem"]["code"] == "unknown_field"
    assert results[8]["problem"]["code"] == "unknown_sku"
    assert item_page(client, "PACK").json()["components"] == [{"sku": "TEE-S", "quantity": 2}]
    again = client.send("/items/bulk/", {"entries": [{"sku": "TEE-S", "price": "21"}]}).json()["results"]
    assert again == [{"status": 200, "body": {"sku": "TEE-S", "outcome": "same"}}]


def test_items_are_found_by_words_barcode_and_status() -> None:
    client = program()
    client.send("/items/", TEE)
    client.send("/items/", {"sku": "MUG", "name": "Blue mug", "status": "draft"})

    def found(**query: Any) -> list[str]:
        return [row["sku"] for row in client.read("/items/", **query).json()["results"]]

    assert found() == ["MUG", "TEE-S"]
    assert found(search="shirt") == ["TEE-S"]
    assert found(search="small tee") == ["TEE-S"]
    assert found(search="ue m") == ["MUG"]
    assert found(barcode="4006381333931") == ["TEE-S"]
    assert found(barcode="04006381333931") == ["TEE-S"]
    assert found(status="draft") == ["MUG"]
    assert client.read("/items/", status="lost").status_code == 400
    assert client.read("/items/", name="x").status_code == 400


def test_a_list_costs_the_same_however_long_it_is() -> None:
    client = program()
    parts = {ItemFactory.create(): 1}
    for _ in range(8):
        kit_of(parts)
    client.read("/items/")

    def count(size: int) -> int:
        with CaptureQueriesContext(connection) as queries:
            assert len(client.read("/items/", page_size=size).json()["results"]) == size
        return len(queries)

    assert count(2) == count(9) <= 5


def test_places_are_opened_and_read() -> None:
    client = program()

    made = client.send("/locations/", {"code": "lyon-1", "name": "Lyon", "kind": "store", "time_zone": "Europe/Paris"})

    assert made.status_code == 201
    assert client.read("/locations/lyon-1/").json() == {
        "code": "lyon-1",
        "name": "Lyon",
        "kind": "store",
        "owned": True,
        "is_active": True,
        "time_zone": "Europe/Paris",
        "address": {},
    }
    codes = [row["code"] for row in client.read("/locations/", kind="store").json()["results"]]
    assert codes == ["lyon-1"]
    taken = client.send("/locations/", {"code": "lyon-1", "name": "x", "kind": "store"})
    assert (taken.status_code, taken.json()["code"]) == (409, "duplicate_location")


@pytest.mark.parametrize(
    "change", [{"code": "@x"}, {"code": "a/b"}, {"kind": "counterparty"}, {"kind": "moon"}, {"time_zone": "Mars/Here"}]
)
def test_a_place_has_a_sane_code_kind_and_zone(change: dict[str, str]) -> None:
    answer = program().send("/locations/", {"code": "x", "name": "x", "kind": "store"} | change)

    assert answer.status_code == 400
    assert not Location.objects.filter(name="x").exists()


def test_places_outside_the_key_do_not_exist() -> None:
    LocationFactory.create(code="paris")
    LocationFactory.create(code="lyon")
    client = program(locations=["paris"])

    assert [row["code"] for row in client.read("/locations/").json()["results"]] == ["paris"]
    assert client.read("/locations/lyon/").status_code == 404
    assert client.read("/locations/@loss/").status_code == 404
    assert client.send("/locations/", {"code": "x", "name": "x", "kind": "store"}).status_code == 403


def test_parts_of_a_kit_are_refused_at_their_place() -> None:
    client = program()
    client.send("/items/", TEE)
    tee = {"sku": "TEE-S", "quantity": 1}
    kit = {"sku": "KIT", "name": "Kit", "kind": "kit"}

    twice = client.send("/items/", kit | {"components": [tee, {"sku": "tee-s", "quantity": 2}]})
    unknown = client.send("/items/", kit | {"components": [tee, {"sku": "N/O", "quantity": 2}]})
    bulk = client.send(
        "/items/bulk/", {"entries": [kit | {"components": [tee, tee]}, kit | {"components": [tee]}]}
    ).json()["results"]

    assert (twice.status_code, twice.json()["errors"][0]["pointer"]) == (400, "/components/1/sku")
    assert (unknown.status_code, unknown.json()["errors"][0]["pointer"]) == (422, "/components/1/sku")
    assert [result["status"] for result in bulk] == [400, 201]
    assert bulk[0]["problem"]["errors"][0]["pointer"] == "/entries/0/components/1/sku"
