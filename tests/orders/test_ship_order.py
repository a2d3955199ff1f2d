"""Parcels that leave for a customer."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from inventory.models import StockMovement, WaitingDemand
from inventory.services.consuming import NotThere
from orders.models import Order, OrderEvent, Shipment, ShipmentLine
from orders.services.holding import hold_order
from orders.services.lines import LineWanted
from orders.services.shipping import ExceedsOpen, Unmapped, ship_order
from orders.services.standing import WrongState
from tests.books import figures, last_event, published
from tests.factories.inventory import LocationFactory, kit_of, put_on_hand
from tests.factories.orders import placed

pytestmark = pytest.mark.django_db


def ship(order: Any, location: Any, *lines: tuple[int, int], **kwargs: Any) -> Shipment:
    wanted = [LineWanted(line=line, quantity=units) for line, units in lines] or None
    return ship_order(order_id=order.order_id, location=location, lines=wanted, actor="ana", **kwargs)


def test_all_that_is_open_leaves_as_one_parcel(web: Any, lamp: Any, rope: Any, warehouse: Any) -> None:
    put_on_hand(lamp, warehouse, 5)
    put_on_hand(rope, warehouse, 5)
    order = placed(web, "1", (lamp.sku, 3), (rope.sku, 2))
    when = datetime(2026, 11, 22, 15, tzinfo=UTC)

    parcel = ship(order, warehouse, carrier="Post", tracking_number="T-1", shipped_at=when)

    assert Order.objects.get().status == "shipped"
    assert (figures(lamp, warehouse), figures(rope, warehouse)) == ((2, 0, 0, 0), (3, 0, 0, 0))
    assert [(x.order_line.line, x.quantity) for x in parcel.lines.order_by("order_line__line")] == [(1, 3), (2, 2)]
    assert (parcel.carrier, parcel.tracking_number, parcel.shipped_at) == ("Post", "T-1", when)
    assert set(StockMovement.objects.filter(reason="sale").values_list("document", "occurred_at")) == {
        (f"order:{order.number}", when)
    }
    assert published("orders.order_shipped") == [{"order_id": order.order_id, "shipment_id": parcel.pk}]
    assert OrderEvent.objects.get().text == f"{parcel.number} from Warehouse"


def test_it_leaves_once(web: Any, lamp: Any, warehouse: Any) -> None:
    put_on_hand(lamp, warehouse, 5)
    order = placed(web, "1", (lamp.sku, 3))
    ship(order, warehouse)

    with pytest.raises(WrongState):
        ship(order, warehouse)

    assert Shipment.objects.count() == 1
    assert figures(lamp, warehouse) == (2, 0, 0, 0)


def test_parts_leave_one_after_the_other(web: Any, lamp: Any, warehouse: Any) -> None:
    put_on_hand(lamp, warehouse, 5)
    order = placed(web, "1", (lamp.sku, 3))

    ship(order, warehouse, (1, 1))
    assert Order.objects.get().status == "part_shipped"
    assert figures(lamp, warehouse) == (4, 2, 0, 0)

    ship(order, warehouse)
    assert Order.objects.get().status == "shipped"
    assert list(ShipmentLine.objects.order_by("pk").values_list("quantity", flat=True)) == [1, 2]


def test_it_may_leave_from_another_place_that_has_free_goods(web: Any, lamp: Any, warehouse: Any, shop: Any) -> None:
    put_on_hand(lamp, warehouse, 3)
    order = placed(web, "1", (lamp.sku, 3))
    put_on_hand(lamp, shop, 3)

    ship(order, shop)

    assert (figures(lamp, warehouse), figures(lamp, shop)) == ((3, 0, 0, 0), (0, 0, 0, 0))


def test_goods_of_a_place_outside_the_channel_cover_what_was_short(web: Any, lamp: Any, warehouse: Any) -> None:
    put_on_hand(lamp, warehouse, 2)
    order = placed(web, "1", (lamp.sku, 5))
    outlet = LocationFactory.create()
    put_on_hand(lamp, outlet, 3)

    ship(order, outlet, (1, 3))

    assert WaitingDemand.objects.get().quantity == 0
    assert figures(lamp, warehouse) == (2, 2, 0, 0)
    ship(order, warehouse)
    assert Order.objects.get().status == "shipped"


def test_more_than_is_open_is_refused_naming_the_lines_as_they_were_asked(
    web: Any, lamp: Any, rope: Any, warehouse: Any
) -> None:
    put_on_hand(lamp, warehouse, 9)
    put_on_hand(rope, warehouse, 9)
    order = placed(web, "1", (lamp.sku, 1), (rope.sku, 2))
    event = last_event()

    with pytest.raises(ExceedsOpen) as refusal:
        ship(order, warehouse, (2, 3), (1, 1))

    assert [(e.pointer, e.extra["line"]) for e in refusal.value.errors] == [("/lines/0/quantity", 2)]
    assert not Shipment.objects.exists()
    assert not StockMovement.objects.filter(reason="sale").exists()
    assert last_event() == event


def test_goods_that_are_not_there_are_refused_naming_the_lines_as_they_were_asked(
    web: Any, lamp: Any, rope: Any, warehouse: Any, shop: Any
) -> None:
    put_on_hand(lamp, warehouse, 1)
    put_on_hand(rope, shop, 2)
    order = placed(web, "1", (lamp.sku, 1), (rope.sku, 2))

    with pytest.raises(NotThere) as refusal:
        ship(order, warehouse, (2, 2), (1, 1))

    assert [(e.pointer, e.extra["available"]) for e in refusal.value.errors] == [("/lines/0/quantity", 0)]
    assert figures(lamp, warehouse) == (1, 1, 0, 0)


def test_more_than_its_own_promise_takes_nothing_from_other_orders(web: Any, lamp: Any, warehouse: Any) -> None:
    put_on_hand(lamp, warehouse, 5)
    placed(web, "1", (lamp.sku, 2))
    order = placed(web, "2", (lamp.sku, 5))

    with pytest.raises(NotThere):
        ship(order, warehouse)

    ship(order, warehouse, (1, 3))
    assert figures(lamp, warehouse) == (2, 2, 0, 0)


def test_a_kit_leaves_as_its_components(web: Any, lamp: Any, rope: Any, warehouse: Any) -> None:
    kit = kit_of({lamp: 1, rope: 4})
    put_on_hand(lamp, warehouse, 2)
    put_on_hand(rope, warehouse, 10)
    order = placed(web, "1", (kit.sku, 2))

    ship(order, warehouse, (1, 1))

    assert (figures(lamp, warehouse), figures(rope, warehouse)) == ((1, 1, 0, 0), (6, 4, 0, 0))
    assert Order.objects.get().status == "part_shipped"


def test_a_held_order_and_an_unmapped_line_stay(web: Any, lamp: Any, warehouse: Any) -> None:
    put_on_hand(lamp, warehouse, 5)
    held = placed(web, "1", (lamp.sku, 1))
    hold_order(order_id=held.order_id, reason="fraud check", actor="ana")
    unmapped = placed(web, "2", ("NO-SUCH", 1), keep_unmapped=True)

    with pytest.raises(WrongState):
        ship(held, warehouse)
    with pytest.raises(Unmapped):
        ship(unmapped, warehouse)

    assert not Shipment.objects.exists()
