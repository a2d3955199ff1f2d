"""Orders kept back by a person, and let go again."""

from __future__ import annotations

from typing import Any

import pytest

from orders.models import Order, OrderEvent
from orders.services.cancelling import cancel_order
from orders.services.holding import hold_order, release_order
from orders.services.lines import LineWanted
from orders.services.shipping import ship_order
from orders.services.standing import WrongState
from tests.books import figures
from tests.factories.inventory import put_on_hand, receive
from tests.factories.orders import placed

pytestmark = pytest.mark.django_db


def test_held_it_keeps_its_goods_and_let_go_it_stands_as_they_say(
    web: Any, lamp: Any, warehouse: Any, deliver: Any
) -> None:
    put_on_hand(lamp, warehouse, 1)
    order = placed(web, "1", (lamp.sku, 3))

    hold_order(order_id=order.order_id, reason="address", actor="ana")
    receive(lamp, warehouse, 5)
    deliver()
    assert Order.objects.get().status == "held"
    assert figures(lamp, warehouse) == (6, 3, 0, 0)

    assert release_order(order_id=order.order_id, actor="ana").status == "allocated"
    assert list(OrderEvent.objects.values_list("kind", flat=True)) == ["held", "released"]


def test_holding_again_changes_the_reason(web: Any, lamp: Any) -> None:
    order = placed(web, "1", (lamp.sku, 1))
    hold_order(order_id=order.order_id, reason="address", actor="ana")

    assert hold_order(order_id=order.order_id, reason="fraud", actor="ana").held_reason == "fraud"


def test_a_part_shipped_order_is_held_and_goes_on(web: Any, lamp: Any, warehouse: Any) -> None:
    put_on_hand(lamp, warehouse, 2)
    order = placed(web, "1", (lamp.sku, 2))
    ship_order(order_id=order.order_id, location=warehouse, lines=[LineWanted(line=1, quantity=1)], actor="ana")

    assert hold_order(order_id=order.order_id, reason="x", actor="ana").status == "held"
    assert release_order(order_id=order.order_id, actor="ana").status == "part_shipped"


def test_what_is_finished_or_not_held_is_refused(web: Any, lamp: Any) -> None:
    order = placed(web, "1", (lamp.sku, 1))
    with pytest.raises(WrongState):
        release_order(order_id=order.order_id, actor="ana")
    cancel_order(order_id=order.order_id, actor="ana")
    with pytest.raises(WrongState):
        hold_order(order_id=order.order_id, reason="x", actor="ana")

    assert Order.objects.get().status == "cancelled"


def test_a_held_order_can_be_cancelled(web: Any, lamp: Any, warehouse: Any) -> None:
    put_on_hand(lamp, warehouse, 2)
    order = placed(web, "1", (lamp.sku, 2))
    hold_order(order_id=order.order_id, reason="x", actor="ana")

    assert cancel_order(order_id=order.order_id, actor="ana").status == "cancelled"
    assert figures(lamp, warehouse) == (2, 0, 0, 0)
