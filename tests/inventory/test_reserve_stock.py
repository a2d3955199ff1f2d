"""Promising stock, and what becomes of promises whose time runs out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from inventory.models import Reservation, StockLevel, StockMovement, WaitingDemand
from inventory.services.reserving import NotEnoughStock, Request, Wanted, release_expired_reservations, reserve_stock
from inventory.tasks import release_expired_reservations as sweep
from retailhub.outbox.models import OutboxEvent
from tests.books import figures, last_event, published
from tests.factories.inventory import LocationFactory, pool_of, put_on_hand, receive, request_for, reserve

pytestmark = pytest.mark.django_db

PAST = datetime(2020, 1, 1, tzinfo=UTC)


def soft(document: str, item: Any, quantity: int, location: Any, **kwargs: Any) -> Any:
    """Have a promise that has run out already."""
    return reserve(document, {item: quantity}, location, expires_at=PAST, **kwargs)


def test_promised_goods_stay_on_hand_but_are_not_available(lamp: Any, warehouse: Any) -> None:
    put_on_hand(lamp, warehouse, 5)
    event = last_event()

    outcome = reserve("cart:1", {lamp: 3}, warehouse)

    level = StockLevel.objects.get()
    assert (level.on_hand, level.reserved, level.available) == (5, 3, 2)
    assert (outcome.promises[0].reserved, outcome.promises[0].short, outcome.refusal) == (3, 0, None)
    assert Reservation.objects.get().document == "cart:1"
    assert published("inventory.stock_changed", after=event) == [{"item_ids": [lamp.pk]}]
    assert StockMovement.objects.count() == 1, "a promise moves no goods"


def test_what_is_short_waits(lamp: Any, warehouse: Any) -> None:
    put_on_hand(lamp, warehouse, 2)

    outcome = reserve("cart:1", {lamp: 5}, warehouse)

    assert (outcome.promises[0].reserved, outcome.promises[0].short) == (2, 3)
    demand = WaitingDemand.objects.get()
    assert (demand.document, demand.quantity, demand.location, demand.pool) == ("cart:1", 3, warehouse, None)


def test_all_or_nothing_names_every_short_line_and_promises_nothing(lamp: Any, rope: Any, warehouse: Any) -> None:
    put_on_hand(lamp, warehouse, 2)
    event = last_event()

    outcome = reserve("cart:1", {lamp: 3, rope: 1}, warehouse, all_or_nothing=True)

    assert isinstance(outcome.refusal, NotEnoughStock)
    assert [(e.pointer, e.extra["available"]) for e in outcome.refusal.errors] == [
        ("/lines/0/quantity", 2),
        ("/lines/1/quantity", 0),
    ]
    assert figures(lamp, warehouse) == (2, 0, 0, 0)
    assert not Reservation.objects.exists()
    assert not WaitingDemand.objects.exists()
    assert last_event() == event


def test_a_refused_request_does_not_stop_the_others(lamp: Any, warehouse: Any) -> None:
    put_on_hand(lamp, warehouse, 3)

    first, second, third = reserve_stock(
        requests=[
            request_for("cart:1", {lamp: 2}, [warehouse]),
            request_for("cart:2", {lamp: 2}, [warehouse], all_or_nothing=True),
            request_for("cart:3", {lamp: 1}, [warehouse], all_or_nothing=True),
        ],
        actor="test",
    )

    assert (first.refusal, third.refusal) == (None, None)
    assert isinstance(second.refusal, NotEnoughStock)
    assert figures(lamp, warehouse) == (3, 3, 0, 0)


def test_requests_are_served_in_the_order_given(lamp: Any, warehouse: Any) -> None:
    put_on_hand(lamp, warehouse, 3)

    first, second = reserve_stock(
        requests=[request_for(f"cart:{n}", {lamp: 2}, [warehouse]) for n in (1, 2)], actor="test"
    )

    assert (first.promises[0].reserved, second.promises[0].reserved) == (2, 1)


def test_damaged_and_held_goods_are_not_promised(lamp: Any, warehouse: Any) -> None:
    receive(lamp, warehouse, 3, bucket="damaged")
    receive(lamp, warehouse, 3, bucket="on_hold")

    assert reserve("cart:1", {lamp: 1}, warehouse).promises[0].reserved == 0


def test_places_are_taken_in_order_and_one_that_has_all_comes_first(lamp: Any, warehouse: Any, shop: Any) -> None:
    put_on_hand(lamp, warehouse, 2)
    put_on_hand(lamp, shop, 3)

    reserve("cart:1", {lamp: 3}, warehouse, shop)
    reserve("cart:2", {lamp: 2}, warehouse, shop)

    assert figures(lamp, shop) == (3, 3, 0, 0)
    assert figures(lamp, warehouse) == (2, 2, 0, 0)


def test_one_line_is_split_when_no_place_has_it_all(lamp: Any, warehouse: Any, shop: Any) -> None:
    put_on_hand(lamp, warehouse, 2)
    put_on_hand(lamp, shop, 2)

    outcome = reserve("cart:1", {lamp: 3}, warehouse, shop)

    assert sorted(outcome.promises[0].places.values()) == [1, 2]
    assert Reservation.objects.count() == 2


def test_the_same_item_on_two_lines_is_not_promised_twice(lamp: Any, warehouse: Any) -> None:
    put_on_hand(lamp, warehouse, 3)
    wanted = [Wanted(line=n, sku=lamp.sku, quantity=2, parts={lamp.pk: 1}) for n in (1, 2)]

    (outcome,) = reserve_stock(
        requests=[
            Request(
                document="cart:1",
                wanted=wanted,
                location_ids=[warehouse.pk],
                only_location_id=warehouse.pk,
                promised_at=timezone.now(),
                all_or_nothing=True,
            )
        ],
        actor="test",
    )

    assert outcome.refusal is not None
    assert not Reservation.objects.exists()


def test_a_kit_is_promised_whole_from_one_place_before_it_is_gathered(
    lamp: Any, rope: Any, warehouse: Any, shop: Any
) -> None:
    put_on_hand(lamp, warehouse, 5)
    put_on_hand(rope, warehouse, 1)
    put_on_hand(lamp, shop, 1)
    put_on_hand(rope, shop, 4)

    (outcome,) = reserve_stock(
        requests=[
            Request(
                document="cart:1",
                wanted=[Wanted(line=1, sku="KIT", quantity=3, parts={lamp.pk: 1, rope.pk: 2})],
                location_ids=[warehouse.pk, shop.pk],
                pool_id=pool_of(warehouse, shop).pk,
                promised_at=timezone.now(),
            )
        ],
        actor="test",
    )

    # One from the shop whole; for the other two there are 5 lamps but only 3 ropes left.
    assert (outcome.promises[0].reserved, outcome.promises[0].short) == (2, 1)
    assert StockLevel.objects.get(item=rope, location=shop).available == 0
    assert WaitingDemand.objects.get().item == rope
    assert WaitingDemand.objects.get().quantity == 1


def test_promises_without_places_wait_in_the_pool(lamp: Any) -> None:
    empty = pool_of()

    (outcome,) = reserve_stock(
        requests=[
            Request(
                document="cart:1",
                wanted=[Wanted(line=1, sku=lamp.sku, quantity=2, parts={lamp.pk: 1})],
                location_ids=[],
                pool_id=empty.pk,
                promised_at=timezone.now(),
            )
        ],
        actor="test",
    )

    assert outcome.promises[0].short == 2
    assert WaitingDemand.objects.get().pool == empty


# --- time runs out ---------------------------------------------------------------------------------------------------


def test_an_expired_promise_makes_way_before_anybody_is_refused(lamp: Any, warehouse: Any) -> None:
    put_on_hand(lamp, warehouse, 3)
    soft("cart:1", lamp, 3, warehouse)

    outcome = reserve("cart:2", {lamp: 2}, warehouse, all_or_nothing=True)

    assert outcome.refusal is None
    assert figures(lamp, warehouse) == (3, 2, 0, 0)
    assert Reservation.objects.get(document="cart:1").released == 3


def test_an_expired_promise_is_left_alone_while_there_is_enough(lamp: Any, warehouse: Any) -> None:
    put_on_hand(lamp, warehouse, 5)
    soft("cart:1", lamp, 3, warehouse)

    reserve("cart:2", {lamp: 2}, warehouse)

    assert Reservation.objects.get(document="cart:1").open_quantity == 3


def test_a_promise_whose_time_is_not_up_is_not_swept(lamp: Any, warehouse: Any) -> None:
    put_on_hand(lamp, warehouse, 3)
    reserve("cart:1", {lamp: 3}, warehouse, expires_at=timezone.now() + timedelta(minutes=10))
    reserve("cart:2", {lamp: 3}, warehouse)

    assert release_expired_reservations() == 0
    assert Reservation.objects.get(document="cart:1").open_quantity == 3
    assert WaitingDemand.objects.get(document="cart:2").quantity == 3


def test_the_sweep_frees_what_ran_out_once(lamp: Any, rope: Any, warehouse: Any) -> None:
    put_on_hand(lamp, warehouse, 3)
    put_on_hand(rope, warehouse, 1)
    soft("cart:1", lamp, 2, warehouse)
    soft("cart:2", rope, 1, warehouse)
    reserve("cart:3", {lamp: 1}, warehouse)
    event = last_event()

    assert release_expired_reservations() == 2, "two places"
    assert release_expired_reservations() == 0
    assert figures(lamp, warehouse) == (3, 1, 0, 0)
    assert figures(rope, warehouse) == (1, 0, 0, 0)
    assert published("inventory.stock_changed", after=event) == [{"item_ids": sorted([lamp.pk, rope.pk])}]


def test_the_sweep_works_in_batches_until_nothing_is_due(lamp: Any, warehouse: Any, shop: Any) -> None:
    for location in (warehouse, shop, LocationFactory.create()):
        put_on_hand(lamp, location, 2)
        soft(f"cart:{location.code}", lamp, 2, location)

    assert release_expired_reservations(most=1) == 1
    sweep()

    assert not Reservation.objects.open().exists()


def test_what_the_sweep_frees_goes_to_who_waits_oldest_promise_first(lamp: Any, warehouse: Any) -> None:
    put_on_hand(lamp, warehouse, 3)
    reserve("cart:1", {lamp: 3}, warehouse, expires_at=timezone.now() + timedelta(minutes=10))
    reserve("cart:late", {lamp: 2}, warehouse, promised_at=datetime(2026, 11, 2, tzinfo=UTC))
    reserve("cart:early", {lamp: 2}, warehouse, promised_at=datetime(2026, 11, 1, tzinfo=UTC))
    Reservation.objects.filter(document="cart:1").update(expires_at=PAST)

    release_expired_reservations()

    assert figures(lamp, warehouse) == (3, 3, 0, 0)
    assert WaitingDemand.objects.get(document="cart:early").quantity == 0
    assert WaitingDemand.objects.get(document="cart:late").quantity == 1
    assert published("inventory.demand_served")[-1] == {"documents": ["cart:early", "cart:late"]}


def test_who_waited_comes_before_a_newcomer_who_finds_expired_promises(lamp: Any, warehouse: Any) -> None:
    put_on_hand(lamp, warehouse, 2)
    reserve("cart:1", {lamp: 2}, warehouse, expires_at=timezone.now() + timedelta(minutes=10))
    reserve("cart:old", {lamp: 1}, warehouse)
    Reservation.objects.filter(document="cart:1").update(expires_at=PAST)

    outcome = reserve("cart:new", {lamp: 2}, warehouse)

    assert outcome.promises[0].reserved == 1
    assert WaitingDemand.objects.get(document="cart:old").quantity == 0
    assert WaitingDemand.objects.get(document="cart:new").quantity == 1


def test_a_document_that_comes_back_after_its_time_gets_a_new_term(lamp: Any, warehouse: Any) -> None:
    put_on_hand(lamp, warehouse, 2)
    soft("cart:1", lamp, 2, warehouse)
    release_expired_reservations()

    reserve("cart:1", {lamp: 2}, warehouse)

    assert release_expired_reservations() == 0
    assert figures(lamp, warehouse) == (2, 2, 0, 0)


def test_a_promise_asked_for_again_keeps_the_longer_term(lamp: Any, warehouse: Any) -> None:
    put_on_hand(lamp, warehouse, 5)
    soon, later = timezone.now() + timedelta(minutes=5), timezone.now() + timedelta(minutes=10)

    reserve("cart:1", {lamp: 1}, warehouse, expires_at=later)
    reserve("cart:1", {lamp: 1}, warehouse, expires_at=soon)
    assert Reservation.objects.get().expires_at == later

    reserve("cart:1", {lamp: 1}, warehouse)
    assert (Reservation.objects.get().expires_at, Reservation.objects.get().quantity) == (None, 3)


def test_a_document_that_is_served_from_expired_promises_and_asks_for_more_waits_for_the_rest(
    lamp: Any, warehouse: Any
) -> None:
    put_on_hand(lamp, warehouse, 1)
    reserve("cart:soft", {lamp: 1}, warehouse, expires_at=timezone.now() + timedelta(minutes=10))
    reserve("cart:1", {lamp: 2}, warehouse)
    Reservation.objects.filter(document="cart:soft").update(expires_at=PAST)

    reserve("cart:1", {lamp: 3}, warehouse)

    assert Reservation.objects.get(document="cart:1").quantity == 1
    assert WaitingDemand.objects.get(document="cart:1").quantity == 4


def test_one_document_twice_in_a_call_waits_once(lamp: Any, warehouse: Any) -> None:
    reserve_stock(requests=[request_for("cart:1", {lamp: 2}, [warehouse])] * 2, actor="test")

    assert WaitingDemand.objects.get().quantity == 4


def test_nothing_wanted_promises_nothing(warehouse: Any) -> None:
    assert reserve_stock(requests=[], actor="test") == []
    assert not OutboxEvent.objects.exists()


def test_a_cart_gets_what_is_there_and_waits_for_nothing(lamp: Any, warehouse: Any) -> None:
    put_on_hand(lamp, warehouse, 2)

    outcome = reserve("cart:1", {lamp: 5}, warehouse, expires_at=timezone.now() + timedelta(minutes=10))
    receive(lamp, warehouse, 9)

    assert (outcome.promises[0].reserved, outcome.promises[0].short) == (2, 3)
    assert not WaitingDemand.objects.exists()
    assert figures(lamp, warehouse) == (11, 2, 0, 0)


def test_a_pack_of_one_item_is_gathered_from_several_places_and_waits_only_for_what_is_missing(
    lamp: Any, warehouse: Any, shop: Any
) -> None:
    put_on_hand(lamp, warehouse, 3)
    put_on_hand(lamp, shop, 2)

    (outcome,) = reserve_stock(
        requests=[
            Request(
                document="cart:1",
                wanted=[Wanted(line=1, sku="PACK", quantity=3, parts={lamp.pk: 2})],
                location_ids=[warehouse.pk, shop.pk],
                pool_id=pool_of(warehouse, shop).pk,
                promised_at=PAST,
            )
        ],
        actor="test",
    )

    assert (outcome.promises[0].reserved, outcome.promises[0].short) == (2, 1)
    assert (figures(lamp, warehouse)[1], figures(lamp, shop)[1]) == (3, 2)
    assert WaitingDemand.objects.get().quantity == 1
