"""Who waits is served, oldest promise first, across documents, places and pools."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from inventory.models import Reservation, StockPoolLocation, WaitingDemand
from inventory.services.serving import serve_documents
from tests.books import figures, last_event, published
from tests.factories.inventory import pool_of, put_on_hand, receive, reserve

pytestmark = pytest.mark.django_db


def on(day: int) -> datetime:
    return datetime(2026, 11, day, tzinfo=UTC)


def waits(document: str) -> int:
    return sum(WaitingDemand.objects.filter(document=document).values_list("quantity", flat=True))


def test_the_oldest_promise_comes_first_whatever_was_written_first(lamp: Any, warehouse: Any) -> None:
    reserve("cart:late", {lamp: 2}, warehouse, promised_at=on(3))
    reserve("cart:early", {lamp: 2}, warehouse, promised_at=on(1))
    reserve("cart:middle", {lamp: 2}, warehouse, promised_at=on(2))

    answer = receive(lamp, warehouse, 3)

    assert answer.served == {"cart:early": 2, "cart:middle": 1}
    assert (waits("cart:early"), waits("cart:middle"), waits("cart:late")) == (0, 1, 2)
    assert published("inventory.demand_served") == [{"documents": ["cart:early", "cart:middle"]}]


def test_two_pools_that_share_a_place_stand_in_one_queue(lamp: Any, warehouse: Any, shop: Any) -> None:
    web, till = pool_of(warehouse, shop), pool_of(shop)
    reserve("cart:web", {lamp: 2}, warehouse, shop, pool=web, promised_at=on(2))
    reserve("cart:till", {lamp: 2}, shop, pool=till, promised_at=on(1))

    receive(lamp, warehouse, 1)
    assert (waits("cart:web"), waits("cart:till")) == (1, 2), "the till does not sell from the warehouse"

    receive(lamp, shop, 2)
    assert (waits("cart:web"), waits("cart:till")) == (1, 0)


def test_a_document_that_waits_at_one_place_is_served_there_only(lamp: Any, warehouse: Any, shop: Any) -> None:
    reserve("cart:1", {lamp: 2}, shop)

    receive(lamp, warehouse, 5)
    assert waits("cart:1") == 2
    receive(lamp, shop, 5)
    assert waits("cart:1") == 0


def test_only_the_goods_that_came_are_given_out(lamp: Any, rope: Any, warehouse: Any) -> None:
    reserve("cart:1", {lamp: 2, rope: 1}, warehouse)

    receive(lamp, warehouse, 5)

    assert (figures(lamp, warehouse), figures(rope, warehouse)) == ((5, 2, 0, 0), (0, 0, 0, 0))
    assert waits("cart:1") == 1


def test_a_place_added_to_the_pool_serves_who_is_looked_for(lamp: Any, warehouse: Any, shop: Any) -> None:
    pool = pool_of(warehouse)
    reserve("cart:1", {lamp: 2}, warehouse, pool=pool, promised_at=on(2))
    reserve("cart:2", {lamp: 2}, warehouse, pool=pool, promised_at=on(1))
    put_on_hand(lamp, shop, 3)
    StockPoolLocation.objects.create(pool=pool, location=shop, position=1)

    served = serve_documents(documents=["cart:1"], actor="test")

    assert served == {"cart:2": 2, "cart:1": 1}, "asking for one does not let him pass the other"
    event = last_event()
    assert serve_documents(documents=["cart:1"], actor="test") == {}
    assert serve_documents(documents=["cart:none"], actor="test") == {}
    assert last_event() == event


def test_served_in_parts_is_one_reservation_per_place(lamp: Any, warehouse: Any, shop: Any) -> None:
    pool = pool_of(warehouse, shop)
    reserve("cart:1", {lamp: 5}, warehouse, shop, pool=pool)

    for _ in range(2):
        receive(lamp, warehouse, 2)
    receive(lamp, shop, 2)

    assert sorted(Reservation.objects.values_list("quantity", flat=True)) == [1, 4]
    assert figures(lamp, shop) == (2, 1, 0, 0)
