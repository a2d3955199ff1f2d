"""/suppliers/ and their price lists, as other people's programs call them."""

from __future__ import annotations

from typing import Any

import pytest

from inventory.models import Item
from purchasing.models import PriceBreak, Supplier, SupplierItem
from tests.factories.core import program
from tests.factories.inventory import ItemFactory, LocationFactory
from tests.factories.purchasing import TODAY, SupplierFactory, billed, issued, received, sells

pytestmark = pytest.mark.django_db

BODY: dict[str, Any] = {
    "code": "Siam",
    "name": "Siam Textiles",
    "currency": "THB",
    "language": "th",
    "payment_days": 45,
    "minimum_order": "1500.50",
    "tax_rate": "0.07",
    "address": {"line1": "88 Charoen Krung", "city": "Bangkok", "country": "TH"},
    "contacts": [{"name": "Nok", "role": "Orders", "email": "nok@siam.example", "phone": ""}],
    "identifiers": [{"kind": "gln", "value": "4006381333931"}],
}
ENTRY: dict[str, Any] = {
    "sku": "LAMP",
    "supplier_sku": "ST-1",
    "name": "Lamp, brass",
    "pack": {"code": "case", "numerator": 12, "denominator": 1},
    "minimum_quantity": 2,
    "multiple": 2,
    "is_preferred": True,
    "prices": [
        {"price": "24.00"},
        {"price": "22.50", "minimum_quantity": 10, "valid_from": "2026-01-01", "valid_until": "2026-12-31"},
    ],
}


@pytest.fixture
def lamp(db: None) -> Item:
    return ItemFactory.create(sku="LAMP")


@pytest.fixture
def rope(db: None) -> Item:
    return ItemFactory.create(sku="ROPE")


@pytest.fixture
def siam(db: None) -> Supplier:
    return SupplierFactory.create(code="SIAM", name="Siam Textiles")


def test_a_supplier_is_made_read_found_and_changed() -> None:
    client = program()

    made = client.send("/suppliers/", BODY)
    told = made.json()

    assert made.status_code == 201
    assert {name: told[name] for name in BODY} == BODY | {"tax_rate": "0.07"}
    assert client.read("/suppliers/siam/").json() == told
    for query in ({"search": "texti"}, {"identifier": "4006381-333931"}, {"status": "active"}):
        assert client.read("/suppliers/", **query).json()["results"] == [told], query
    assert client.read("/suppliers/", search="nobody").json()["results"] == []

    changed = client.send("/suppliers/SIAM/", {"payment_days": 60, "contacts": []}, method="patch")

    assert (changed.status_code, changed.json()["payment_days"], changed.json()["contacts"]) == (200, 60, [])
    assert changed.json()["identifiers"] == BODY["identifiers"]


def test_a_taken_code_and_a_taken_number_are_refused() -> None:
    client = program()
    client.send("/suppliers/", BODY)

    again = client.send("/suppliers/", BODY | {"code": "SIAM", "identifiers": []})
    number = client.send("/suppliers/", BODY | {"code": "OTHER"})

    assert (again.status_code, again.json()["code"]) == (409, "duplicate_supplier")
    assert (number.status_code, number.json()["code"]) == (409, "identifier_taken")
    assert number.json()["errors"][0]["pointer"] == "/identifiers/0/value"
    assert Supplier.objects.count() == 1


def test_every_wrong_place_of_a_supplier_is_named() -> None:
    wrong = BODY | {
        "order_email": "nobody",
        "contacts": [{"name": "Nok", "email": "a b"}],
        "identifiers": [{"kind": "gln", "value": "4006381333932"}],
    }

    answer = program().send("/suppliers/", wrong)

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    assert [e["pointer"] for e in answer.json()["errors"]] == [
        "/order_email",
        "/contacts/0/email",
        "/identifiers/0/value",
    ]
    assert not Supplier.objects.exists()


def test_a_price_list_is_put_read_and_sent_back_as_it_was_read(siam: Supplier, lamp: Item, rope: Item) -> None:
    sells(siam, rope, "1.00")
    client = program()

    put = client.send("/suppliers/siam/price-list/", {"currency": "EUR", "entries": [ENTRY]}, method="put")
    read = client.read("/suppliers/siam/price-list/", is_active="true").json()["results"]
    again = client.send("/suppliers/SIAM/price-list/", {"entries": read}, method="put")

    assert put.json() == {"results": [{"sku": "LAMP", "outcome": "new"}]}
    assert again.json() == {"results": [{"sku": "LAMP", "outcome": "same"}]}
    (entry,) = read
    assert {name: entry[name] for name in ENTRY if name != "prices"} == {
        n: x for n, x in ENTRY.items() if n != "prices"
    }
    assert [(p["minimum_quantity"], p["price"], p["valid_until"]) for p in entry["prices"]] == [
        (1, "24.00", None),
        (10, "22.50", "2026-12-31"),
    ]
    assert not SupplierItem.objects.get(item=rope).is_active
    assert client.read("/suppliers/SIAM/price-list/", sku="lamp").json()["results"] == read
    assert client.read("/suppliers/SIAM/price-list/", supplier_sku="st-1").json()["results"] == read


