"""Orders called off, whole or in part."""

from __future__ import annotations

from typing import Any

import pytest

from inventory.models import WaitingDemand
from orders.models import Order, OrderEvent
from orders.services.cancelling import NothingToCancel, cancel_order
from orders.services.lines import LineWanted, UnknownLine
from orders.services.shipping import ship_order
from retailhub.core.errors import AmbiguousLine, NotFound
from tests.books import figures, last_event, names_of_events, published
from tests.factories.inventory import kit_of, put_on_hand
from tests.factories.orders import placed

pytestmark = pytest.mark.django_db


def cancel(order: Any, *lines: tuple[int, int], **kwargs: Any) -> Order:
    wanted = [LineWanted(line=line, quantity=units) for line, units in lines] or None
    return cancel_order(order_id=order.order_id, lines=kwargs.pop("lines", wanted), actor="ana", **kwargs)


def test_a_whole_order_gives_its_goods_back(web: Any, lamp: Any, rope: Any, warehouse: Any) -> None:
    put_on_hand(lamp, warehouse, 5)
    order = placed(web, "1", (lamp.sku, 3), (rope.sku, 2))
    event = last_event()

    cancelled = cancel(order, reason="changed his mind")

    assert (cancelled.status, figures(lamp, warehouse)) == ("cancelled", (5, 0, 0, 0))
    assert cancelled.cancelled_at is not None
    assert WaitingDemand.objects.get().quantity == 0
    assert [(line.cancelled, line.open_quantity) for line in cancelled.lines.all()] == [(3, 0), (2, 0)]
    assert names_of_events(after=event) == ["inventory.stock_changed", "orders.order_cancelled"]
    entry = OrderEvent.objects.get()
    assert (entry.kind, entry.text, entry.actor) == ("cancelled", "changed his mind", "ana")


def test_cancelling_twice_changes_nothing_more(web: Any, lamp: Any, warehouse: Any) -> None:
    put_on_hand(lamp, warehouse, 5)
    order = placed(web, "1", (lamp.sku, 3))
    first = cancel(order)
    event = last_event()

    again = cancel(order)

    assert again.cancelled_at == first.cancelled_at
    assert OrderEvent.objects.count() == 1
    assert last_event() == event


def test_a_part_is_cancelled_from_what_is_short_first(web: Any, lamp: Any, rope: Any, warehouse: Any) -> None:
    put_on_hand(lamp, warehouse, 2)
    put_on_hand(rope, warehouse, 2)
    order = placed(web, "1", (lamp.sku, 5), (rope.sku, 2))

    assert cancel(order, (1, 3)).status == "allocated"
    assert figures(lamp, warehouse) == (2, 2, 0, 0)

    assert cancel(order, (1, 1)).status == "allocated"
    assert figures(lamp, warehouse) == (2, 1, 0, 0)
    assert cancel(order, (1, 1), (2, 2)).status == "cancelled"


def test_what_is_freed_goes_to_the_next_order_which_moves_on(web: Any, lamp: Any, warehouse: Any, deliver: Any) -> None:
    put_on_hand(lamp, warehouse, 2)
    first, second = placed(web, "1", (lamp.sku, 2)), placed(web, "2", (lamp.sku, 2))

    cancel(first)
    deliver()

    assert Order.objects.get(pk=second.order_id).status == "allocated"


def test_more_than_is_open_is_refused_naming_the_lines_as_they_were_asked(
    web: Any, lamp: Any, rope: Any, warehouse: Any
) -> None:
    put_on_hand(lamp, warehouse, 5)
    order = placed(web, "1", (lamp.sku, 3), (rope.sku, 2))
    event = last_event()

    with pytest.raises(NothingToCancel) as refusal:
        cancel(order, (2, 3), (1, 1), (1, 3))

    assert [(e.pointer, e.extra) for e in refusal.value.errors] == [
        ("/lines/0/quantity", {"line": 2, "open": 2}),
        ("/lines/1/quantity", {"line": 1, "open": 3}),
    ]
    assert figures(lamp, warehouse) == (5, 3, 0, 0)
    assert last_event() == event


def test_a_channel_takes_what_is_still_open(web: Any, lamp: Any, warehouse: Any) -> None:
    put_on_hand(lamp, warehouse, 5)
    order = placed(web, "1", (lamp.sku, 3))
    ship_order(order_id=order.order_id, location=warehouse, lines=[LineWanted(line=1, quantity=2)], actor="ana")

    assert cancel(order, (1, 3), told_by_channel=True).status == "shipped"
    assert cancel(order, told_by_channel=True).status == "shipped"
    assert figures(lamp, warehouse) == (3, 0, 0, 0)


def test_what_left_cannot_be_cancelled(web: Any, lamp: Any, warehouse: Any) -> None:
    put_on_hand(lamp, warehouse, 3)
    order = placed(web, "1", (lamp.sku, 3))
    ship_order(order_id=order.order_id, location=warehouse, lines=None, actor="ana")

    with pytest.raises(NothingToCancel):
        cancel(order)

    assert Order.objects.get().status == "shipped"


def test_a_kit_gives_its_components_back(web: Any, lamp: Any, rope: Any, warehouse: Any) -> None:
    kit = kit_of({lamp: 1, rope: 4})
    put_on_hand(lamp, warehouse, 2)
    put_on_hand(rope, warehouse, 10)
    order = placed(web, "1", (kit.sku, 3), (lamp.sku, 1))

    cancel(order, (1, 1))
    assert (figures(lamp, warehouse)[1], figures(rope, warehouse)[1]) == (2, 8)

    cancel(order)
    assert (figures(lamp, warehouse)[1], figures(rope, warehouse)[1]) == (0, 0)


def test_what_one_line_gives_back_serves_another_of_the_same_order(web: Any, lamp: Any, warehouse: Any) -> None:
    put_on_hand(lamp, warehouse, 2)
    order = placed(web, "1", (lamp.sku, 2), (lamp.sku, 2))

    cancelled = cancel(order, (1, 2))

    assert figures(lamp, warehouse) == (2, 2, 0, 0)
    assert cancelled.status == "allocated"


def test_lines_that_are_not_clear_are_refused(web: Any, lamp: Any) -> None:
    order = placed(web, "1", (lamp.sku, 1), (lamp.sku, 2))

    with pytest.raises(AmbiguousLine):
        cancel(order, lines=[LineWanted(sku="lamp", quantity=1)])
    with pytest.raises(UnknownLine) as unknown:
        cancel(order, (9, 1), (1, 1))
    with pytest.raises(NotFound):
        cancel_order(order_id=-1, actor="ana")

    assert [e.pointer for e in unknown.value.errors] == ["/lines/0"]
    assert not published("orders.order_cancelled")


def test_an_unmapped_line_is_cancelled_without_stock(web: Any, lamp: Any) -> None:
    order = placed(web, "1", ("NO-SUCH", 2), keep_unmapped=True)

    assert cancel(order).status == "cancelled"


def test_what_left_in_part_was_shipped_and_not_cancelled(web: Any, lamp: Any, warehouse: Any) -> None:
    put_on_hand(lamp, warehouse, 3)
    order = placed(web, "1", (lamp.sku, 3))
    ship_order(order_id=order.order_id, location=warehouse, lines=[LineWanted(line=1, quantity=2)], actor="ana")

    rest = cancel(order)

    assert (rest.status, rest.cancelled_at) == ("shipped", None)
    assert figures(lamp, warehouse) == (1, 0, 0, 0)
