"""Promised goods that leave for a customer."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from inventory.models import CostPool, Reservation, StockMovement, WaitingDemand
from inventory.services.consuming import Leaving, NotThere, consume_stock
from tests.books import figures, last_event, published
from tests.factories.inventory import pool_of, put_on_hand, reserve

pytestmark = pytest.mark.django_db


def leave(document: str, item: Any, quantity: int, location: Any, line: int = 1) -> None:
    consume_stock(
        document=document,
        location=location,
        leaving=[Leaving(line=line, item_id=item.pk, quantity=quantity, sku=item.sku)],
        actor="test",
    )


def test_goods_leave_with_their_value_and_the_promise_is_used_up(lamp: Any, warehouse: Any) -> None:
    put_on_hand(lamp, warehouse, 5, "4.00")
    reserve("cart:1", {lamp: 3}, warehouse)
    event = last_event()

    leave("cart:1", lamp, 2, warehouse)

    assert figures(lamp, warehouse) == (3, 1, 0, 0)
    reservation = Reservation.objects.get()
    assert (reservation.consumed, reservation.released, reservation.open_quantity) == (2, 0, 1)
    sale = StockMovement.objects.get(reason="sale")
    assert (sale.quantity, sale.value, sale.to_location.code, sale.line) == (2, 8, "@customer", 1)
    assert CostPool.objects.get().value == 12
    assert published("inventory.stock_changed", after=event) == [{"item_ids": [lamp.pk]}]


def test_free_goods_here_may_be_used_and_the_promise_elsewhere_is_given_back(
    lamp: Any, warehouse: Any, shop: Any
) -> None:
    put_on_hand(lamp, warehouse, 3)
    reserve("cart:1", {lamp: 3}, warehouse, pool=pool_of(warehouse, shop))
    put_on_hand(lamp, shop, 2)

    leave("cart:1", lamp, 2, shop)

    assert figures(lamp, shop) == (0, 0, 0, 0)
    assert figures(lamp, warehouse) == (3, 1, 0, 0)


def test_what_is_given_back_elsewhere_serves_who_waits_there(lamp: Any, warehouse: Any, shop: Any) -> None:
    put_on_hand(lamp, warehouse, 3)
    reserve("cart:1", {lamp: 3}, warehouse)
    reserve("cart:2", {lamp: 2}, warehouse)
    put_on_hand(lamp, shop, 3)

    leave("cart:1", lamp, 3, shop)

    assert figures(lamp, warehouse) == (3, 2, 0, 0)
    assert published("inventory.demand_served") == [{"documents": ["cart:2"]}]


def test_goods_that_are_not_promised_cover_what_was_waited_for_first(lamp: Any, warehouse: Any, shop: Any) -> None:
    """Otherwise goods would come free at a place for which the same document goes on waiting."""
    put_on_hand(lamp, warehouse, 3)
    reserve("cart:1", {lamp: 5}, warehouse)
    put_on_hand(lamp, shop, 2)

    leave("cart:1", lamp, 2, shop)

    assert WaitingDemand.objects.get().quantity == 0
    assert figures(lamp, warehouse) == (3, 3, 0, 0)


def test_goods_promised_to_others_do_not_leave(lamp: Any, warehouse: Any) -> None:
    put_on_hand(lamp, warehouse, 5)
    reserve("cart:1", {lamp: 4}, warehouse)
    event = last_event()

    with pytest.raises(NotThere) as refusal:
        leave("cart:2", lamp, 2, warehouse)

    assert [(e.pointer, e.code, e.extra["available"]) for e in refusal.value.errors] == [
        ("/lines/0/quantity", "not_enough_stock", 1)
    ]
    assert figures(lamp, warehouse) == (5, 4, 0, 0)
    assert not StockMovement.objects.filter(reason="sale").exists()
    assert last_event() == event


def test_more_than_ones_own_promise_does_not_take_what_is_promised_to_others(lamp: Any, warehouse: Any) -> None:
    put_on_hand(lamp, warehouse, 5)
    reserve("cart:1", {lamp: 2}, warehouse)
    reserve("cart:2", {lamp: 5}, warehouse)

    with pytest.raises(NotThere) as refusal:
        leave("cart:2", lamp, 5, warehouse)

    assert refusal.value.errors[0].extra["available"] == 3
    assert figures(lamp, warehouse) == (5, 5, 0, 0)
    assert Reservation.objects.get(document="cart:2").open_quantity == 3


def test_every_short_line_is_named(lamp: Any, rope: Any, warehouse: Any) -> None:
    put_on_hand(lamp, warehouse, 1)

    with pytest.raises(NotThere) as refusal:
        consume_stock(
            document="cart:1",
            location=warehouse,
            leaving=[
                Leaving(line=1, item_id=lamp.pk, quantity=1),
                Leaving(line=2, item_id=rope.pk, quantity=1),
                Leaving(line=3, item_id=lamp.pk, quantity=1),
            ],
            actor="test",
        )

    assert [e.extra["line"] for e in refusal.value.errors] == [2, 3]
    assert figures(lamp, warehouse) == (1, 0, 0, 0)


def test_a_promise_is_used_once(lamp: Any, warehouse: Any) -> None:
    put_on_hand(lamp, warehouse, 3)
    reserve("cart:1", {lamp: 3}, warehouse)
    leave("cart:1", lamp, 3, warehouse)

    with pytest.raises(NotThere):
        leave("cart:1", lamp, 3, warehouse)

    assert StockMovement.objects.filter(reason="sale").count() == 1


def test_promises_to_others_that_have_run_out_stand_in_nobodys_way(lamp: Any, warehouse: Any) -> None:
    put_on_hand(lamp, warehouse, 4)
    reserve("cart:1", {lamp: 3}, warehouse, expires_at=datetime(2099, 1, 1, tzinfo=UTC))
    reserve("cart:mine", {lamp: 1}, warehouse, expires_at=datetime(2099, 1, 1, tzinfo=UTC))
    reserve("till:1", {lamp: 5}, warehouse)
    Reservation.objects.filter(document__startswith="cart:").update(expires_at=datetime(2020, 1, 1, tzinfo=UTC))

    leave("cart:mine", lamp, 2, warehouse)

    mine = Reservation.objects.get(document="cart:mine")
    assert (mine.consumed, mine.released) == (1, 0), "late, but in time to be used"
    assert Reservation.objects.get(document="cart:1").released == 3
    assert figures(lamp, warehouse) == (2, 2, 0, 0), "what is left over went to who waits"
