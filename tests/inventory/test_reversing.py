"""Corrections taken back, where nothing happened to the goods since."""

from __future__ import annotations

from decimal import Decimal

import pytest

from inventory.models import CostPool, Item, Location, StockDocument, StockLevel, StockMovement
from inventory.services.adjusting import AdjustmentLine, adjust_stock
from inventory.services.reversing import reverse_adjustments
from tests.factories.inventory import ItemFactory, LocationFactory, put_on_hand, reserve

pytestmark = pytest.mark.django_db


@pytest.fixture
def here() -> Location:
    return LocationFactory.create(code="here")


def counted(item: Item, place: Location, units: int, bucket: str = "sellable") -> int:
    """Count, and answer the movement that came of it."""
    lines = [AdjustmentLine(sku=item.sku, counted=units, bucket=bucket)]
    adjust_stock(location=place, reason="count", lines=lines, actor="test")
    return StockMovement.objects.latest("pk").pk


def taken_back(*movements: int) -> dict[int, str]:
    return reverse_adjustments(movement_ids=movements, actor="test", note="Undone")


def level(item: Item, place: Location) -> tuple[int, int]:
    return StockLevel.objects.values_list("sellable", "damaged").get(item=item, location=place)


@pytest.mark.parametrize("units", [3, 9])
def test_a_count_is_taken_back_with_its_value(here: Location, units: int) -> None:
    item = ItemFactory.create(cost=Decimal("1.234567"))
    put_on_hand(item, here, 7)
    before = CostPool.objects.values("quantity", "value").get(item=item)
    movement = counted(item, here, units)
    assert taken_back(movement) == {}
    assert level(item, here) == (7, 0)
    assert CostPool.objects.values("quantity", "value").get(item=item) == before
    reversal = StockMovement.objects.latest("pk")
    assert (reversal.reverses_id, reversal.reason, reversal.note) == (movement, "reversal", "Undone")
    document = StockDocument.objects.latest("pk")
    assert (document.reason, document.lines[0]["change"]) == ("reversal", 7 - units)


def test_taken_back_twice_is_taken_back_once(here: Location) -> None:
    item = ItemFactory.create()
    movement = counted(item, here, 5)
    assert taken_back(movement) == {}
    assert taken_back(movement).keys() == {movement}
    assert level(item, here) == (0, 0)


def test_goods_that_moved_since_stay_and_the_others_go_back(here: Location) -> None:
    moved, still = ItemFactory.create(), ItemFactory.create()
    there = LocationFactory.create(code="there")
    first, second = counted(moved, here, 5), counted(still, here, 5)
    counted(still, there, 1)
    counted(moved, here, 4)
    latest = StockDocument.objects.latest("pk").reference
    assert taken_back(first, second) == {first: f"the goods moved since: {latest}"}
    assert (level(moved, here), level(still, here)) == ((4, 0), (0, 0))


def test_two_counts_of_the_same_goods_go_back_together(here: Location) -> None:
    item = ItemFactory.create()
    put_on_hand(item, here, 2)
    ids = (counted(item, here, 5), counted(item, here, 1, "damaged"), counted(item, here, 4))
    assert taken_back(*ids) == {}
    assert level(item, here) == (2, 0)


def test_goods_that_are_promised_by_now_stay(here: Location) -> None:
    item = ItemFactory.create()
    movement = counted(item, here, 5)
    reserve("cart:1", {item: 4}, here)
    assert taken_back(movement) == {movement: "4 of these goods are promised or gone"}
    assert level(item, here) == (5, 0)
    assert StockDocument.objects.filter(reason="reversal").count() == 0


def test_goods_that_come_back_serve_who_waits(here: Location) -> None:
    item = ItemFactory.create()
    put_on_hand(item, here, 5)
    reserve("cart:1", {item: 4}, here)
    movement = counted(item, here, 1)
    assert StockLevel.objects.get(item=item).reserved == 1
    assert taken_back(movement) == {}
    assert StockLevel.objects.get(item=item).reserved == 4


def test_a_movement_that_is_not_there_is_named() -> None:
    assert taken_back(0) == {0: "there is no such movement"}
