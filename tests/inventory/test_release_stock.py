"""Giving promises back."""

from __future__ import annotations

from typing import Any

import pytest

from inventory.models import Reservation, WaitingDemand
from inventory.services.releasing import release_stock
from inventory.services.reserving import Request, Wanted, reserve_stock
from tests.books import figures, last_event, published
from tests.factories.inventory import put_on_hand, request_for, reserve

pytestmark = pytest.mark.django_db


def test_all_that_a_document_holds_and_waits_for_is_given_back_once(lamp: Any, rope: Any, warehouse: Any) -> None:
    put_on_hand(lamp, warehouse, 5)
    reserve("cart:1", {lamp: 3, rope: 2}, warehouse)
    reserve("cart:2", {lamp: 1}, warehouse)

    assert release_stock(document="cart:1", actor="test") == 5
    event = last_event()
    assert release_stock(document="cart:1", actor="test") == 0

    assert figures(lamp, warehouse) == (5, 1, 0, 0)
    assert WaitingDemand.objects.get().quantity == 0
    assert Reservation.objects.get(document="cart:2").open_quantity == 1
    assert last_event() == event


def test_waiting_goes_first_then_what_was_reserved(lamp: Any, warehouse: Any) -> None:
    put_on_hand(lamp, warehouse, 3)
    reserve("cart:1", {lamp: 5}, warehouse)

    release_stock(document="cart:1", quantities={(1, lamp.pk): 1}, actor="test")
    assert (WaitingDemand.objects.get().quantity, figures(lamp, warehouse)) == (1, (3, 3, 0, 0))

    release_stock(document="cart:1", quantities={(1, lamp.pk): 2}, actor="test")
    assert (WaitingDemand.objects.get().quantity, figures(lamp, warehouse)) == (0, (3, 2, 0, 0))


def test_more_than_there_is_gives_back_what_there_is(lamp: Any, warehouse: Any) -> None:
    put_on_hand(lamp, warehouse, 3)
    reserve("cart:1", {lamp: 3}, warehouse)

    assert release_stock(document="cart:1", quantities={(1, lamp.pk): 99, (7, lamp.pk): 1}, actor="test") == 3
    assert figures(lamp, warehouse) == (3, 0, 0, 0)


def test_what_is_freed_serves_others_at_once(lamp: Any, warehouse: Any) -> None:
    put_on_hand(lamp, warehouse, 3)
    reserve("cart:1", {lamp: 3}, warehouse)
    reserve("cart:2", {lamp: 2}, warehouse)

    release_stock(document="cart:1", actor="test")

    assert figures(lamp, warehouse) == (3, 2, 0, 0)
    assert published("inventory.demand_served") == [{"documents": ["cart:2"]}]


def test_what_one_line_frees_serves_another_line_of_the_same_document(lamp: Any, warehouse: Any) -> None:
    put_on_hand(lamp, warehouse, 2)
    whole = request_for("cart:1", {lamp: 2}, [warehouse])
    reserve_stock(
        requests=[
            Request(
                document="cart:1",
                wanted=[Wanted(line=n, sku=lamp.sku, quantity=2, parts={lamp.pk: 1}) for n in (1, 2)],
                location_ids=whole.location_ids,
                only_location_id=warehouse.pk,
                promised_at=whole.promised_at,
            )
        ],
        actor="test",
    )

    release_stock(document="cart:1", quantities={(1, lamp.pk): 2}, actor="test")

    assert figures(lamp, warehouse) == (2, 2, 0, 0)
    assert Reservation.objects.get(line=2).open_quantity == 2
    assert WaitingDemand.objects.get(line=2).quantity == 0


def test_an_unknown_document_is_nothing_to_give_back(lamp: Any) -> None:
    assert release_stock(document="cart:none", actor="test") == 0