def test_a_part_of_a_list_leaves_the_rest(siam: Supplier, lamp: Item, rope: Item) -> None:
    sells(siam, rope, "1.00")
    client = program()

    answer = client.send("/suppliers/SIAM/price-list/", {"entries": [{"sku": "lamp"}]}, method="patch")

    assert answer.json() == {"results": [{"sku": "LAMP", "outcome": "new"}]}
    assert SupplierItem.objects.filter(is_active=True).count() == 2
    assert PriceBreak.objects.count() == 1


def test_a_list_in_another_currency_or_with_unknown_items_changes_nothing(siam: Supplier, lamp: Item) -> None:
    client = program()
    address = "/suppliers/SIAM/price-list/"

    currency = client.send(address, {"currency": "USD", "entries": [ENTRY]}, method="put")
    unknown = client.send(address, {"entries": [ENTRY, {"sku": "NO"}, {"sku": "NEITHER"}]}, method="patch")
    twice = client.send(address, {"entries": [ENTRY, {"sku": "lamp"}]}, method="patch")

    assert (currency.status_code, currency.json()["errors"][0]["pointer"]) == (400, "/currency")
    assert (unknown.status_code, unknown.json()["code"]) == (422, "unknown_sku")
    assert [e["pointer"] for e in unknown.json()["errors"]] == ["/entries/1/sku", "/entries/2/sku"]
    assert (twice.status_code, twice.json()["errors"][0]["pointer"]) == (400, "/entries/1/sku")
    assert not SupplierItem.objects.exists()


def test_prices_are_shown_to_whoever_sees_costs(siam: Supplier, lamp: Item) -> None:
    sells(siam, lamp, "24.00")
    client = program("purchasing:read")

    (entry,) = client.read("/suppliers/SIAM/price-list/").json()["results"]

    assert not {"prices", "last_price"} & set(entry)
    assert "minimum_order" not in client.read("/suppliers/SIAM/").json()


def test_a_scorecard_tells_each_figure_with_its_counts(siam: Supplier, lamp: Item) -> None:
    place = LocationFactory.create(code="warehouse")
    order = issued(siam, place, [(lamp, 4, "2.00")], expected_on=TODAY)
    received(order, received_on=TODAY)
    billed(order, [(lamp, 3, "2.00")], invoice_date=TODAY)
    billed(order, [(lamp, 1, "3.00")], invoice_date=TODAY)
    client = program()

    told = client.read("/suppliers/siam/scorecard/", since="2026-11-01", until="2026-11-30").json()
    listed = client.read("/supplier-scorecards/", since="2026-11-01", until="2026-11-30").json()["results"]
    without_costs = program("purchasing:read").read("/suppliers/SIAM/scorecard/", until="2026-11-30").json()

    assert told["on_time_in_full"] == {"count": 1, "of": 1, "percent": "100.0"}
    assert told["fill"] == {"count": 4, "of": 4, "percent": "100.0"}
    assert told["rejected"] == {"count": 0, "of": 4, "percent": "0.0", "damaged": 0, "wrong": 0, "refused": 0}
    assert told["late"] == {"lines": 0, "days": None, "days_most": 0}
    assert told["price_accuracy"] == {
        "count": 1, "of": 2, "percent": "50.0", "currency": "EUR", "billed": "9.00", "billed_above": "1.00",
        "billed_below": "0.00",
    }  # fmt: skip
    assert [x["month"] for x in told["months"]] == ["2026-11"]
    assert listed == [told]
    assert "billed" not in without_costs["price_accuracy"]


@pytest.mark.parametrize(
    "query", [{"since": "x"}, {"until": "2026-02-30"}, {"since": "2026-02-01", "until": "2026-01-01"}, {"day": "1"}]
)
def test_days_that_are_none_are_refused(siam: Supplier, query: dict[str, str]) -> None:
    for address in ("/suppliers/SIAM/scorecard/", "/supplier-scorecards/"):
        assert program().read(address, **query).status_code == 400


def test_the_lists_take_no_statement_per_row(siam: Supplier, django_assert_max_num_queries: Any) -> None:
    for number in range(30):
        sells(siam, ItemFactory.create(), str(number + 1))
        SupplierFactory.create()
    client = program()
    with django_assert_max_num_queries(9):
        assert len(client.read("/suppliers/SIAM/price-list/").json()["results"]) == 30
    with django_assert_max_num_queries(9):
        assert len(client.read("/supplier-scorecards/").json()["results"]) == 31
    with django_assert_max_num_queries(9):
        assert len(client.read("/suppliers/").json()["results"]) == 31
