"""Taking orders into the book."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from customers.models import Customer, Identity
from customers.services.finding import Person
from inventory.models import Reservation, StockLevel, WaitingDemand
from inventory.services.reserving import NotEnoughStock
from orders.models import Order, OrderLine, SalesChannel
from orders.services.placing import DuplicateOrder, PlacedOrder, UnknownChannel, UnknownSkuOrdered, place_orders
from retailhub.outbox.models import OutboxEvent
from tests.factories.inventory import ItemFactory, LocationFactory, kit_of, pool_of, put_on_hand
from tests.factories.orders import SalesChannelFactory, new_order, placed

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop() -> Any:
    return LocationFactory.create(code="shop")


@pytest.fixture
def warehouse() -> Any:
    return LocationFactory.create(code="warehouse")


@pytest.fixture
def web(shop: Any, warehouse: Any) -> SalesChannel:
    return SalesChannelFactory.create(code="web", pool=pool_of(warehouse, shop))


def test_stock_is_promised_from_the_first_place_that_has_the_whole_order(
    web: SalesChannel, shop: Any, warehouse: Any
) -> None:
    lamp, rope = ItemFactory.create(), ItemFactory.create()
    put_on_hand(lamp, warehouse, 5)
    put_on_hand(lamp, shop, 5)
    put_on_hand(rope, shop, 2)

    answer = placed(web, "1", (lamp.sku, 2), (rope.sku, 1))

    assert answer.status == "allocated"
    assert [line.allocations for line in answer.lines] == [
        [{"location": "shop", "quantity": 2}],
        [{"location": "shop", "quantity": 1}],
    ]
    assert StockLevel.objects.get(item=lamp, location=shop).available == 3
    assert StockLevel.objects.get(item=lamp, location=warehouse).reserved == 0


def test_what_is_short_waits_and_the_order_is_kept(web: SalesChannel, warehouse: Any) -> None:
    lamp = ItemFactory.create()
    put_on_hand(lamp, warehouse, 3)

    answer = placed(web, "1", (lamp.sku, 5))

    assert (answer.status, answer.lines[0].reserved, answer.lines[0].short) == ("part_allocated", 3, 2)
    assert WaitingDemand.objects.get().quantity == 2
    assert OutboxEvent.objects.filter(name="orders.orders_short").count() == 1


def test_all_or_nothing_refuses_whole_and_leaves_nothing_behind(web: SalesChannel, warehouse: Any) -> None:
    plenty, scarce = ItemFactory.create(), ItemFactory.create()
    put_on_hand(plenty, warehouse, 10)
    put_on_hand(scarce, warehouse, 1)
    events = OutboxEvent.objects.count()

    (answer,) = place_orders(
        batch=[
            new_order(
                web, "1", (plenty.sku, 3), (scarce.sku, 2), all_or_nothing=True, customer=Person(email="a@example.org")
            )
        ],
        actor="test",
    )

    assert isinstance(answer, NotEnoughStock)
    assert [e.as_dict()["available"] for e in answer.errors] == [1]
    assert answer.errors[0].pointer == "/lines/1/quantity"
    assert not Order.objects.exists()
    assert not Reservation.objects.exists()
    assert not Customer.objects.exists()
    assert OutboxEvent.objects.count() == events


def test_one_sku_on_two_lines_is_not_promised_twice(web: SalesChannel, warehouse: Any) -> None:
    lamp = ItemFactory.create()
    put_on_hand(lamp, warehouse, 3)

    answer = placed(web, "1", (lamp.sku, 2), (lamp.sku, 2))

    assert [(line.reserved, line.short) for line in answer.lines] == [(2, 0), (1, 1)]


def test_a_kit_reserves_its_components_beside_a_line_of_its_own_component(web: SalesChannel, warehouse: Any) -> None:
    tent, peg = ItemFactory.create(), ItemFactory.create()
    camp = kit_of({tent: 1, peg: 8})
    put_on_hand(tent, warehouse, 2)
    put_on_hand(peg, warehouse, 20)

    answer = placed(web, "1", (camp.sku, 2), (peg.sku, 5))

    assert [(line.reserved, line.short) for line in answer.lines] == [(2, 0), (4, 1)]
    assert StockLevel.objects.get(item=peg, location=warehouse).available == 0


def test_the_same_order_again_is_one_order(web: SalesChannel, warehouse: Any) -> None:
    lamp = ItemFactory.create()
    put_on_hand(lamp, warehouse, 10)
    first = placed(web, "1", (lamp.sku, 2))

    again = placed(web, "1", (lamp.sku, 2))

    assert (first.created, again.created, again.number) == (True, False, first.number)
    assert again.lines[0].reserved == 2
    assert OrderLine.objects.count() == 1
    assert StockLevel.objects.get(item=lamp, location=warehouse).reserved == 2


def test_another_order_under_a_known_reference_is_refused(web: SalesChannel) -> None:
    lamp = ItemFactory.create()
    placed(web, "1", (lamp.sku, 2))

    answers = place_orders(batch=[new_order(web, "1", (lamp.sku, 3))], actor="test")

    assert isinstance(answers[0], DuplicateOrder)


def test_twins_in_one_batch_are_one_order(web: SalesChannel) -> None:
    lamp = ItemFactory.create()

    answers = place_orders(
        batch=[
            new_order(web, "1", (lamp.sku, 2)),
            new_order(web, "1", (lamp.sku, 2)),
            new_order(web, "1", (lamp.sku, 9)),
        ],
        actor="test",
    )

    assert [type(a) for a in answers] == [PlacedOrder, PlacedOrder, DuplicateOrder]
    assert Order.objects.count() == 1


def test_bad_orders_do_not_stop_good_ones(web: SalesChannel) -> None:
    lamp = ItemFactory.create()
    unknown = SalesChannelFactory.build(code="nowhere")

    answers = place_orders(
        batch=[
            new_order(web, "1", ("NO-SUCH", 1), (lamp.sku, 1)),
            new_order(unknown, "2", (lamp.sku, 1)),
            new_order(web, "3", (lamp.sku, 1)),
        ],
        actor="test",
    )

    assert [type(a) for a in answers] == [UnknownSkuOrdered, UnknownChannel, PlacedOrder]
    assert Order.objects.count() == 1


def test_a_connector_keeps_a_line_it_cannot_map(web: SalesChannel) -> None:
    lamp = ItemFactory.create()

    answer = placed(web, "1", ("NO-SUCH", 1), (lamp.sku, 1), keep_unmapped=True)

    assert answer.lines[0].short == 1
    assert OrderLine.objects.get(line=1).item is None


def test_one_customer_across_orders(web: SalesChannel) -> None:
    lamp = ItemFactory.create()
    ana = Person(name="Ana", email="Ana@Example.org", phone="+33 6 12 34 56 78", external_id="c1", channel="web")

    placed(web, "1", (lamp.sku, 1), customer=ana)
    placed(web, "2", (lamp.sku, 1), customer=Person(name="A.", email="ana@example.org"))
    placed(web, "3", (lamp.sku, 1), customer=Person(phone="0033612345678"))

    assert Customer.objects.count() == 1
    assert Customer.objects.get().orders.count() == 3
    assert Identity.objects.count() == 3


@pytest.mark.parametrize("size", [1, 40])
def test_statements_do_not_grow_with_lines_or_orders(web: SalesChannel, warehouse: Any, size: int) -> None:
    items = [ItemFactory.create() for _ in range(5)]
    for item in items:
        put_on_hand(item, warehouse, 10_000)
    batch = [
        new_order(web, f"{size}-{n}", *[(item.sku, 1) for item in items], customer=Person(email=f"{n}@example.org"))
        for n in range(size)
    ]

    with CaptureQueriesContext(connection) as queries:
        place_orders(batch=batch, actor="test")

    assert len(queries) == 3, [q["sql"][:80] for q in queries]
