"""Goods that change their state where they stand."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from inventory.models import Reservation, StockDocument, StockMovement
from inventory.services.adjusting import BelowReserved, BelowZero
from inventory.services.moving import MoveLine, move_stock
from retailhub.core.errors import Invalid
from tests.books import figures, last_event, published
from tests.factories.inventory import put_on_hand, receive, reserve

pytestmark = pytest.mark.django_db


def move(location: Any, *lines: tuple[Any, int, str, str], reason: str = "quality") -> StockDocument:
    return move_stock(
        location=location,
        reason=reason,
        lines=[MoveLine(sku=i.sku, quantity=n, from_bucket=a, to_bucket=b) for i, n, a, b in lines],
        actor="ana",
    )


def test_goods_go_from_one_state_to_another_and_keep_their_value(lamp: Any, warehouse: Any) -> None:
    put_on_hand(lamp, warehouse, 5, "4.00")

    paper = move(warehouse, (lamp, 2, "sellable", "on_hold"), (lamp, 1, "on_hold", "damaged"))

    assert figures(lamp, warehouse) == (3, 0, 1, 1)
    assert [m.value for m in StockMovement.objects.filter(document=paper.reference)] == [8, 4]
    assert paper.kind == "move"


def test_what_becomes_sellable_serves_who_waits(lamp: Any, warehouse: Any) -> None:
    receive(lamp, warehouse, 3, bucket="on_hold")
    reserve("cart:1", {lamp: 2}, warehouse)

    move(warehouse, (lamp, 3, "on_hold", "sellable"), reason="released")

    assert figures(lamp, warehouse) == (3, 2, 0, 0)
    assert published("inventory.demand_served") == [{"documents": ["cart:1"]}]


def test_what_is_promised_does_not_leave_the_shelf(lamp: Any, rope: Any, warehouse: Any) -> None:
    put_on_hand(lamp, warehouse, 5)
    reserve("cart:1", {lamp: 4}, warehouse)
    event = last_event()

    with pytest.raises(BelowReserved) as refusal:
        move(warehouse, (lamp, 2, "sellable", "damaged"))
    with pytest.raises(BelowZero) as both:
        move(warehouse, (lamp, 2, "sellable", "damaged"), (rope, 1, "damaged", "sellable"))

    assert refusal.value.errors[0].extra["available"] == 1
    assert [(e.pointer, e.code) for e in both.value.errors] == [
        ("/lines/0/quantity", "below_reserved"),
        ("/lines/1/quantity", "below_zero"),
    ]
    assert figures(lamp, warehouse) == (5, 4, 0, 0)
    assert last_event() == event


def test_lines_see_what_the_lines_before_them_moved(lamp: Any, warehouse: Any) -> None:
    put_on_hand(lamp, warehouse, 2)

    with pytest.raises(BelowZero):
        move(warehouse, (lamp, 2, "sellable", "damaged"), (lamp, 1, "sellable", "on_hold"))

    assert figures(lamp, warehouse) == (2, 0, 0, 0)


@pytest.mark.parametrize(
    ("reason", "lines"),
    [
        ("quality", []),
        ("sale", [("sellable", "damaged")]),
        ("quality", [("sellable", "sellable")]),
    ],
)
def test_a_move_that_is_not_one_is_refused(lamp: Any, warehouse: Any, reason: str, lines: Any) -> None:
    put_on_hand(lamp, warehouse, 2)

    with pytest.raises(Invalid):
        move(warehouse, *[(lamp, 1, a, b) for a, b in lines], reason=reason)

    assert not StockDocument.objects.filter(kind="move").exists()


def test_promises_that_have_run_out_stand_in_nobodys_way(lamp: Any, warehouse: Any) -> None:
    put_on_hand(lamp, warehouse, 4)
    reserve("cart:1", {lamp: 4}, warehouse, expires_at=datetime(2099, 1, 1, tzinfo=UTC))
    reserve("till:1", {lamp: 2}, warehouse)
    Reservation.objects.filter(document="cart:1").update(expires_at=datetime(2020, 1, 1, tzinfo=UTC))

    move(warehouse, (lamp, 1, "sellable", "damaged"))

    assert figures(lamp, warehouse) == (3, 2, 1, 0), "what is left over went to who waits"
    with pytest.raises(BelowReserved):
        move(warehouse, (lamp, 2, "sellable", "damaged"))
