"""Corrections of stock by people."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from inventory.models import CostPool, Reservation, StockDocument, StockMovement, WaitingDemand
from inventory.services.adjusting import AdjustmentLine, BelowReserved, BelowZero, adjust_stock
from inventory.services.finding import NotStocked, UnknownSku
from retailhub.core.errors import Invalid
from tests.books import figures, last_event, names_of_events, published
from tests.factories.inventory import kit_of, pool_of, put_on_hand, receive, reserve

pytestmark = pytest.mark.django_db


def adjust(location: Any, *lines: AdjustmentLine, reason: str = "correction", **kwargs: Any) -> StockDocument:
    return adjust_stock(location=location, reason=reason, lines=lines, actor="ana", **kwargs)


def change(item: Any, units: int, **kwargs: Any) -> AdjustmentLine:
    return AdjustmentLine(sku=item.sku, change=units, **kwargs)


def counted(item: Any, units: int, **kwargs: Any) -> AdjustmentLine:
    return AdjustmentLine(sku=item.sku, counted=units, **kwargs)


def test_a_change_adds_or_takes_and_has_a_paper(lamp: Any, rope: Any, warehouse: Any) -> None:
    put_on_hand(lamp, warehouse, 5)
    event = last_event()
    when = datetime(2026, 11, 20, 8, tzinfo=UTC)

    paper = adjust(warehouse, change(lamp, -2), change(rope, 3), reason="damage", note="fell down", occurred_at=when)

    assert (figures(lamp, warehouse)[0], figures(rope, warehouse)[0]) == (3, 3)
    movements = StockMovement.objects.filter(document=paper.reference).order_by("line")
    assert [(m.from_location.code, m.to_location.code, m.quantity) for m in movements] == [
        ("warehouse", "@loss", 2),
        ("@loss", "warehouse", 3),
    ]
    assert {(m.actor, m.reason, m.note, m.occurred_at) for m in movements} == {("ana", "damage", "fell down", when)}
    assert [line["change"] for line in paper.lines] == [-2, 3]
    assert published("inventory.stock_changed", after=event) == [{"item_ids": sorted([lamp.pk, rope.pk])}]


def test_opening_stock_comes_from_the_opening_balance(lamp: Any, warehouse: Any) -> None:
    adjust(warehouse, change(lamp, 2, unit_cost=Decimal("1.5")), reason="opening")

    assert StockMovement.objects.get().from_location.code == "@opening"
    assert CostPool.objects.get().value == 3


def test_a_count_says_what_is_there(lamp: Any, rope: Any, warehouse: Any) -> None:
    put_on_hand(lamp, warehouse, 5)
    put_on_hand(rope, warehouse, 4)

    paper = adjust(warehouse, counted(lamp, 7), counted(rope, 4), reason="count")
    adjust(warehouse, counted(lamp, 7), reason="count")

    assert figures(lamp, warehouse)[0] == 7
    assert [line["change"] for line in paper.lines] == [2, 0]
    assert StockMovement.objects.filter(reason="count").count() == 1, "what was found as it should be moved nothing"


@pytest.mark.parametrize("bucket", ["damaged", "on_hold"])
def test_other_buckets_are_adjusted_apart(lamp: Any, warehouse: Any, bucket: str) -> None:
    put_on_hand(lamp, warehouse, 5)
    receive(lamp, warehouse, 3, bucket=bucket)

    adjust(warehouse, counted(lamp, 1, bucket=bucket), change(lamp, 1))

    assert sorted(figures(lamp, warehouse)) == [0, 0, 1, 6]


def test_less_than_nothing_is_refused_naming_every_line(lamp: Any, rope: Any, warehouse: Any) -> None:
    put_on_hand(lamp, warehouse, 5)
    event = last_event()

    with pytest.raises(BelowZero) as refusal:
        adjust(warehouse, change(lamp, -6), change(lamp, 1, bucket="damaged"), change(rope, -1))

    assert [(e.pointer, e.extra["on_hand"]) for e in refusal.value.errors] == [
        ("/lines/0/change", 5),
        ("/lines/2/change", 0),
    ]
    assert figures(lamp, warehouse) == (5, 0, 0, 0)
    assert StockDocument.objects.count() == 1, "the opening stock's alone"
    assert last_event() == event


def test_a_line_cannot_take_what_a_later_line_brings(lamp: Any, warehouse: Any) -> None:
    put_on_hand(lamp, warehouse, 3)

    with pytest.raises(BelowZero) as refusal:
        adjust(warehouse, change(lamp, -5), change(lamp, 5))
    adjust(warehouse, change(lamp, 5), change(lamp, -5))

    assert [e.pointer for e in refusal.value.errors] == ["/lines/0/change"]
    assert figures(lamp, warehouse)[0] == 3


def test_less_than_is_promised_is_refused_naming_who_holds_it(lamp: Any, warehouse: Any) -> None:
    put_on_hand(lamp, warehouse, 5)
    reserve("cart:1", {lamp: 2}, warehouse)
    reserve("cart:2", {lamp: 2}, warehouse)
    event = last_event()

    with pytest.raises(BelowReserved) as refusal:
        adjust(warehouse, change(lamp, -1), change(lamp, -1))

    assert {(e.extra["reserved"], tuple(e.extra["documents"])) for e in refusal.value.errors} == {
        (4, ("cart:1", "cart:2"))
    }
    assert figures(lamp, warehouse) == (5, 4, 0, 0)
    assert last_event() == event
    adjust(warehouse, change(lamp, -1))
    assert figures(lamp, warehouse) == (4, 4, 0, 0)


def test_a_count_below_what_is_promised_lets_the_latest_promise_wait_again(lamp: Any, warehouse: Any) -> None:
    put_on_hand(lamp, warehouse, 5)
    reserve("cart:1", {lamp: 2}, warehouse)
    reserve("cart:2", {lamp: 3}, warehouse)
    event = last_event()

    adjust(warehouse, counted(lamp, 3), reason="count")

    assert figures(lamp, warehouse) == (3, 3, 0, 0)
    assert Reservation.objects.get(document="cart:2").open_quantity == 1
    demand = WaitingDemand.objects.get()
    assert (demand.document, demand.quantity, demand.location) == ("cart:2", 2, warehouse)
    assert published("inventory.demand_short", after=event) == [{"documents": ["cart:2"]}]


def test_what_a_count_took_waits_in_the_pool_it_was_promised_from(lamp: Any, warehouse: Any, shop: Any) -> None:
    pool = pool_of(warehouse, shop)
    put_on_hand(lamp, warehouse, 2)
    reserve("cart:1", {lamp: 2}, warehouse, shop, pool=pool)

    adjust(warehouse, counted(lamp, 0), reason="count")
    receive(lamp, shop, 1)

    assert figures(lamp, shop) == (1, 1, 0, 0)
    assert (WaitingDemand.objects.get().pool, WaitingDemand.objects.get().quantity) == (pool, 1)


def test_a_count_found_wrong_gives_the_goods_back_to_whom_they_were_promised(lamp: Any, warehouse: Any) -> None:
    put_on_hand(lamp, warehouse, 2)
    reserve("cart:1", {lamp: 2}, warehouse)

    adjust(warehouse, counted(lamp, 0), reason="count")
    adjust(warehouse, counted(lamp, 2), reason="count")

    assert figures(lamp, warehouse) == (2, 2, 0, 0)
    assert Reservation.objects.get().open_quantity == 2
    assert WaitingDemand.objects.get().quantity == 0


def test_goods_found_serve_who_waits(lamp: Any, warehouse: Any) -> None:
    reserve("cart:1", {lamp: 2}, warehouse)
    event = last_event()

    adjust(warehouse, change(lamp, 1), reason="found")

    assert figures(lamp, warehouse) == (1, 1, 0, 0)
    assert names_of_events(after=event) == ["inventory.stock_changed", "inventory.demand_served"]


@pytest.mark.parametrize(
    ("reason", "lines"),
    [
        ("sale", [AdjustmentLine(sku="LAMP", change=1)]),
        ("loss", []),
        ("loss", [AdjustmentLine(sku="LAMP")]),
        ("loss", [AdjustmentLine(sku="LAMP", change=1, counted=2)]),
        ("count", [AdjustmentLine(sku="LAMP", counted=1), AdjustmentLine(sku="LAMP", counted=2)]),
        ("count", [AdjustmentLine(sku="LAMP", counted=1), AdjustmentLine(sku=" lamp", counted=2)]),
    ],
)
def test_an_adjustment_that_is_not_one_is_refused(lamp: Any, warehouse: Any, reason: str, lines: Any) -> None:
    with pytest.raises(Invalid):
        adjust(warehouse, *lines, reason=reason)

    assert not StockDocument.objects.exists()


def test_unknown_skus_and_kits_are_refused(lamp: Any, warehouse: Any) -> None:
    kit = kit_of({lamp: 2})

    with pytest.raises(UnknownSku):
        adjust(warehouse, change(lamp, 1), AdjustmentLine(sku="NO-SUCH", change=1))
    with pytest.raises(NotStocked):
        adjust(warehouse, change(lamp, 1), change(kit, 1))

    assert figures(lamp, warehouse) == (0, 0, 0, 0)


def test_promises_that_have_run_out_stand_in_nobodys_way(lamp: Any, warehouse: Any) -> None:
    put_on_hand(lamp, warehouse, 3)
    reserve("cart:old", {lamp: 2}, warehouse, expires_at=datetime(2020, 1, 1, tzinfo=UTC))
    reserve("till:1", {lamp: 1}, warehouse)

    adjust(warehouse, change(lamp, -2), reason="loss")
    with pytest.raises(BelowReserved) as refusal:
        adjust(warehouse, change(lamp, -1), reason="loss")

    assert figures(lamp, warehouse) == (1, 1, 0, 0)
    assert refusal.value.errors[0].extra["documents"] == ["till:1"]


def test_what_ran_out_and_is_left_over_serves_who_waits(lamp: Any, warehouse: Any) -> None:
    put_on_hand(lamp, warehouse, 3)
    reserve("cart:1", {lamp: 3}, warehouse, expires_at=datetime(2099, 1, 1, tzinfo=UTC))
    reserve("till:1", {lamp: 5}, warehouse)
    Reservation.objects.filter(document="cart:1").update(expires_at=datetime(2020, 1, 1, tzinfo=UTC))

    adjust(warehouse, change(lamp, -1), reason="loss")

    assert figures(lamp, warehouse) == (2, 2, 0, 0)
    assert WaitingDemand.objects.get().quantity == 3


def test_a_count_ends_carts_instead_of_letting_them_wait_those_that_ran_out_first(lamp: Any, warehouse: Any) -> None:
    put_on_hand(lamp, warehouse, 6)
    reserve("cart:old", {lamp: 2}, warehouse, expires_at=datetime(2020, 1, 1, tzinfo=UTC))
    reserve("till:1", {lamp: 2}, warehouse)
    reserve("cart:new", {lamp: 2}, warehouse, expires_at=datetime(2099, 1, 1, tzinfo=UTC))

    adjust(warehouse, counted(lamp, 3), reason="count")

    left = dict(Reservation.objects.values_list("document", "open_quantity"))
    assert left == {"cart:old": 0, "till:1": 2, "cart:new": 1}
    assert not WaitingDemand.objects.exists()
    receive(lamp, warehouse, 5)
    assert figures(lamp, warehouse) == (8, 3, 0, 0)
