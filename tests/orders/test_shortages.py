"""What an order lacks is raised for a person, and settled when it has come or is wanted no more."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from inventory.services.adjusting import AdjustmentLine, adjust_stock
from orders.models import Order
from orders.services.cancelling import cancel_order
from orders.services.lines import LineWanted
from retailhub.core.models import Attention
from retailhub.outbox.models import Delivery
from tests.books import figures
from tests.factories.inventory import put_on_hand, receive
from tests.factories.orders import placed

pytestmark = pytest.mark.django_db


def count(location: Any, item: Any, units: int) -> None:
    adjust_stock(location=location, reason="count", lines=[AdjustmentLine(sku=item.sku, counted=units)], actor="ana")


def open_rows() -> list[tuple[str, Decimal | None]]:
    return list(Attention.objects.filter(resolved_at__isnull=True).values_list("document", "at_risk"))


def test_a_shortage_is_raised_with_its_money_and_settled_when_goods_come(
    web: Any, lamp: Any, rope: Any, warehouse: Any, deliver: Any
) -> None:
    put_on_hand(lamp, warehouse, 1)
    order = placed(web, "1", (lamp.sku, 3), (rope.sku, 1))
    assert not Attention.objects.exists(), "nothing is done before the outbox delivers"

    deliver()
    row = Attention.objects.get()
    assert (row.kind, row.document, row.channel, row.at_risk) == ("short", f"order:{order.number}", "web", 30)
    assert "3" in row.reason
    assert "Web" in row.reason

    receive(rope, warehouse, 1)
    deliver()
    assert open_rows() == [(f"order:{order.number}", 20)]

    receive(lamp, warehouse, 2)
    deliver()
    assert open_rows() == []
    assert Order.objects.get().status == "allocated"


def test_a_cancelled_order_lacks_nothing(web: Any, lamp: Any, deliver: Any) -> None:
    order = placed(web, "1", (lamp.sku, 3))
    deliver()

    cancel_order(order_id=order.order_id, lines=[LineWanted(line=1, quantity=1)], actor="ana")
    deliver()
    assert open_rows() == [(f"order:{order.number}", 20)]

    cancel_order(order_id=order.order_id, actor="ana")
    deliver()
    assert open_rows() == []


def test_goods_that_a_count_did_not_find_are_looked_for_elsewhere(
    web: Any, lamp: Any, warehouse: Any, shop: Any, deliver: Any
) -> None:
    put_on_hand(lamp, warehouse, 3)
    placed(web, "1", (lamp.sku, 3))
    put_on_hand(lamp, shop, 2)

    count(warehouse, lamp, 0)
    deliver()

    assert figures(lamp, shop) == (2, 2, 0, 0)
    assert Order.objects.get().status == "part_allocated"
    assert [risk for _, risk in open_rows()] == [10]


def test_an_unknown_sku_is_raised_to_be_mapped(web: Any, deliver: Any) -> None:
    placed(web, "1", ("NO-SUCH", 2), keep_unmapped=True)

    deliver()

    assert Attention.objects.get().reason == "Unknown SKU NO-SUCH: map it to an item."


def test_events_heard_twice_and_late_raise_nothing_twice(web: Any, lamp: Any, warehouse: Any, deliver: Any) -> None:
    placed(web, "1", (lamp.sku, 3))
    receive(lamp, warehouse, 3)
    deliver()
    Delivery.objects.update(state="waiting", attempts=0)
    deliver()

    assert not Attention.objects.exists(), "the goods had come before anybody heard of the shortage"
