"""Orders are read and moved on by verbs."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from inventory.models import Item, Location, StockLevel
from orders.models import SalesChannel, Shipment
from tests.factories.core import Program, program
from tests.factories.inventory import ItemFactory, LocationFactory, pool_of, put_on_hand
from tests.factories.orders import SalesChannelFactory, placed

pytestmark = pytest.mark.django_db


@pytest.fixture
def paris() -> Location:
    return LocationFactory.create(code="paris")


@pytest.fixture
def web(paris: Location) -> SalesChannel:
    return SalesChannelFactory.create(code="web", pool=pool_of(paris))


@pytest.fixture
def tee(paris: Location) -> Item:
    tee = ItemFactory.create(sku="TEE-S")
    put_on_hand(tee, paris, 10)
    return tee


@pytest.fixture
def order(web: SalesChannel, tee: Item, paris: Location) -> str:
    """TEE-S on two lines, and a mug."""
    put_on_hand(ItemFactory.create(sku="MUG"), paris, 5)
    return placed(web, "1001", ("TEE-S", 2), ("TEE-S", 1), ("MUG", 3)).number


def do(client: Program, order: str, verb: str, body: Any = None, *, key: str | None = "") -> Any:
    return client.send(f"/orders/{order}/{verb}/", body, key=key)


def reserved(item: Item) -> int:
    return StockLevel.objects.get(item=item).reserved


def test_an_order_is_cancelled_whole_or_line_by_line(order: str, tee: Item) -> None:
    client = program()

    part = do(client, order, "cancel", {"lines": [{"line": 2, "quantity": 1}, {"sku": "MUG", "quantity": 1}]}).json()
    assert [line["cancelled"] for line in part["lines"]] == [0, 1, 1]
    assert (part["status"], reserved(tee)) == ("allocated", 2)
    rest = do(client, order, "cancel", {"reason": "changed her mind"}).json()
    assert (rest["status"], reserved(tee)) == ("cancelled", 0)
    assert rest == client.read(f"/orders/{order}/").json()


def test_cancelling_takes_a_key_and_happens_once(order: str, tee: Item) -> None:
    client = program()
    body = {"lines": [{"line": 1, "quantity": 1}]}

    assert do(client, order, "cancel", body, key=None).json()["code"] == "idempotency_key_required"
    first, again = (do(client, order, "cancel", body, key="k") for _ in range(2))

    assert first.content == again.content
    assert again["Idempotency-Replayed"] == "true"
    assert reserved(tee) == 2


@pytest.mark.parametrize(
    ("lines", "status", "code", "pointer"),
    [
        ([{"sku": "TEE-S", "quantity": 1}], 409, "ambiguous_line", "/lines/0/sku"),
        ([{"line": 9, "quantity": 1}], 422, "unknown_line", "/lines/0"),
        ([{"sku": "NO", "quantity": 1}], 422, "unknown_line", "/lines/0"),
        ([{"line": 1, "quantity": 3}], 409, "nothing_to_cancel", "/lines/0/quantity"),
        ([{"quantity": 3}], 400, "invalid", "/lines/0"),
        ([], 400, "invalid", "/lines"),
        ([{"line": 0, "quantity": 3}], 400, "invalid", "/lines/0/line"),
    ],
)
def test_lines_that_cannot_be_cancelled_are_named(
    order: str, tee: Item, lines: list[Any], status: int, code: str, pointer: str
) -> None:
    answer = do(program(), order, "cancel", {"lines": lines})

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.json()["errors"][0]["pointer"] == pointer
    assert reserved(tee) == 3


def test_an_order_is_held_and_let_go(order: str) -> None:
    client = program()

    held = do(client, order, "hold", {"reason": "address?"}, key=None).json()
    assert (held["status"], held["held_reason"]) == ("held", "address?")
    refused = do(client, order, "ship", {"location": "paris"})
    assert (refused.status_code, refused.json()["code"], refused.json()["current_status"]) == (
        409, "wrong_state", "held",
    )  # fmt: skip
    assert do(client, order, "release").json()["status"] == "allocated"
    assert do(client, order, "release").json()["code"] == "wrong_state"
    assert do(client, order, "release", {"why": 1}).json()["code"] == "unknown_field"


def test_an_order_is_shipped_in_parcels(order: str, tee: Item) -> None:
    client = program()

    first = do(
        client,
        order,
        "ship",
        {"location": "paris", "lines": [{"line": 1, "quantity": 2}], "carrier": "post", "tracking_number": "RR1"},
    )
    assert first.status_code == 201
    parcel = first.json()
    assert (parcel["order"], parcel["location"], parcel["tracking_number"]) == (order, "paris", "RR1")
    assert parcel["lines"] == [{"line": 1, "sku": "TEE-S", "quantity": 2}]
    assert client.read(f"/shipments/{parcel['number']}/").json() == parcel
    assert client.read(f"/orders/{order}/").json()["status"] == "part_shipped"
    do(client, order, "ship", {"location": "paris"})
    whole = client.read(f"/orders/{order}/").json()
    assert (whole["status"], len(whole["shipments"])) == ("shipped", 2)
    over = do(client, order, "ship", {"location": "paris", "lines": [{"line": 1, "quantity": 1}]})
    assert over.status_code == 409


def test_shipping_from_where_nothing_is_says_so(order: str, tee: Item) -> None:
    LocationFactory.create(code="lyon")
    client = program()

    elsewhere = do(client, order, "ship", {"location": "lyon"})
    nowhere = do(client, order, "ship", {"location": "moon"})

    assert elsewhere.status_code == 409
    assert elsewhere.json()["errors"]
    assert (nowhere.status_code, nowhere.json()["code"]) == (422, "unknown_location")
    assert not Shipment.objects.exists()


def test_verbs_that_are_not_built_yet_say_so(order: str) -> None:
    for verb in ("route", "ready-for-pickup", "hand-over"):
        answer = do(program(), order, verb)
        assert (answer.status_code, answer.json()["code"]) == (409, "not_available_yet")


def test_who_may_not_see_an_order_hears_that_there_is_none(order: str, web: SalesChannel) -> None:
    LocationFactory.create(code="lyon")
    SalesChannelFactory.create(code="market", pool=web.pool)
    number = do(program(), order, "ship", {"location": "paris", "lines": [{"line": 1, "quantity": 1}]}).json()["number"]

    for client in (program(channel="market"), program(locations=["lyon"])):
        assert client.read(f"/orders/{order}/").status_code == 404
        assert client.read("/orders/").json()["results"] == []
        assert client.read(f"/shipments/{number}/").status_code == 404
        for verb in ("cancel", "hold", "release", "ship", "route"):
            assert do(client, order, verb, {}).status_code == 404
    assert program(channel="web", locations=["paris"]).read(f"/orders/{order}/").status_code == 200


def test_orders_are_found_by_what_is_known_of_them(order: str, web: SalesChannel) -> None:
    later = placed(web, "1002", ("TEE-S", 1)).number
    client = program()
    do(client, later, "cancel")

    def found(**query: Any) -> list[str]:
        return [row["number"] for row in client.read("/orders/", **query).json()["results"]]

    assert found() == [later, order]
    assert found(status="cancelled") == [later]
    assert found(external_reference="1001") == [order]
    assert found(channel="web", status="allocated") == [order]
    assert found(channel="nowhere") == []
    assert found(placed_at__gte="2026-11-22T10:00:00Z") == [later, order]
    assert found(placed_at__gte="2026-11-22T10:00:01Z") == []
    assert found(placed_at__lt="2026-11-22T10:00:01Z") == [later, order]
    assert client.get("/api/v1/orders/?placed_at__gte=2026-11-22T11:00:01+01:00").json()["results"] == []
    assert found(customer=5) == []
    bad: list[dict[str, Any]] = [
        {"status": "lost"},
        {"placed_at__gte": "now"},
        {"placed_at__lt": "2026-11-22"},
        {"customer": "x"},
        {"customer": 10**30},
        {"customer": "1.5"},
        {"sku": "x"},
    ]
    for query in bad:
        assert client.read("/orders/", **query).status_code == 400


def test_reading_costs_the_same_however_much_there_is(order: str, web: SalesChannel) -> None:
    small = placed(web, "1002", ("TEE-S", 1)).number
    client = program()
    client.read("/orders/")

    def count(path: str, **query: Any) -> int:
        with CaptureQueriesContext(connection) as queries:
            assert client.read(path, **query).status_code == 200
        return len(queries)

    assert count("/orders/", page_size=1) == count("/orders/") == 2
    assert count(f"/orders/{small}/") == count(f"/orders/{order}/")
