"""POST /orders/ and /orders/bulk/, to the letter of the contract."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from inventory.models import Item, Location, StockLevel
from orders.models import Order, SalesChannel
from tests.factories.core import program
from tests.factories.inventory import ItemFactory, LocationFactory, kit_of, pool_of, put_on_hand
from tests.factories.orders import SalesChannelFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop() -> Location:
    return LocationFactory.create(code="paris")


@pytest.fixture
def channel(shop: Location) -> SalesChannel:
    return SalesChannelFactory.create(code="webshop", pool=pool_of(shop))


@pytest.fixture
def item(shop: Location) -> Item:
    item = ItemFactory.create(sku="TEE-S")
    put_on_hand(item, shop, 5)
    return item


def body(*lines: tuple[str, int], **more: Any) -> dict[str, Any]:
    return {
        "channel": "webshop",
        "external_reference": "1001",
        "placed_at": "2026-11-22T10:00:00Z",
        "currency": "EUR",
        "lines": [
            {"sku": sku, "quantity": quantity, "unit_price": "12.00", "tax_rate": "0.20"} for sku, quantity in lines
        ],
    } | more


def test_an_order_is_taken_and_its_goods_are_promised(channel: SalesChannel, item: Item) -> None:
    answer = program().send("/orders/", body(("TEE-S", 2)))

    assert answer.status_code == 201
    placed = answer.json()
    assert placed["status"] == "allocated"
    assert placed["lines"] == [
        {
            "line": 1,
            "sku": "TEE-S",
            "quantity": 2,
            "reserved": 2,
            "short": 0,
            "allocations": [{"location": "paris", "quantity": 2}],
        }
    ]
    assert placed["totals"] == {"lines": "24.00", "shipping": "0.00", "tax": "4.00", "total": "24.00"}
    assert StockLevel.objects.get(item=item).reserved == 2
    assert program().read(f"/orders/{placed['number']}/").json()["number"] == placed["number"]


def test_everything_a_body_may_hold(channel: SalesChannel, item: Item) -> None:
    answer = program().send(
        "/orders/",
        body(
            ("tee-s", 1),
            allocation="accept",
            customer={"email": "Ann@Example.com", "name": "Ann", "phone": None, "external_id": "77"},
            shipping={
                "method": "post",
                "address": {"line1": "1 Rue", "city": "Paris", "country": "FR", "line2": None},
                "pickup_location": None,
                "price": "4.90",
            },
            payments=[{"method": "card", "amount": "16.90", "reference": "p1", "captured": True}],
        ),
    )

    order = program().read(f"/orders/{answer.json()['number']}/").json()
    assert order["customer"]["email"] == "Ann@Example.com"
    assert order["shipping"] == {
        "method": "post",
        "address": {"line1": "1 Rue", "city": "Paris", "country": "FR"},
        "pickup_location": None,
        "price": "4.90",
    }
    assert order["payments"] == [{"method": "card", "amount": "16.90", "reference": "p1", "captured": True}]
    assert order["placed_at"] == "2026-11-22T10:00:00Z"
    assert order["lines"][0]["tax_rate"] == "0.20"
    assert order["totals"]["total"] == "16.90"


def test_a_shortage_is_flagged_and_the_order_kept(channel: SalesChannel, item: Item) -> None:
    client = program()

    part = client.send("/orders/", body(("TEE-S", 7))).json()
    none = client.send("/orders/", body(("TEE-S", 1), external_reference="1002")).json()

    assert (part["status"], part["lines"][0]["reserved"], part["lines"][0]["short"]) == ("part_allocated", 5, 2)
    assert (none["status"], none["lines"][0]["short"]) == ("open", 1)


def test_all_or_nothing_keeps_nothing(channel: SalesChannel, item: Item) -> None:
    answer = program().send("/orders/", body(("TEE-S", 2), ("TEE-S", 4), allocation="all_or_nothing"))

    assert (answer.status_code, answer.json()["code"]) == (409, "not_enough_stock")
    (short,) = answer.json()["errors"]
    assert short["pointer"] == "/lines/1/quantity" or short["pointer"].startswith("/lines/1")
    assert "available" in short
    assert not Order.objects.exists()
    assert StockLevel.objects.get(item=item).reserved == 0


def test_the_same_order_again_is_200_another_under_its_reference_409(channel: SalesChannel, item: Item) -> None:
    client = program()
    first = client.send("/orders/", body(("TEE-S", 2)))

    again = client.send("/orders/", body(("TEE-S", 2), payments=[{"method": "card", "amount": "1"}]))
    other = client.send("/orders/", body(("TEE-S", 3)))

    assert (again.status_code, again.json()["number"]) == (200, first.json()["number"])
    assert again.json()["lines"] == first.json()["lines"]
    assert (other.status_code, other.json()["code"]) == (409, "duplicate_order")
    assert Order.objects.count() == 1


def test_keys_that_name_nothing_are_422_and_free_the_key(channel: SalesChannel, item: Item) -> None:
    client = program()

    sku = client.send("/orders/", body(("TEE-S", 1), ("NO", 1), ("NEITHER", 1)), key="k")
    nowhere = client.send("/orders/", body(("TEE-S", 1), channel="nowhere"))
    pickup = client.send("/orders/", body(("TEE-S", 1), shipping={"pickup_location": "moon"}))

    assert (sku.status_code, sku.json()["code"]) == (422, "unknown_sku")
    assert [e["pointer"] for e in sku.json()["errors"]] == ["/lines/1/sku", "/lines/2/sku"]
    assert (nowhere.status_code, nowhere.json()["code"]) == (422, "unknown_channel")
    assert (pickup.status_code, pickup.json()["code"]) == (422, "unknown_location")
    assert client.send("/orders/", body(("TEE-S", 1)), key="k").status_code == 201


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"lines": []}, "/lines"),
        ({"lines": [{"sku": "TEE-S", "quantity": 1}]}, "/lines/0/unit_price"),
        ({"lines": [{"sku": "TEE-S", "quantity": -1, "unit_price": "1"}]}, "/lines/0/quantity"),
        ({"lines": [{"sku": "TEE-S", "quantity": 1, "unit_price": 1.5}]}, "/lines/0/unit_price"),
        ({"lines": [{"sku": "TEE-S", "quantity": 1, "unit_price": "1", "discount": "2"}]}, "/lines/0/discount"),
        ({"lines": [{"sku": "TEE-S", "quantity": 1, "unit_price": "1", "tax_rate": "20"}]}, "/lines/0/tax_rate"),
        ({"currency": "EURO"}, "/currency"),
        ({"currency": "XXA"}, "/currency"),
        ({"placed_at": "yesterday"}, "/placed_at"),
        ({"placed_at": "2026-11-22T10:00:00"}, "/placed_at"),
        ({"placed_at": 5}, "/placed_at"),
        ({"allocation": "some"}, "/allocation"),
        ({"external_reference": ""}, "/external_reference"),
        ({"external_reference": 1001}, "/external_reference"),
        ({"customer": "Ann"}, "/customer"),
        ({"shipping": {"price": "-1"}}, "/shipping/price"),
        ({"payments": [{"method": "card"}]}, "/payments/0/amount"),
    ],
)
def test_bad_bodies_name_the_place(channel: SalesChannel, item: Item, change: dict[str, Any], pointer: str) -> None:
    answer = program().send("/orders/", body(("TEE-S", 1)) | change)

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    assert [e["pointer"] for e in answer.json()["errors"]] == [pointer]
    assert not Order.objects.exists()


@pytest.mark.parametrize("where", ["", "customer", "shipping"])
def test_unknown_fields_are_refused(channel: SalesChannel, item: Item, where: str) -> None:
    told = body(("TEE-S", 1), customer={}, shipping={})
    (told[where] if where else told)["colour"] = "red"

    answer = program().send("/orders/", told)

    assert (answer.status_code, answer.json()["code"]) == (400, "unknown_field")
    assert answer.json()["errors"][0]["pointer"] == (f"/{where}/colour" if where else "/colour")


def test_kits_reserve_their_components(channel: SalesChannel, item: Item) -> None:
    kit_of({item: 2}, sku="PACK")

    placed = program().send("/orders/", body(("PACK", 2))).json()

    assert placed["lines"][0]["reserved"] == 2
    (allocation,) = placed["lines"][0]["allocations"]
    assert (allocation["location"], allocation["quantity"]) == ("paris", 4)


def test_a_program_of_another_channel_or_place_finds_no_channel(channel: SalesChannel, item: Item) -> None:
    SalesChannelFactory.create(code="market", pool=channel.pool)
    LocationFactory.create(code="lyon")

    for client in (program(channel="market"), program(locations=["lyon"])):
        answer = client.send("/orders/", body(("TEE-S", 1)))
        assert (answer.status_code, answer.json()["code"]) == (422, "unknown_channel")
    assert program(channel="webshop", locations=["paris"]).send("/orders/", body(("TEE-S", 1))).status_code == 201


def test_bulk_answers_each_order_on_its_own_merits(channel: SalesChannel, item: Item) -> None:
    entries = [
        body(("TEE-S", 1), external_reference="1"),
        body(("TEE-S", 1), external_reference="2", channel="market"),
        body(("NO", 1), external_reference="3"),
        body(("TEE-S", 9), external_reference="4", allocation="all_or_nothing"),
        body(("TEE-S", 0), external_reference="5"),
        body(("TEE-S", 1), external_reference="1"),
        body(("TEE-S", 2), external_reference="1"),
        body(("TEE-S", 1), external_reference="6", idempotency_key="six"),
    ]

    answer = program(channel="webshop").send("/orders/bulk/", {"entries": entries})

    assert answer.status_code == 207
    results = answer.json()["results"]
    assert [r["status"] for r in results] == [201, 422, 422, 409, 400, 200, 409, 201]
    codes = [r.get("problem", {}).get("code") for r in results]
    assert codes == [
        None, "unknown_channel", "unknown_sku", "not_enough_stock", "invalid", None, "duplicate_order", None,
    ]  # fmt: skip
    assert results[2]["problem"]["errors"][0]["pointer"] == "/entries/2/lines/0/sku"
    assert results[0]["body"]["number"] == results[5]["body"]["number"]
    assert Order.objects.count() == 2


def test_the_number_of_statements_does_not_grow(channel: SalesChannel, item: Item, shop: Location) -> None:
    put_on_hand(item, shop, 100)
    client = program()
    client.send("/orders/", body(("TEE-S", 1), external_reference="0"))

    def count(path: str, told: Any) -> int:
        with CaptureQueriesContext(connection) as queries:
            assert client.send(path, told).status_code in {201, 207}
        return len([q for q in queries if "SAVEPOINT" not in q["sql"]])

    one = count("/orders/", body(("TEE-S", 1), external_reference="a"))
    many_lines = count("/orders/", body(*[("TEE-S", 1)] * 40, external_reference="b"))
    bulk = count("/orders/bulk/", {"entries": [body(("TEE-S", 1), external_reference=f"c{n}") for n in range(30)]})

    assert one == many_lines == bulk
    # the API key, two for idempotency, three of the service
    assert one <= 7


def test_an_order_beyond_measure_is_refused_and_takes_no_other_down_with_it(channel: SalesChannel, item: Item) -> None:
    kit_of({item: 1000}, sku="THOUSAND")
    dear = {"sku": "TEE-S", "quantity": 1_000_000_000, "unit_price": "9999999999999"}
    entries = [
        body(("TEE-S", 1), external_reference="1"),
        body(("TEE-S", 1), external_reference="2", lines=[dear]),
        body(("TEE-S", 1), ("THOUSAND", 1_000_001), external_reference="3"),
        body(("TEE-S", 1), external_reference="4"),
    ]

    results = program().send("/orders/bulk/", {"entries": entries}).json()["results"]

    assert [result["status"] for result in results] == [201, 400, 400, 201]
    pointers = [result["problem"]["errors"][0]["pointer"] for result in results[1:3]]
    assert pointers == ["/entries/1/lines/0/unit_price", "/entries/2/lines/1/quantity"]
    assert set(Order.objects.values_list("external_reference", flat=True)) == {"1", "4"}


def test_goods_are_collected_at_a_place_that_the_program_may_name(channel: SalesChannel, item: Item) -> None:
    lyon = LocationFactory.create(code="lyon")
    put_on_hand(item, lyon, 5)
    there = body(("TEE-S", 1), shipping={"pickup_location": "lyon"})

    refused = program(locations=["paris"]).send("/orders/", there)
    bulk = program(locations=["paris"]).send("/orders/bulk/", {"entries": [there, body(("TEE-S", 1))]}).json()
    placed = program(locations=["paris", "lyon"]).send("/orders/", there | {"external_reference": "1002"})

    assert (refused.status_code, refused.json()["code"]) == (422, "unknown_location")
    assert refused.json()["errors"][0]["pointer"] == "/shipping/pickup_location"
    assert [result["status"] for result in bulk["results"]] == [422, 201]
    assert StockLevel.objects.get(location=lyon).reserved == 1
    # Whoever hands it over sees it, although the channel does not sell from there.
    number = placed.json()["number"]
    assert program(locations=["lyon"]).read(f"/orders/{number}/").status_code == 200
    assert [o["number"] for o in program(locations=["lyon"]).read("/orders/").json()["results"]] == [number]


def test_who_sent_an_order_from_outside_its_channel_sees_it(channel: SalesChannel, item: Item) -> None:
    put_on_hand(item, LocationFactory.create(code="outlet"), 5)
    number = program().send("/orders/", body(("TEE-S", 1))).json()["number"]
    outlet = program(locations=["outlet"])
    assert outlet.read(f"/orders/{number}/").status_code == 404

    sent = program().send(f"/orders/{number}/ship/", {"location": "outlet"})

    assert outlet.read(f"/orders/{number}/").status_code == 200
    assert outlet.read(f"/shipments/{sent.json()['number']}/").status_code == 200
